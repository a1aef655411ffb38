package catalog

import "github.com/troupedb/troupe/actors/directory"

// ShardLoad is what a shard's owner says of it with a heartbeat.
type ShardLoad struct {
	Shard int
	Keys  int64
	// Load is how much there is to do or to hold, in a unit that all nodes share.
	Load int64
}

// Loads is what the leader was told of all shards. Its zero value knows nothing. It is
// no part of the state: it is worth nothing tomorrow.
type Loads struct{ shards []reported }

type reported struct {
	ShardLoad
	by          directory.Number // 0: nobody
	incarnation uint64
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
			l.shards[v.Shard] = reported{v, m.Number, incarnation}
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
// it has told.
func (l *Loads) Keys(s *State, n directory.Number) (keys []Keys) {
	m := s.ByNumber(n)
	if l == nil || m == nil {
		return nil
	}
	for i, v := range l.shards {
		if v.by == n && v.incarnation == m.Incarnation && i < len(s.shards) && s.shards[i].Owner == n {
			keys = append(keys, Keys{Shard: i, Keys: v.Keys})
		}
	}
	return keys
}
