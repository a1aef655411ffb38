package zset

import (
	"encoding/binary"
	"math"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/ranktree"
	"github.com/troupedb/troupe/shard/keyspace"
)

// ScoreBytes is the length of a score where it is kept as a double: the value of a
// member record, and what AppendScore appends.
const ScoreBytes = 8

// large is the large form: member records found by name, and ranked by a tree
// that names them by Ref. A record never moves, as its value keeps its length.
type large struct {
	arena   *data.Arena
	hash    data.Hasher
	members data.Table
	ranks   *ranktree.Tree
	bytes   int64           // of the member records
	marks   *keyspace.Marks // of its way to another node; nil: it stays
}

func newLarge(ks *keyspace.Keyspace) *large {
	l := &large{arena: ks.Arena, hash: ks.Hasher()}
	l.ranks = ranktree.New(l)
	return l
}

// Member implements ranktree.Members.
func (l *large) Member(ref uint32) []byte { return l.arena.Key(data.Ref(ref)) }

func (l *large) score(r data.Ref) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(l.arena.Val(r)))
}

func (l *large) setScore(r data.Ref, score float64) {
	binary.LittleEndian.PutUint64(l.arena.Val(r), math.Float64bits(score))
}

// insert adds a member that is not there.
func (l *large) insert(h uint64, member []byte, score float64) {
	l.marks.Changed(h, member)
	r := l.arena.Alloc(0, member, ScoreBytes, 0)
	l.setScore(r, score)
	l.members.Insert(l.arena, l.hash, h, r)
	l.ranks.Insert(score, uint32(r))
	l.bytes += l.arena.Bytes(r)
}

func (l *large) rescore(r data.Ref, score float64) {
	if l.marks != nil {
		l.marks.Changed(l.hash(l.arena.Key(r)), l.arena.Key(r))
	}
	l.ranks.Update(l.score(r), l.arena.Key(r), score)
	l.setScore(r, score)
}

func (l *large) remove(r data.Ref, h uint64) {
	l.marks.Changed(h, l.arena.Key(r))
	l.ranks.Delete(l.score(r), l.arena.Key(r))
	l.members.Remove(l.arena, l.hash, h, r)
	l.free(r)
}

// removeRange removes n elements from rank first on.
func (l *large) removeRange(first, n int) {
	l.ranks.DeleteRange(first, n, func(_ float64, ref uint32) {
		r := data.Ref(ref)
		h := l.hash(l.arena.Key(r))
		l.marks.Changed(h, l.arena.Key(r))
		l.members.Remove(l.arena, l.hash, h, r)
		l.free(r)
	})
}

// rankOf returns how many elements are before a bound, or with after before the
// first that is greater.
func (l *large) rankOf(b *lexBound, after bool) int {
	switch b.end {
	case least:
		return 0
	case greatest:
		return l.ranks.Len()
	}
	return l.ranks.RankMember(b.text, after)
}

func (l *large) free(r data.Ref) {
	l.bytes -= l.arena.Bytes(r)
	l.arena.Free(r)
}

func (l *large) memBytes() int64 {
	return l.members.MemBytes() + int64(l.ranks.MemBytes()) + l.bytes
}

// release frees up to n member records.
func (l *large) release(n int) (done bool) {
	l.members, l.marks = data.Table{}, nil
	l.ranks.DeleteRange(0, n, func(_ float64, ref uint32) { l.free(data.Ref(ref)) })
	return l.ranks.Len() == 0
}
