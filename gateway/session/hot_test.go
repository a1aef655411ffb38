package session_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/coordinator"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

// noEffects takes what shards tell, which nobody hears here.
type noEffects struct{}

func (noEffects) Notify(int, engine.Class, string, []byte) {}

// client is a session without a socket.
type client struct {
	session netloop.Session
	conn    *netloop.Conn
	server  *session.Server
	worker  any
	tick    func()
}

func newClient(t testing.TB) *client { return newClientOf(t, 0) }

// newClientOf is newClient of a node that looks ahead from so many keys on.
func newClientOf(t testing.TB, coldKeys int) *client {
	t.Helper()
	rows := make([]*command.Row, len(session.Commands))
	for i := range session.Commands {
		rows[i] = session.Commands[i].Row
	}
	node, err := coordinator.Start(coordinator.Options{
		Shards: 16, Seed: 1, Locals: rows, Effects: noEffects{},
		Config: engine.DefaultConfig(), Logger: slog.New(slog.DiscardHandler),
		ColdKeys: coldKeys,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.Stop)
	for _, shard := range node.Env.Shards { // which are busy while they start
		for !shard.Lease.TryAcquire() {
			runtime.Gosched()
		}
		shard.Lease.Release()
	}
	server := session.NewServer(node.Env, nil, session.Commands)
	server.Limits.Store(&session.Limits{MaxClients: 1, MaxBulk: 1 << 20, MaxQuery: 1 << 20})
	c := &client{conn: &netloop.Conn{Remote: "127.0.0.1:1"}, server: server, worker: server.NewWorker()}
	c.tick = func() { node.Tick(time.Now().UnixMilli()) }
	if c.session = server.Open(c.conn, c.worker); c.session == nil {
		t.Fatalf("refused: %s", c.conn.W.Buf)
	}
	return c
}

// run is one turn of the loop: the input is taken and its replies are returned.
func (c *client) run(in []byte) []byte {
	c.conn.W.Buf = c.conn.W.Buf[:0]
	for len(in) > 0 {
		n := c.session.Data(in)
		if n == 0 {
			panic("no command was taken: " + string(in))
		}
		in = in[n:]
	}
	c.server.Turn(c.worker)
	return c.conn.W.Buf
}

// hot are the requests whose cost is guarded, with their replies.
var hot = []struct {
	name, request, reply string
}{
	{"SET", encode("SET key:1 value"), "+OK\r\n"},
	{"GET", encode("GET key:1"), "$5\r\nvalue\r\n"},
	{"INCR", encode("INCR n"), ":"},
	{"HSET", encode("HSET h f v"), ":0\r\n"},
	{"ZADD", encode("ZADD z 1 a"), ":0\r\n"},
	{"SADD", encode("SADD s a"), ":0\r\n"},
	{"MSET", encode("MSET a 1 b 2 c 3 d 4"), "+OK\r\n"},
	{"MGET", encode("MGET a b c d"), "*4\r\n$1\r\n1\r\n$1\r\n2\r\n"},
	{
		"EXEC", encode("MULTI") + encode("SET a 1") + encode("INCR n") + encode("GET b") + encode("SET c 3") + encode("EXEC"),
		"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n:",
	},
}

func encode(line string) string {
	words := strings.Fields(line)
	out := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		out += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	return out
}

func TestHotCommandsDoNotAllocate(t *testing.T) {
	c := newClient(t)
	for _, h := range hot {
		in := []byte(h.request)
		c.run(in) // what is there the first time need not be made again
		if got := string(c.run(in)); !strings.HasPrefix(got, h.reply) {
			t.Fatalf("%s answers %q, want %q", h.name, got, h.reply)
		}
		if got := testing.AllocsPerRun(100, func() { c.run(in) }); got != 0 {
			t.Errorf("%s allocates %v times", h.name, got)
		}
	}
}

func TestPipelinesDoNotAllocate(t *testing.T) {
	c := newClientOf(t, -1)
	in := []byte(strings.Repeat(encode("SET key:1 value")+encode("GET key:1")+encode("INCR n"), 20))
	c.run(in)
	if got := testing.AllocsPerRun(100, func() { c.run(in) }); got != 0 {
		t.Errorf("a pipeline allocates %v times", got)
	}
}

func TestArrivalsDoNotAllocate(t *testing.T) {
	c := newClientOf(t, -1)
	if !c.server.Env.Cold.Load() {
		t.Fatal("nothing is prepared for")
	}
	in := []byte(encode("SET key:1 value"))
	list := []netloop.Arrival{{Session: c.session, In: in}, {Session: c.session, In: []byte(encode("GET key:2"))}}
	both := func() {
		c.server.Arrived(c.worker, list)
		c.run(in)
	}
	both()
	if got := testing.AllocsPerRun(100, both); got != 0 {
		t.Errorf("what comes from two clients allocates %v times", got)
	}
}

func BenchmarkHot(b *testing.B) {
	for _, h := range hot {
		b.Run(h.name, func(b *testing.B) {
			c := newClient(b)
			in := []byte(h.request)
			c.run(in)
			b.ReportAllocs()
			for b.Loop() {
				c.run(in)
			}
		})
	}
}
