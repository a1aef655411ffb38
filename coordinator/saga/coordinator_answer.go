package saga

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/wire"
)

// Answer takes an answer of a participant.
func (c *Coordinator) Answer(a *engine.Answer) {
	l := c.linkOf(a)
	switch a.Kind {
	case engine.AnswerWound:
		if c.phase == running && (a.Attempt == c.attempt || a.Attempt == 0) {
			c.wounded = true
			c.yield()
		}
	case engine.AnswerWaits:
		if c.phase == running && l != nil && l.waiting && (l.visit == 0 || l.visit == a.Visit) {
			l.stuck = true
			c.yield()
		}
	case engine.AnswerRan, engine.AnswerFailed:
		c.ran(l, a)
	case engine.AnswerDecided:
		if c.phase == deciding && c.settle(l, engine.OrderDecide) {
			c.decided()
		}
	case engine.AnswerConfirmed:
		c.confirmed(l, a)
	case engine.AnswerGone:
		if l.meant(a) {
			c.refused(l)
		}
	case engine.AnswerElsewhere, engine.AnswerUnreachable, engine.AnswerLost:
		if l.meant(a) {
			c.missed(l, a.Kind)
		}
	case engine.AnswerCommitted:
		c.after(l, engine.OrderCommit)
	case engine.AnswerUndone:
		c.undoneAt(l)
	}
}

// linkOf returns the link that a belongs to, nil if it is from another attempt.
func (c *Coordinator) linkOf(a *engine.Answer) *link {
	if a.Attempt != c.attempt || a.Shard >= len(c.index) {
		return nil
	}
	return c.index[a.Shard]
}

// yield undoes the attempt if it may be part of a circle.
func (c *Coordinator) yield() {
	if c.yields() {
		c.undoUnlessAway()
	}
}

func (c *Coordinator) yields() bool {
	return c.wounded && c.Stuck()
}

// meant tells whether a, which does not say to what kind of order it is the answer, is
// about the last one that l was sent: a copy of its first may have gone to where the
// shard was before.
func (l *link) meant(a *engine.Answer) bool { return l != nil && l.waiting && l.asked == a.Visit }

// settle ends the waiting for an answer to an order of this kind; false if
// nobody waits for it.
func (c *Coordinator) settle(l *link, kind engine.OrderKind) bool {
	if l == nil || !l.waiting || l.kind != kind {
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
	l.visit, l.wrote, l.errs = a.Visit, a.Wrote, a.Errs
	l.out, l.ends = c.keep(a)
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

// keep returns an answer's replies for as long as they are needed.
func (c *Coordinator) keep(a *engine.Answer) (out []byte, ends []int) {
	if !c.lends {
		return a.Out, a.Ends
	}
	n, m := len(c.replies), len(c.ends)
	c.replies, c.ends = append(c.replies, a.Out...), append(c.ends, a.Ends...)
	return c.replies[n:len(c.replies):len(c.replies)], c.ends[m:len(c.ends):len(c.ends)]
}

// deliver puts the replies of the round where the program wants them, in the
// order of its steps.
func (c *Coordinator) deliver() {
	w := c.run.to
	for i, l := range c.where {
		from := 0
		if l.taken > 0 {
			from = l.ends[l.taken-1]
		}
		s := &c.run.steps[i]
		s.from = len(w.Buf)
		w.Buf = append(w.Buf, l.out[from:l.ends[l.taken]]...)
		s.to = len(w.Buf)
		l.taken++
	}
	for _, l := range c.links {
		if l.taken > 0 {
			w.Errs += l.errs
			l.errs = 0
		}
	}
}

// finish is after the program's end: every lock is held and every change made.
func (c *Coordinator) finish() {
	c.links = met(c.links)
	if c.doubtful() {
		c.confirm()
		return
	}
	c.conclude()
}

// conclude is once it is known that all locks were there together.
func (c *Coordinator) conclude() {
	switch {
	case c.run.blocked != nil:
		c.phase = blocking
		b := c.run.blocked
		c.port.Blocked(b)
		c.post(func() { c.call.Block(b) })
	case len(c.run.final) == 0 && !slices.ContainsFunc(c.links, func(l *link) bool { return l.wrote }):
		c.reply() // nothing to decide: every read was of this moment
		c.letGo()
	default:
		c.decide()
	}
}

// met leaves out the participants whose first order was never sent.
func met(links []*link) []*link {
	return slices.DeleteFunc(links, func(l *link) bool { return l.round == 0 })
}

func (c *Coordinator) decide() {
	c.phase = deciding
	for _, s := range c.run.final {
		l := c.index[c.env.ShardOf(s.Args[s.Key])]
		l.final = append(l.final, engine.SagaStep{Cmd: s.Cmd, DB: c.call.DB, Key: s.Key, Args: s.Args})
	}
	c.chooseHome()
	c.writeDown()
	c.send(c.home, c.order(c.home, engine.OrderDecide))
}

// chooseHome chooses who decides: one that has written. If all that have are on one
// node, the decision lives and dies with what it is about, and home commits at once.
// Else home is on another node than this one, and commits only when it is told: then
// no crash of one node takes away the decision after somebody could have seen it.
func (c *Coordinator) chooseHome() {
	self := c.env.Self()
	var first directory.Number
	for _, l := range c.links {
		if !l.wrote && len(l.final) == 0 && c.run.blocked == nil {
			continue
		}
		at := c.env.place(l.shard).Owner
		switch {
		case c.home == nil:
			c.home, first = l, at
		case at != first:
			c.held = true
			if first == self {
				c.home, first = l, at
			}
		}
	}
}

// refused is where a shard wants no part in this saga any more: a recovery, which
// took this coordinator for dead, was there.
func (c *Coordinator) refused(l *link) {
	switch {
	case c.phase == deciding && c.settle(l, engine.OrderDecide):
		c.failure = ErrUnknown // what had been decided it has carried through, or it was lost at the place of before
		c.undo()
	case c.phase == running && c.settle(l, engine.OrderRun):
		c.failure = ErrDown
		c.undoUnlessAway()
	}
}

// missed is where an order has not reached its participant. The first and the one to
// decide find the shard with the next tick, where it is now; others need not: the
// participant is gone.
func (c *Coordinator) missed(l *link, why engine.AnswerKind) {
	kind := l.kind
	switch {
	case kind == engine.OrderRun && l.visit == 0 && why == engine.AnswerElsewhere:
		l.astray, l.quiet = true, true
	case kind == engine.OrderDecide && why == engine.AnswerElsewhere:
		l.quiet = true // a decision that was made has travelled with the shard
	case kind == engine.OrderRun, kind == engine.OrderConfirm:
		c.settle(l, kind)
		c.failure = ErrDown
		c.undoUnlessAway()
	case why == engine.AnswerUnreachable:
	case kind == engine.OrderDecide:
		c.settle(l, kind)
		if c.failure = ErrDown; !c.held {
			c.failure = ErrUnknown
		}
		c.undo()
	default:
		c.after(l, kind)
	}
}

// after goes on where l has done, or can not do any more, what it was told.
func (c *Coordinator) after(l *link, kind engine.OrderKind) {
	if !c.settle(l, kind) || c.waiting > 0 {
		return
	}
	switch kind {
	case engine.OrderCommit:
		c.committed()
	case engine.OrderUndo:
		c.undone()
	}
}

// writeDown makes the record of the decision.
func (c *Coordinator) writeDown() {
	c.record = troupev1.BeginDecision(c.record[:0], uint64(c.id), c.run.out.Buf, c.run.out.Errs)
	for _, l := range c.links {
		var commit []byte
		if len(l.final) > 0 && l != c.home {
			commit = wire.AppendOrder(nil, c.order(l, engine.OrderCommit))
		}
		c.record = troupev1.AppendParticipant(c.record, uint32(l.shard), c.attempt, l.visit, commit)
	}
}

// decided answers the client at once: nobody can see the others before they
// have committed, as their keys are locked.
func (c *Coordinator) decided() {
	c.reply()
	if c.held {
		c.commit(nil)
	} else {
		c.commit(c.home)
	}
}

func (c *Coordinator) reply() {
	if !c.answered {
		c.answered = true
		c.port.Reply(&c.run.out, c.run.tx.deferred)
	}
}

// fail answers the client with an error.
func (c *Coordinator) fail(why reply.Error) {
	if c.answered {
		return
	}
	c.answered = true
	out := reply.Writer{Proto: c.run.out.Proto}
	out.Error(why)
	c.port.Reply(&out, nil)
}

// Fence ends what the client waits for, as the node may not serve any more: others
// may never be heard of again. What is decided goes on when they are.
func (c *Coordinator) Fence() {
	switch c.phase {
	case running, confirming:
		if c.failure == "" {
			c.failure = ErrDown
			c.undoUnlessAway()
		}
	case undoing: // to begin anew
		if c.failure == "" {
			c.failure = ErrDown
			c.fail(ErrDown)
		}
	case deciding:
		c.fail(ErrUnknown)
	}
}

// commit tells all participants but one, who knows.
func (c *Coordinator) commit(but *link) {
	c.phase = committing
	for _, l := range c.links {
		if l != but {
			c.send(l, c.order(l, engine.OrderCommit))
		}
	}
	if c.waiting == 0 {
		c.committed()
	}
}

// letGo ends a saga that has only read. A participant that does not hear of it asks, and
// then has nothing to undo.
func (c *Coordinator) letGo() {
	c.phase = ended
	for _, l := range c.links {
		o := c.order(l, engine.OrderCommit)
		o.Quiet = true
		c.port.Order(l.shard, o)
	}
}

// committed ends a saga that all have followed. Home, if it does not hear of it, reminds
// of its decision and is told then.
func (c *Coordinator) committed() {
	c.phase = ended
	o := c.order(c.home, engine.OrderForget)
	o.Quiet = true
	c.port.Order(c.home.shard, o)
}

// undoUnlessAway undoes the attempt, but not while a posted function uses it.
func (c *Coordinator) undoUnlessAway() {
	if !c.posted {
		c.undo()
	}
}

// undo ends an attempt. A client that will get an error gets it at once: nobody can
// see what is still to be undone.
func (c *Coordinator) undo() {
	c.run.stop()
	c.phase = undoing
	if c.failure != "" {
		c.fail(c.failure)
	}
	c.links = met(c.links)
	for _, l := range c.links {
		c.send(l, c.order(l, engine.OrderUndo))
	}
	if c.waiting == 0 {
		c.undone()
	}
}

func (c *Coordinator) undone() {
	switch {
	case c.failure != "":
		c.phase = ended
	case c.run.long:
		c.phase = ended
		c.leaver.Leave()
	default:
		c.astray = c.astray || c.run.astray
		c.Start()
	}
}
