package peer

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/wire"
)

func TestForward(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		nodes, _ := cluster(t, 3, options{portable: portable})
		n := nodes[0]
		a := newAsking(t)
		const count = 2000
		n.on(func() {
			for i := range count {
				to := 1 + i%2 // nodes 2 and 3
				if !n.loop.Forward(directory.Number(to+1), n.request(5, "INCR", key(to, 1)), n.conn, a, uint64(i)) {
					t.Errorf("request %d was not sent", i)
				}
			}
		})
		last := map[uint64]int{}
		for range count {
			o := a.next()
			last[o.ticket%2]++
			if want := fmt.Sprint(":", last[o.ticket%2]); o.what != "replied" || o.content != want || int(o.ticket)/2+1 != last[o.ticket%2] {
				t.Fatalf("got %v, want %s", o, want)
			}
		}
		for i, other := range nodes[1:] {
			if got, want := other.local(key(i+1, 1)), fmt.Sprintf("$%d %d", len(fmt.Sprint(count/2)), count/2); got != want {
				t.Errorf("node %d has %s, want %s", i+2, got, want)
			}
		}
		if o := n.do(2, "LPUSH", key(1, 1), "x"); !strings.HasPrefix(o.content, "-WRONGTYPE") {
			t.Errorf("LPUSH on a string: %v", o)
		}
		r := n.request(5, "HGETALL", key(1, 2))
		r.Proto = 3
		n.forward(2, a, 0, r)
		if o := a.next(); o.content != "%0" {
			t.Errorf("in RESP3: %v", o)
		}
		if o := n.do(4, "GET", key(1, 1)); o.what != "not sent" {
			t.Errorf("to nobody: %v", o)
		}
	})
}

// A request under an old epoch comes back as it was, and nothing was done.
func TestOldEpochIsRefused(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		nodes, _ := cluster(t, 2, options{portable: portable})
		n, a := nodes[0], newAsking(t)
		for _, epoch := range []uint64{4, 6} {
			r := n.request(epoch, "SET", key(1, 1), "x")
			n.forward(2, a, epoch, r)
			o := a.next()
			if o.what != "refused" || o.ticket != epoch || o.content != string(wire.AppendRequest(nil, r)) {
				t.Errorf("epoch %d: %v", epoch, o)
			}
		}
		n.forward(2, a, 0, n.request(5, "SET", key(0, 1), "x")) // a shard that is here
		if o := a.next(); o.what != "refused" {
			t.Errorf("another node's shard: %v", o)
		}
		nodes[1].fenced.Store(true)
		n.forward(2, a, 0, n.request(5, "SET", key(1, 1), "x"))
		if o := a.next(); o.what != "refused" {
			t.Errorf("without a lease: %v", o)
		}
		nodes[1].fenced.Store(false)
		if got := nodes[1].local(key(1, 1)); got != "$-1" {
			t.Errorf("the key is there: %s", got)
		}
		if o := n.do(2, "SET", key(1, 1), "x"); o.content != "+OK" {
			t.Errorf("under the right epoch: %v", o)
		}
	})
}

// A shard opens between two requests of one turn: the second one does not overtake
// the first, which was refused.
func TestNothingOvertakesWhatWasRefused(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	n := nodes[0]
	// Shard 2 is this node's, but under an epoch that it does not know yet.
	later := changed(d, func(d *directory.Directory) { d.Places[2].Epoch = 9 })
	r := admitted(t, n, d, 2, 1)
	counted := func(turn uint64) *wire.Request { return n.request(9, "RPUSH", key(2, 1), fmt.Sprint(turn)) }
	r.command(1, 0, counted(0))
	first := r.frame()
	n.follow(later, 1)
	r.command(2, 0, counted(0))
	r.command(3, 0, n.request(5, "SET", key(0, 1), "x"))
	r.command(4, 1, counted(1))
	r.command(5, 1, counted(2))
	for i, want := range []struct {
		kind    kind
		content string
	}{{kindRefused, ""}, {kindRefused, ""}, {kindReply, "+OK\r\n"}, {kindReply, ":1\r\n"}, {kindReply, ":2\r\n"}} {
		f := first
		if i > 0 {
			f = r.frame()
		}
		if f.kind != want.kind || f.id != uint64(i+1) || want.kind == kindReply && string(f.content) != want.content {
			t.Errorf("answer %d: kind %d, identity %d, %q", i+1, f.kind, f.id, f.content)
		}
		if turn, request, ok := takeUint(f.content, true); f.kind == kindRefused && (!ok || turn != 0 || string(request) != string(wire.AppendRequest(nil, counted(0)))) {
			t.Errorf("answer %d returns %q of turn %d", i+1, request, turn)
		}
	}
}

// The same while the shard is busy, so that requests wait in its mailbox.
func TestNothingOvertakesWhatWasPosted(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	n := nodes[0]
	h := n.node.Env.Shards[2]
	r := admitted(t, n, d, 2, 1)
	for !h.Lease.TryAcquire() {
		time.Sleep(time.Millisecond)
	}
	r.command(1, 0, n.request(9, "RPUSH", key(2, 1), "a"))
	await(t, "a message in the shard's mailbox", func() bool { return h.Lease.UserMessageCount() == 1 })
	h.Tell(shard.Func(func(e *engine.Engine) { e.Close(); e.Open(9) }))
	r.command(2, 0, n.request(9, "RPUSH", key(2, 1), "b"))
	await(t, "messages in the shard's mailbox", func() bool { return h.Lease.UserMessageCount() == 3 })
	h.Lease.Release()
	for id := uint64(1); id <= 2; id++ {
		if f := r.frame(); f.kind != kindRefused || f.id != id {
			t.Errorf("kind %d, identity %d, %q", f.kind, f.id, f.content)
		}
	}
	r.command(3, 1, n.request(9, "RPUSH", key(2, 1), "a"))
	if f := r.frame(); f.kind != kindReply || string(f.content) != ":1\r\n" {
		t.Errorf("kind %d, %q", f.kind, f.content)
	}
}

// A fenced node refuses what was posted before it was fenced, too.
func TestPostedRequestsMeetTheFence(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	n := nodes[0]
	h := n.node.Env.Shards[2]
	r := admitted(t, n, d, 2, 1)
	for !h.Lease.TryAcquire() {
		time.Sleep(time.Millisecond)
	}
	r.command(1, 0, n.request(5, "SET", key(2, 1), "a"))
	await(t, "a message in the shard's mailbox", func() bool { return h.Lease.UserMessageCount() == 1 })
	n.fenced.Store(true)
	h.Lease.Release()
	if f := r.frame(); f.kind != kindRefused {
		t.Errorf("kind %d, %q", f.kind, f.content)
	}
	n.fenced.Store(false)
	if got := n.local(key(2, 1)); got != "$-1" {
		t.Errorf("the key is there: %s", got)
	}
}

// puppet is a peer of the test's own that is dialled: it has the place of a node in
// the directory.
type puppet struct {
	t       testing.TB
	l       net.Listener
	streams chan *raw
}

func newPuppet(t testing.TB) *puppet {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &puppet{t, l, make(chan *raw, 16)}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if f, err := readFrame(c); err != nil || f.kind != kindHello {
				c.Close()
				continue
			}
			if _, err := c.Write(welcome(nil, nil)); err != nil {
				c.Close()
				continue
			}
			p.streams <- &raw{t, c}
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
		for len(p.streams) > 0 {
			(<-p.streams).Close()
		}
	})
	return p
}

func (p *puppet) stream() *raw {
	p.t.Helper()
	select {
	case r := <-p.streams:
		p.t.Cleanup(func() { r.Close() })
		if err := r.SetDeadline(time.Now().Add(patience)); err != nil {
			p.t.Fatal(err)
		}
		return r
	case <-time.After(patience):
		p.t.Fatal("no stream")
		panic("no stream")
	}
}

// withPuppet starts a node whose peer, number 2, is a puppet, to which it has a stream.
func withPuppet(t testing.TB, o options) (*node, *puppet, *raw, *directory.Directory) {
	t.Helper()
	n, p, d := start(t, o), newPuppet(t), plan(2)
	d.Members[1].StreamPort = p.l.Addr().(*net.TCPAddr).Port
	n.follow(d, 1)
	r := p.stream()
	n.joined(d)
	return n, p, r, d
}

// Requests are answered in any order, and those that have no answer when the stream
// breaks have an unknown outcome. What is asked then goes over the next stream.
func TestStreamBreaks(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		n, p, r, _ := withPuppet(t, options{portable: portable})
		a := newAsking(t)
		const count = 300
		for i := range count {
			n.forward(2, a, uint64(i), n.request(5, "GET", key(1, 1)))
		}
		var ids []uint64
		for range count {
			f := r.frame()
			if _, request, ok := takeUint(f.content, true); f.kind != kindRequest || !ok ||
				string(request) != string(wire.AppendRequest(nil, n.request(5, "GET", key(1, 1)))) {
				t.Fatalf("kind %d, %q", f.kind, f.content)
			}
			ids = append(ids, f.id)
		}
		for i := count - 1; i >= count/2; i-- {
			r.send(encode(kindReply, ids[i], fmt.Appendf(nil, "+%d\r\n", i)))
			if o := a.next(); o.what != "replied" || o.content != fmt.Sprintf("+%d", o.ticket) || o.ticket != uint64(i) {
				t.Fatalf("%d: %v", i, o)
			}
		}
		r.Close()
		for i := range count / 2 {
			if o := a.next(); o.what != "unknown" || o.ticket != uint64(i) {
				t.Fatalf("%d: %v", i, o)
			}
		}
		r = p.stream()
		await(t, "another stream", func() bool { return n.net.Reachable(2) })
		await(t, "a request over it", func() bool { return n.forward(2, a, 7, n.request(5, "GET", key(1, 1))) })
		r.send(encode(kindReply, r.frame().id, []byte("+again\r\n")))
		if o := a.next(); o != (outcome{7, "replied", "+again"}) {
			t.Error(o)
		}
	})
}

// The turn of requests ends when one of them is refused, once for all of the turn.
func TestTurns(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		n, _, r, _ := withPuppet(t, options{portable: portable})
		a := newAsking(t)
		ask := func(ticket uint64) (id, turn uint64) {
			t.Helper()
			if !n.forward(2, a, ticket, n.request(5, "GET", key(1, 1))) {
				t.Fatal("not sent")
			}
			f := r.frame()
			turn, _, _ = takeUint(f.content, true)
			return f.id, turn
		}
		refuse := func(id, turn uint64) {
			r.send(encode(kindRefused, id, append(binary.AppendUvarint(nil, turn), "request"...)))
			if o := a.next(); o.what != "refused" || o.content != "request" {
				t.Fatal(o)
			}
		}
		first, turn1 := ask(1)
		second, turn2 := ask(2)
		refuse(first, turn1)
		third, turn3 := ask(3)
		refuse(second, turn2)
		_, turn4 := ask(4)
		refuse(third, turn3)
		_, turn5 := ask(5)
		if turn1 != 0 || turn2 != 0 || turn3 != 1 || turn4 != 1 || turn5 != 2 {
			t.Errorf("turns %d %d %d %d %d, want 0 0 1 1 2", turn1, turn2, turn3, turn4, turn5)
		}
	})
}

// What a peer must not say on a stream that this node has dialled ends the stream.
func TestBadAnswers(t *testing.T) {
	ran := wire.AppendAnswer(nil, &engine.Answer{Kind: engine.AnswerRan, Saga: 1, Shard: 1, Out: []byte("+OK\r\n"), Ends: []int{5}})
	for name, in := range map[string][]byte{
		"a reply to nothing":       encode(kindReply, 1, []byte("+OK\r\n")),
		"a refusal of nothing":     encode(kindRefused, 1, []byte{0}),
		"a refusal without turn":   encode(kindRefused, 0, nil),
		"a request":                encode(kindRequest, 1, []byte{0}),
		"an order":                 encode(kindOrder, 1, []byte{0}),
		"a hello":                  encode(kindHello, 1, nil),
		"a second welcome":         welcome(nil, nil),
		"an answer that is cut":    encode(kindAnswer, 0, ran[:len(ran)-1]),
		"garbage":                  []byte("what is this, and what am I to do with it?"),
		"zeros":                    make([]byte, 16),
		"an announced large one":   binary.LittleEndian.AppendUint32(nil, MaxFrame+1),
		"an answer of nonexistent": encode(kindAnswer, 0, wire.AppendAnswer(nil, &engine.Answer{Kind: engine.AnswerUndone, Shard: shards})),
	} {
		t.Run(name, func(t *testing.T) {
			n, p, r, _ := withPuppet(t, options{})
			a := newAsking(t)
			n.forward(2, a, 3, n.request(5, "GET", key(1, 1)))
			r.frame()
			before := n.net.Refused()
			r.send(in)
			if o := a.next(); o.what != "unknown" {
				t.Errorf("what was asked is %v", o)
			}
			r.closed()
			if got := n.net.Refused(); got != before+1 {
				t.Errorf("%d are counted", got-before)
			}
			p.stream() // it is dialled again
			if got := n.panics.Load(); got != 0 {
				t.Errorf("%d panics", got)
			}
		})
	}
}

// An Asker that panics costs its stream, and nothing else.
func TestAskersMayPanic(t *testing.T) {
	n, p, r, _ := withPuppet(t, options{})
	a := newAsking(t)
	n.forward(2, a, 1, n.request(5, "GET", key(1, 1)))
	n.on(func() { n.loop.Forward(2, n.request(5, "GET", key(1, 1)), n.conn, panicking{a}, 2) })
	r.frame()
	r.send(encode(kindReply, r.frame().id, []byte("+OK\r\n")))
	if o := a.next(); o.what != "unknown" || o.ticket != 1 {
		t.Error(o)
	}
	p.stream()
	if got := n.panics.Load(); got != 1 {
		t.Errorf("%d panics are counted", got)
	}
}

type panicking struct{ *asking }

func (panicking) Replied(uint64, []byte) { panic("on purpose") }

// A peer that does not read is given a bounded amount; once it reads again it is
// given more.
func TestBackpressure(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		n, _, r, _ := withPuppet(t, options{portable: portable})
		a := newAsking(t)
		big := n.request(5, "SET", key(1, 1), strings.Repeat("x", 1<<20))
		sent := 0
		await(t, "a stream that is full", func() bool {
			if n.forward(2, a, uint64(sent), big) {
				sent++
				return false
			}
			return true
		})
		// What the sockets' buffers hold comes on top: a few megabytes.
		if sent < softStream>>20 || sent > softStream>>20+64 {
			t.Errorf("%d MB were taken", sent)
		}
		if o := n.do(3, "GET", "x"); o.what != "not sent" {
			t.Error(o)
		}
		for range sent {
			r.send(encode(kindReply, r.frame().id, []byte("+OK\r\n")))
			if o := a.next(); o.what != "replied" {
				t.Fatal(o)
			}
		}
		await(t, "a stream that takes more", func() bool { return n.forward(2, a, 1, big) })
	})
}

// A node reads what its peer answers even while that does not read what it asks: else
// both would wait for ever, each with more to send than the other takes.
func TestLargeBothWays(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		nodes, _ := cluster(t, 2, options{portable: portable})
		var both sync.WaitGroup
		for i, n := range nodes {
			to := 2 - i
			both.Go(func() {
				a := newAsking(t)
				set := n.request(5, "SET", key(to-1, 1), strings.Repeat("x", 2<<20))
				get := n.request(5, "GET", key(to-1, 1))
				await(t, "the first value", func() bool { return n.do(directory.Number(to), "SET", key(to-1, 1), "x").content == "+OK" })
				const count = 24
				open, sent := 0, 0
				for sent < count || open > 0 {
					r := get
					if sent%2 == 0 {
						r = set
					}
					if sent < count && n.forward(directory.Number(to), a, uint64(sent), r) {
						sent, open = sent+1, open+1
						continue
					}
					if o := a.next(); o.what != "replied" {
						t.Error(o.what)
						return
					}
					open--
				}
			})
		}
		both.Wait()
	})
}
