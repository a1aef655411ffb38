package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/session"
)

const testTime = 1_700_000_000_000 // Unix milliseconds

func testID(n int) string { return strings.Repeat(strconv.Itoa(n), 40) }

// threeNodes is a cluster of which one node is down and one shard moves.
func threeNodes() *session.ClusterStatus {
	d := &directory.Directory{
		Slots: directory.Even(4), Epoch: 40, ClusterID: testID(9), Cluster: "shop", Self: 1, Leader: 2,
		Voters: []directory.Number{1, 2, 3},
		Places: []directory.Place{
			{Owner: 1, Epoch: 5}, {Owner: 1, Epoch: 7}, {Owner: 2, Epoch: 6, To: 1, MoveID: 8},
			{Owner: 3, Epoch: 4, LostAt: testTime - 180_000, LostKeys: 70},
		},
	}
	for i := 1; i <= 3; i++ {
		d.Members = append(d.Members, directory.Member{
			Number: directory.Number(i), ID: testID(i), Name: fmt.Sprint("node-", i), Zone: string(rune('a' + i)),
			Host: fmt.Sprint("10.0.0.", i), ClientPort: 6378 + i, Since: testTime - 3_600_000,
		})
	}
	d.Members[1].State, d.Members[2].State = directory.Leaving, directory.Down
	st := session.StatusOf(d)
	st.Nodes[0].Keys, st.Nodes[0].Heard = 1_234_567, testTime-200
	st.Nodes[1].Keys, st.Nodes[1].Heard = 10, testTime-100
	st.Nodes[2].Heard = testTime - 300_000
	st.Shards[0].Keys, st.Shards[1].Keys, st.Shards[2].Keys = 1_234_000, 567, 10
	st.Moves[0].KeysSent, st.Moves[0].KeysLeft, st.Moves[0].Bytes, st.Moves[0].Phase = 450, 550, 3<<20, "copying"
	st.Links = []session.Link{{Peer: 2, Up: true}, {Peer: 3}}
	return st
}

const statusOfThree = `Cluster shop (99999999), epoch 40, catalog led by node-2; voters: node-1, node-2, node-3

NODE      STATE               ADDRESS        ZONE  SHARDS  KEYS       HEARTBEAT  LINK  ID
node-1 *  up                  10.0.0.1:6379  b     2       1 234 567  0.2 s ago  -     11111111
node-2    leaving for 60 min  10.0.0.2:6380  c     1       10         0.1 s ago  up    22222222
node-3    down for 60 min     10.0.0.3:6381  d     1       -          5 min ago  none  33333333
* answers

MOVE     FROM    TO      PROGRESS                     KEYS LEFT  SENT     PHASE
shard 2  node-2  node-1  [#########-----------]  45%  550        3.0 MiB  copying

SHARD  SLOTS        NODE    EPOCH  KEYS       STATE
0      0-4095       node-1  5      1 234 000  up
1      4096-8191    node-1  7      567        up
2      8192-12287   node-2  6      10         up, moves to node-1
3      12288-16383  node-3  4      -          DOWN, lost about 70 keys 3 min ago
`

func TestStatusTable(t *testing.T) {
	var out strings.Builder
	if err := showStatus(&out, threeNodes(), time.UnixMilli(testTime)); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != statusOfThree {
		t.Errorf("got\n%s\nwant\n%s", got, statusOfThree)
	}
}

func TestManyShardsShareLines(t *testing.T) {
	st := session.StatusOf(directory.Single(directory.Even(1024)))
	for i := range st.Shards {
		st.Shards[i].Keys, st.Shards[i].Epoch = 1, uint64(i)
	}
	st.Shards[7].LostAt = testTime - 1000
	var out strings.Builder
	if err := showStatus(&out, st, time.UnixMilli(testTime)); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(out.String(), "\nSHARD ")
	for i, want := range []string{"0-6 0-111 6 7 up", "7 112-127 7 1 up, emptied", "8-1023 128-16383 1023 1 016 up"} {
		line := strings.Fields(strings.Split(got, "\n")[i+1])
		text := strings.Join(append(line[:2:2], line[3:]...), " ") // without the node
		if !strings.HasPrefix(text, want) {
			t.Errorf("line %d: %q, want %q", i+1, text, want)
		}
	}
}

// fakeCluster is a cluster whose drain proceeds by one shard at each look.
type fakeCluster struct {
	mu    sync.Mutex
	st    *session.ClusterStatus
	asked []string
	fail  error
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

func (f *fakeCluster) Status(context.Context) (*session.ClusterStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	copied := *f.st
	copied.Nodes = append([]session.NodeStatus(nil), f.st.Nodes...)
	if len(f.asked) > 0 && f.asked[0] == "drain 1" {
		f.st.Nodes[0].Shards = max(0, f.st.Nodes[0].Shards-1)
	}
	return &copied, nil
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
func (f *fakeCluster) Links() []session.Link { return nil }

// clusterNode is a node in this process, and its port.
func clusterNode(t *testing.T, c session.Cluster, change ...func(*gateway.Config)) string {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.Port, cfg.PortGiven, cfg.Shards, cfg.Loops = 0, true, 4, 1
	cfg.Logger = slog.New(slog.DiscardHandler)
	for _, f := range change {
		f(&cfg)
	}
	g, err := gateway.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	if c != nil {
		g.Server.Cluster = c
		g.Server.ClientCount() // takes the lock that sessions are opened under: they see it
		d := *g.Server.Env.Where.Load()
		d.Epoch, d.Members = 2, nil
		for i := 1; i <= 3; i++ {
			d.Members = append(d.Members, directory.Member{Number: directory.Number(i), ID: testID(i), Name: fmt.Sprint("node-", i)})
		}
		d.Members[2].State = directory.Down
		g.Server.Env.Where.Advance(&d)
	}
	return strconv.Itoa(g.Addr().Port)
}

func TestClusterCommands(t *testing.T) {
	f := &fakeCluster{st: threeNodes()}
	port := clusterNode(t, f)
	for _, c := range []struct{ words, want, asked string }{
		{"rebalance", "Shards that move: 3. Follow them", "rebalance"},
		{"move 2 node-2", "Shard 2 goes to node-2.", "move 2 to 2"},
		{"forget node-3", "Node node-3 is forgotten.", "forget 3"},
		{"drain 1111", "node-1: 2 shards left\nnode-1: 1 shards left\nNode node-1 is empty: it can be stopped now", "drain 1"},
		{"status", "shard 2  node-2  node-1  [#########-----------]  45%", ""},
	} {
		out, err := command(context.Background(), append(strings.Fields("cluster "+c.words), "--port", port)...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s\nwant %s", c.words, err, out, c.want)
		}
		if got := f.took(); got != c.asked {
			t.Errorf("%s asked the cluster: %q", c.words, got)
		}
	}
	out, err := command(context.Background(), "cluster", "status", "--json", "--port", port)
	st := &session.ClusterStatus{}
	if err != nil || json.Unmarshal([]byte(out), st) != nil || st.Name != "shop" || len(st.Shards) != 4 {
		t.Errorf("--json: %v\n%s", err, out)
	}
}

func TestClusterErrors(t *testing.T) {
	f := &fakeCluster{st: threeNodes(), fail: errors.New("the catalog has no leader now")}
	port, alone := clusterNode(t, f), clusterNode(t, nil)
	locked := clusterNode(t, nil, func(c *gateway.Config) { c.RequirePass = "secret" })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	for _, c := range []struct{ words, port, want string }{
		{"status", nobody, "no node answers at 127.0.0.1:" + nobody + ": start one with `troupe`, or name another with --host and --port"},
		{"status", locked, "the node at 127.0.0.1:" + locked + " wants a password: give it with --pass"},
		{"status --pass wrong", locked, "does not take this password"},
		{"status --pass x", alone, "does not take this password"},
		{"rebalance", port, "the catalog has no leader now"},
		{"drain node-9", port, "no node, or more than one, is called 'node-9': there are node-1, node-2, node-3"},
		{"drain node-3", port, "node node-3 is down and cannot hand anything over"},
		{"forget node-1", port, "can be forgotten only when it is down"},
		{"move x node-1", port, `"x" is no number of a shard`},
		{"move 99 node-1", port, "no such shard"},
		{"rebalance", alone, "this node is on its own"},
		{"move 1", port, "accepts 2 arg(s), received 1"},
	} {
		out, err := command(context.Background(), append(strings.Fields("cluster "+c.words), "--port", c.port)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s\n%s", c.words, err, c.want, out)
		}
	}
	if out, err := command(context.Background(), "cluster", "status", "--pass", "secret", "--port", locked); err != nil ||
		!strings.Contains(out, "A node on its own") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestClusterWatch(t *testing.T) {
	port := clusterNode(t, &fakeCluster{st: threeNodes()})
	ctx, stop := context.WithCancel(context.Background())
	var out buffer
	ended := make(chan error, 1)
	go func() { ended <- commandTo(ctx, &out, "cluster", "status", "--watch", "--port", port) }()
	out.await(t, "Cluster shop")
	for end := time.Now().Add(patience); strings.Count(out.String(), "Cluster shop") < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is shown once only")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestDrainThatFails: a node that goes down while it hands over is no success.
func TestDrainThatFails(t *testing.T) {
	f := &fakeCluster{st: threeNodes()}
	f.st.Nodes[1].State = "down" // as the catalog has it a moment later than the directory of the node that is asked
	out, err := command(context.Background(), "cluster", "drain", "node-2", "--port", clusterNode(t, f))
	if err == nil || !strings.Contains(err.Error(), "node node-2 went down with 1 shards still on it") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFigures(t *testing.T) {
	for n, want := range map[int64]string{-1: "-", 0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 3 << 20: "3.0 MiB", 5 << 40: "5.0 TiB", 5 << 50: "5120.0 TiB"} {
		if got := volume(n); got != want {
			t.Errorf("volume(%d) = %s", n, got)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0 s", 1500 * time.Millisecond: "1.5 s", time.Minute: "60 s", time.Hour: "60 min", 47 * time.Hour: "47 h", 240 * time.Hour: "10 days",
	} {
		if got := length(d); got != want {
			t.Errorf("length(%v) = %s", d, got)
		}
	}
	for m, want := range map[*session.MoveStatus]string{
		{KeysLeft: -1, BytesLeft: -1}: "?", {KeysSent: 1, KeysLeft: 3}: "25%", {KeysLeft: -1, Bytes: 1, BytesLeft: 1}: "50%",
		{}: "?", {KeysSent: 5}: "100%",
	} {
		if got := percent(m); got != want {
			t.Errorf("%+v: %s, want %s", m, got, want)
		}
	}
}
