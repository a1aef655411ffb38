package target

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asNode turns this test program into a node of a made-up cluster.
const asNode = "-as-node"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asNode {
		if err := node(os.Args[2:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// node answers as a member of a cluster of those that have written their port into
// the directory beside its own; it is given that place, its port and its own
// directory, and keeps the rest for the test to see.
func node(args []string) error {
	place, port, dir := args[0], args[1], args[2]
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	if _, err := os.ReadDir(place); err != nil {
		return err
	}
	joined := strings.Join(args[3:], " ") + os.Getenv("TROUPE_PORT")
	if err := os.WriteFile(filepath.Join(place, port), []byte(joined), 0o600); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveNode(c, place)
		}
	}()
	<-stop
	return nil
}

func serveNode(c net.Conn, place string) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		v, err := readTree(r, 0)
		if err != nil {
			return
		}
		var text strings.Builder
		for _, w := range v.([]any) {
			text.WriteString(w.(string) + " ")
		}
		answer := "-ERR no\r\n"
		switch strings.TrimSpace(text.String()) {
		case "PING":
			answer = "+PONG\r\n"
		case "INFO":
			answer = bulk(fmt.Sprintf("process_id:%d\r\n", os.Getpid()))
		case "CLUSTER INFO":
			answer = bulk("cluster_state:ok\r\n")
		case "CLUSTER SLOTS":
			answer = dealSlots(place)
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// moveFor is how long the first member has slots that it is to give away.
const moveFor = time.Second

// dealSlots gives each member a slot, the last one all that are left.
func dealSlots(place string) string {
	members, err := os.ReadDir(place)
	if err != nil {
		return "-ERR " + err.Error() + "\r\n"
	}
	text := fmt.Sprintf("*%d\r\n", len(members))
	first := 0
	for i, m := range members {
		last := i
		if about, err := m.Info(); err == nil && time.Since(about.ModTime()) < moveFor {
			last += 10
		}
		if i == len(members)-1 {
			last = 16383
		}
		text += fmt.Sprintf("*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%s\r\n", first, last, m.Name())
		first = last + 1
	}
	return text
}

func TestNodesOfAnyProgramAreStartedAndEnd(t *testing.T) {
	t.Setenv("TROUPE_PORT", "from-the-environment")
	place := t.TempDir()
	launch := Launch{
		Program: os.Args[0],
		Args:    []string{asNode, place, "{port}", "{dir}", "{gossip-port}", "{actor-port}/{stream-port}", "{join}", "{nodes}"},
	}
	s, err := StartNodes(context.Background(), "target", launch, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Servers) != 3 || len(s.Endpoints) != 3 {
		t.Errorf("%+v", s.Group)
	}
	if m, err := s.Slots(context.Background()); err != nil || m.Owned(0) != 1 || m.Owned(1) != 1 {
		t.Errorf("the nodes are said to be ready while slots move: %v, %v", m.owned, err)
	}
	join := ""
	for i, p := range s.programs {
		_, port, err := net.SplitHostPort(p.addr)
		if err != nil {
			t.Fatal(err)
		}
		told, err := os.ReadFile(filepath.Join(place, port))
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(string(told))
		if i == 0 {
			join = words[2]
		}
		own := strings.Split(join, ",")
		if len(words) != 4 || len(own) != 3 || words[2] != join || own[i] != "127.0.0.1:"+words[0] || words[3] != "3" || strings.Contains(string(told), "{") {
			t.Errorf("node %d was told %q", i, told)
		}
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.programs {
		if c, err := net.Dial("tcp", p.addr); err == nil {
			c.Close()
			t.Errorf("%s still answers", p.addr)
		}
	}
}

func TestNodeThatDoesNotStartShowsItsOutput(t *testing.T) {
	launch := Launch{Program: os.Args[0], Args: []string{asNode, "/no/such/place", "{port}", "{dir}"}}
	_, err := StartNodes(context.Background(), "target", launch, 2)
	if err == nil || !strings.Contains(err.Error(), "ended at once: open /no/such/place") {
		t.Fatalf("%v", err)
	}
}
