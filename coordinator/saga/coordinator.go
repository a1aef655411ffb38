package saga

import (
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/words"
)

// Port is how a coordinator, or a Recovery, reaches others. Its methods must not
// call back.
type Port interface {
	// Order sends an order to a shard. It may be lost.
	Order(shard int, o *engine.Order)
	// Post runs f where the call's Local lives and then calls Posted.
	Post(f func())
	// Blocked tells that f, which is being posted, makes the client wait: from
	// then on it is answered through b.
	Blocked(b *Blocked)
	// Reply gives the client its reply, after the functions that the program
	// deferred. It comes once; out is empty for a client that is blocked.
	Reply(out *reply.Writer, deferred []func())
}

// Lender is a Port that has taken an order along, or had it carried out, when Order
// returns, and keeps nothing of it beyond that. In its turn it brings answers that are
// valid only as long as they are being taken.
type Lender interface{ Lends() bool }

// Leaver is a Port whose goroutine others wait for, if Hurries says so: a program that
// takes long is undone there, and Leave carries the call out elsewhere.
type Leaver interface {
	Hurries() bool
	Leave()
}

// Handed is the key that was locked for a blocked call, which is run again.
type Handed struct {
	Shard int
	DB    int
	Key   []byte
	Place uint64 // where it stood in the queue of the key
}

const (
	// ErrUndone is the answer to a call that a defect or a crash has ended.
	ErrUndone reply.Error = "ERR internal error: the command was stopped and all of it undone"
	// ErrDown is the answer to a call that needs a shard whose node is down; nothing
	// of it was done.
	ErrDown reply.Error = "CLUSTERDOWN The node that has one of the keys is down; nothing was done"
	// ErrUnknown is the answer to a call whose deciding node went down: it was carried
	// out there, and lost with that node, or it was not.
	ErrUnknown reply.Error = "UNKNOWN The node that has the key went down; it is unknown whether the command was carried out"
)

// Failed tells whether a reply says that a saga has failed as a whole, and Undone
// whether it also says that nothing of it was done.
func Failed(out []byte) bool { return Undone(out) || reply.Is(out, ErrUnknown) }

// Undone is told of with Failed.
func Undone(out []byte) bool { return reply.Is(out, ErrDown) || reply.Is(out, ErrUndone) }

// Coordinator carries out one call by messages. It is a state machine: Start,
// Answer, Posted and Tick go in, and what the Port has comes out.
//
// A run of the program (an attempt) grows: each round of steps goes to the shards
// of its keys, which lock them first. When the program has ended, all its changes
// stand behind locks; only then the call is decided, at its home participant, and
// from there on it is carried through. Before, an older call may wound it: if it waits
// for others itself, it is undone and runs again, no younger than it was. So no circle
// of calls that wait for each other lasts, and one that has all its locks goes on.
type Coordinator struct {
	env    *Env
	port   Port
	call   *Call
	id     engine.SagaID
	handed *Handed

	phase    phase
	attempt  uint32
	run      *run
	links    []*link  // participants in the order in which they were met
	home     *link    // that decides
	held     bool     // home commits its part with the others
	waiting  int      // links that have not answered
	posted   bool     // a posted function has not come back
	wounded  bool     // an older call waits for this one
	answered bool     // the client has its reply
	where    []*link  // where each of the run's steps went
	follows  []int32  // of a plan: the next step that went to the same link, -1: none
	index    []*link  // by shard
	known    []keyRef // to be locked with the first steps
	lends    bool     // see Lender
	leaver   Leaver   // nil: the program may take long
	shares   bool     // see engine.Order
	astray   bool     // a draft has misled the program
	failure  reply.Error
	began    int64 // the attempt, as Pulse.Clock has it

	// Memory.
	store   []link
	sending []*link
	planned run
	record  []byte       // the decision, as home keeps it
	lent    engine.Order // the order that is being lent
	replies []byte       // of this round, where answers are lent
	ends    []int        // of them
}

type phase uint8

const (
	idle       phase = iota
	running          // may be wounded
	confirming       // all locks were there: are they still?
	undoing          // to run again, or with failure to end
	blocking         // the client is being told that it waits
	deciding         // home is recording the decision
	committing       // decided: the others follow
	forgetting       // of a Recovery: home is dropping the decision
	ended
)

// link is what a coordinator knows of a participant.
type link struct {
	shard   int
	epoch   uint64 // of the shard when its part began
	visit   uint64
	round   uint32
	kind    engine.OrderKind // of the last order
	asked   uint64           // its visit
	last    *engine.Order    // itself, nil: it can be made again
	waiting bool             // it is not answered yet
	quiet   bool             // since the last tick nothing was sent
	astray  bool             // it has not found the shard
	stuck   bool             // it waits for locks
	next    *engine.Order

	// Of a plan: the steps that go there, see Coordinator.follows.
	steps               bool
	firstStep, lastStep int32

	// What the last round has answered.
	wrote bool
	errs  uint64
	out   []byte
	ends  []int // where each reply ends in out
	taken int   // replies that are taken

	final []engine.SagaStep // steps that come with the decision, or the commit
}

// NewCoordinator returns a coordinator for a call that owns its memory. handed is
// nil except for a call that was blocked.
func (e *Env) NewCoordinator(id engine.SagaID, call *Call, port Port, handed *Handed) *Coordinator {
	c := &Coordinator{}
	e.Renew(c, id, call, port)
	c.handed = handed
	return c
}

// Renew makes c, which has ended or is new, the coordinator of another call.
func (e *Env) Renew(c *Coordinator, id engine.SagaID, call *Call, port Port) {
	lender, ok := port.(Lender)
	leaver, _ := port.(Leaver)
	if leaver != nil && !leaver.Hurries() {
		leaver = nil
	}
	*c = Coordinator{
		env: e, port: port, call: call, id: id, lends: ok && lender.Lends(), leaver: leaver,
		links: c.links[:0], where: c.where[:0], follows: c.follows[:0], index: c.index[:0], store: c.store[:0], sending: c.sending[:0], planned: c.planned,
		record: c.record[:0], lent: engine.Order{Steps: c.lent.Steps[:0]}, replies: c.replies[:0], ends: c.ends[:0],
	}
}

// Memory returns about how many bytes of replies c has room for.
func (c *Coordinator) Memory() int {
	return cap(c.replies) + cap(c.record) + cap(c.planned.out.Buf) + cap(c.planned.tx.scratch.Buf)
}

// Plans tells whether the call is carried out by a plan, so that memory of a
// coordinator that has ended is of use.
func (e *Env) Plans(call *Call) bool { return e.plan(call) != nil }

// Ended tells that nothing is left to do.
func (c *Coordinator) Ended() bool { return c.phase == ended }

// Start begins an attempt.
func (c *Coordinator) Start() {
	c.phase, c.attempt, c.began = running, c.attempt+1, c.env.Pulse.now()
	c.links, c.store = c.links[:0], c.store[:0]
	c.index = append(c.index[:0], make([]*link, c.env.Slots.Shards())...)
	c.home, c.held, c.wounded = nil, false, false
	if plan := c.env.plan(c.call); plan != nil && c.handed == nil {
		c.run = &c.planned
		c.run.begin(c.env, c.call, plan)
	} else {
		drafts := c.env.NewDraft != nil && c.env.hurries[c.call.Cmd.ID] && c.handed == nil && !c.astray
		c.run = c.env.start(c.call, c.leaver != nil, drafts)
		c.run.tx.handed = c.handed
		c.lockKnown()
	}
	c.advance()
}

// lockKnown prepares orders for the keys that are known before the program runs;
// they go out with the first steps.
func (c *Coordinator) lockKnown() {
	f := c.env.newFootprint()
	f.collect(c.call)
	if f.all {
		for i := range c.env.Slots.Shards() {
			o := c.link(i).prepare(c)
			o.Locks = append(o.Locks, engine.Lock{Key: locks.Key{All: true}})
		}
	}
	for i := range f.keys {
		c.link(f.keys[i].shard).prepare(c)
	}
	c.known = f.keys
	if h := c.handed; h != nil {
		o := c.link(h.Shard).prepare(c)
		o.Locks = append(o.Locks, engine.Lock{Key: locks.Key{DB: uint8(h.DB), Name: string(h.Key)}, Serve: true})
	}
}

// advance goes on with the program until it wants something from others.
func (c *Coordinator) advance() {
	if !c.run.next() {
		if c.run.long || c.run.astray {
			c.undo()
		} else {
			c.finish()
		}
		return
	}
	if c.run.ask != nil {
		c.post(c.run.ask)
		return
	}
	c.sendSteps()
}

// sendSteps sends each shard its steps of this round.
func (c *Coordinator) sendSteps() {
	c.where, c.follows = c.where[:0], c.follows[:0]
	for i := range c.run.steps {
		s := &c.run.steps[i]
		at := s.Shard
		if s.Key > 0 {
			at = c.env.ShardOf(s.Args[s.Key])
		}
		l := c.link(at)
		if c.run.plan == nil {
			l.addStep(c, s)
		} else {
			c.chain(l, int32(i))
		}
		c.where = append(c.where, l)
	}
	c.lockRest()
	c.shares = c.run.plan != nil && reading(c.run.steps)
	c.sending = c.sending[:0]
	for _, l := range c.links {
		if l.next != nil || c.run.plan != nil {
			c.sending = append(c.sending, l)
		}
	}
	c.replies, c.ends = c.replies[:0], c.ends[:0]
	for _, l := range c.sending {
		if l.round++; l.round == 1 {
			l.epoch = c.env.place(l.shard).Epoch
		}
		l.out, l.ends, l.taken = nil, nil, 0
		o := l.next
		if o == nil {
			c.send(l, c.order(l, engine.OrderRun))
			continue
		}
		l.next = nil
		o.Round, o.Visit, o.Proto, o.Epoch = l.round, l.visit, c.run.to.Proto, l.epoch
		c.send(l, o)
		l.last = o // even if it was lent
	}
}

// chain notes that a step of a plan goes to l.
func (c *Coordinator) chain(l *link, step int32) {
	c.follows = append(c.follows, -1)
	if l.steps {
		c.follows[l.lastStep] = step
	} else {
		l.steps, l.firstStep = true, step
	}
	l.lastStep = step
}

// lockRest adds to the first orders the locks of known keys that no step of theirs
// names.
func (c *Coordinator) lockRest() {
	for i := range c.known {
		k := &c.known[i]
		if o := c.link(k.shard).next; o != nil && !named(o, k) {
			o.Locks = append(o.Locks, engine.Lock{Key: locks.Key{DB: uint8(k.db), Name: string(k.name)}})
		}
	}
	c.known = nil
}

// link returns the link to a shard, a new one if there is none.
func (c *Coordinator) link(shard int) *link {
	if l := c.index[shard]; l != nil {
		return l
	}
	if len(c.store) == cap(c.store) {
		c.store = make([]link, 0, linkStore)
	}
	c.store = append(c.store, link{shard: shard})
	l := &c.store[len(c.store)-1]
	c.links = append(c.links, l)
	c.index[shard] = l
	return l
}

// linkStore is how many links are made at once.
const linkStore = 16

// prepare returns the order that goes to l with the next steps.
func (l *link) prepare(c *Coordinator) *engine.Order {
	if l.next == nil {
		l.next = &engine.Order{Kind: engine.OrderRun, Saga: c.id, Attempt: c.attempt, Now: c.call.Now}
	}
	return l.next
}

func (l *link) addStep(c *Coordinator, s *Step) {
	o := l.prepare(c)
	args := s.Args
	if !c.lends {
		args = words.Clone(args)
	}
	step := engine.SagaStep{Cmd: s.Cmd, DB: c.run.tx.DB, Key: s.Key, Args: args, Wait: s.Wait}
	if h := c.handed; h != nil && s.Wait != nil && h.DB == step.DB && string(h.Key) == string(s.Args[s.Key]) {
		step.Place = h.Place
	}
	o.Steps = append(o.Steps, step)
}

func (c *Coordinator) send(l *link, o *engine.Order) {
	if !l.waiting {
		l.waiting = true
		c.waiting++
	}
	l.kind, l.asked, l.last, l.quiet, l.stuck = o.Kind, o.Visit, nil, false, false
	if !c.lends {
		l.last = o
	}
	c.port.Order(l.shard, o)
}

// order makes an order as it follows from where the saga stands, to send it or, where
// it was lent, to send it again. One to run is a plan's.
func (c *Coordinator) order(l *link, kind engine.OrderKind) *engine.Order {
	var o *engine.Order
	if c.lends {
		o = &c.lent
	} else {
		o = &engine.Order{}
	}
	*o = engine.Order{Kind: kind, Saga: c.id, Attempt: c.attempt, Visit: l.visit, Now: c.call.Now, Steps: o.Steps[:0]}
	switch kind {
	case engine.OrderRun:
		o.Round, o.Proto, o.Epoch, o.Shares = l.round, c.run.to.Proto, l.epoch, c.shares
		for i := l.firstStep; i >= 0; i = c.follows[i] {
			s := &c.run.steps[i]
			o.Steps = append(o.Steps, engine.SagaStep{Cmd: s.Cmd, DB: c.run.tx.DB, Key: s.Key, Args: s.Args})
		}
	case engine.OrderDecide:
		o.Record, o.Hold, o.Epoch = c.record, c.held, l.epoch
		o.Steps = append(o.Steps, l.final...)
	case engine.OrderCommit:
		if l != c.home { // which has done them when it decided
			o.Steps = append(o.Steps, l.final...)
		}
	case engine.OrderConfirm:
		o.Epoch = l.epoch
	case engine.OrderUndo:
		o.Again = c.failure == ""
	}
	return o
}

func (c *Coordinator) post(f func()) {
	c.posted = true
	c.port.Post(f)
}

// Posted goes on after the posted function has run.
func (c *Coordinator) Posted() {
	c.posted = false
	switch {
	case c.phase == blocking:
		c.decide()
	case c.failure != "" || c.yields():
		c.undo()
	default:
		c.advance()
	}
}

// Stuck tells that the saga waits at locks of others.
func (c *Coordinator) Stuck() bool {
	return c.phase == running && slices.ContainsFunc(c.links, func(l *link) bool { return l.waiting && l.stuck })
}

// Tick sends orders again that were not answered since the last tick.
func (c *Coordinator) Tick() {
	for _, l := range c.links {
		if l.waiting && l.quiet {
			c.port.Order(l.shard, c.again(l))
		}
		l.quiet = true
	}
}

// again returns the order that l has not answered. One that has not found its shard is
// for where that is now.
func (c *Coordinator) again(l *link) *engine.Order {
	if l.astray {
		l.astray, l.epoch = false, c.env.place(l.shard).Epoch
		if l.last != nil {
			again := *l.last
			again.Epoch = l.epoch
			l.last = &again
		}
	}
	if l.last != nil {
		return l.last
	}
	return c.order(l, l.kind)
}

// Abandon ends a coordinator that has crashed: its program is unwound. If it
// panics once more, that tells nothing new, and must not stop the supervisor.
func (c *Coordinator) Abandon() {
	c.phase = ended
	if c.run != nil {
		defer func() { _ = recover() }()
		c.run.stop()
	}
}

// Away tells that a posted function may still use the program's memory, so that
// Abandon must wait for it.
func (c *Coordinator) Away() bool { return c.posted }

// reading tells whether steps only read.
func reading(steps []Step) bool {
	return !slices.ContainsFunc(steps, func(s Step) bool { return s.Cmd.Flags&command.ReadOnly == 0 })
}

// named tells whether a step of o is on the key.
func named(o *engine.Order, k *keyRef) bool {
	for i := range o.Steps {
		s := &o.Steps[i]
		if s.Key > 0 && s.DB == k.db && string(s.Args[s.Key]) == string(k.name) {
			return true
		}
	}
	return false
}
