package saga

import (
	"slices"
	"sync/atomic"

	"github.com/troupedb/troupe/shard/engine"
)

// What a call has read, and what it is about to decide, is of one moment only if at
// that moment all its locks were there. They go without a word to the coordinator where
// the process of a participant ends, and where others take the coordinator's node for
// down and recover the saga. Neither happens quickly: a coordinator that has been
// quick, on a node that was up all the while, need not ask.
const (
	// confirmAfter is less than a process takes to start again, or a node to be called
	// down. Milliseconds.
	confirmAfter = 100
	// shakenFor is how long after its node was without a lease a coordinator asks in
	// any case: others may learn late that the node was down, and later that it is up.
	shakenFor = 30_000
)

// Pulse is what the coordinators of a node know of its right to serve.
type Pulse struct {
	// Clock is a time in milliseconds that is never set; nil: nothing is ever asked.
	Clock func() int64
	// steady is when a coordinator need not ask any more.
	steady atomic.Int64
}

// Lapsed notes that the node has its lease again after it had run out.
func (p *Pulse) Lapsed() {
	if p.Clock != nil {
		p.steady.Store(p.Clock() + shakenFor)
	}
}

func (p *Pulse) now() int64 {
	if p.Clock == nil {
		return 0
	}
	return p.Clock()
}

// doubtful tells that a lock may have gone since the attempt began.
func (c *Coordinator) doubtful() bool {
	p := &c.env.Pulse
	if p.Clock == nil || len(c.links) < 2 {
		return false
	}
	if now := p.Clock(); now-c.began < confirmAfter && now >= p.steady.Load() {
		return false
	}
	self := c.env.Self()
	return slices.ContainsFunc(c.links, func(l *link) bool {
		place := c.env.place(l.shard)
		return place.Owner != self || place.Epoch != l.epoch // it may have been lost, and come here since
	})
}

// confirm asks all participants whether they are still there.
func (c *Coordinator) confirm() {
	c.phase = confirming
	for _, l := range c.links {
		c.send(l, c.order(l, engine.OrderConfirm))
	}
}

// undoneAt is where nothing of the attempt is left, as was asked for or not.
func (c *Coordinator) undoneAt(l *link) {
	if c.phase == confirming && c.settle(l, engine.OrderConfirm) {
		c.failure = ErrDown
		c.undo()
		return
	}
	c.after(l, engine.OrderUndo)
}

// confirmed takes the answer of one that is.
func (c *Coordinator) confirmed(l *link, a *engine.Answer) {
	if c.phase == confirming && l != nil && l.visit == a.Visit && c.settle(l, engine.OrderConfirm) && c.waiting == 0 {
		c.conclude()
	}
}
