package saga

import (
	"slices"

	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"github.com/troupedb/troupe/shard/engine"
)

// Answer takes an answer of a participant.
func (c *Coordinator) Answer(a *engine.Answer) {
	l := c.known(a)
	switch a.Kind {
	case engine.AnswerWound:
		if c.phase == running && (a.Attempt == c.attempt || a.Attempt == 0) {
			c.wounded = true
			c.undoUnlessAway()
		}
	case engine.AnswerRan, engine.AnswerFailed:
		c.ran(l, a)
	case engine.AnswerDecided:
		if c.phase == deciding && c.settle(l, engine.OrderDecide) {
			c.decided()
		}
	case engine.AnswerGone:
		if c.phase == deciding && c.settle(l, engine.OrderDecide) {
			c.failure = ErrUndone
			c.undo()
		}
	case engine.AnswerCommitted:
		if c.settle(l, engine.OrderCommit) && c.waiting == 0 {
			c.committed()
		}
	case engine.AnswerUndone:
		if c.settle(l, engine.OrderUndo) && c.waiting == 0 {
			c.undone()
		}
	case engine.AnswerForgotten:
		if c.settle(l, engine.OrderForget) {
			c.phase = ended
		}
	}
}

// known returns the link that a belongs to, nil if it is from another attempt.
func (c *Coordinator) known(a *engine.Answer) *link {
	if a.Attempt == c.attempt {
		for _, l := range c.links {
			if l.shard == a.Shard {
				return l
			}
		}
	}
	return nil
}

// settle ends the waiting for an answer to an order of this kind; false if
// nobody waits for it.
func (c *Coordinator) settle(l *link, kind engine.OrderKind) bool {
	if l == nil || !l.waiting || l.last.Kind != kind {
		return false
	}
	l.waiting = false
	c.waiting--
	return true
}

// ran takes the replies of a round. A participant that was made by a late copy
// of an order is none of ours, and is undone.
func (c *Coordinator) ran(l *link, a *engine.Answer) {
	if l == nil || c.phase == undoing || l.visit != 0 && l.visit != a.Visit {
		c.port.Order(a.Shard, engine.Orphan(a))
		return
	}
	if c.phase != running || a.Round != l.round || !c.settle(l, engine.OrderRun) {
		return
	}
	l.visit, l.ran = a.Visit, a
	if a.Kind == engine.AnswerFailed {
		c.failure = ErrUndone
		c.undoUnlessAway()
		return
	}
	if c.waiting == 0 {
		c.deliver()
		c.advance()
	}
}

// deliver puts the replies of the round where the program wants them, in the
// order of its steps.
func (c *Coordinator) deliver() {
	w := c.run.to
	for i, l := range c.where {
		from := 0
		if l.taken > 0 {
			from = l.ran.Ends[l.taken-1]
		}
		s := &c.run.steps[i]
		s.from = len(w.Buf)
		w.Buf = append(w.Buf, l.ran.Out[from:l.ran.Ends[l.taken]]...)
		s.to = len(w.Buf)
		l.taken++
	}
	for _, l := range c.links {
		if l.ran != nil && l.taken > 0 && l.ran.Errs > 0 {
			w.Errs += l.ran.Errs
			l.ran.Errs = 0
		}
	}
}

// finish is after the program's end: every lock is held and every change made.
func (c *Coordinator) finish() {
	c.links = met(c.links)
	switch {
	case c.run.blocked != nil:
		c.phase = blocking
		b := c.run.blocked
		c.port.Blocked(b)
		c.post(func() { c.call.Block(b) })
	case !slices.ContainsFunc(c.links, func(l *link) bool { return l.ran.Wrote }):
		c.reply() // nothing to decide: every read was of this moment
		c.commit(nil)
	default:
		c.decide()
	}
}

// met leaves out the participants whose first order was never sent.
func met(links []*link) []*link {
	var sent []*link
	for _, l := range links {
		if l.round > 0 {
			sent = append(sent, l)
		}
	}
	return sent
}

func (c *Coordinator) decide() {
	c.phase = deciding
	o := c.simple(engine.OrderDecide, c.home)
	o.Record = c.record()
	c.send(c.home, o)
}

// record is the decision as home keeps it.
func (c *Coordinator) record() []byte {
	d := &troupev1.Decision{Saga: uint64(c.id), Reply: c.run.out.Buf, Errors: c.run.out.Errs}
	for _, l := range c.links {
		d.Participants = append(d.Participants, &troupev1.Participant{
			Shard: uint32(l.shard), Attempt: c.attempt, Visit: l.visit,
		})
	}
	return d.Encode()
}

// decided answers the client at once: nobody can see the others before they
// have committed, as their keys are locked.
func (c *Coordinator) decided() {
	c.recorded = true
	c.reply()
	c.commit(c.home)
}

func (c *Coordinator) reply() { c.port.Reply(&c.run.out, c.run.tx.deferred) }

// commit tells all participants but one, who knows.
func (c *Coordinator) commit(but *link) {
	c.phase = committing
	for _, l := range c.links {
		if l != but {
			c.send(l, c.simple(engine.OrderCommit, l))
		}
	}
	if c.waiting == 0 {
		c.committed()
	}
}

func (c *Coordinator) committed() {
	if !c.recorded {
		c.phase = ended
		return
	}
	c.phase = forgetting
	c.send(c.home, c.simple(engine.OrderForget, c.home))
}

// undoUnlessAway undoes the attempt, but not while a posted function uses it.
func (c *Coordinator) undoUnlessAway() {
	if !c.posted {
		c.undo()
	}
}

func (c *Coordinator) undo() {
	c.run.stop()
	c.phase = undoing
	c.links = met(c.links)
	for _, l := range c.links {
		o := c.simple(engine.OrderUndo, l)
		o.Again = c.failure == ""
		c.send(l, o)
	}
	if c.waiting == 0 {
		c.undone()
	}
}

func (c *Coordinator) undone() {
	if c.failure == "" {
		c.Start()
		return
	}
	c.run.out.Buf = c.run.out.Buf[:0]
	c.run.out.Error(c.failure)
	c.port.Reply(&c.run.out, nil)
	c.phase = ended
}
