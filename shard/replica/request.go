package replica

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Outcome tells how a request ended: Err is nil when it is carried out and applied
// here, ErrDropped or ErrUnknown.
type Outcome struct {
	Ticket uint64
	Err    error
}

// proposal is one that is under way, of a leader's term.
type proposal struct{ term, ticket uint64 }

// change is a proposal to change the configuration.
type change struct {
	proposal
	applied bool // but the configuration may still be joint
}

func (r *Replica) finish(ticket uint64, err error) {
	r.outcomes = append(r.outcomes, Outcome{ticket, err})
}

// Propose proposes an entry, at the leader. The ticket's outcome comes with a later
// Advance; it may not come at all while there is no leader.
func (r *Replica) Propose(data []byte) (ticket uint64, err error) {
	switch {
	case !r.leads():
		return 0, &NotLeaderError{r.lead}
	case len(data) > MaxProposal:
		return 0, fmt.Errorf("%w: proposal of %d bytes", ErrTooLarge, len(data))
	case len(data) == 0:
		return 0, fmt.Errorf("replica: an empty proposal")
	case len(r.waiting) >= MaxWaiting:
		return 0, ErrOverloaded
	}
	if err := r.node.Propose(data); err != nil {
		return 0, ErrOverloaded // or a transfer of the leadership under way
	}
	r.tickets++
	r.waiting = append(r.waiting, proposal{r.term, r.tickets})
	return r.tickets, nil
}

// settleProposals finds the proposal that an applied entry was. Only the leader of a
// term appends entries of that term, and it appends those with data in the order of
// its proposals: the first one of the term that waits is it. Terms never fall in a
// log, so what waits of an earlier term is lost.
func (r *Replica) settleProposals(term uint64, data bool) {
	for len(r.waiting) > 0 && r.waiting[0].term < term {
		r.finish(r.waiting[0].ticket, ErrDropped)
		r.waiting = r.waiting[1:]
	}
	if data && len(r.waiting) > 0 && r.waiting[0].term == term {
		r.finish(r.waiting[0].ticket, nil)
		r.waiting = r.waiting[1:]
	}
}

// settleChange ends the change of the configuration that waits: with the entry of
// its term that changes it, or, if that makes it joint, with the one that leaves
// it again, by whichever leader.
func (r *Replica) settleChange(term uint64, changes bool) {
	c := r.change
	if c == nil {
		return
	}
	c.applied = c.applied || changes && c.term == term
	switch {
	case c.applied && !r.conf.Joint():
		r.finish(c.ticket, nil)
	case !c.applied && c.term < term:
		r.finish(c.ticket, ErrDropped)
	default:
		return
	}
	r.change = nil
}

// loseProposals is for a snapshot that takes the place of entries: whether
// proposals were among them cannot be told.
func (r *Replica) loseProposals() {
	for _, p := range r.waiting {
		r.finish(p.ticket, ErrUnknown)
	}
	r.waiting = nil
	if r.change != nil {
		r.finish(r.change.ticket, ErrUnknown)
		r.change = nil
	}
}

// TransferLeader asks another voter to take over; whether it does shows in Status.
func (r *Replica) TransferLeader(to uint64) error {
	switch {
	case !r.leads():
		return &NotLeaderError{r.lead}
	case !r.conf.Votes(to) || to == r.cfg.ID:
		return fmt.Errorf("%w: the leadership is not for %d", ErrChange, to)
	}
	r.node.TransferLeader(to)
	return nil
}

// reads are those under way. Each asks the leader for an index up to which to
// apply; all that come while one question is open share the next.
type reads struct {
	random    random
	waiting   []uint64 // tickets, not asked for
	asked     []uint64 // tickets of the open question
	name      uint64   // of the question; never one of an earlier life
	ticks     int      // since it was asked
	confirmed []confirmed
}

// confirmed are reads that are done once index is applied.
type confirmed struct {
	index   uint64
	tickets []uint64
}

// ReadIndex asks for the right to read. When the outcome comes, the machine has
// applied all that was agreed on before the call, by anybody. It works on followers
// and learners too, and it waits while there is no leader.
func (r *Replica) ReadIndex() (ticket uint64, err error) {
	q := &r.reads
	n := len(q.waiting) + len(q.asked)
	for i := range q.confirmed {
		n += len(q.confirmed[i].tickets)
	}
	if n >= MaxWaiting {
		return 0, ErrOverloaded
	}
	r.tickets++
	q.waiting = append(q.waiting, r.tickets)
	r.ask()
	return r.tickets, nil
}

// ask asks the leader, if there is somebody who waits and no question is open. A
// leader itself must first be settled: a lone voter's raft would answer at once
// with a commit that may be older than what it acknowledged in an earlier life.
func (r *Replica) ask() {
	q := &r.reads
	if len(q.waiting) == 0 || len(q.asked) > 0 || r.lead == 0 || r.leads() && !r.settled() {
		return
	}
	q.asked, q.waiting = q.waiting, nil
	q.name, q.ticks = q.random.next(), 0
	r.node.ReadIndex(binary.LittleEndian.AppendUint64(nil, q.name))
}

// askAgain forgets the open question: it or its answer may be lost.
func (q *reads) askAgain() {
	if len(q.asked) > 0 {
		q.waiting, q.asked = slices.Concat(q.asked, q.waiting), nil
	}
}

func (r *Replica) tickReads() {
	if r.reads.ticks++; r.reads.ticks >= r.cfg.ElectionTicks {
		r.reads.askAgain()
	}
	r.ask()
}

// answer takes in the answer to a question.
func (r *Replica) answer(name []byte, index uint64) {
	q := &r.reads
	if len(q.asked) > 0 && len(name) == 8 && binary.LittleEndian.Uint64(name) == q.name {
		q.confirmed = append(q.confirmed, confirmed{index, q.asked})
		q.asked = nil
	}
}

// settleReads ends the reads whose index is applied.
func (r *Replica) settleReads() {
	q := &r.reads
	q.confirmed = slices.DeleteFunc(q.confirmed, func(c confirmed) bool {
		if c.index > r.applied {
			return false
		}
		for _, t := range c.tickets {
			r.finish(t, nil)
		}
		return true
	})
	r.ask()
}
