package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/wire"
)

const (
	// patience is how long a test waits for what must come.
	patience = 30 * time.Second
	// shards is how many the test's clusters have.
	shards    = 8
	clusterID = "00112233445566778899aabbccddeeff00112233"
)

// drivers are what streams are tested over.
var drivers = map[string]bool{"epoll": false, "portable": true}

func eachDriver(t *testing.T, f func(t *testing.T, portable bool)) {
	for name, portable := range drivers {
		t.Run(name, func(t *testing.T) { f(t, portable) })
	}
}

func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}

// plan returns a directory of n members that own the shards in turn.
func plan(n int) *directory.Directory {
	d := &directory.Directory{
		Slots: slots, Epoch: 2, ClusterID: clusterID, Cluster: "test", Places: make([]directory.Place, shards),
	}
	for i := range d.Places {
		d.Places[i] = directory.Place{Owner: directory.Number(i%n + 1), Epoch: 5}
	}
	for i := range n {
		d.Members = append(d.Members, directory.Member{
			Number: directory.Number(i + 1), ID: fmt.Sprintf("%040d", i+1), Name: fmt.Sprint("node", i+1),
			Host: "127.0.0.1", Incarnation: uint64(100 + i),
		})
	}
	return d
}

// changed returns a newer copy of d after change.
func changed(d *directory.Directory, change func(d *directory.Directory)) *directory.Directory {
	next := *d
	next.Epoch++
	next.Members = append([]directory.Member(nil), d.Members...)
	next.Places = append([]directory.Place(nil), d.Places...)
	change(&next)
	return &next
}

// node is a node with streams and shards, but without clients.
type node struct {
	t        testing.TB
	net      *Net
	node     *coordinator.Node
	driver   netloop.Driver
	addr     *net.TCPAddr // of streams
	log      *logged
	conn     *netloop.Conn // on the loop that forwards
	loop     *Loop
	panics   atomic.Int64
	fenced   atomic.Bool
	stop     func()
	portable bool
}

type noEffects struct{}

func (noEffects) Notify(int, engine.Class, string, []byte) {}

// logged counts what is logged as a warning.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

func (l *logged) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

// nodeLoop is the worker of a loop.
type nodeLoop struct{ loop *Loop }

// NewWorker implements netloop.Handler.
func (n *node) NewWorker() any { return &nodeLoop{n.net.NewLoop()} }

// Turn implements netloop.Handler.
// Arrived implements netloop.Handler.
func (n *node) Arrived(any, []netloop.Arrival) {}

func (n *node) Turn(worker any) (leisure bool) {
	worker.(*nodeLoop).loop.Turn()
	return false
}

// options are how a node is made; change may be nil.
type options struct {
	portable bool
	loops    int
	change   func(*Options)
	topics   map[Topic]Listener
}

func start(t testing.TB, o options) *node {
	t.Helper()
	n := &node{t: t, log: &logged{}, portable: o.portable}
	logger := slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	n.node, err = coordinator.Start(coordinator.Options{
		Shards: shards, Seed: 1, Effects: noEffects{}, Config: engine.DefaultConfig(), Logger: slog.New(slog.DiscardHandler),
		ColdKeys: -1, // so that few keys do to look ahead
	})
	if err != nil {
		t.Fatal(err)
	}
	sagas, err := coordinator.NewCoordinators(n.node.System, n.node.Env)
	if err != nil {
		t.Fatal(err)
	}
	po := Options{
		Env: n.node.Env, Sagas: sagas, Logger: logger,
		LoopOf:    func(w any) *Loop { return w.(*nodeLoop).loop },
		Gate:      func(command.Flag) reply.Error { return "" },
		Fenced:    n.fenced.Load,
		Recovered: func(p any) { n.panics.Add(1); t.Log("recovered from ", p) },
	}
	if o.change != nil {
		o.change(&po)
	}
	n.net = New(po)
	for topic, f := range o.topics {
		n.net.Listen(topic, f)
	}
	sagas.SetPeers(n.net)
	if n.driver, err = netloop.New(netloop.Options{Loops: max(o.loops, 1), Portable: o.portable}, n, func() int { return 0 }); err != nil {
		t.Fatal(err)
	}
	n.net.Attach(n.driver)
	n.listen()
	n.stop = sync.OnceFunc(func() {
		n.net.Stop()
		n.driver.Close()
		n.net.Wait()
		n.node.Stop()
	})
	t.Cleanup(n.stop)
	n.join()
	return n
}

func (n *node) listen() {
	n.t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		n.t.Fatal(err)
	}
	n.addr = l.Addr().(*net.TCPAddr)
	if n.net.Server != nil {
		n.net.ServeTLS(l)
		return
	}
	if err := n.driver.Serve(l, n.net.Open); err != nil {
		n.t.Fatal(err)
	}
}

// silent is a client that says nothing: the connection that requests are made for.
type silent struct{}

func (silent) Data(in []byte) int { return len(in) }
func (silent) Closed()            {}

// join opens the client's connection.
func (n *node) join() {
	n.t.Helper()
	near, _ := tcpPair(n.t)
	var worker any
	if w := n.driver.Workers(); len(w) > 0 {
		worker = w[0]
	}
	opened := make(chan struct{})
	if err := n.driver.Adopt(near, worker, func(c *netloop.Conn, w any) netloop.Session {
		n.conn, n.loop = c, w.(*nodeLoop).loop
		close(opened)
		return silent{}
	}); err != nil {
		n.t.Fatal(err)
	}
	<-opened
}

// follow makes the node follow d as the member self, and waits for its shards.
func (n *node) follow(d *directory.Directory, self directory.Number) {
	n.t.Helper()
	mine := *d
	mine.Self = self
	n.node.Place(&mine)
	for _, h := range n.node.Env.Shards {
		done := make(chan struct{})
		h.Tell(shard.Func(func(*engine.Engine) { close(done) }))
		<-done
		await(n.t, "a shard at rest", func() bool { return atRest(h) }) // a busy one answers later than another does
	}
	n.net.Update(&mine)
}

// atRest tells whether a shard would carry a request out at once.
func atRest(h *shard.Handle) bool {
	if h.Lease.UserMessageCount() > 0 || !h.Lease.TryAcquire() {
		return false
	}
	h.Lease.Release()
	return true
}

// on runs f on the client's loop.
func (n *node) on(f func()) {
	done := make(chan struct{})
	n.conn.PostLoop(func() { defer close(done); f() })
	<-done
}

// cluster starts nodes that know each other, and waits for their streams.
func cluster(t testing.TB, count int, o options) ([]*node, *directory.Directory) {
	t.Helper()
	d := plan(count)
	var nodes []*node
	for i := range count {
		n := start(t, o)
		nodes = append(nodes, n)
		d.Members[i].StreamPort = n.addr.Port
	}
	for i, n := range nodes {
		n.follow(d, directory.Number(i+1))
	}
	for _, n := range nodes {
		n.joined(d)
	}
	return nodes, d
}

func (n *node) joined(d *directory.Directory) {
	n.t.Helper()
	self, loops := n.node.Env.Self(), max(len(n.driver.Workers()), 1)
	for _, m := range d.Members {
		if m.Number == self || m.State == directory.Down {
			continue
		}
		await(n.t, "streams to "+m.Name, func() bool {
			list := n.net.ready[m.Number].Load()
			return list != nil && len(*list) == loops
		})
	}
}

var slots = directory.Even(shards)

// key returns a key of a shard, one of many.
func key(index, which int) string {
	for i := 0; ; i++ {
		k := fmt.Sprintf("k%d.%d", which, i)
		if slots.Shard(slot.Of([]byte(k))) == index {
			return k
		}
	}
}

// request makes a request as a session does.
func (n *node) request(epoch uint64, words ...string) *wire.Request {
	return request(n.node.Table, epoch, words...)
}

func request(table *command.Table, epoch uint64, words ...string) *wire.Request {
	r := &wire.Request{Cmd: table.Lookup([]byte(words[0])), Proto: 2, Epoch: epoch}
	for _, w := range words {
		r.Args = append(r.Args, []byte(w))
	}
	r.Slot = slot.Of(r.Args[r.Cmd.KeyPos])
	return r
}

// outcome is what an Asker was told.
type outcome struct {
	ticket        uint64
	what, content string
}

// asking is an Asker that keeps what it is told.
type asking struct {
	t        testing.TB
	outcomes chan outcome
}

func newAsking(t testing.TB) *asking { return &asking{t, make(chan outcome, 1<<17)} }

func (a *asking) Replied(ticket uint64, out []byte) {
	a.outcomes <- outcome{ticket, "replied", strings.TrimSpace(string(out))}
}

func (a *asking) Refused(ticket uint64, request []byte) {
	a.outcomes <- outcome{ticket, "refused", string(request)}
}

func (a *asking) Unknown(ticket uint64) { a.outcomes <- outcome{ticket, "unknown", ""} }

func (a *asking) next() outcome {
	a.t.Helper()
	select {
	case o := <-a.outcomes:
		return o
	case <-time.After(patience):
		a.t.Fatal("no outcome")
		panic("no outcome")
	}
}

// forward sends a request from the client's loop; false: it was not sent.
func (n *node) forward(to directory.Number, a *asking, ticket uint64, r *wire.Request) (sent bool) {
	n.on(func() { sent = n.loop.Forward(to, r, n.conn, a, ticket) })
	return sent
}

// do forwards one command and returns what comes of it.
func (n *node) do(to directory.Number, words ...string) outcome {
	n.t.Helper()
	a := newAsking(n.t)
	if !n.forward(to, a, 1, n.request(5, words...)) {
		return outcome{what: "not sent"}
	}
	return a.next()
}

// local returns a key's text at its own node.
func (n *node) local(key string) string {
	r := n.request(0, "GET", key)
	out := &reply.Writer{Proto: 2}
	done := make(chan struct{})
	run := r.Run(out, time.Now().UnixMilli())
	run.Done = func() { close(done) }
	n.node.Env.Shards[n.node.Env.Slots.Shard(r.Slot)].Tell(&run)
	<-done
	if run.Refused {
		return "refused"
	}
	return strings.TrimSpace(string(bytes.ReplaceAll(out.Buf, []byte("\r\n"), []byte(" "))))
}

// raw is a peer of the test's own: one end of a stream.
type raw struct {
	t testing.TB
	net.Conn
}

// dial connects to a node's stream port.
func dial(t testing.TB, n *node) *raw {
	t.Helper()
	c, err := net.Dial("tcp", n.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &raw{t, c}
}

// greeting is the hello of a member of d to another.
func greeting(n *node, d *directory.Directory, from, to directory.Number) *hello {
	m := d.Member(from)
	return &hello{d.ClusterID, m.ID, from, m.Incarnation, to, wire.Fingerprint(n.node.Table)}
}

// admitted connects to a node as a member.
func admitted(t testing.TB, n *node, d *directory.Directory, from, to directory.Number) *raw {
	t.Helper()
	r := dial(t, n)
	if err := greet(r.Conn, greeting(n, d, from, to)); err != nil {
		t.Fatal(err)
	}
	if err := r.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *raw) send(b []byte) {
	r.t.Helper()
	if _, err := r.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

func encode(k kind, id uint64, content []byte) []byte {
	out, start := begin(nil, k, id)
	out = append(out, content...)
	finish(out, start)
	return out
}

// command sends a request of a turn.
func (r *raw) command(id, turn uint64, q *wire.Request) {
	r.t.Helper()
	r.send(encode(kindRequest, id, wire.AppendRequest(binary.AppendUvarint(nil, turn), q)))
}

// frame reads a frame.
func (r *raw) frame() frame {
	r.t.Helper()
	f, err := readFrame(r.Conn)
	if err != nil {
		r.t.Fatal("no frame: ", err)
	}
	return f
}

func readFrame(c io.Reader) (frame, error) {
	var head [lengthBytes]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return frame{}, err
	}
	body := make([]byte, binary.LittleEndian.Uint32(head[:]))
	if _, err := io.ReadFull(c, body); err != nil {
		return frame{}, err
	}
	f, n, err := next(append(head[:], body...), MaxFrame)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	return f, err
}

// closed waits for the node to close the connection.
func (r *raw) closed() {
	r.t.Helper()
	if _, err := io.Copy(io.Discard, r.Conn); err != nil && strings.Contains(err.Error(), "timeout") {
		r.t.Fatal("the node does not close the stream")
	}
}

// settled waits until no more goroutines and files are there than before.
func settled(t testing.TB, goroutines, files int) {
	t.Helper()
	await(t, fmt.Sprintf("%d goroutines and %d files, as before", goroutines, files), func() bool {
		return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files
	})
}
