package gateway_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// infoNumber returns a number that INFO shows in its section on the cluster.
func infoNumber(t testing.TB, c *redis.Client, field string) int {
	t.Helper()
	text, err := c.Info(t.Context(), "cluster").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("INFO has no %s: %s", field, text)
	return 0
}

// What does not belong at the ports between nodes shows in INFO, port by port.
func TestTurnedAway(t *testing.T) {
	_, clients := members(t, 2)
	c := clients[0]
	st := status(t, c)
	n := st.Node(st.Self)
	fields := []string{"troupe_stream_port_refused", "troupe_gossip_port_bad_input", "troupe_actor_port_refused"}
	for i, port := range []int{n.StreamPort, n.GossipPort, n.ActorPort} {
		if got := infoNumber(t, c, fields[i]); got != 0 {
			t.Errorf("%s:%d at first", fields[i], got)
		}
		conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(strings.Repeat("what does not belong here ", 100))); err != nil {
			t.Log(err) // it may have been closed by now
		}
		conn.Close()
		eventually(t, fields[i], func() bool { return infoNumber(t, c, fields[i]) > 0 })
	}
	for _, field := range []string{"troupe_gossip_port_refused", "troupe_actor_messages_dropped"} {
		infoNumber(t, c, field)
	}
}
