package coordinator

import (
	"sync/atomic"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// machine is a saga.Coordinator or, after its crash, a saga.Recovery.
type machine interface {
	Start()
	Answer(*engine.Answer)
	Posted()
	Tick()
	Ended() bool
}

// cell is one saga: the machine that runs it, and what outlives its crash.
type cell struct {
	n      *Coordinators
	id     engine.SagaID
	call   *saga.Call
	done   func() // not while a loop drives it
	handed *saga.Handed
	tell   func(message any) // to the child that runs it, nil: there is none, guarded by n.mu
	early  []any             // what came before tell, guarded by n.mu

	machine  machine
	failed   *saga.Coordinator // the crashed one, while something it posted is away
	back     atomic.Bool       // the last posted function has run
	crashes  int
	answered bool
	fenced   bool // its node may not serve any more
	blocked  *saga.Blocked

	driven
}

// Messages to a child, beside *engine.Answer.
type (
	posted struct{} // a posted function has run
	tick   struct{}
	fenced struct{} // the node may not serve its shards any more
)

// begin is a child's first turn.
func (c *cell) begin(tell func(message any)) {
	c.n.mu.Lock()
	c.tell = tell
	early := c.early
	c.early = nil
	c.n.mu.Unlock()
	c.machine.Start()
	for _, m := range early {
		tell(m)
	}
	if c.failed != nil && c.back.Load() {
		c.returned()
	}
}

// pass gives a message to whoever runs the saga; false if nobody does yet. n.mu is
// held.
func (c *cell) pass(message any) bool {
	switch {
	case c.driver != nil:
		c.named++
		c.driver.Post(func() {
			c.unname()
			c.turn(message)
		})
	case c.tell != nil:
		c.tell(message)
	default:
		return false
	}
	return true
}

func (c *cell) take(message any) {
	switch m := message.(type) {
	case *engine.Answer:
		c.machine.Answer(m)
	case posted:
		c.returned()
	case tick:
		c.machine.Tick()
	case fenced:
		if m, ok := c.machine.(*saga.Coordinator); ok {
			c.fenced = true
			m.Fence()
		}
	}
}

// returned is after a posted function.
func (c *cell) returned() {
	if c.failed != nil {
		c.failed.Abandon()
		c.failed = nil
	}
	c.machine.Posted()
}

// maxCrashes is how many recoveries a saga gets. More would fail in the same way.
const maxCrashes = 3

// errUnknown is the answer where even the recoveries have failed.
const errUnknown reply.Error = "ERR internal error: the outcome of the command is unknown"

// crashed takes stock after the child has ended, and tells whether a recovery
// has to follow.
func (c *cell) crashed() bool {
	if c.machine.Ended() {
		return false
	}
	away := c.failed != nil
	if failed, ok := c.machine.(*saga.Coordinator); ok {
		if away = failed.Away(); away {
			c.failed = failed
		} else {
			failed.Abandon()
		}
	}
	if c.crashes++; c.crashes > maxCrashes {
		if !c.answered {
			out := reply.Writer{}
			out.Error(errUnknown)
			c.Reply(&out, nil)
		}
		c.n.forget(c)
		return false
	}
	c.machine = c.n.env.NewRecovery(c.id, c, c.answered, away)
	return true
}

// Order implements saga.Port.
func (c *cell) Order(shard int, o *engine.Order) {
	if c.driver != nil && c.inside {
		c.driven.order(c, shard, o)
		return
	}
	c.n.order(shard, o)
}

// Post implements saga.Port.
func (c *cell) Post(f func()) {
	c.back.Store(false)
	c.call.Post(func() {
		defer func() { // also if f panics: others wait for the keys
			c.back.Store(true)
			c.n.send(c.id, posted{})
		}()
		f()
	})
}

// Blocked implements saga.Port.
func (c *cell) Blocked(b *saga.Blocked) { c.blocked = b }

// Reply implements saga.Port.
func (c *cell) Reply(out *reply.Writer, deferred []func()) {
	c.answered = true
	if c.driver != nil && len(deferred) == 0 {
		c.finish(c.driver, out.Buf)
		return
	}
	if b := c.blocked; b == nil {
		c.call.Out.Buf = append(c.call.Out.Buf, out.Buf...)
		c.call.Out.Errs += out.Errs
		if out.Proto != 0 { // HELLO in a transaction may have changed it
			c.call.Out.Proto = out.Proto
		}
	} else if len(out.Buf) > 0 && b.Waiter.Claim() {
		b.Waiter.Done(out.Buf)
	}
	if len(deferred) == 0 {
		c.done()
		return
	}
	done := c.done
	if d, ticket, call := c.driver, c.ticket, c.call; d != nil {
		done = func() { d.Done(ticket, call.Out.Buf) }
	}
	c.call.Post(func() {
		defer done()
		for _, f := range deferred {
			f()
		}
	})
}
