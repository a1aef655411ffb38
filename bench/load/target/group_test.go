package target

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/bench/load/resptest"
	"github.com/troupedb/troupe/shard/slot"
)

// member is a server that tells other members and, by INFO, of itself.
func member(t *testing.T, info string, nodes *string) *resptest.Server {
	return resptest.Start(t, 0, func(words []string) string {
		switch words[0] {
		case "PING":
			return "+PONG\r\n"
		case "INFO":
			return bulk(info)
		case "DBSIZE":
			return ":42\r\n"
		case "FLUSHALL":
			return "+OK\r\n"
		case "CLUSTER":
			return bulk(*nodes)
		}
		return "-ERR no\r\n"
	})
}

func bulk(text string) string { return "$" + strconv.Itoa(len(text)) + "\r\n" + text + "\r\n" }

func endpointsOf(servers ...*resptest.Server) (all []Endpoint) {
	for _, s := range servers {
		all = append(all, Endpoint{Addr: s.Addr})
	}
	return all
}

func group(t *testing.T, endpoints []Endpoint) *Group {
	t.Helper()
	g, err := AttachGroup(context.Background(), "target", endpoints, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// TestMembersThatGetNoLoadAreCounted: the load goes to one, and the sum is over all
// that live.
func TestMembersThatGetNoLoadAreCounted(t *testing.T) {
	var nodes string
	a := member(t, "run_id:a\r\nredis_version:1\r\nused_cpu_sys:1\r\nused_cpu_user:2\r\nused_memory_rss:1000\r\n", &nodes)
	b := member(t, "run_id:b\r\nredis_version:2\r\nused_cpu_sys:3\r\nused_cpu_user:4\r\nused_memory_rss:500\r\n", &nodes)
	copied := member(t, "run_id:c\r\nredis_version:2\r\nrole:slave\r\nused_cpu_sys:5\r\nused_cpu_user:6\r\nused_memory_rss:50\r\n", &nodes)
	nodes = fmt.Sprintf("id1 %s@1,host master - 0 0 1 connected 0-1\nid2 %s@1 myself,master - 0 0 1 connected\nid3 %s@2 slave id1 0 0 1 connected\n"+
		"id4 127.0.0.1:1@2 master - 0 0 1 connected\nid5 127.0.0.1:2@2 master,fail - 0 0 1 disconnected\nid6 :0@0 master,noaddr - 0 0 1 disconnected\n",
		a.Addr, b.Addr, copied.Addr)
	g := group(t, endpointsOf(a))
	if g.Addr() != a.Addr || g.Version() != "1, 2" || len(g.Servers) != 3 || g.Source() != SourceInfo {
		t.Fatalf("%+v", g)
	}
	if !slices.Equal(g.Silent, []string{"127.0.0.1:1"}) {
		t.Errorf("silent: %q", g.Silent)
	}
	to, err := g.Meter()
	if err != nil || g.CPU(make([]Meter, 3), to).Seconds() != 21 {
		t.Errorf("%v %v", to, err)
	}
	if m, err := g.Memory(); err != nil || m.RSS != 1550 {
		t.Errorf("%+v %v", m, err)
	}
	if n, err := g.Keys(); err != nil || !slices.Equal(n, []int64{42, 42}) {
		t.Errorf("%v %v", n, err)
	}
	if err := g.Flush(); err != nil || len(copied.Commands("FLUSHALL")) != 0 || len(b.Commands("FLUSHALL")) != 1 {
		t.Errorf("%v", err)
	}
}

// TestUnknownPartMakesTheSumUnknown: half a cluster's CPU time is none.
func TestUnknownPartMakesTheSumUnknown(t *testing.T) {
	var nodes string
	a := member(t, "run_id:a\r\nused_cpu_sys:1\r\nused_cpu_user:2\r\nused_memory_rss:1000\r\n", &nodes)
	b := member(t, "run_id:b\r\n", &nodes)
	g := group(t, endpointsOf(a, b))
	to, err := g.Meter()
	if err != nil || g.Source() != SourceNone || g.CPU(make([]Meter, 2), to) != 0 {
		t.Fatalf("%v %v", g.Source(), err)
	}
	if m, err := g.Memory(); err != nil || m != (Memory{}) {
		t.Fatalf("%+v %v", m, err)
	}
}

// TestTwoAddressesOfOneProcessAreCountedOnce by the process where it is known, and
// by the run's id where it is not.
func TestTwoAddressesOfOneProcessAreCountedOnce(t *testing.T) {
	var nodes string
	a := member(t, "run_id:same\r\n", &nodes)
	b := member(t, "run_id:same\r\n", &nodes)
	if g := group(t, endpointsOf(a, b)); len(g.Servers) != 1 || len(g.Endpoints) != 2 {
		t.Fatalf("%+v", g)
	}
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system keeps no /proc")
	}
	info := "process_id:" + strconv.Itoa(os.Getpid()) + "\r\n"
	c := member(t, "run_id:c\r\n"+info, &nodes)
	d := member(t, "run_id:d\r\n"+info, &nodes)
	if g := group(t, endpointsOf(c, d)); len(g.Servers) != 1 || !slices.Equal(g.PIDs(), []int{os.Getpid()}) {
		t.Fatalf("%+v", g)
	}
}

func TestParseSlots(t *testing.T) {
	node := func(host any, port string) []any { return []any{host, port, "id", []any{}} }
	reply := []any{
		[]any{"0", "99", node("10.0.0.1", "1"), node("10.0.0.9", "9")},
		[]any{"100", "16000", node("", "2")},
		[]any{"16001", "16383", node("10.0.0.1", "1")},
	}
	m, err := parseSlots(reply, "asked:7")
	if err != nil || !slices.Equal(m.Nodes, []string{"10.0.0.1:1", "asked:2"}) {
		t.Fatalf("%v %v", m, err)
	}
	if m.Owned(0) != 100+383 || m.Owned(1) != slot.Count-483 {
		t.Fatalf("%d and %d slots", m.Owned(0), m.Owned(1))
	}
	if m.Owner([]byte("123456789")) != 1 { // slot 12739
		t.Fatal("a key is at the wrong node")
	}
	for want, bad := range map[string]any{
		"nobody owns slot 100":                      []any{reply[0]},
		"no list":                                   "OK",
		"no range with an owner":                    []any{[]any{"0", "1"}},
		"5 to 4 is no range":                        []any{[]any{"5", "4", node("a", "1")}},
		"0 to 16384 is no range":                    []any{[]any{"0", "16384", node("a", "1")}},
		"x to 1 is no range":                        []any{[]any{"x", "1", node("a", "1")}},
		"<nil> is no owner":                         []any{[]any{"0", "1", nil}},
		"has no port":                               []any{[]any{"0", "1", []any{"a", nil}}},
		"address \"asked\": address asked: missing": []any{[]any{"0", "1", node(nil, "1")}},
	} {
		asked := "asked:7"
		if strings.HasPrefix(want, "address") {
			asked = "asked"
		}
		if _, err := parseSlots(bad, asked); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestControlRepliesAreBounded(t *testing.T) {
	for _, bad := range []string{"*99999\r\n", "*-2\r\n", "$-2\r\n", strings.Repeat("*1\r\n", 20) + ":1\r\n", "%1\r\n"} {
		s := resptest.Start(t, 0, func([]string) string { return bad })
		if _, err := (Endpoint{Addr: s.Addr}).Slots(context.Background()); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestClusterIsFormedMeasuredAndEnds also looks at what a Redis Cluster says that
// others are to say like it.
func TestClusterIsFormedMeasuredAndEnds(t *testing.T) {
	requireRedis(t)
	ctx := context.Background()
	c, err := StartCluster(ctx, "cluster", "redis-server", 50)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.PIDs()) != 3 || len(c.Endpoints) != 3 || c.Source() != SourceKernel {
		t.Errorf("%+v", c.Group)
	}
	m, err := c.Slots(ctx)
	if err != nil || len(m.Nodes) != 3 {
		t.Fatalf("%v %v", m, err)
	}
	for i := range m.Nodes {
		if n := m.Owned(i); n < slot.Count/3 || n > slot.Count/3+1 {
			t.Errorf("node %d owns %d slots", i, n)
		}
	}
	one := group(t, c.Endpoints[:1])
	if len(one.Servers) != 3 || len(one.Silent) > 0 {
		t.Errorf("one node makes %d known, and %q", len(one.Servers), one.Silent)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, p := range c.programs {
		if conn, err := net.Dial("tcp", p.addr); err == nil {
			conn.Close()
			t.Errorf("%s still answers", p.addr)
		}
		if _, err := os.Stat(p.dir); err == nil {
			t.Errorf("%s is left", p.dir)
		}
	}
}
