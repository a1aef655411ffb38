package catalog

import (
	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// moveBegin starts to move a shard. The move's identity is the index of its entry:
// no other move has it, of any shard.
func (s *State) moveBegin(e *troupev1.CatalogMoveBegin) Result {
	if int(e.GetShard()) >= len(s.shards) {
		return refuse(UnknownShard)
	}
	p, to := &s.shards[e.GetShard()], s.ByID(string(e.GetTo()))
	switch {
	case p.Epoch != e.GetEpoch():
		return refuse(StaleEpoch)
	case to == nil:
		return refuse(UnknownMember)
	case p.To == to.Number:
		return Result{Move: p.MoveID}
	case p.To != 0:
		return refuse(Moving)
	case to.State != directory.Up || to.Number == p.Owner:
		return refuse(UnfitTarget)
	case s.ByNumber(p.Owner).State == directory.Down:
		return refuse(UnfitSource)
	}
	p.To, p.MoveID = to.Number, s.applied
	return Result{Changed: true, Move: p.MoveID}
}

// move returns the shard that moves under this identity.
func (s *State) move(i uint32, move uint64) (*shard, Refusal) {
	switch {
	case int(i) >= len(s.shards):
		return nil, UnknownShard
	case s.shards[i].To == 0 || s.shards[i].MoveID != move:
		return nil, NotMoving
	}
	return &s.shards[i], Accepted
}

// moveCommit is the switch: from here on the target owns the shard. It has all the
// data, so it does not matter whether the source is still up.
func (s *State) moveCommit(e *troupev1.CatalogMoveCommit) Result {
	p, refused := s.move(e.GetShard(), e.GetMove())
	switch {
	case refused != Accepted:
		return refuse(refused)
	case s.ByNumber(p.To).State == directory.Down:
		return refuse(UnfitTarget)
	}
	p.Owner, p.To, p.MoveID = p.To, 0, 0
	p.Epoch++
	return changed()
}

// moveAbort ends a move. The owner stays, and so does the epoch.
func (s *State) moveAbort(e *troupev1.CatalogMoveAbort) Result {
	p, refused := s.move(e.GetShard(), e.GetMove())
	if refused != Accepted {
		return refuse(refused)
	}
	p.To, p.MoveID = 0, 0
	return changed()
}
