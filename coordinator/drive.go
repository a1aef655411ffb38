package coordinator

import (
	"log/slog"
	"runtime/debug"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/words"
)

// Driver is an event loop that drives sagas in place of an actor of their own: what
// goes to another node leaves with the loop's next write, and what comes back wakes
// nobody else. Order is called on the loop only, Post on any goroutine.
type Driver interface {
	// Order sends an order to a shard of another node; false: there is no way.
	Order(to directory.Number, shard int, o *engine.Order) bool
	// Post makes the loop run f, even if the client has gone.
	Post(f func())
	// Done takes the reply to a call, on the loop. out is valid during the call.
	Done(ticket uint64, out []byte)
	// On tells whether the loop is the one that is named so.
	On(loop any) bool
}

// driven is the part of a cell that a loop drives.
type driven struct {
	driver Driver
	ticket uint64
	inside bool            // a turn is under way
	inbox  []engine.Answer // that were given in it; they name
	bytes  []byte          // and
	ends   []int
	beats  int // ticks of the node that it has lived through
	named  int // functions that were posted and name the cell, guarded by n.mu

	group

	// Memory.
	own         saga.Call
	words       words.List
	out         reply.Writer
	coordinator saga.Coordinator
}

// Drive is Submit for a call whose saga the caller's event loop drives. Its program
// must be short. The call's memory stays the caller's; post is its Post.
func (n *Coordinators) Drive(d Driver, ticket uint64, call *saga.Call, post func(func())) {
	c := n.cell(call)
	c.call.Post = post
	c.n, c.id, c.driver, c.ticket = n, n.env.NewID(call.Now), d, ticket
	n.launch(c)
}

// launch begins the saga of a cell that has a driver.
func (n *Coordinators) launch(c *cell) {
	n.env.Renew(&c.coordinator, c.id, c.call, c)
	c.machine = &c.coordinator
	n.mu.Lock()
	n.live[c.id] = c
	n.mu.Unlock()
	c.turn(nil)
}

// cell returns a cell for a call, which has its own copy of it. What is planned has
// no part that may outlive its end, so its memory can be used again.
func (n *Coordinators) cell(call *saga.Call) *cell {
	if !n.env.Plans(call) {
		return &cell{call: call.Own()}
	}
	c, _ := n.spare.Get().(*cell)
	if c == nil {
		c = &cell{}
	}
	call.OwnInto(&c.own, &c.words, &c.out)
	c.call = &c.own
	return c
}

// keptBytes bounds what is kept of a cell that is used again: of words, and of replies.
const keptBytes = 16 << 10

// retire takes back a cell that has ended, unless somebody may still name it.
func (n *Coordinators) retire(c *cell) {
	n.mu.Lock()
	delete(n.live, c.id)
	named := c.named > 0
	n.mu.Unlock()
	if c.of != nil {
		c.dismiss(named)
		return
	}
	if named || c.call != &c.own || c.words.Size() > keptBytes || cap(c.bytes)+c.coordinator.Memory() > keptBytes {
		return
	}
	c.reset()
	n.spare.Put(c)
}

// unname is in a function that was posted and named the cell.
func (c *cell) unname() {
	c.n.mu.Lock()
	c.named--
	c.n.mu.Unlock()
}

// reset leaves nothing of a cell but its memory.
func (c *cell) reset() {
	c.words.Reset()
	*c = cell{driven: driven{
		inbox: c.inbox[:0], bytes: c.bytes[:0], ends: c.ends[:0],
		words: c.words, out: reply.Writer{Buf: c.out.Buf[:0]}, own: saga.Call{Queue: c.own.Queue[:0]}, coordinator: c.coordinator,
	}}
}

// TakeOn is Take, called on an event loop with an answer that is valid during the call.
func (n *Coordinators) TakeOn(loop any, a *engine.Answer) {
	n.mu.Lock()
	c := n.live[a.Saga]
	here := c != nil && c.driver != nil && c.driver.On(loop)
	n.mu.Unlock()
	if here {
		c.turn(a)
		return
	}
	n.take(c, a.Own())
}

// turn lets the machine begin, or take a message, and then take the answers that
// shards of this node have given to it at once. A machine that panics is recovered by
// an actor.
func (c *cell) turn(message any) {
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
	if message == nil {
		c.machine.Start()
	} else {
		c.take(message)
	}
	for i := 0; i < len(c.inbox); i++ { // which may grow
		c.machine.Answer(&c.inbox[i])
	}
	c.inside, c.inbox, c.bytes, c.ends = false, c.inbox[:0], c.bytes[:0], c.ends[:0]
	switch {
	case c.machine.Ended():
		c.n.retire(c)
	case c.of != nil:
		c.notice()
	}
}

// fall gives a saga that has crashed on its loop to an actor.
func (c *cell) fall() {
	d := c.driver
	if c.of != nil && !c.stuck {
		c.of.running--
	}
	c.n.mu.Lock()
	c.done = func() { d.Post(func() { c.finish(d, c.call.Out.Buf) }) }
	c.driver = nil
	c.named++
	c.n.mu.Unlock()
	if c.crashed() {
		c.n.supervise(c)
	}
}

// finish gives the driver the reply, on the loop.
func (c *cell) finish(d Driver, out []byte) {
	if c.of != nil {
		c.hand(out)
	} else {
		d.Done(c.ticket, out)
	}
}

// Hurries implements saga.Leaver.
func (c *cell) Hurries() bool { return c.driver != nil }

// Leave implements saga.Leaver: the call begins anew, with an actor of its own.
func (c *cell) Leave() {
	d, ticket, call := c.driver, c.ticket, c.call
	c.n.Submit(call, func() { d.Post(func() { d.Done(ticket, call.Out.Buf) }) })
}

// Lends implements saga.Lender.
func (c *cell) Lends() bool { return c.driver != nil }

// Answer implements engine.Coordinators for orders that are carried out while the
// saga is at its turn.
func (c *cell) Answer(a *engine.Answer) {
	bytesAt, endsAt := len(c.bytes), len(c.ends)
	c.bytes, c.ends = append(c.bytes, a.Out...), append(c.ends, a.Ends...)
	c.inbox = append(c.inbox, *a)
	own := &c.inbox[len(c.inbox)-1]
	own.Out, own.Ends = c.bytes[bytesAt:len(c.bytes):len(c.bytes)], c.ends[endsAt:len(c.ends):len(c.ends)]
}

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
				c.pass(tick{})
			}
		}
	}
}
