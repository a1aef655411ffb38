package sim

import (
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// cell is one saga at a node: the machine that runs it, and what outlives its crash.
type cell struct {
	p        *process
	id       engine.SagaID
	op       *op // nil for a recovery of another process's saga
	call     *saga.Call
	machine  machine
	failed   *saga.Coordinator // crashed, while something it posted is away
	down     bool              // crashed and not recovered yet
	returned bool              // the posted function came back meanwhile
	answered bool
	blocked  *saga.Blocked
	attempt  uint32 // that has had all its locks
}

type machine interface {
	Start()
	Answer(*engine.Answer)
	Posted()
	Tick()
	Ended() bool
}

// crash is what ends a coordinator in the middle of its work.
type crash struct{}

// submit starts a saga for a call.
func (p *process) submit(id engine.SagaID, o *op, call *saga.Call, handed *saga.Handed) {
	c := &cell{p: p, id: id, op: o, call: call}
	if p.w.calls[id] != nil || p.router.live[id] != nil {
		p.w.fail("saga %d is there twice: %v", id, o)
	}
	p.w.calls[id] = o
	o.saga = id
	p.w.trace("node %d: saga %d is %v", p.number, id, o)
	if o.party != nil {
		m := &o.party.coordinator
		p.env.Renew(m, id, call, c)
		c.machine = m
	} else {
		c.machine = p.env.NewCoordinator(id, call, c, handed)
	}
	p.router.begin(c)
}

// post brings a message to the machine.
func (c *cell) post(a *engine.Answer) {
	c.p.after(0, func() { c.take(func() { c.machine.Answer(a) }) })
}

// take runs one turn of the machine, which may crash in it.
func (c *cell) take(f func()) {
	if c.down || c.p.dead || c.p.router.live[c.id] != c {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			if p != any(crash{}) {
				panic(p)
			}
			c.crashed()
		}
	}()
	c.arrow()
	if c.p.dead {
		return
	}
	f()
	if !c.p.dead && c.machine.Ended() {
		delete(c.p.router.live, c.id)
		if !c.answered {
			c.p.w.fail("saga %d ended without a reply: %v", c.id, c.op)
		}
		if c.op != nil && c.op.party != nil && c.machine == &c.op.party.coordinator {
			c.p.gatherer.dismiss(c.op)
		}
	}
}

// arrow is a place where a coordinator may crash. Recoveries do not: a second
// one would begin like the first.
func (c *cell) arrow() {
	if _, ok := c.machine.(*saga.Coordinator); !ok {
		return
	}
	w := c.p.w
	w.arrows++
	switch {
	case w.arrows == w.o.CrashAt && w.o.CrashNode:
		w.after(0, func() { c.p.node.crashOf(c.p) })
		c.p.dead = true // nothing else comes out of it
		panic(crash{})
	case w.arrows == w.o.CrashAt || w.chance(w.o.Faults.Panic):
		panic(crash{})
	}
}

func (c *cell) crashed() {
	if c.p.dead {
		return // with all the rest
	}
	w := c.p.w
	w.Stats.Panics++
	failed := c.machine.(*saga.Coordinator)
	away := failed.Away() && !c.returned
	if away {
		c.failed = failed
	} else {
		failed.Abandon()
	}
	c.down = true
	c.p.after(w.rng.Int64N(slowMost), func() {
		c.machine = c.p.env.NewRecovery(c.id, c, c.answered, away && !c.returned)
		c.down = false
		c.take(c.machine.Start)
	})
}

func (c *cell) abandon() {
	if m, ok := c.machine.(*saga.Coordinator); ok {
		m.Abandon()
	}
}

// Lends implements saga.Lender, for the calls that a gateway's loop would drive.
func (c *cell) Lends() bool {
	return c.p.w.o.Lends && c.call != nil && c.call.Block == nil && !c.p.env.Computes(c.call)
}

// Order implements saga.Port.
func (c *cell) Order(shard int, o *engine.Order) {
	if o.Kind == engine.OrderUndo && o.Again {
		c.p.w.Stats.Again++
	}
	if o.Kind == engine.OrderDecide && o.Hold {
		c.p.w.Stats.Held++
	}
	if o.Kind == engine.OrderDecide && len(o.Steps) > 0 {
		c.p.w.Stats.Drafts++
	}
	if o.Kind == engine.OrderCommit && len(o.Steps) > 0 && c.recovers() {
		c.p.w.Stats.Redone++
	}
	c.p.w.watch(c, o)
	if o.Kind == engine.OrderConfirm {
		c.p.w.Stats.Confirms++
	}
	if c.op != nil && c.attempt < o.Attempt && (o.Kind == engine.OrderConfirm || o.Kind == engine.OrderDecide) {
		c.attempt = o.Attempt
		c.locked()
	}
	c.p.router.order(shard, o)
	c.arrow()
}

// locked makes this the moment of the call, if it takes effect: all its locks are
// there together.
func (c *cell) locked() {
	if _, ok := c.machine.(*saga.Coordinator); !ok {
		return
	}
	if c.op.moment != nil {
		c.p.w.unhappened(c.op) // it was that of an attempt which was undone
	}
	c.p.w.happened(c.op)
}

// Post implements saga.Port.
func (c *cell) Post(f func()) {
	c.returned = false
	c.p.after(c.p.w.delay(), func() {
		f()
		c.returned = true
		c.p.after(c.p.w.delay(), func() {
			if c.failed != nil {
				c.failed.Abandon()
				c.failed = nil
			}
			c.take(func() { c.machine.Posted() })
		})
	})
	c.arrow()
}

// Blocked implements saga.Port.
func (c *cell) Blocked(b *saga.Blocked) { c.blocked = b }

// Reply implements saga.Port.
func (c *cell) Reply(out *reply.Writer, deferred []func()) {
	if c.answered {
		c.p.w.fail("saga %d answers twice: %v", c.id, c.op)
	}
	c.answered = true
	c.reply(string(out.Buf))
	c.arrow()
}

func (c *cell) reply(text string) {
	o := c.op
	switch {
	case saysNothingDone(text):
		o.undone = true
	case saysUnknown(text):
		o.unsure = true
	case o.moment == nil:
		c.p.w.happened(o).sure = true // a read: all its locks are held now
	}
	if o.party != nil {
		c.p.gatherer.hand(o, text)
		return
	}
	if c.blocked != nil && text != "" {
		if c.blocked.Waiter.Claim() {
			c.blocked.Waiter.Done([]byte(text))
		}
		return
	}
	o.answer(text, c.blocked != nil)
}
