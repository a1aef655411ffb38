package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// Faults are how often things go wrong, each as a probability of one event.
type Faults struct {
	Drop, Double, Slow float64 // of a message
	Crash              float64 // at a message that a coordinator takes or sends
	Pause              float64 // of a shard, at a tick
}

// Options make a World.
type Options struct {
	Setup   *Setup
	Seed    uint64
	Clients int
	Calls   int // of each client
	Faults  Faults
	// CrashAt, if not 0, makes the coordinator crash that takes or sends the
	// message of this number, counted from 1.
	CrashAt int
}

// Times in milliseconds.
const (
	startTime   = 1_700_000_000_000
	fastMost    = 4    // of a message that is not slow
	slowMost    = 400  // longer than it takes to be sent again
	pauseMost   = 300  // of a shard
	machineTick = 50   // of coordinators
	shardTick   = 100  // of shards
	quietLimit  = 60e3 // after which a world that has not settled never will
)

// World is one run.
type World struct {
	o        Options
	rng      *rand.Rand
	now      int64
	queue    events
	sequence int

	shards    []*shardNode
	sagas     map[engine.SagaID]*sagaNode
	ids       engine.SagaID
	clients   []*client
	done      int // clients that have ended
	history   []*op
	arrows    int
	faultless bool
	errs      []string

	// Stats tell what the run has met.
	Stats Stats
}

// Stats count what a run has met.
type Stats struct {
	Messages, Wounds, Again, Crashes, Decisions, Orphans, Blocked, Ops int
}

func (s *Stats) add(o Stats) {
	s.Messages += o.Messages
	s.Wounds += o.Wounds
	s.Again += o.Again
	s.Crashes += o.Crashes
	s.Decisions += o.Decisions
	s.Orphans += o.Orphans
	s.Blocked += o.Blocked
	s.Ops += o.Ops
}

// shardNode is a shard and whether it pauses.
type shardNode struct {
	w        *World
	index    int
	engine   *engine.Engine
	resumeAt int64
	deciding *op // whose decision is being delivered
}

type event struct {
	at  int64
	seq int
	run func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// NewWorld prepares a run.
func NewWorld(o Options) *World {
	w := &World{
		o: o, rng: rand.New(rand.NewPCG(o.Seed, 0)),
		now: startTime, sagas: map[engine.SagaID]*sagaNode{}, ids: 1, // which is a seal's
	}
	for i := range o.Setup.shards {
		s := &shardNode{w: w, index: i, engine: o.Setup.engine(i)}
		s.engine.Join(i, s)
		w.shards = append(w.shards, s)
	}
	for i := range o.Clients {
		w.clients = append(w.clients, &client{w: w, index: i, left: o.Calls})
	}
	return w
}

// Run runs the world to its end and returns what is wrong with it.
func (w *World) Run() []string {
	defer w.close()
	for _, s := range w.shards {
		w.every(shardTick, s.tick)
	}
	w.every(machineTick, w.tickMachines)
	for _, c := range w.clients {
		w.after(w.delay(), c.next)
	}
	settledBy := int64(0)
	for len(w.errs) == 0 {
		if w.done == len(w.clients) {
			if !w.faultless {
				w.faultless, settledBy = true, w.now+quietLimit
			}
			if w.settled() {
				break
			}
			if w.now > settledBy {
				w.leaks()
				break
			}
		} else if w.now > startTime+100*quietLimit {
			w.stuck()
			break
		}
		w.step()
	}
	if len(w.errs) == 0 {
		w.replay()
	}
	return w.errs
}

func (w *World) close() {
	for _, s := range w.sagas {
		s.abandon()
	}
	for _, s := range w.shards {
		s.engine.KS.Close()
	}
}

func (w *World) step() {
	e := heap.Pop(&w.queue).(event)
	w.now = e.at
	e.run()
}

func (w *World) fail(format string, args ...any) {
	w.errs = append(w.errs, fmt.Sprintf(format, args...))
}

func (w *World) after(ms int64, f func()) {
	w.sequence++
	heap.Push(&w.queue, event{w.now + ms, w.sequence, f})
}

func (w *World) every(ms int64, f func()) {
	w.after(ms, func() {
		f()
		w.every(ms, f)
	})
}

func (w *World) chance(p float64) bool { return !w.faultless && p > 0 && w.rng.Float64() < p }

func (w *World) delay() int64 { return w.rng.Int64N(fastMost) }

// send brings a message over the network, perhaps.
func (w *World) send(deliver func()) {
	w.Stats.Messages++
	copies := 1
	if w.chance(w.o.Faults.Drop) {
		copies = 0
	} else if w.chance(w.o.Faults.Double) {
		copies = 2
	}
	for range copies {
		ms := w.delay()
		if w.chance(w.o.Faults.Slow) {
			ms = w.rng.Int64N(slowMost)
		}
		w.after(ms, deliver)
	}
}

// settled tells that nothing of any saga is left.
func (w *World) settled() bool {
	if len(w.sagas) > 0 {
		return false
	}
	for _, s := range w.shards {
		if s.engine.Sagas() > 0 || s.engine.AnyLocked() || w.now <= s.resumeAt {
			return false
		}
	}
	return true
}

func (w *World) leaks() {
	w.fail("%d sagas live on", len(w.sagas))
	for _, s := range w.shards {
		w.fail("shard %d: %d sagas, locked %v", s.index, s.engine.Sagas(), s.engine.AnyLocked())
	}
}

func (w *World) stuck() {
	for _, c := range w.clients {
		if c.op != nil {
			w.fail("client %d waits for ever for the reply to %v", c.index, c.op)
		}
	}
}

// tick is the shard's own.
func (s *shardNode) tick() {
	if s.w.chance(s.w.o.Faults.Pause) {
		s.resumeAt = s.w.now + s.w.rng.Int64N(pauseMost)
	}
	if s.w.now >= s.resumeAt {
		s.engine.Tick(s.w.now)
	}
}

// take runs f on the shard, after its pause.
func (s *shardNode) take(f func()) {
	if s.w.now < s.resumeAt {
		s.w.after(s.resumeAt-s.w.now, func() { s.take(f) })
		return
	}
	f()
}

// order delivers an order. The decision is the moment of its saga, and what it
// sets off comes after it.
func (s *shardNode) order(o *engine.Order) {
	s.take(func() {
		if n := s.w.sagas[o.Saga]; o.Kind == engine.OrderDecide && n != nil && n.op.moment == nil {
			s.deciding = n.op
			s.w.happened(n.op)
		}
		s.engine.Order(o)
		if s.deciding != nil {
			s.w.unhappened(s.deciding) // nobody was there to decide
			s.deciding = nil
		}
	})
}

// Answer implements engine.Coordinators.
func (s *shardNode) Answer(a *engine.Answer) {
	switch a.Kind {
	case engine.AnswerDecided:
		if s.deciding != nil {
			s.w.Stats.Decisions++
			s.deciding = nil
		}
	case engine.AnswerWound:
		s.w.Stats.Wounds++
	}
	s.w.send(func() { s.w.answer(a) })
}

func (w *World) answer(a *engine.Answer) {
	if n := w.sagas[a.Saga]; n != nil {
		n.take(func() { n.machine.Answer(a) })
		return
	}
	if o := engine.Orphan(a); o != nil {
		w.Stats.Orphans++
		w.send(func() { w.shards[a.Shard].order(o) })
	}
}

var _ saga.Port = (*sagaNode)(nil)
