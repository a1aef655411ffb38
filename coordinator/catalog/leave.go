package catalog

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// leaving starts to empty a member, if there is anybody to take its shards.
func (s *State) leaving(e *troupev1.CatalogLeaving) Result {
	m := s.ByID(string(e.GetId()))
	switch {
	case m == nil:
		return refuse(UnknownMember)
	case m.Leaving:
		return same()
	case s.find(func(o *Member) bool { return o != m && o.State == directory.Up }) == nil:
		return refuse(NobodyLeft)
	}
	m.Leaving = true
	m.enter(m.State == directory.Down, e.GetAt(), s.epoch+1)
	return changed()
}

func (s *State) stay(e *troupev1.CatalogStay) Result {
	m := s.ByID(string(e.GetId()))
	switch {
	case m == nil:
		return refuse(UnknownMember)
	case !m.Leaving:
		return same()
	}
	m.Leaving = false
	m.enter(m.State == directory.Down, e.GetAt(), s.epoch+1)
	return changed()
}

func (s *State) left(e *troupev1.CatalogLeft) Result {
	m := s.ByID(string(e.GetId()))
	switch {
	case m == nil:
		return refuse(UnknownMember)
	case !m.Leaving:
		return refuse(NotLeaving)
	case s.Owned(m.Number) > 0:
		return refuse(OwnsShards)
	}
	s.remove(m)
	return changed()
}

// remove ends the membership of one that owns nothing, and moves to it.
func (s *State) remove(m *Member) {
	n := m.Number
	for i := range s.shards {
		p := &s.shards[i]
		if p.Owner == n {
			panic("catalog: the member that is removed owns shards")
		}
		if p.To == n {
			p.To, p.MoveID = 0, 0
		}
	}
	s.members = slices.DeleteFunc(s.members, func(o Member) bool { return o.Number == n })
}

// forget gives the shards of a member that is down to others, who open them empty.
// The owners come with the entry, as the way they are chosen may differ between
// versions of the program, and what an entry does may not.
func (s *State) forget(e *troupev1.CatalogForget) Result {
	m := s.ByID(string(e.GetId()))
	switch {
	case m == nil:
		return refuse(UnknownMember)
	case m.State != directory.Down:
		return refuse(NotDown)
	}
	owners := make([]directory.Number, len(s.shards))
	for _, o := range e.GetOwners() {
		to := s.ByID(string(o.GetTo()))
		if int(o.GetShard()) >= len(owners) || to == nil || to.State != directory.Up {
			return refuse(StalePlan)
		}
		owners[o.GetShard()] = to.Number
	}
	for i := range s.shards {
		if s.shards[i].Owner == m.Number && owners[i] == 0 {
			return refuse(StalePlan)
		}
	}
	s.count(m.Number, e.GetKeys())
	s.lose(m.Number, e.GetAt())
	for i := range s.shards {
		if s.shards[i].Owner == m.Number {
			s.shards[i].Owner = owners[i]
		}
	}
	s.remove(m)
	return changed()
}
