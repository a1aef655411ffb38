package peer

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/wire"
)

// hostile sends a stream's bytes to a node and waits until it has ended.
func hostile(t *testing.T, n *node, d *directory.Directory, in []byte) {
	t.Helper()
	r := admitted(t, n, d, 2, 1)
	_, _ = r.Write(in) // the node may have had enough
	_ = r.Conn.(*net.TCPConn).CloseWrite()
	r.closed()
	r.Close()
}

// Frames that are changed, cut, doubled or made up come from one who is admitted:
// they cost that stream at most.
func TestHostileFrames(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	n := nodes[0]
	get := n.request(5, "GET", key(0, 1))
	set := n.request(5, "SET", key(0, 2), "x")
	order := &engine.Order{
		Kind: engine.OrderRun, Saga: 1<<40 | 2, Attempt: 1, Round: 1, Proto: 2, Epoch: 5,
		Steps: []engine.SagaStep{{Cmd: get.Cmd, Key: 1, Args: [][]byte{nil, []byte(key(0, 1))}}},
	}
	undo := &engine.Order{Kind: engine.OrderUndo, Saga: order.Saga, Attempt: 1}
	gone := leaving{shard: 0, saga: 5, key: []byte(key(0, 1))}
	request := func(r *wire.Request) []byte { return append([]byte{0}, wire.AppendRequest(nil, r)...) }
	frames := [][]byte{
		encode(kindRequest, 1, request(get)), encode(kindRequest, 2, request(set)),
		encode(kindOrder, 0, appendOrder(nil, 0, order)), encode(kindOrder, 0, appendOrder(nil, 0, undo)),
		encode(kindForsake, 0, gone.append(nil)), encode(kindUnwatch, 0, gone.append(nil)),
		encode(kindTell, 1<<laneBits, []byte{'x'}), encode(kindAsk, 1, []byte{'x'}),
		encode(kindAnswer, 0, wire.AppendAnswer(nil, &engine.Answer{Kind: engine.AnswerUndone, Saga: 9, Shard: 1})),
	}
	whole := slices.Concat(frames...)
	for i := range whole {
		hostile(t, n, d, whole[:i])
	}
	hostile(t, n, d, append(slices.Clone(whole), whole...))
	for i, f := range frames {
		for at := range f {
			for _, by := range []byte{1, 0x80, 0xff} {
				changed := slices.Clone(f)
				changed[at] ^= by
				if at == 3 {
					continue // announces up to a gigabyte, see TestAnnouncements
				}
				hostile(t, n, d, changed)
			}
		}
		_ = i
	}
	n.awaitShards()
	unaffected(t, nodes)
}

// awaitShards waits until the shards are through with what they were told.
func (n *node) awaitShards() {
	for _, h := range n.node.Env.Shards {
		done := make(chan struct{})
		h.Tell(shard.Func(func(*engine.Engine) { close(done) }))
		<-done
	}
}

// What is well-formed and not for this shard, or no step at all, is refused.
func TestMisplacedOrders(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	n := nodes[0]
	get := n.node.Table.Lookup([]byte("get"))
	here, elsewhere := []byte(key(0, 1)), []byte(key(2, 1))
	run := func(o engine.Order) []byte {
		o.Kind, o.Saga, o.Epoch, o.Attempt, o.Round, o.Proto = engine.OrderRun, 1<<40|2, 5, 1, 1, 2
		return encode(kindOrder, 0, appendOrder(nil, 0, &o))
	}
	step := func(s engine.SagaStep) []byte { return run(engine.Order{Steps: []engine.SagaStep{s}}) }
	lock := func(l engine.Lock, name []byte) []byte {
		l.Name = string(name)
		return run(engine.Order{Locks: []engine.Lock{l}})
	}
	waiter := &engine.Waiter{Saga: 7}
	far := leaving{shard: 0, saga: 5, key: elsewhere}
	for name, c := range map[string]struct {
		in   []byte
		good bool
	}{
		"a step":                    {step(engine.SagaStep{Cmd: get, Key: 1, Args: [][]byte{nil, here}}), true},
		"a step elsewhere":          {step(engine.SagaStep{Cmd: get, Key: 1, Args: [][]byte{nil, elsewhere}}), false},
		"a step of this node":       {step(engine.SagaStep{Cmd: n.node.Env.Find("~exec"), Args: [][]byte{nil}}), false},
		"a waiter":                  {step(engine.SagaStep{Wait: waiter, Key: 1, Args: [][]byte{nil, here}}), true},
		"a waiter elsewhere":        {step(engine.SagaStep{Wait: waiter, Key: 1, Args: [][]byte{nil, elsewhere}}), false},
		"a lock":                    {lock(engine.Lock{}, here), true},
		"a lock elsewhere":          {lock(engine.Lock{}, elsewhere), false},
		"a lock to serve elsewhere": {lock(engine.Lock{Serve: true}, elsewhere), false},
		"a shard that is none":      {encode(kindOrder, 0, appendOrder(nil, shards, &engine.Order{Kind: engine.OrderUndo, Saga: 9})), false},
		"a waiter gone elsewhere":   {encode(kindForsake, 0, far.append(nil)), false},
		"a watch gone elsewhere":    {encode(kindUnwatch, 0, far.append(nil)), false},
		"an unknown topic":          {encode(kindTell, 1<<laneBits, []byte{'?'}), false},
		"no topic":                  {encode(kindAsk, 1, nil), false},
		"a reply":                   {encode(kindReply, 1, []byte("+OK\r\n")), false},
		"a welcome":                 {welcome(nil, nil), false},
	} {
		before := n.net.Refused()
		hostile(t, n, d, append(c.in, encode(kindRequest, 1, append([]byte{0}, wire.AppendRequest(nil, n.request(5, "PERSIST", key(0, 3)))...))...))
		want := before
		if !c.good {
			want++
		}
		if got := n.net.Refused(); got != want {
			t.Errorf("%s: %d are counted", name, got-before)
		}
		n.awaitShards()
		if p := n.panics.Load(); p != 0 {
			t.Fatalf("%s: a panic", name)
		}
		for i, h := range n.node.Env.Shards {
			if p := h.Lease.Recovered(); p != 0 {
				t.Fatalf("%s: shard %d has recovered from a panic", name, i)
			}
		}
	}
	unaffected(t, nodes)
}

// Memory follows what arrives, not what is announced.
func TestAnnouncements(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		r := admitted(t, nodes[0], d, 2, 1)
		f := encode(kindRequest, 1, make([]byte, 1000))
		f[3] = 0x3f // almost a gigabyte
		r.send(f)
	}
	unaffected(t, nodes)
	runtime.ReadMemStats(&after)
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 64<<20 {
		t.Errorf("a hundred announcements take %d MB", took>>20)
	}
}

// What a peer has asked is answered in full, though it hangs up, and the memory of a
// large command is not kept.
func TestHalfClosedPeer(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		nodes, d := cluster(t, 2, options{portable: portable})
		n := nodes[0]
		r := admitted(t, n, d, 2, 1)
		const count = 100
		var all []byte
		for i := range count {
			all = append(all, encode(kindRequest, uint64(i), append([]byte{0}, wire.AppendRequest(nil, n.request(5, "INCR", key(0, 1)))...))...)
		}
		r.send(all)
		if err := r.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for i := range count {
			if f := r.frame(); f.id != uint64(i) || string(f.content) != fmt.Sprintf(":%d\r\n", i+1) {
				t.Fatalf("answer %d: %d %q", i, f.id, f.content)
			}
		}
		r.closed()
	})
}

// The list of words of a large command is not kept, nor what the words of any name.
func TestWordsAreNotKept(t *testing.T) {
	s := &serving{}
	s.request.Args = make([][]byte, keptWords+1)
	s.rest()
	if s.request.Args != nil {
		t.Error("a long list is kept")
	}
	s.request.Args = append(make([][]byte, 0, keptWords), []byte("large"))[:0]
	s.rest()
	if s.request.Args == nil || s.request.Args[:1][0] != nil {
		t.Error("a short list is not kept empty")
	}
}
