package conn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/conn"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/command/commandtest"
	"github.com/troupedb/troupe/shard/slot"
)

// fakeCluster records what it is asked for.
type fakeCluster struct {
	mu    sync.Mutex
	asked []string
	fail  error
	links []session.Link
	where func() *directory.Directory
}

func (f *fakeCluster) note(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	return f.fail
}

// took returns what was asked since it was called last.
func (f *fakeCluster) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.asked = nil }()
	return strings.Join(f.asked, ", ")
}

// refuse makes the cluster answer with an error.
func (f *fakeCluster) refuse(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fakeCluster) Status(context.Context) (*session.ClusterStatus, error) {
	return session.StatusOf(f.where()), f.note("status")
}
func (f *fakeCluster) Rebalance(context.Context) (int, error) { return 3, f.note("rebalance") }
func (f *fakeCluster) Drain(_ context.Context, n directory.Number) error {
	return f.note("drain %d", n)
}
func (f *fakeCluster) Forget(_ context.Context, n directory.Number) error {
	return f.note("forget %d", n)
}
func (f *fakeCluster) Move(_ context.Context, shard int, to directory.Number) error {
	return f.note("move %d to %d", shard, to)
}
func (f *fakeCluster) Links() []session.Link { return f.links }

func id(n int) string { return strings.Repeat(strconv.Itoa(n), 40) }

// clustered is a node whose directory has three members: itself, which serves all
// that is asked for here, one that is up and one that is down.
func clustered(t *testing.T) (*gateway.Gateway, *fakeCluster) {
	g := node(t)
	where := g.Server.Env.Where
	d := *where.Load()
	d.Epoch, d.ClusterID, d.Cluster, d.Self, d.Leader = 40, id(9), "test", 1, 2
	d.Voters = []directory.Number{1, 2, 3}
	d.Members = nil
	for i := 1; i <= 3; i++ {
		d.Members = append(d.Members, directory.Member{
			Number: directory.Number(i), ID: id(i), Name: fmt.Sprint("node-", i), Zone: "z", Host: fmt.Sprint("10.0.0.", i),
			ClientPort: 6378 + i, GossipPort: 7945 + i, Incarnation: uint64(i), Since: 1000,
		})
	}
	d.Members[2].State = directory.Down
	d.Places = []directory.Place{
		{Owner: 1, Epoch: 5}, {Owner: 1, Epoch: 7}, {Owner: 2, Epoch: 6, To: 1, MoveID: 8},
		{Owner: 3, Epoch: 4, LostAt: 900, LostKeys: 70},
	}
	where.Advance(&d)
	f := &fakeCluster{where: where.Load, links: []session.Link{
		{Peer: 2, Up: true, Since: 11, Heard: 22, Unsent: 5, Allocated: 64},
		{Peer: 2, Inbound: true, Up: true, Since: 12, Heard: 21},
		{Peer: 3, Since: 13},
	}}
	g.Server.Cluster = f
	g.Server.ClientCount() // takes the lock that sessions are opened under: they see it
	return g, f
}

const (
	nodesOfThree = "1111111111111111111111111111111111111111 10.0.0.1:6379@7946 myself,master - 0 0 7 connected 0-8191\n" +
		"2222222222222222222222222222222222222222 10.0.0.2:6380@7947 master - 0 22 6 connected 8192-12287\n" +
		"3333333333333333333333333333333333333333 10.0.0.3:6381@7948 master,fail - 0 0 4 disconnected 12288-16383\n"
	infoOfThree = "cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:12288\r\ncluster_slots_pfail:0\r\n" +
		"cluster_slots_fail:4096\r\ncluster_known_nodes:3\r\ncluster_size:3\r\ncluster_current_epoch:40\r\ncluster_my_epoch:7\r\n" +
		"cluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\ntotal_cluster_links_buffer_limit_exceeded:0\r\n"
)

func TestClusterOfThree(t *testing.T) {
	g, _ := clustered(t)
	for _, proto := range []string{"2", "3"} {
		c := dial(t, g)
		c.do("HELLO " + proto)
		c.expect("CLUSTER MYID", strconv.Quote(id(1)))
		c.expect("CLUSTER NODES", strconv.Quote(marked(proto, nodesOfThree)))
		c.expect("CLUSTER INFO", strconv.Quote(marked(proto, infoOfThree)))
		c.expect("CLUSTER SLOTS", "["+
			`[:0 :8191 ["10.0.0.1" :6379 "`+id(1)+`" []]] `+
			`[:8192 :12287 ["10.0.0.2" :6380 "`+id(2)+`" []]] `+
			`[:12288 :16383 ["10.0.0.3" :6381 "`+id(3)+`" []]]]`)
		c.expect("CLUSTER SHARDS", "["+
			shard(1, ":0 :8191", "online")+" "+shard(2, ":8192 :12287", "online")+" "+shard(3, ":12288 :16383", "fail")+"]")
		link := func(direction string, since int, events string, allocated, used int) string {
			return fmt.Sprintf(`["direction" %q "node" %q "create-time" :%d "events" %q "send-buffer-allocated" :%d "send-buffer-used" :%d]`,
				direction, id(2), since, events, allocated, used)
		}
		c.expect("CLUSTER LINKS", "["+link("to", 11, "rw", 64, 5)+" "+link("from", 12, "r", 0, 0)+"]")
		c.expect("CLUSTER COUNT-FAILURE-REPORTS "+id(2), ":0")
		c.expect("CLUSTER COUNT-FAILURE-REPORTS "+id(3), ":1")
		c.expect("CLUSTER REPLICAS "+id(3), "[]")
		c.expect("CLUSTER SLAVES "+id(1), "[]")
		c.expect("CLUSTER SLAVES x", "-ERR Unknown node x")
	}
}

// marked is a verbatim string as the harness shows it.
func marked(proto, text string) string {
	if proto == "3" {
		return "txt:" + text
	}
	return text
}

func shard(n int, slots, health string) string {
	return fmt.Sprintf(`["slots" [%s] "nodes" [["id" %q "port" :%d "ip" "10.0.0.%d" "endpoint" "10.0.0.%[4]d" `+
		`"role" "master" "replication-offset" :0 "health" %[5]q]]]`, slots, id(n), 6378+n, n, health)
}

func TestClusterForget(t *testing.T) {
	g, f := clustered(t)
	c := dial(t, g)
	c.expect("CLUSTER FORGET x", "-ERR Unknown node x")
	c.expect("CLUSTER FORGET "+id(1), "-ERR I tried hard but I can't forget myself...")
	c.match("CLUSTER FORGET "+id(2), "^-ERR node node-2 is up and can be forgotten only when it is down")
	c.expect("CLUSTER FORGET "+id(3), "+OK")
	c.expect("MULTI", "+OK")
	c.expect("CLUSTER FORGET "+id(3), "+QUEUED")
	c.match("EXEC", `^\[-ERR this waits for the cluster's catalog, so it cannot be part of a transaction`)
	if got := f.took(); got != "forget 3" {
		t.Errorf("the cluster was asked: %s", got)
	}
}

func TestTroupe(t *testing.T) {
	g, f := clustered(t)
	c := dial(t, g)
	for _, s := range [][3]string{ // command, reply, what the cluster is asked
		{"TROUPE REBALANCE", ":3", "rebalance"},
		{"TROUPE DRAIN node-2", `\+OK`, "drain 2"},
		{"TROUPE DRAIN " + id(2), `\+OK`, "drain 2"},
		{"TROUPE DRAIN 2222", `\+OK`, "drain 2"},
		{"TROUPE DRAIN 10.0.0.1:6379", `\+OK`, "drain 1"},
		{"TROUPE DRAIN 222", "-ERR no node, or more than one, is called '222': there are node-1, node-2, node-3", ""},
		{"TROUPE DRAIN node-3", "-ERR node node-3 is down and cannot hand anything over", ""},
		{"TROUPE FORGET node-3", `\+OK`, "forget 3"},
		{"TROUPE FORGET node-1", "-ERR node node-1 is up and can be forgotten only when it is down", ""},
		{"TROUPE MOVE 0 node-2", `\+OK`, "move 0 to 2"},
		{"TROUPE MOVE 0 node-1", `\+OK`, ""},
		{"TROUPE MOVE 2 node-2", `\+OK`, "move 2 to 2"}, // calls the move under way off
		{"TROUPE MOVE 0 node-3", "-ERR node node-3 is down and takes no shards", ""},
		{"TROUPE MOVE 3 node-1", "-ERR shard 3 is on a node that is down", ""},
		{"TROUPE MOVE 4 node-1", "-ERR no such shard", ""},
		{"TROUPE MOVE x node-1", "-ERR no such shard", ""},
		{"TROUPE MOVE 1", `-ERR wrong number of arguments for 'troupe\|move' command`, ""},
		{"TROUPE JUGGLE", "-ERR unknown subcommand 'JUGGLE'. Try TROUPE HELP.", ""},
	} {
		c.match(s[0], "^"+s[1])
		if got := f.took(); got != s[2] {
			t.Errorf("%s asked the cluster: %q, want %q", s[0], got, s[2])
		}
	}
	f.refuse(errors.New("no leader\r\nyet"))
	c.expect("TROUPE REBALANCE", "-ERR no leader  yet")
	f.refuse(fmt.Errorf("propose: %w", context.DeadlineExceeded))
	c.match("TROUPE REBALANCE", "^-TRYAGAIN the cluster's catalog has not answered in time")
	f.refuse(nil)
	c.expect("PING", "+PONG")
	c.expect("MULTI", "+OK")
	c.match("TROUPE STATUS", "^-ERR Command not allowed inside a transaction")
}

// statusOf reads the JSON that TROUPE STATUS answers.
func statusOf(t *testing.T, c *client) (st session.ClusterStatus) {
	t.Helper()
	text, err := strconv.Unquote(c.do("TROUPE STATUS"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return st
}

func TestTroupeStatus(t *testing.T) {
	g, _ := clustered(t)
	st := statusOf(t, dial(t, g))
	if st.Epoch != 40 || st.Leader != 2 || len(st.Voters) != 3 || len(st.Nodes) != 3 || len(st.Shards) != 4 || len(st.Moves) != 1 {
		t.Errorf("%+v", st)
	}
	if n := st.Node(1); n == nil || n.Shards != 2 || n.State != "up" || n.Keys != session.Unknown {
		t.Errorf("node 1: %+v", n)
	}
	if s := st.Shards[3]; s.Up || s.Owner != 3 || s.LostAt != 900 || s.LostKeys != 70 || s.FirstSlot != 12288 || s.LastSlot != 16383 {
		t.Errorf("shard 3: %+v", s)
	}
	if m := st.Moves[0]; m.Shard != 2 || m.From != 2 || m.To != 1 || m.ID != 8 || m.KeysLeft != session.Unknown {
		t.Errorf("move: %+v", m)
	}
}

// TestClusterOfOne: a node on its own is a cluster of one, which it calls by the
// address that its client has come to.
func TestClusterOfOne(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	run, port := g.Server.RunID, g.Addr().Port
	c.expect("CLUSTER MYID", strconv.Quote(run))
	c.expect("CLUSTER NODES", strconv.Quote(fmt.Sprintf("%s 127.0.0.1:%d@0 myself,master - 0 0 1 connected 0-16383\n", run, port)))
	c.expect("CLUSTER SLOTS", fmt.Sprintf(`[[:0 :16383 ["127.0.0.1" :%d %q []]]]`, port, run))
	c.match("CLUSTER INFO", `^"cluster_state:ok\\r\\ncluster_slots_assigned:16384\\r\\ncluster_slots_ok:16384\\r\\n`)
	c.expect("CLUSTER LINKS", "[]")
	for _, s := range []string{"READONLY", "READWRITE", "ASKING", "CLUSTER SAVECONFIG"} {
		c.expect(s, "+OK")
	}
	c.match("TROUPE REBALANCE", "^-ERR this node is on its own")
	c.match("TROUPE DRAIN "+run, "^-ERR this node is on its own")
	c.do("SET a 1")
	c.do("SELECT 3")
	c.do("SET b 1")
	st := statusOf(t, c)
	if n := st.Node(1); n == nil || n.ID != run || n.ClientPort != port || n.Keys != 2 || n.Shards != 4 {
		t.Errorf("%+v", st.Nodes)
	}
	if at := g.Node.Env.ShardOf([]byte("a")); st.Shards[at].Keys != 1 || !st.Shards[at].Up {
		t.Errorf("shard %d: %+v", at, st.Shards[at])
	}
}

func TestKeysInSlot(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	in := strconv.Itoa(int(slot.Of([]byte("foo"))))
	c.expect("CLUSTER KEYSLOT foo", ":"+in)
	c.expect("CLUSTER KEYSLOT x{foo}", ":"+in)
	c.expect("CLUSTER COUNTKEYSINSLOT "+in, ":0")
	c.expect("CLUSTER GETKEYSINSLOT "+in+" 10", "[]")
	for _, k := range []string{"{foo}1", "{foo}2", "{foo}3", "bar"} {
		c.do("SET " + k + " v")
	}
	c.expect("CLUSTER COUNTKEYSINSLOT "+in, ":3")
	c.match("CLUSTER GETKEYSINSLOT "+in+" 2", `^\["{foo}." "{foo}."\]$`)
	c.match("CLUSTER GETKEYSINSLOT "+in+" 10", `^\["{foo}." "{foo}." "{foo}."\]$`)
	c.expect("CLUSTER COUNTKEYSINSLOT 16384", "-ERR Invalid slot")
	c.expect("CLUSTER COUNTKEYSINSLOT -1", "-ERR Invalid slot")
	c.expect("CLUSTER COUNTKEYSINSLOT x", "-ERR value is not an integer or out of range")
	c.expect("CLUSTER GETKEYSINSLOT 16384 1", "-ERR Invalid slot or number of keys")
	c.expect("CLUSTER GETKEYSINSLOT 1 -1", "-ERR Invalid slot or number of keys")
	c.expect("CLUSTER GETKEYSINSLOT 1 x", "-ERR value is not an integer or out of range")
	c.expect("MULTI", "+OK")
	c.expect("SET {foo}4 v", "+QUEUED")
	c.expect("CLUSTER COUNTKEYSINSLOT "+in, "+QUEUED")
	c.expect("EXEC", "[+OK :4]")
}

func TestClusterRefuses(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	for _, line := range []string{
		"ADDSLOTS 1", "ADDSLOTSRANGE 1 2", "BUMPEPOCH", "DELSLOTS 1", "DELSLOTSRANGE 1 2", "FAILOVER", "FLUSHSLOTS", "MEET h 1",
		"REPLICATE x", "RESET", "SET-CONFIG-EPOCH 1", "SETSLOT 1 STABLE",
	} {
		c.match("CLUSTER "+line, "^-ERR .*`troupe ")
	}
	c.expect("CLUSTER NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLUSTER HELP.")
	c.expect("CLUSTER", "-ERR wrong number of arguments for 'cluster' command")
	c.expect("CLUSTER NODES x", "-ERR wrong number of arguments for 'cluster|nodes' command")
}

// TestClusterRows holds what COMMAND says of these commands to redis-server's.
func TestClusterRows(t *testing.T) {
	var rows []*command.Row
	subs := 0
	for _, c := range conn.Commands {
		switch c.Row.Name {
		case "cluster":
			subs = len(c.Row.Subs)
			fallthrough
		case "asking", "readonly", "readwrite":
			rows = append(rows, c.Row)
		}
	}
	table, err := command.NewTable(rows)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 {
		t.Errorf("%d rows", len(rows))
	}
	commandtest.CompareRecorded(t, table, nil)
	for _, want := range commandtest.Rows(t) {
		if want.Name == "cluster" && len(want.Subs) != subs {
			t.Errorf("%d subcommands of CLUSTER, redis-server has %d", subs, len(want.Subs))
		}
	}
}
