package sim

import (
	"fmt"
	"math/rand/v2"
	"reflect"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// Faults are how often things go wrong.
type Faults struct {
	Drop, Double, Slow float64 // of a message, each as its probability
	// Local makes messages within a node go wrong too.
	Local bool
	Panic float64 // of a coordinator, at a message that it takes or sends
	Stall float64 // of a shard, at a tick
	Lag   float64 // of a directory on its way to a node, up to 2 s
	// What befalls nodes, each as the probability in a faultTick: a cut of links that
	// heals, a pause of a whole process, its crash, a move of a shard.
	Cut, Pause, Crash, Move float64
	Skew                    int64 // how far clocks are off at most, milliseconds
}

// Options make a World.
type Options struct {
	Setup   *Setup
	Seed    uint64
	Nodes   int
	Clients int
	Calls   int   // of each client
	Think   int64 // at most, between two calls, milliseconds
	Faults  Faults
	// Plain makes no groups, no drafts and no keys that end after a while, as worlds were
	// before there were any: for seeds that were kept then.
	Plain bool
	// Brief makes most calls on keys that end after a while.
	Brief bool
	// Lends makes coordinators lend what they send, see saga.Lender.
	Lends bool
	// CrashAt, if not 0, makes the coordinator crash, or with CrashNode the node of
	// it, that takes or sends the message of this number, counted from 1.
	CrashAt   int
	CrashNode bool
	DownFor   int64 // how long the node is down then, milliseconds
	// CutAt cuts the link of the message of this number that crosses the network, in
	// both directions, for linkTime.
	CutAt int
	// Patience is how long any client may wait for a reply, in milliseconds, while its
	// node runs. 0: patience.
	Patience int64
	// Trace, if not nil, is told what happens.
	Trace func(line string)
}

// Times in milliseconds.
const (
	startTime   = 1_700_000_000_000
	fastMost    = 4   // of a message that is not slow
	slowMost    = 400 // longer than it takes to be sent again
	stallMost   = 300 // of a shard
	machineTick = 100 // of coordinators
	shardTick   = 100 // of shards
	faultTick   = 100
	cutMost     = 6000
	linkTime    = 1500 // of the link that Options.CutAt cuts
	pauseMost   = 10000
	downMost    = 5000 // between a crash and the next start of the process
	// convalescence is how long after a node was in trouble no other gets into any.
	convalescence = 4000
	// settleLimit is how long what is left may take to end once nothing goes wrong
	// any more and all nodes know of each other.
	settleLimit = 5000
	// forgetLimit is how long decisions may be kept that were kept for a node which was
	// down, and which nobody needs any more: their reminders have become rare.
	forgetLimit = 80e3
	// patience is how long any client may wait for a reply, faults or not.
	patience = 60e3
	// lifetime bounds a world.
	lifetime = 3600e3
)

// World is one run.
type World struct {
	schedule
	o       Options
	net     network
	arbiter arbiter
	nodes   []*node // by number, from 1 on
	clients []*client
	done    int // clients that have ended

	history   []*moment
	running   *moment // of the command that runs just now, nil: none does
	calls     map[engine.SagaID]*op
	newest    []uint64 // by shard: the epoch under which it was opened last
	tags      int      // values that tell writes apart
	arrows    int
	crossed   int
	calm      bool  // nothing goes wrong any more
	calmedAt  int64 // since when all nodes know of each other, 0: not yet
	errs      []string
	free      int64 // when last nothing was left that others have to wait for
	doubts    map[engine.SagaID]*doubt
	settledAt int64 // when nothing of any saga was left, 0: not yet

	// Stats tell what the run has met.
	Stats Stats
}

// Stats count what runs have met.
type Stats struct {
	// Faults. OneWay are cuts that leave the other direction, Late are directories that
	// came late, Skewed are nodes whose clocks are off.
	Dropped, Doubled, Slowed, Stalls, Cuts, OneWay, Pauses, Crashes, Restarts, Panics, Late, Skewed int
	// What nodes have made of them.
	Downs, Ups, Moves, Moved, Lost, Unreachable, Elsewhere, Refused, Fenced int
	// Sagas.
	Messages, Wounds, Again, Confirms, Decisions, Held, Orphans, Recoveries, Blocked, Handed int
	// Groups of several calls, those that were undone and done call by call, and those whose
	// members were told that it is unknown. Keys whose time has come, keys that sagas began
	// to share, and sagas that waited to have one alone whose time had come.
	Groups, Apart, Told, Expired, Crowds, Alone int
	// Decisions with what a script has done on its draft, and commits with that by
	// recoveries.
	Drafts, Redone int
	// Calls, and replies that say that the outcome is unknown, or that nothing was done.
	Ops, Unknown, Failed int
	// Limited are the worlds that have met the limit of what is promised: see limit.go.
	Limited int
}

func (s *Stats) add(o Stats) {
	into, from := reflect.ValueOf(s).Elem(), reflect.ValueOf(o)
	for i := range into.NumField() {
		into.Field(i).SetInt(into.Field(i).Int() + from.Field(i).Int())
	}
}

// NewWorld prepares a run.
func NewWorld(o Options) *World {
	w := &World{
		schedule: schedule{rng: rand.New(rand.NewPCG(o.Seed, 0)), now: startTime},
		o:        o, calls: map[engine.SagaID]*op{}, newest: make([]uint64, o.Setup.shards),
		nodes: make([]*node, o.Nodes+1), doubts: map[engine.SagaID]*doubt{},
	}
	w.net.w, w.arbiter.w = w, w
	if o.Patience == 0 {
		w.o.Patience = patience
	}
	for i := 1; i <= o.Nodes; i++ {
		w.nodes[i] = &node{w: w, number: directory.Number(i), skew: w.skew()}
		w.nodes[i].start()
	}
	w.arbiter.found()
	for i := range o.Clients {
		w.clients = append(w.clients, &client{w: w, index: i, left: o.Calls})
	}
	return w
}

func (w *World) skew() int64 {
	if w.o.Faults.Skew == 0 {
		return 0
	}
	w.Stats.Skewed++
	return w.between(-w.o.Faults.Skew, w.o.Faults.Skew)
}

// Run runs the world to its end and returns what is wrong with it.
func (w *World) Run() []string {
	defer w.close()
	w.every(faultTick, w.strike)
	w.every(faultTick, w.arbiter.tick)
	for _, c := range w.clients {
		w.after(w.delay(), c.next)
	}
	for len(w.errs) == 0 && !w.ended() {
		w.step()
	}
	if len(w.errs) == 0 && w.Stats.Limited == 0 {
		w.check()
	}
	return w.errs
}

// ended tells that the run is over: all clients have made their calls, nothing goes
// wrong any more, and what was left has ended, or has not in good time.
func (w *World) ended() bool {
	if w.Stats.Limited > 0 {
		return true
	}
	if w.done < len(w.clients) {
		if w.now > startTime+lifetime {
			w.stuck("for ever")
		}
		return false
	}
	if !w.calm {
		w.soothe()
	}
	if w.calmedAt == 0 && w.agreed() {
		w.calmedAt = w.now
	}
	switch {
	case w.calmedAt == 0:
		if w.now > startTime+2*lifetime {
			w.fail("the nodes do not come to know of each other")
		}
	case w.settled():
		if w.settledAt == 0 {
			w.settledAt = w.now
		}
		return w.now > w.settledAt+slowMost && w.unblocked() // what nobody waits for has arrived
	case w.now > w.calmedAt+forgetLimit, w.hindered() && w.now > max(w.calmedAt, w.free)+settleLimit:
		w.leaks()
	}
	return false
}

// hindered tells that something is left that others have to wait for.
func (w *World) hindered() bool {
	if !w.agreed() {
		return true
	}
	for _, n := range w.nodes[1:] {
		if len(n.p.router.live) > 0 || n.p.moving() {
			return true
		}
		for _, s := range n.p.shards {
			if s != nil && s.engine.AnyLocked() {
				return true
			}
		}
	}
	w.free = w.now
	return false
}

// soothe ends all faults.
func (w *World) soothe() {
	w.calm = true
	w.net.heal()
	for _, n := range w.nodes[1:] {
		if n.p == nil {
			n.start()
		}
	}
}

// agreed tells that all nodes serve under the same directory and have streams.
func (w *World) agreed() bool {
	for _, n := range w.nodes[1:] {
		if n.p == nil || !n.p.serving() || n.p.env.Where.Load().Epoch != w.arbiter.d.Epoch {
			return false
		}
		for _, o := range w.nodes[1:] {
			if o != n && n.p.stream(o.number) == nil {
				return false
			}
		}
	}
	for i := range w.newest {
		if w.newest[i] != w.arbiter.d.Places[i].Epoch {
			return false
		}
	}
	return !w.arbiter.unsettled()
}

func (w *World) close() {
	for _, n := range w.nodes[1:] {
		if n.p != nil {
			n.p.close()
		}
	}
}

func (w *World) fail(format string, args ...any) {
	w.errs = append(w.errs, fmt.Sprintf(format, args...))
}

func (w *World) trace(format string, args ...any) {
	if w.o.Trace != nil {
		w.o.Trace(fmt.Sprintf("%7d ", w.now-startTime) + fmt.Sprintf(format, args...))
	}
}

func (w *World) chance(p float64) bool { return !w.calm && p > 0 && w.rng.Float64() < p }

func (w *World) delay() int64 { return w.rng.Int64N(fastMost) }

// settled tells that nothing of any saga is left.
func (w *World) settled() bool {
	if !w.agreed() {
		return false
	}
	for _, n := range w.nodes[1:] {
		if len(n.p.router.live) > 0 || n.p.moving() {
			return false
		}
		for _, s := range n.p.shards {
			if s != nil && (s.engine.Sagas() > 0 || s.engine.AnyLocked() || w.now <= s.stalledUntil) {
				return false
			}
		}
	}
	return true
}

func (w *World) leaks() {
	for _, n := range w.nodes[1:] {
		if len(n.p.router.live) > 0 {
			w.fail("node %d: %d sagas live on: %v", n.number, len(n.p.router.live), n.p.router.sorted())
		}
		for _, s := range n.p.shards {
			if s != nil && (s.engine.Sagas() > 0 || s.engine.AnyLocked()) {
				w.fail("node %d, shard %d: %d sagas, locked %v", n.number, s.index, s.engine.Sagas(), s.engine.AnyLocked())
			}
		}
		if n.p.moving() {
			w.fail("node %d: a move does not end", n.number)
		}
	}
	w.stuck("and all is calm")
}

func (w *World) stuck(how string) {
	for _, c := range w.clients {
		if c.op != nil && c.claim == nil {
			w.fail("client %d waits %s for the reply to %v", c.index, how, c.op)
		}
	}
	if len(w.errs) == 0 {
		w.fail("the world does not end")
	}
}

var _ saga.Port = (*cell)(nil)
