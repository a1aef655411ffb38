package catalog

import "github.com/troupedb/troupe/actors/directory"

const (
	// proposeAgain is when something is proposed once more that the state does not
	// show: a proposal may be lost. Milliseconds.
	proposeAgain = 1000
	// heardWithin is how fresh a heartbeat must be for its sender to be called up:
	// three may be lost.
	heardWithin = 4 * HeartbeatEvery
)

// Answer is what a heartbeat is answered.
type Answer uint8

// The answers to a heartbeat.
const (
	// Wait: nothing is answered. The node sends the next one in time.
	Wait Answer = iota
	// Ack: the heartbeat renews the lease.
	Ack
	// Stranger: the catalog does not know this member, or this incarnation of it.
	// It has to join.
	Stranger
)

// Arbiter is the leader's end of the leases. Its zero value is no leader's.
//
// Once it has proposed that a member is down it acknowledges nothing of it until
// that is settled, as the proposal may be carried out at any time. The same goes for
// those of a former leader: none is acknowledged before the state has seen this
// leader's term, after which earlier ones are refused.
type Arbiter struct {
	term  uint64 // 0: not the leader
	led   int64  // when the term was proposed, 0: never
	books map[string]*book
}

// book is what the leader keeps of a member in one incarnation.
type book struct {
	incarnation uint64
	acked       int64 // when a heartbeat was acknowledged last
	heard       int64 // when one came last
	doomed      bool  // Down is proposed, and not carried out yet
	down        bool  // as the state said last
	proposed    int64 // when Down or Up was proposed last, 0: not since the state changed
}

// BecomeLeader starts a term. Whatever a former leader has acknowledged, it was not
// later than now.
func (a *Arbiter) BecomeLeader(s *State, term uint64, now int64) {
	*a = Arbiter{term: term, books: map[string]*book{}}
	for i := range s.members {
		a.book(&s.members[i], now)
	}
}

// StepDown ends the term.
func (a *Arbiter) StepDown() { *a = Arbiter{} }

// book returns what is kept of m, in step with what the state says of it.
func (a *Arbiter) book(m *Member, now int64) *book {
	b := a.books[m.ID]
	if b == nil || b.incarnation != m.Incarnation {
		b = &book{incarnation: m.Incarnation, acked: now, heard: now - heardWithin}
		a.books[m.ID] = b
	}
	switch down := m.State == directory.Down; {
	case down && !b.down:
		b.down, b.doomed, b.proposed = true, false, 0
	case !down && b.down:
		b.down, b.proposed, b.acked = false, 0, now
	}
	return b
}

// Heartbeat is called when one has come and the leader has made sure since then that
// it is still the leader, and has applied all that was committed (ReadIndex).
func (a *Arbiter) Heartbeat(s *State, id string, incarnation uint64, now int64) Answer {
	if a.term == 0 || a.term != s.term {
		return Wait
	}
	m := s.ByID(id)
	if m == nil || m.Incarnation != incarnation {
		return Stranger
	}
	b := a.book(m, now)
	b.heard = now
	if b.doomed || b.down {
		return Wait
	}
	b.acked = now
	return Ack
}

// Tick returns what is to be proposed now. It is called at least every
// HeartbeatEvery. at is the time in Unix milliseconds, for the record.
func (a *Arbiter) Tick(s *State, loads *Loads, now, at int64) (propose []*Entry) {
	switch {
	case a.term == 0 || a.term < s.term || s.clusterID == "":
		return nil
	case a.term > s.term:
		if a.led != 0 && now-a.led < proposeAgain {
			return nil
		}
		a.led = now
		return []*Entry{NewLead(a.term)}
	}
	for i := range s.members {
		m := &s.members[i]
		b := a.book(m, now)
		if b.proposed != 0 && now-b.proposed < proposeAgain {
			continue
		}
		switch {
		case b.down && now-b.heard < heardWithin:
			b.proposed = now
			propose = append(propose, NewUp(m, a.term, at))
		case !b.down && (b.doomed || now-b.acked >= DownAfter):
			b.doomed, b.proposed = true, now
			propose = append(propose, NewDown(m, a.term, loads.Keys(s, m.Number), at))
		}
	}
	return propose
}
