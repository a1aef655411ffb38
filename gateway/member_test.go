package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/session"
)

// memberPatience is what no test that goes well waits for.
const memberPatience = 50 * time.Second

// gossipPorts returns ports that are free now, and not for the connections of others.
func gossipPorts(t testing.TB, n int) (ports []int) {
	for port := 19000 + time.Now().Nanosecond()%500*2; len(ports) < n; port++ {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			l.Close()
			ports = append(ports, port)
		}
	}
	return ports
}

// members starts n nodes that become one cluster.
func members(t testing.TB, n int) (nodes []*gateway.Gateway, clients []*redis.Client) {
	t.Helper()
	ports := gossipPorts(t, 2*n)
	var join []string
	for i := range n {
		join = append(join, fmt.Sprint("127.0.0.1:", ports[i]))
	}
	nodes, clients = make([]*gateway.Gateway, n), make([]*redis.Client, n)
	errs := make([]error, n)
	ctx, cancel := context.WithTimeout(t.Context(), memberPatience)
	defer cancel()
	var wait sync.WaitGroup
	for i := range n {
		cfg := gateway.DefaultConfig()
		cfg.Port, cfg.PortGiven, cfg.Shards, cfg.Logger = 0, true, 12, slog.New(slog.DiscardHandler)
		cfg.Cluster = &gateway.ClusterConfig{
			Name: fmt.Sprint("n", i+1), Cluster: t.Name(), Host: "127.0.0.1", Join: join, Expect: n,
			GossipPort: ports[i], ActorPort: ports[n+i],
		}
		wait.Go(func() { nodes[i], errs[i] = gateway.Join(ctx, cfg) })
	}
	wait.Wait()
	for i, g := range nodes {
		if errs[i] != nil {
			t.Errorf("node %d: %v", i+1, errs[i])
			continue
		}
		t.Cleanup(g.Stop)
		clients[i] = redis.NewClient(&redis.Options{Addr: g.Addr().String(), MaxRetries: -1})
		t.Cleanup(func() { clients[i].Close() })
	}
	if t.Failed() {
		t.FailNow()
	}
	return nodes, clients
}

func status(t testing.TB, c *redis.Client) *session.ClusterStatus {
	t.Helper()
	text, err := c.Do(t.Context(), "TROUPE", "STATUS").Text()
	st := &session.ClusterStatus{}
	if err == nil {
		err = json.Unmarshal([]byte(text), st)
	}
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(memberPatience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for " + what)
		}
	}
}

// TestMembers: three nodes that were told of each other are one Redis; each knows how
// all are, settings reach all, and one that leaves takes nothing with it.
func TestMembers(t *testing.T) {
	nodes, clients := members(t, 3)
	const keys = 300
	for i := range keys {
		if err := clients[i%3].Set(t.Context(), fmt.Sprint("k", i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range clients {
		eventually(t, fmt.Sprint("what node ", i+1, " knows of the others"), func() bool {
			st := status(t, c)
			sum := int64(0)
			for _, n := range st.Nodes {
				if n.Heard == 0 || n.Keys == session.Unknown || n.Shards != 4 {
					return false
				}
				sum += n.Keys
			}
			return sum == keys && st.Leader != 0 && len(st.Voters) == 3 && len(st.Links) > 0 && len(st.Nodes) == 3
		})
	}
	if err := clients[1].ConfigSet(t.Context(), "hash-max-listpack-entries", "77").Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		eventually(t, "a setting", func() bool {
			return c.ConfigGet(t.Context(), "hash-max-listpack-entries").Val()["hash-max-listpack-entries"] == "77"
		})
	}
	if err := nodes[0].Leave(t.Context(), func(int) {}); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients[1:] {
		eventually(t, "the others alone", func() bool { return len(status(t, c).Nodes) == 2 })
		for i := range keys {
			if got := c.Get(t.Context(), fmt.Sprint("k", i)).Val(); got != fmt.Sprint(i) {
				t.Fatalf("k%d is %q", i, got)
			}
		}
	}
	if about := nodes[1].Membership(); !strings.HasPrefix(about, t.Name()+", 2 nodes; this one is n2") {
		t.Error(about)
	}
}
