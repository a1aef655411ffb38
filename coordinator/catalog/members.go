package catalog

import (
	"slices"
	"strings"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// isID tells whether id is 40 hexadecimal digits.
func isID(id string) bool {
	return len(id) == 40 && strings.Trim(id, "0123456789abcdef") == ""
}

// newMember reads how a member describes itself; ok is false if that makes no sense.
func newMember(e *troupev1.CatalogMember, at int64) (m Member, ok bool) {
	m = Member{RaftID: e.GetRaftId(), Member: directory.Member{
		ID: string(e.GetId()), Name: string(e.GetName()), Zone: string(e.GetZone()), Host: string(e.GetHost()),
		ClientPort: int(e.GetClientPort()), GossipPort: int(e.GetGossipPort()),
		ActorPort: int(e.GetActorPort()), StreamPort: int(e.GetStreamPort()),
		Incarnation: e.GetIncarnation(), Since: at,
	}}
	ok = isID(m.ID) && len(m.Name) <= MaxText && len(m.Zone) <= MaxText && len(m.Host) <= MaxHost &&
		m.RaftID != 0 && m.Incarnation != 0
	for _, port := range []int{m.ClientPort, m.GossipPort, m.ActorPort, m.StreamPort} {
		ok = ok && port >= 0 && port <= 1<<16-1
	}
	return m, ok
}

// enter sets the state that follows from whether the member is down and leaving, with
// the change that leads to this epoch.
func (m *Member) enter(down bool, at int64, epoch uint64) {
	state := directory.Up
	if m.Leaving {
		state = directory.Leaving
	}
	if down {
		state = directory.Down
	}
	if down != (m.State == directory.Down) {
		m.turned = epoch
	}
	if m.State != state {
		m.State, m.Since = state, at
	}
}

// join takes a member in, or back.
func (s *State) join(e *troupev1.CatalogJoin) Result {
	m, ok := newMember(e.GetMember(), e.GetAt())
	if !ok {
		return refuse(Malformed)
	}
	known := s.ByID(m.ID)
	if other := s.ByRaftID(m.RaftID); other != nil && other != known {
		return refuse(RaftIDTaken)
	}
	if known != nil {
		return s.rejoin(known, m, e.GetKeys())
	}
	at := 0 // the first gap: numbers start at 1
	for at < len(s.members) && s.members[at].Number == directory.Number(at+1) {
		at++
	}
	if at >= MaxMembers {
		return refuse(TooManyMembers)
	}
	m.Number = directory.Number(at + 1)
	s.members = slices.Insert(s.members, at, m)
	return Result{Changed: true, Number: m.Number}
}

// rejoin takes back a member. In another incarnation its shards are empty, and what
// it was asked before it was started again is over.
func (s *State) rejoin(m *Member, now Member, keys []*troupev1.CatalogKeys) Result {
	now.Number, now.past = m.Number, m.past
	if now.Incarnation == m.Incarnation {
		if now.RaftID != m.RaftID {
			return refuse(StaleIncarnation) // a process does not lose its log
		}
		now.State, now.Since, now.Leaving, now.turned = m.State, m.Since, m.Leaving, m.turned
		if now.Member == m.Member {
			return Result{Number: m.Number}
		}
		*m = now
		return Result{Changed: true, Number: m.Number}
	}
	if slices.Contains(m.past, now.Incarnation) {
		return refuse(StaleIncarnation) // a late copy: the process is gone
	}
	s.count(m.Number, keys)
	s.lose(m.Number, now.Since)
	now.past = append(slices.Clone(m.past), m.Incarnation)
	now.past = now.past[max(0, len(now.past)-pastIncarnations):]
	*m = now
	return Result{Changed: true, Number: m.Number}
}

// count notes how many keys the member's shards have.
func (s *State) count(n directory.Number, keys []*troupev1.CatalogKeys) {
	for _, k := range keys {
		if i := int(k.GetShard()); i < len(s.shards) && s.shards[i].Owner == n {
			s.shards[i].keys = max(0, k.GetKeys())
		}
	}
}

// lose notes that what the member had in memory is gone: its shards are empty and
// open under new epochs, and moves that it had a part in are over.
func (s *State) lose(n directory.Number, at int64) {
	for i := range s.shards {
		p := &s.shards[i]
		if p.To == n || p.Owner == n {
			p.To, p.MoveID = 0, 0
		}
		if p.Owner != n {
			continue
		}
		p.Epoch++
		p.lose(at)
	}
}

// lose records the loss. One of nothing does not hide an earlier one of something: a
// process that crashes again and again would.
func (p *shard) lose(at int64) {
	if p.keys > 0 || p.LostKeys == 0 {
		p.LostAt, p.LostKeys = at, p.keys
	}
	p.keys = 0
}

// in returns the member in this incarnation.
func (s *State) in(id []byte, incarnation uint64) (*Member, Refusal) {
	m := s.ByID(string(id))
	switch {
	case m == nil:
		return nil, UnknownMember
	case m.Incarnation != incarnation:
		return nil, StaleIncarnation
	}
	return m, Accepted
}

func (s *State) down(e *troupev1.CatalogDown) Result {
	m, refused := s.in(e.GetId(), e.GetIncarnation())
	switch {
	case refused != Accepted:
		return refuse(refused)
	case e.GetTerm() != s.term:
		return refuse(StaleTerm) // the new leader may have renewed the lease
	case m.State == directory.Down:
		return same()
	case e.GetTurned() != m.turned:
		return refuse(StaleEpoch)
	}
	s.count(m.Number, e.GetKeys())
	m.enter(true, e.GetAt(), s.epoch+1)
	return changed()
}

func (s *State) up(e *troupev1.CatalogUp) Result {
	m, refused := s.in(e.GetId(), e.GetIncarnation())
	switch {
	case refused != Accepted:
		return refuse(refused)
	case e.GetTerm() != s.term:
		return refuse(StaleTerm)
	case m.State != directory.Down:
		return same()
	case e.GetTurned() != m.turned:
		return refuse(StaleEpoch)
	}
	m.enter(false, e.GetAt(), s.epoch+1)
	return changed()
}
