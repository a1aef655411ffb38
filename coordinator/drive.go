package coordinator

import (
	"log/slog"
	"runtime/debug"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// Driver is an event loop that drives sagas in place of an actor of their own: what
// goes to another node leaves with the loop's next write, and what comes back wakes
// nobody else. Order is called on the loop only, Post on any goroutine.
type Driver interface {
	// Order sends an order to a shard of another node; false: there is no way.
	Order(to directory.Number, shard int, o *engine.Order) bool
	// Post makes the loop run f, even if the client has gone.
	Post(f func())
	// On tells whether the loop is the one that is named so.
	On(loop any) bool
}

// driven is the part of a cell that a loop drives.
type driven struct {
	driver Driver
	inside bool            // a turn is under way
	inbox  []engine.Answer // that were given in it
	beats  int             // ticks of the node that it has lived through
}

// Drive is Submit for a call whose saga the caller's event loop drives. Its program
// must be short.
func (n *Coordinators) Drive(d Driver, call *saga.Call, done func()) {
	c := &cell{n: n, id: n.env.NewID(call.Now), call: call, done: done}
	c.driver = d
	c.machine = n.env.NewCoordinator(c.id, call, c, nil)
	n.mu.Lock()
	c.tell = func(message any) { d.Post(func() { c.turn(func() { c.take(message) }) }) }
	n.live[c.id] = c
	n.mu.Unlock()
	c.turn(c.machine.Start)
}

// TakeOn is Take, called on an event loop.
func (n *Coordinators) TakeOn(loop any, a *engine.Answer) {
	n.mu.Lock()
	c := n.live[a.Saga]
	n.mu.Unlock()
	if c != nil && c.driver != nil && c.driver.On(loop) {
		c.turn(func() { c.machine.Answer(a) })
		return
	}
	n.take(c, a)
}

// turn lets the machine do something, and then take the answers that shards of this
// node have given to it at once. A machine that panics is recovered by an actor.
func (c *cell) turn(f func()) {
	if c.driver == nil || c.machine.Ended() {
		return // it has crashed, or ended, before this came
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Error("a saga panicked", "panic", p, "stack", string(debug.Stack()))
			c.fall()
		}
	}()
	c.inside = true
	f()
	for i := 0; i < len(c.inbox); i++ { // which may grow
		c.machine.Answer(&c.inbox[i])
	}
	c.inside, c.inbox = false, nil // the machine may keep what was in it
	if c.machine.Ended() {
		c.n.forget(c)
	}
}

// fall gives a saga that has crashed on its loop to an actor.
func (c *cell) fall() {
	c.n.mu.Lock()
	c.driver, c.tell = nil, nil
	c.n.mu.Unlock()
	if c.crashed() {
		c.n.supervise(c)
	}
}

// Lends implements saga.Lender.
func (c *cell) Lends() bool { return c.driver != nil }

// Answer implements engine.Coordinators for orders that are carried out while the
// saga is at its turn.
func (c *cell) Answer(a *engine.Answer) { c.inbox = append(c.inbox, *a) }

// order carries an order out at once, where its shard is here and idle.
func (d *driven) order(c *cell, shard int, o *engine.Order) {
	n := c.n
	h := n.env.Shards[shard]
	switch owner := h.Owner(); {
	case owner == 0 && h.Lease.TryAcquireSpin():
		o.Sink = c
		h.Lease.Invoke(o)
		h.Lease.Release()
	case owner == 0:
		h.Tell(o.Own())
	default:
		if m := n.env.Where.Load().Member(owner); m == nil || m.State == directory.Down || !d.driver.Order(owner, shard, o) {
			n.order(shard, o.Own())
		}
	}
}

// beat tells the sagas that loops drive that time passes. One that has only just
// begun is not waiting for anything yet.
func (n *Coordinators) beatDriven() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.live {
		if c.driver != nil {
			if c.beats++; c.beats > 1 {
				c.tell(tick{})
			}
		}
	}
}
