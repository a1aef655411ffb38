package coordinator

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// fakePeers are the other nodes: they note what they are told, and can be cut off.
type fakePeers struct {
	mu        sync.Mutex
	cut       bool
	suspected bool
	said      []string
	orders    []*engine.Order
}

func (p *fakePeers) note(format string, args ...any) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		return false
	}
	p.said = append(p.said, fmt.Sprintf(format, args...))
	return true
}

func (p *fakePeers) Order(to directory.Number, shard int, o *engine.Order) bool {
	if !p.note("order %d to shard %d of node %d", o.Kind, shard, to) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders = append(p.orders, o)
	return true
}

func (p *fakePeers) Answer(to directory.Number, a *engine.Answer) bool {
	return p.note("answer %d of shard %d to node %d", a.Kind, a.Shard, to)
}

func (p *fakePeers) Forsake(to directory.Number, shard, db int, key []byte, id engine.SagaID) bool {
	return p.note("forsake %s in db %d for saga %d at shard %d of node %d", key, db, id, shard, to)
}

func (p *fakePeers) Unwatch(to directory.Number, shard, db int, key []byte) bool {
	return p.note("unwatch %s in db %d at shard %d of node %d", key, db, shard, to)
}

func (p *fakePeers) Suspected(directory.Number) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.suspected
}

// take returns what was said since the last take.
func (p *fakePeers) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	said := p.said
	p.said = nil
	return said
}

// The shards of a peerRig, and whose they are: this node's, node 2's, which is up,
// node 3's, which is down, and nobody's.
const (
	here = iota
	there
	down
	nowhere
	peerShards
)

func newPeerRig(t *testing.T) (*rig, *fakePeers) {
	t.Helper()
	r, p := newRig(t, peerShards), &fakePeers{}
	r.sagas.SetPeers(p)
	d := &directory.Directory{
		Slots: directory.Even(peerShards), Epoch: 2, ClusterID: "some", Self: 1,
		Members: []directory.Member{{Number: 1}, {Number: 2}, {Number: 3, State: directory.Down}},
		Places:  []directory.Place{here: {Owner: 1, Epoch: 1}, there: {Owner: 2, Epoch: 1}, down: {Owner: 3, Epoch: 1}, nowhere: {}},
	}
	r.node.Place(d)
	for i := range r.node.Env.Shards {
		r.on(i, func(*engine.Engine) {})
	}
	return r, p
}

// nameAt returns a key of a shard.
func (r *rig) nameAt(index int) string {
	for i := 0; ; i++ {
		if k := fmt.Sprint("name", i); r.node.Env.ShardOf([]byte(k)) == index {
			return k
		}
	}
}

// fakeMachine is a saga that notes what it is told.
type fakeMachine struct{ told chan *engine.Answer }

func (*fakeMachine) Start()                    {}
func (m *fakeMachine) Answer(a *engine.Answer) { m.told <- a }
func (*fakeMachine) Posted()                   {}
func (*fakeMachine) Tick()                     {}
func (*fakeMachine) Ended() bool               { return false }

// live makes a saga of this node that lives.
func (r *rig) live(id engine.SagaID) *fakeMachine {
	m := &fakeMachine{make(chan *engine.Answer, 100)}
	c := &cell{n: r.sagas, id: id, machine: m}
	c.tell = func(message any) { m.told <- message.(*engine.Answer) }
	r.sagas.mu.Lock()
	r.sagas.live[id] = c
	r.sagas.mu.Unlock()
	r.t.Cleanup(func() { r.sagas.forget(c) })
	return m
}

func (m *fakeMachine) next(t *testing.T) *engine.Answer {
	t.Helper()
	select {
	case a := <-m.told:
		return a
	case <-time.After(patience):
		t.Fatal("the saga was told nothing")
		return nil
	}
}

// sagaOf is the identity of a saga of a node, born long after every test.
func sagaOf(node directory.Number, n int) engine.SagaID {
	const future = 1 << 40 // milliseconds
	return engine.SagaID(future<<22 | n<<10 | int(node))
}

// Orders go where their shard is. Where that leads nowhere, the saga is told so.
func TestOrdersFindTheirShard(t *testing.T) {
	r, p := newPeerRig(t)
	id := sagaOf(1, 1)
	m := r.live(id)
	now := time.Now().UnixMilli()
	order := func() *engine.Order {
		return &engine.Order{Kind: engine.OrderUndo, Saga: id, Attempt: 3, Visit: 7, Now: now}
	}
	r.sagas.order(here, order())
	if a := m.next(t); a.Kind != engine.AnswerUndone || a.Shard != here {
		t.Errorf("of this node's shard: %+v", a)
	}
	for shard, want := range map[int]engine.AnswerKind{down: engine.AnswerLost, nowhere: engine.AnswerLost} {
		r.sagas.order(shard, order())
		if a := m.next(t); a.Kind != want || a.Shard != shard || a.Attempt != 3 || a.Visit != 7 || a.Saga != id {
			t.Errorf("of shard %d: %+v", shard, a)
		}
	}
	if said := p.take(); len(said) > 0 {
		t.Errorf("said %q", said)
	}
	r.sagas.order(there, order())
	if said := p.take(); !slices.Equal(said, []string{"order 3 to shard 1 of node 2"}) {
		t.Errorf("said %q", said)
	}

	p.cut = true
	r.sagas.order(there, order()) // there will be a way soon
	if len(m.told) > 0 {
		t.Errorf("told %+v at once", <-m.told)
	}
	p.suspected = true
	r.sagas.order(there, order())
	if a := m.next(t); a.Kind != engine.AnswerUnreachable || a.Shard != there {
		t.Errorf("of a suspected node: %+v", a)
	}
	p.suspected = false
	now -= reachPatience + 1000
	r.sagas.order(there, order())
	if a := m.next(t); a.Kind != engine.AnswerUnreachable {
		t.Errorf("of a node without a way for long: %+v", a)
	}
}

// Answers of this node's shards go to the coordinator's node. A node that is down
// has none: others end its sagas.
func TestAnswersFindTheirCoordinator(t *testing.T) {
	r, p := newPeerRig(t)
	mine := r.live(sagaOf(1, 1))
	r.sagas.Answer(&engine.Answer{Kind: engine.AnswerRan, Saga: sagaOf(1, 1), Shard: here})
	if a := mine.next(t); a.Kind != engine.AnswerRan {
		t.Errorf("got %+v", a)
	}
	r.sagas.Answer(&engine.Answer{Kind: engine.AnswerRan, Saga: sagaOf(2, 1), Shard: here})
	if said := p.take(); !slices.Equal(said, []string{"answer 0 of shard 0 to node 2"}) {
		t.Errorf("said %q", said)
	}
	for _, node := range []directory.Number{3, 4} { // down, and unknown
		r.sagas.Answer(&engine.Answer{Kind: engine.AnswerRan, Saga: sagaOf(node, 1), Shard: here})
		r.sagas.Answer(&engine.Answer{Kind: engine.AnswerRan, Saga: sagaOf(node, 1), Shard: here})
		want := "order 5 to shard 1 of node 2" // a recovery asks all shards
		var said []string
		for deadline := time.Now().Add(patience); !slices.Contains(said, want); time.Sleep(time.Millisecond) {
			if said = append(said, p.take()...); time.Now().After(deadline) {
				t.Fatalf("node %d: said %q, want %q", node, said, want)
			}
		}
		if slices.Contains(said, fmt.Sprintf("answer 0 of shard 0 to node %d", node)) {
			t.Errorf("node %d was answered", node)
		}
	}
}

// orders are what this node's coordinators send to shard there from now on.
func (p *fakePeers) sent() []*engine.Order {
	p.mu.Lock()
	defer p.mu.Unlock()
	orders := p.orders
	p.orders = nil
	return orders
}

// Participants of sagas that are over and unknown are sent away; those of sagas whose
// coordinator was another process of this node are recovered.
func TestOrphans(t *testing.T) {
	r, p := newPeerRig(t)
	id := sagaOf(1, 1)
	for _, c := range []struct {
		a    engine.Answer
		want engine.OrderKind
		none bool
	}{
		{a: engine.Answer{Kind: engine.AnswerRan}, want: engine.OrderUndo},
		{a: engine.Answer{Kind: engine.AnswerHanded}, want: engine.OrderUndo},
		{a: engine.Answer{Kind: engine.AnswerDecided}, want: engine.OrderForget},
		{a: engine.Answer{Kind: engine.AnswerUndone}, none: true},
		{a: engine.Answer{Kind: engine.AnswerCommitted}, none: true},
	} {
		a := c.a
		a.Saga, a.Shard, a.Attempt, a.Visit = id, there, 2, 3
		r.sagas.Take(&a)
		sent := p.sent()
		if c.none && len(sent) > 0 || !c.none && (len(sent) != 1 || sent[0].Kind != c.want || sent[0].Saga != id) {
			t.Errorf("after answer %d: %+v", c.a.Kind, sent)
		}
	}
	p.take()
	early, doubtful := engine.SagaID(5<<22|1), sagaOf(1, 2) // of 2020, and one whose home went down
	r.sagas.missed(there, &engine.Order{Kind: engine.OrderDecide, Saga: doubtful, Attempt: 1, Visit: 5}, engine.AnswerLost)
	for _, id := range []engine.SagaID{early, doubtful} {
		r.expectRecovery(t, p, id)
	}
}

// expectRecovery expects that a participant who asks sets off the recovery of its saga.
func (r *rig) expectRecovery(t *testing.T, p *fakePeers, id engine.SagaID) {
	t.Helper()
	r.sagas.Take(&engine.Answer{Kind: engine.AnswerRan, Saga: id, Shard: there})
	var sent []*engine.Order
	for deadline := time.Now().Add(patience); len(sent) == 0; sent = p.sent() {
		if time.Now().After(deadline) {
			t.Fatal("no recovery")
		}
		time.Sleep(time.Millisecond)
	}
	if sent[0].Kind != engine.OrderResolve || sent[0].Saga != id {
		t.Errorf("sent %+v", sent[0])
	}
}

// A participant that could not be told that its saga has committed is told when it
// comes back and asks, whatever it asks.
func TestOutcomesAreKept(t *testing.T) {
	r, p := newPeerRig(t)
	id := sagaOf(1, 1)
	ask := func(kind engine.AnswerKind, shard int, record []byte) []*engine.Order {
		r.sagas.Take(&engine.Answer{Kind: kind, Saga: id, Shard: shard, Attempt: 2, Visit: 3, Record: record})
		return p.sent()
	}
	commit := &engine.Order{Kind: engine.OrderCommit, Saga: id, Attempt: 2, Visit: 3}
	r.sagas.missed(there, commit, engine.AnswerUnreachable) // its saga lives and goes on
	if sent := ask(engine.AnswerRan, there, nil); len(sent) != 1 || sent[0].Kind != engine.OrderUndo {
		t.Errorf("of an order that was not lost: %+v", sent)
	}
	r.sagas.missed(there, commit, engine.AnswerLost)
	for _, kind := range []engine.AnswerKind{engine.AnswerRan, engine.AnswerWound, engine.AnswerDecided, engine.AnswerRan} {
		if sent := ask(kind, there, nil); len(sent) != 1 || sent[0].Kind != engine.OrderCommit || sent[0].Attempt != 2 || sent[0].Visit != 3 {
			t.Errorf("a prepared participant is told %+v", sent)
		}
	}
	if sent := ask(engine.AnswerCommitted, there, nil); len(sent) != 1 || sent[0].Kind != engine.OrderForget {
		t.Errorf("one that has committed is told %+v", sent)
	}
	if sent := ask(engine.AnswerRan, there, nil); len(sent) != 1 || sent[0].Kind != engine.OrderUndo {
		t.Errorf("after that: %+v", sent)
	}
	for kind := engine.OrderRun; kind <= engine.OrderConfirm; kind++ {
		if kind != engine.OrderCommit && kind != engine.OrderDecide {
			r.sagas.missed(there, &engine.Order{Kind: kind, Saga: id}, engine.AnswerLost)
		}
	}
	if sent := ask(engine.AnswerRan, there, nil); len(sent) != 1 || sent[0].Kind != engine.OrderUndo {
		t.Errorf("other orders count as commits: %+v", sent)
	}
}

// Of a call that is blocked on several nodes, the first that hands a key serves it;
// others are sent away, and so are all once it waits no more.
func TestWaitersAreWokenOnce(t *testing.T) {
	r, p := newPeerRig(t)
	for _, forsaken := range []bool{false, true} {
		id := sagaOf(1, 1)
		var claimed atomic.Bool
		var handed []string
		w := &engine.Waiter{
			Saga: id, Claim: func() bool { return claimed.CompareAndSwap(false, true) },
			Handoff: func(db int, key []byte, place uint64) { handed = append(handed, fmt.Sprint(db, string(key), place)) },
		}
		r.sagas.Await(w)
		if forsaken {
			r.sagas.Forsake(w, 3, [][]byte{[]byte(r.nameAt(there)), []byte(r.nameAt(here))})
			want := fmt.Sprintf("forsake %s in db 3 for saga %d at shard 1 of node 2", r.nameAt(there), id)
			if said := p.take(); !slices.Equal(said, []string{want}) {
				t.Errorf("said %q, want %q", said, want)
			}
		}
		r.sagas.Take(&engine.Answer{Kind: engine.AnswerHanded, Saga: id, Shard: there, DB: 3, Key: []byte("k"), Place: 9})
		first := p.sent()
		r.sagas.Take(&engine.Answer{Kind: engine.AnswerHanded, Saga: id, Shard: there, DB: 3, Key: []byte("l"), Place: 8})
		second := p.sent()
		if !forsaken && (!slices.Equal(handed, []string{fmt.Sprint(3, "k", 9)}) || len(first) != 0) {
			t.Errorf("handed %q, sent %+v", handed, first)
		}
		if forsaken && (len(handed) != 0 || len(first) != 1 || first[0].Kind != engine.OrderUndo) {
			t.Errorf("forsaken, handed %q, sent %+v", handed, first)
		}
		if len(second) != 1 || second[0].Kind != engine.OrderUndo || second[0].Attempt != 1 {
			t.Errorf("the second is sent %+v", second)
		}
		p.take()
	}
}

// Waiters and watches at this node's shards go by themselves, those elsewhere by a
// message; a node that cannot be reached keeps them.
func TestForsakeAndUnwatch(t *testing.T) {
	r, p := newPeerRig(t)
	name, far := r.nameAt(here), r.nameAt(there)
	w := &engine.Waiter{Saga: sagaOf(1, 1)}
	r.on(here, func(e *engine.Engine) {
		var k keyspace.Key
		e.KS.Key(&k, 2, []byte(name))
		e.Wait(&k, w)
	})
	r.sagas.Await(w)
	r.sagas.Forsake(w, 2, [][]byte{[]byte(name), []byte(far)})
	r.single("GET", name) // is after what was told before
	r.on(here, func(e *engine.Engine) {
		if n := e.Waiting(); n != 0 {
			t.Errorf("%d keys are waited for", n)
		}
	})
	if call := r.call([]string{"MGET", name}); r.inline(call) == "" {
		t.Fatal("no answer")
	}
	watch := &saga.Call{Cmd: r.node.Env.Find(saga.WatchName), Args: toArgs([]string{"WATCH", name}), Now: r.now, Out: r.call([]string{"MGET", name}).Out}
	for !r.runner.Inline(watch) { // the shard may not be at rest yet
		runtime.Gosched()
	}
	r.on(here, func(e *engine.Engine) {
		if e.Watched() != 1 {
			t.Errorf("%d keys are watched", e.Watched())
		}
	})
	p.take()
	r.sagas.Unwatch([]saga.Watch{{DB: 0, Key: []byte(name)}, {DB: 5, Key: []byte(far)}})
	r.on(here, func(e *engine.Engine) {
		if e.Watched() != 0 {
			t.Errorf("%d keys stay watched", e.Watched())
		}
	})
	if said, want := p.take(), fmt.Sprintf("unwatch %s in db 5 at shard 1 of node 2", far); !slices.Equal(said, []string{want}) {
		t.Errorf("said %q, want %q", said, want)
	}
	p.cut = true
	r.sagas.Unwatch([]saga.Watch{{DB: 5, Key: []byte(far)}})
	r.sagas.Forsake(w, 2, [][]byte{[]byte(far)})
}

// When the node may serve no more, every saga under way learns of it.
func TestFence(t *testing.T) {
	r, _ := newPeerRig(t)
	told := make(chan any, 4)
	for i := range 3 {
		c := &cell{n: r.sagas, id: sagaOf(1, i)}
		if i < 2 {
			c.tell = func(message any) { told <- message }
		} // else it has not begun
		r.sagas.mu.Lock()
		r.sagas.live[c.id] = c
		r.sagas.mu.Unlock()
		t.Cleanup(func() { r.sagas.forget(c) })
	}
	r.sagas.Fence()
	for range 2 {
		if m := <-told; m != any(fenced{}) {
			t.Errorf("told %v", m)
		}
	}
	if len(told) > 0 {
		t.Error("told twice")
	}
}
