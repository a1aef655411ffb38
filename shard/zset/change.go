package zset

import (
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// The changes of a sorted set. Each records how it is undone while a journal is
// open: the reverse change, or for a change of form the form before.

// Add adds a member that Find has not found. The set takes its large form if
// the set, or the member, goes over the limits of the small one.
func (z *ZSet) Add(ks *keyspace.Keyspace, cfg *engine.Config, at Place, member []byte, score float64) {
	if z.large == nil && !z.admits(cfg, member) {
		z.enlarge(ks)
		at.hash = z.large.hash(member)
	}
	if ks.Journaling() {
		name := clone(member)
		ks.Undo(func() { z.remove(z.Find(name)) })
	}
	z.insert(at.hash, member, score)
}

// Rescore changes the score of the member at a place.
func (z *ZSet) Rescore(ks *keyspace.Keyspace, at Place, member []byte, score float64) {
	if ks.Journaling() {
		name := clone(member)
		ks.Undo(func() { z.rescore(z.Find(name), name, at.Score) })
	}
	z.rescore(at, member, score)
}

// Remove removes the member at a place.
func (z *ZSet) Remove(ks *keyspace.Keyspace, at Place, member []byte) {
	if ks.Journaling() {
		name := clone(member)
		ks.Undo(func() { z.insert(at.hash, name, at.Score) })
	}
	z.remove(at)
}

// RemoveWindow removes the elements in w.
func (z *ZSet) RemoveWindow(ks *keyspace.Keyspace, w Window) {
	if w.N == 0 {
		return
	}
	if ks.Journaling() {
		old := z.copyWindow(w)
		ks.Undo(func() {
			for i := range old {
				z.insert(z.Find(old[i].member).hash, old[i].member, old[i].score)
			}
		})
	}
	if z.large != nil {
		z.large.removeRange(w.First, w.N)
		return
	}
	z.pack = z.pack.DeleteRange(2*w.First, 2*w.N)
}

// element is an element with memory of its own.
type element struct {
	member []byte
	score  float64
}

func (z *ZSet) copyWindow(w Window) []element {
	out := make([]element, 0, w.N)
	cur := z.At(w.First)
	for range w.N {
		out = append(out, element{clone(cur.Member()), cur.Score()})
		cur.Next()
	}
	return out
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }

// enlarge gives the set its large form.
func (z *ZSet) enlarge(ks *keyspace.Keyspace) {
	if ks.Journaling() {
		pack := z.pack
		ks.Undo(func() {
			z.large.release(z.large.ranks.Len())
			z.large, z.pack = nil, pack
		})
	}
	l := newLarge(ks)
	for cur := z.At(0); cur.Valid(); cur.Next() {
		member := cur.Member()
		l.insert(l.hash(member), member, cur.Score())
	}
	z.large, z.pack = l, nil
}

// insert adds a member; hash is its hash if the set is large.
func (z *ZSet) insert(hash uint64, member []byte, score float64) {
	if z.large != nil {
		z.large.insert(hash, member, score)
		return
	}
	z.pack = packInsert(z.pack, member, score)
}

func (z *ZSet) rescore(at Place, member []byte, score float64) {
	if z.large != nil {
		z.large.rescore(at.ref, score)
		return
	}
	z.pack = packInsert(packDelete(z.pack, at.off), member, score)
}

func (z *ZSet) remove(at Place) {
	if z.large != nil {
		z.large.remove(at.ref, at.hash)
		return
	}
	z.pack = packDelete(z.pack, at.off)
}

// build returns a new sorted set of member, score, …, in order and all different.
func build(ks *keyspace.Keyspace, cfg *engine.Config, pairs [][]byte) *ZSet {
	longest, total := 0, 0
	for i := 0; i < len(pairs); i += 2 {
		longest = max(longest, len(pairs[i]))
		total += len(pairs[i])
	}
	z := New()
	small := len(pairs)/2 <= cfg.ZSetMaxEntries && longest <= cfg.ZSetMaxValue && z.pack.Fits(total)
	if !small {
		z.large, z.pack = newLarge(ks), nil
	}
	for i := 0; i < len(pairs); i += 2 {
		member, score := pairs[i], ScoreOf(pairs[i+1])
		if small {
			z.pack = packAppend(z.pack, member, score)
		} else {
			z.large.insert(z.large.hash(member), member, score)
		}
	}
	return z
}
