package sim

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/engine"
)

// shardNode is a shard's actor at one process.
type shardNode struct {
	p            *process
	index        int
	engine       *engine.Engine
	brought      uint64   // the move that has brought its data, 0: none
	dropped      []string // keys that it has not, as their time had come
	revived      []string // keys that had ended, and whose end is undone just now
	stalledUntil int64
	deciding     *op  // whose decision is being delivered
	held         bool // it is to be held
	prepared     map[engine.SagaID]part
}

// part is a participant that has run.
type part struct {
	attempt uint32
	visit   uint64
}

func newShardNode(p *process, i int) *shardNode {
	s := &shardNode{p: p, index: i, engine: p.w.o.Setup.engine(i), prepared: map[engine.SagaID]part{}}
	s.engine.Close() // until the directory says that it is here
	s.engine.Join(i, s)
	s.heed()
	return s
}

// enter opens a shard that this node has from now on.
func (s *shardNode) enter(place *directory.Place) {
	e, w := s.engine, s.p.w
	if !e.Closed() && e.Epoch() == place.Epoch {
		return
	}
	if s.brought != 0 {
		if err := e.EndImport(); err != nil {
			w.fail("shard %d: %v", s.index, err)
		}
		s.heed()
		for _, key := range s.dropped {
			w.gone(s.index, key)
		}
		w.spoiled(s.index)
	} else if place.Epoch > 1 {
		w.lost(s.index)
	}
	s.brought = 0
	w.trace("node %d opens shard %d under %d", s.p.number, s.index, place.Epoch)
	e.Open(place.Epoch)
	w.opened(s)
}

// leave closes a shard that another node has.
func (s *shardNode) leave() {
	if s.engine.Closed() {
		return
	}
	s.p.w.trace("node %d closes shard %d", s.p.number, s.index)
	s.engine.Close()
	s.engine.EndExport(false)
	clear(s.prepared)
}

// opened checks that a shard is open once, and never under an older epoch again.
func (w *World) opened(s *shardNode) {
	if s.engine.Epoch() <= w.newest[s.index] {
		w.fail("shard %d is opened under the epoch %d after %d", s.index, s.engine.Epoch(), w.newest[s.index])
	}
	w.newest[s.index] = s.engine.Epoch()
	for _, n := range w.nodes[1:] {
		if n.p == nil || n.p == s.p || n.p.shards[s.index] == nil {
			continue
		}
		if o := n.p.shards[s.index].engine; !o.Closed() && !o.Sealed() {
			w.fail("shard %d is open at node %d and at node %d", s.index, s.p.number, n.number)
		}
	}
}

// tick is the shard's own.
func (s *shardNode) tick() {
	if s.p.w.chance(s.p.w.o.Faults.Stall) {
		s.p.w.Stats.Stalls++
		s.stalledUntil = s.p.w.now + s.p.w.rng.Int64N(stallMost)
	}
	if s.p.w.now >= s.stalledUntil {
		s.engine.Tick(s.p.clock())
	}
}

// take runs f on the shard, after its pause.
func (s *shardNode) take(f func()) {
	w := s.p.w
	switch {
	case s.p.dead:
	case w.now < s.stalledUntil:
		s.p.after(s.stalledUntil-w.now, func() { s.take(f) })
	default:
		if e := s.engine; !e.Closed() && e.Epoch() < w.newest[s.index] && !e.Sealed() {
			w.fail("shard %d runs at node %d under %d after %d", s.index, s.p.number, e.Epoch(), w.newest[s.index])
		}
		f()
	}
}

// order delivers an order. One from another node is as if it were lost while this node
// may not serve.
func (s *shardNode) order(o *engine.Order, from *process) {
	if from != s.p && !s.p.serving() {
		s.p.w.Stats.Fenced++
		return
	}
	s.take(func() {
		w := s.p.w
		call := w.calls[o.Saga]
		if call != nil && o.Kind != engine.OrderRun && o.Kind != engine.OrderResolve {
			w.trace("shard %d: order %d of saga %d attempt %d visit %d", s.index, o.Kind, o.Saga, o.Attempt, o.Visit)
		}
		if call != nil && o.Kind == engine.OrderCommit && call.moment != nil && s.prepared[o.Saga] == (part{o.Attempt, o.Visit}) {
			call.moment.sure = true
		}
		if o.Kind == engine.OrderDecide {
			s.deciding, s.held = call, o.Hold
		}
		s.carryOut(o)
		s.deciding = nil
		if o.Sink != nil {
			spoil(o)
		}
	})
}

// spoil makes an order that was lent what it may be from now on.
func spoil(o *engine.Order) {
	for i := range o.Steps {
		for _, arg := range o.Steps[i].Args {
			for j := range arg {
				arg[j] = '!'
			}
		}
	}
	clear(o.Steps)
	clear(o.Record)
	clear(o.Locks)
}

// Answer implements engine.Coordinators.
func (s *shardNode) Answer(a *engine.Answer) {
	s.observe(a)
	s.p.local(func() { s.p.router.answer(a) })
}

// observe looks at what the shard says.
func (s *shardNode) observe(a *engine.Answer) {
	switch a.Kind {
	case engine.AnswerDecided:
		if s.deciding != nil && a.Saga == s.deciding.saga {
			s.p.w.Stats.Decisions++
			if m := s.deciding.moment; m == nil {
				s.p.w.fail("decided without a moment: %v", s.deciding)
			} else if !s.held {
				m.sure = true
			}
			d := s.p.w.doubtOf(a.Saga)
			d.home, d.known, d.held = s.index, true, s.held
			s.deciding = nil
		}
	case engine.AnswerRan:
		s.prepared[a.Saga] = part{a.Attempt, a.Visit} // even one that has only read may still be to write
	case engine.AnswerWound:
		s.p.w.Stats.Wounds++
	case engine.AnswerElsewhere:
		s.p.w.Stats.Elsewhere++
	}
}
