package session_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/slot"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// troupe is nodes in this process that share their shards by a directory that the
// test makes.
type troupe struct {
	t     testing.TB
	nodes []*gateway.Gateway
	dir   *directory.Directory
	gone  []bool // by node: it has been stopped
}

const troupeShards = 12

// newTroupe starts n nodes. Shard i is at node i mod n.
func newTroupe(t testing.TB, n int, portable bool) *troupe {
	t.Helper()
	tr := &troupe{t: t, gone: make([]bool, n), dir: &directory.Directory{
		Slots: directory.Even(troupeShards), Epoch: 2, ClusterID: strings.Repeat("0123456789", 4), Cluster: "test",
		Places: make([]directory.Place, troupeShards),
	}}
	for i := range tr.dir.Places {
		tr.dir.Places[i] = directory.Place{Owner: directory.Number(i%n + 1), Epoch: 1}
	}
	for i := range n {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		cfg := gateway.DefaultConfig()
		cfg.Port, cfg.Shards, cfg.Streams, cfg.Logger, cfg.Portable = 0, troupeShards, l, slog.New(slog.DiscardHandler), portable
		cfg.ColdKeys = -1 // so that few keys do to look ahead
		port := l.Addr().(*net.TCPAddr).Port
		g, err := gateway.Start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.stop(i) })
		tr.nodes = append(tr.nodes, g)
		tr.dir.Members = append(tr.dir.Members, directory.Member{
			Number: directory.Number(i + 1), ID: fmt.Sprintf("%040d", i+1), Name: fmt.Sprint("node", i+1), Host: "127.0.0.1",
			ClientPort: g.Addr().Port, StreamPort: port, Incarnation: uint64(i + 1),
		})
	}
	for i := range tr.nodes {
		tr.follow(i)
	}
	for _, g := range tr.nodes {
		for _, m := range tr.dir.Members {
			tr.await("a stream to "+m.Name, func() bool { return g.Joined(m.Number) })
		}
	}
	return tr
}

func (tr *troupe) await(what string, ok func() bool) {
	tr.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tr.t.Fatal("not in time: ", what)
		}
	}
}

// stop ends a node.
func (tr *troupe) stop(i int) {
	if !tr.gone[i] {
		tr.gone[i] = true
		tr.nodes[i].Stop()
	}
}

// follow tells a node of the directory.
func (tr *troupe) follow(i int) {
	if tr.gone[i] {
		return
	}
	mine := *tr.dir
	mine.Self = directory.Number(i + 1)
	tr.nodes[i].Follow(&mine)
}

// change makes a newer directory, of which nobody knows yet.
func (tr *troupe) change(f func(d *directory.Directory)) {
	next := *tr.dir
	next.Epoch++
	next.Members = append([]directory.Member(nil), next.Members...)
	next.Places = append([]directory.Place(nil), next.Places...)
	f(&next)
	tr.dir = &next
}

// settle waits until a node's shard has done what it was told.
func (tr *troupe) settle(i, index int) {
	done := make(chan struct{})
	tr.nodes[i].Node.Env.Shards[index].Tell(shard.Func(func(*engine.Engine) { close(done) }))
	<-done
}

var troupeSlots = directory.Even(troupeShards)

// keyAt returns a key of a shard, one of many.
func keyAt(index, which int) string {
	for i := 0; ; i++ {
		k := fmt.Sprintf("key%d.%d", which, i)
		if troupeSlots.Shard(slot.Of([]byte(k))) == index {
			return k
		}
	}
}

// rawClient is a client that sees bytes.
type rawClient struct {
	t testing.TB
	*net.TCPConn
	in *bufio.Reader
}

func (tr *troupe) dial(i int) *rawClient {
	tr.t.Helper()
	c, err := net.Dial("tcp", tr.nodes[i].Addr().String())
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.t.Cleanup(func() { c.Close() })
	return &rawClient{tr.t, c.(*net.TCPConn), bufio.NewReader(c)}
}

// words encodes a command.
func words(list ...string) []byte {
	out := fmt.Appendf(nil, "*%d\r\n", len(list))
	for _, w := range list {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(w), w)
	}
	return out
}

func (c *rawClient) send(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// read reads a reply: a type byte and text, bulks without their length, elements in
// brackets.
func (c *rawClient) read() string {
	c.t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	v, err := c.value()
	if err != nil {
		c.t.Fatal("no reply: ", err)
	}
	return v
}

func (c *rawClient) value() (string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '$', '=':
		if n < 0 {
			return "nil", nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.in, b); err != nil {
			return "", err
		}
		return "$" + string(b[:n]), nil
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return line, nil
	}
	var list []string
	for range n {
		v, err := c.value()
		if err != nil {
			return "", err
		}
		list = append(list, v)
	}
	return line[:1] + "[" + strings.Join(list, " ") + "]", nil
}

// do sends a command and reads its reply.
func (c *rawClient) do(list ...string) string {
	c.t.Helper()
	c.send(words(list...))
	return c.read()
}

// expect sends commands at once and reads their replies.
func (c *rawClient) expect(pairs ...string) {
	c.t.Helper()
	var all []byte
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, words(strings.Fields(pairs[i])...)...)
	}
	c.send(all)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue // is not answered
		}
		if got := c.read(); got != pairs[i+1] {
			c.t.Fatalf("%s: %q, want %q", pairs[i], got, pairs[i+1])
		}
	}
}

// info returns a field of INFO.
func (c *rawClient) info(field string) string {
	for _, line := range strings.Split(c.do("INFO", "everything"), "\r\n") {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return value
		}
	}
	return ""
}

func eachDriver(t *testing.T, f func(t *testing.T, portable bool)) {
	for name, portable := range map[string]bool{"epoll": false, "portable": true} {
		t.Run(name, func(t *testing.T) { f(t, portable) })
	}
}
