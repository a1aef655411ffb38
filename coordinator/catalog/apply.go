package catalog

import (
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// Apply carries an entry of the log out. Indexes grow; an entry that comes again is
// refused.
func (s *State) Apply(index uint64, data []byte) Result {
	if index <= s.applied {
		return Result{Epoch: s.epoch, Refused: Replayed}
	}
	s.applied = index
	if len(data) > MaxEntry {
		return Result{Epoch: s.epoch, Refused: TooLarge}
	}
	e, err := troupev1.DecodeCatalogEntry(data)
	if err != nil {
		return Result{Epoch: s.epoch, Refused: Malformed}
	}
	r := s.change(e)
	if r.Changed {
		s.epoch++
	}
	r.Request, r.Epoch = e.GetRequest(), s.epoch
	return r
}

// change does what the entry says. Whatever it checks it checks before it changes
// anything.
func (s *State) change(e *Entry) Result {
	if b, ok := e.GetChange().(*troupev1.CatalogEntry_Bootstrap); ok {
		return s.bootstrap(b.Bootstrap)
	}
	if s.clusterID == "" {
		return refuse(NoCluster)
	}
	switch c := e.GetChange().(type) {
	case *troupev1.CatalogEntry_Lead:
		return s.lead(c.Lead)
	case *troupev1.CatalogEntry_Join:
		return s.join(c.Join)
	case *troupev1.CatalogEntry_Down:
		return s.down(c.Down)
	case *troupev1.CatalogEntry_Up:
		return s.up(c.Up)
	case *troupev1.CatalogEntry_Leaving:
		return s.leaving(c.Leaving)
	case *troupev1.CatalogEntry_Stay:
		return s.stay(c.Stay)
	case *troupev1.CatalogEntry_Left:
		return s.left(c.Left)
	case *troupev1.CatalogEntry_Forget:
		return s.forget(c.Forget)
	case *troupev1.CatalogEntry_MoveBegin:
		return s.moveBegin(c.MoveBegin)
	case *troupev1.CatalogEntry_MoveCommit:
		return s.moveCommit(c.MoveCommit)
	case *troupev1.CatalogEntry_MoveAbort:
		return s.moveAbort(c.MoveAbort)
	case *troupev1.CatalogEntry_Settings:
		return s.set(c.Settings)
	case *troupev1.CatalogEntry_ScriptLoad:
		return s.loadScript(c.ScriptLoad)
	case *troupev1.CatalogEntry_ScriptFlush:
		return s.flushScripts()
	case *troupev1.CatalogEntry_Balance:
		return s.balance(c.Balance)
	}
	return refuse(Malformed)
}

func (s *State) bootstrap(e *troupev1.CatalogBootstrap) Result {
	id, name, shards := string(e.GetClusterId()), string(e.GetCluster()), e.GetShards()
	switch {
	case s.clusterID == id && id != "":
		return same()
	case s.clusterID != "":
		return refuse(OtherCluster)
	case !isID(id) || len(name) > MaxText || shards < 1 || shards > MaxShards:
		return refuse(Malformed)
	}
	m, ok := newMember(e.GetMember(), e.GetAt())
	if !ok {
		return refuse(Malformed)
	}
	m.Number = 1
	s.clusterID, s.cluster, s.members = id, name, []Member{m}
	s.shards = make([]shard, shards)
	for i := range s.shards {
		s.shards[i].Owner, s.shards[i].Epoch = m.Number, 1
	}
	return Result{Changed: true, Number: m.Number}
}

// lead opens a leader's term.
func (s *State) lead(e *troupev1.CatalogLead) Result {
	switch term := e.GetTerm(); {
	case term < s.term || term == 0:
		return refuse(StaleTerm)
	case term == s.term:
		return same()
	}
	s.term = e.GetTerm()
	return changed()
}

func (s *State) balance(e *troupev1.CatalogBalance) Result {
	if s.paused == e.GetPaused() {
		return same()
	}
	s.paused = e.GetPaused()
	return changed()
}
