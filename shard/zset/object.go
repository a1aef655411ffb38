package zset

import (
	"unsafe"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// ZSet is a sorted set. The zero value is none: use New.
type ZSet struct {
	pack  listpack.Pack // while small
	large *large        // else
}

var _ keyspace.Imaged = (*ZSet)(nil)

// New returns an empty sorted set in its small form.
func New() *ZSet { return &ZSet{pack: listpack.New()} }

// Kind implements keyspace.Object.
func (*ZSet) Kind() keyspace.Kind { return keyspace.SortedSet }

// Encoding implements keyspace.Object.
func (z *ZSet) Encoding() string {
	if z.large != nil {
		return "skiplist"
	}
	return "listpack"
}

// Len implements keyspace.Object.
func (z *ZSet) Len() int {
	if z.large != nil {
		return z.large.ranks.Len()
	}
	return z.pack.Len() / 2
}

// MemBytes implements keyspace.Object.
func (z *ZSet) MemBytes() int64 {
	n := int64(unsafe.Sizeof(*z))
	if z.large != nil {
		return n + z.large.memBytes()
	}
	return n + int64(z.pack.MemBytes())
}

// Release implements keyspace.Object.
func (z *ZSet) Release(n int) bool { return z.large == nil || z.large.release(n) }

// Place is where a member is in a sorted set, or that it is not there. A change
// of the set ends its use.
type Place struct {
	Found bool
	Score float64 // if found

	ref  data.Ref // large: the record
	hash uint64   // large: of the member
	off  int      // small: in the pack
}

// Find returns the place of member.
func (z *ZSet) Find(member []byte) (at Place) {
	if l := z.large; l != nil {
		at.hash = l.hash(member)
		at.ref = l.members.Find(l.arena, at.hash, member)
		if at.Found = at.ref != 0; at.Found {
			at.Score = l.score(at.ref)
		}
		return at
	}
	at.off = z.pack.Find(z.pack.First(), member, 1)
	if at.Found = at.off != listpack.None; at.Found {
		at.Score = packScore(z.pack, at.off)
	}
	return at
}

// Rank returns how many elements are before member.
func (z *ZSet) Rank(member []byte) (rank int, ok bool) {
	at := z.Find(member)
	if !at.Found {
		return 0, false
	}
	if z.large != nil {
		return z.large.ranks.Rank(at.Score, member)
	}
	for off := z.pack.First(); off != at.off; off = packNext(z.pack, off) {
		rank++
	}
	return rank, true
}

// admits tells whether a pack may get one more element with this member.
func (z *ZSet) admits(cfg *engine.Config, member []byte) bool {
	return z.Len() < cfg.ZSetMaxEntries && len(member) <= cfg.ZSetMaxValue && z.pack.Fits(len(member))
}
