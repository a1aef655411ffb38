package catalog

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
)

// LoadUnit is how many bytes of memory are a load of one. All nodes share it, and
// the controller measures by it.
const LoadUnit = 1 << 20

// ShardLoad is what a shard's owner says of it with a heartbeat.
type ShardLoad struct {
	Shard int
	Keys  int64
	// Load is how much memory its records take, in LoadUnits.
	Load int64
}

// Loads is what the leader was told of all shards. Its zero value knows nothing. It is
// no part of the state: it is worth nothing tomorrow.
type Loads struct{ shards []reported }

type reported struct {
	ShardLoad
	by          directory.Number // 0: nobody
	incarnation uint64
	place       directory.Place // of the shard then
}

// Report takes what a member says of its shards. What it says of others', or did in
// another incarnation, is ignored.
func (l *Loads) Report(s *State, id string, incarnation uint64, loads []ShardLoad) {
	m := s.ByID(id)
	if m == nil || m.Incarnation != incarnation {
		return
	}
	if len(l.shards) != len(s.shards) {
		l.shards = make([]reported, len(s.shards))
	}
	for _, v := range loads {
		if v.Shard >= 0 && v.Shard < len(s.shards) && s.shards[v.Shard].Owner == m.Number {
			l.shards[v.Shard] = reported{v, m.Number, incarnation, s.shards[v.Shard].Place}
		}
	}
}

// Load returns a shard's load, 0 if it is not known.
func (l *Loads) Load(shard int) int64 {
	if l == nil || shard >= len(l.shards) {
		return 0
	}
	return l.shards[shard].Load
}

// Keys returns how many keys the member's shards have, as far as this incarnation of
// it has told. Of a shard that has come to it by a move, and of which it has not told
// anything yet, the last owner's word counts.
func (l *Loads) Keys(s *State, n directory.Number) (keys []Keys) {
	m := s.ByNumber(n)
	if l == nil || m == nil {
		return nil
	}
	for i := range l.shards {
		v := &l.shards[i]
		if i >= len(s.shards) || s.shards[i].Owner != n || v.by == 0 {
			continue
		}
		told := v.by == n && v.incarnation == m.Incarnation && v.place.Epoch == s.shards[i].Epoch
		if told || v.by != n && v.movedTo(s) {
			keys = append(keys, Keys{Shard: i, Keys: v.Keys})
		}
	}
	return keys
}

// movedTo tells whether a move has given the shard to its owner since it was reported,
// and nothing else has happened to it: its data is not lost, and whoever reported has
// not been forgotten.
func (v *reported) movedTo(s *State) bool {
	now, by := &s.shards[v.Shard].Place, s.ByNumber(v.by)
	return by != nil && (by.Incarnation == v.incarnation || slices.Contains(by.past, v.incarnation)) &&
		now.Epoch == v.place.Epoch+1 && now.LostAt == v.place.LostAt && now.LostKeys == v.place.LostKeys
}
