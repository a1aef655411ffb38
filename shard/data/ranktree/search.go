package ranktree

import (
	"bytes"
	"sort"
)

// maxDepth bounds a tree's height: 2^32 elements at a quarter's fill need 9.
const maxDepth = 12

// path is the way from the root to a leaf: at each inner node, the child taken.
type path struct {
	steps [maxDepth]step
	depth int
}

type step struct {
	n *node
	i int
}

func (p *path) push(n *node, i int) {
	p.steps[p.depth] = step{n, i}
	p.depth++
}

// rank returns the number of elements before the i-th of the path's leaf.
func (p *path) rank(i int) int {
	for _, s := range p.steps[:p.depth] {
		for _, c := range s.n.counts[:s.i] {
			i += int(c)
		}
	}
	return i
}

// order is by what a bound divides the elements.
type order uint8

const (
	byKey    order = iota // score, then member
	byScore               // score alone
	byMember              // member alone, in a set where all scores are equal
)

// bound divides the elements: those that are less than it, and with after those
// that are equal, are before it.
type bound struct {
	order  order
	after  bool
	score  float64
	member []byte
}

// before returns how many of n's keys are before b.
func (t *Tree) before(n *node, b *bound) int {
	if b.order == byMember {
		return t.searchMembers(n, 0, n.len(), b)
	}
	lo := scoresBelow(n.scores, b.score)
	if lo == n.len() || n.scores[lo] != b.score {
		return lo
	}
	// The keys from lo on that share the bound's score.
	equal := sort.Search(n.len()-lo, func(i int) bool { return n.scores[lo+i] != b.score })
	switch {
	case b.order == byKey:
		return t.searchMembers(n, lo, lo+equal, b)
	case b.after:
		return lo + equal
	}
	return lo
}

// scoresBelow returns how many of the ascending scores are below x. A search
// without branches measured slower here: in a leaf that is not in the cache, the
// processor's guesses fetch ahead.
func scoresBelow(scores []float64, x float64) int {
	lo, hi := 0, len(scores)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if scores[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// searchMembers returns the first of n's keys from lo up to hi whose member is
// not before b, or hi.
func (t *Tree) searchMembers(n *node, lo, hi int, b *bound) int {
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if t.memberBefore(n.refs[mid], b) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (t *Tree) memberBefore(ref uint32, b *bound) bool {
	c := bytes.Compare(t.members.Member(ref), b.member)
	return c < 0 || b.after && c == 0
}

// descend finds the first element that is not before b: the i-th of leaf, or
// behind leaf's last, when it is the first of the next leaf or none.
func (t *Tree) descend(b *bound, p *path) (leaf *node, i int) {
	n := t.root
	for !n.leaf() {
		i := max(t.before(n, b)-1, 0)
		p.push(n, i)
		n = n.kids[i]
	}
	return n, t.before(n, b)
}

// locate finds the place of (score, member): where it is, if found, else where
// it belongs.
func (t *Tree) locate(score float64, member []byte, p *path) (leaf *node, i int, found bool) {
	// A child whose least element is the one looked for must be entered, so on
	// the way down equal keys count as before.
	b := bound{order: byKey, after: true, score: score, member: member}
	leaf, i = t.descend(&b, p)
	if i > 0 && leaf.scores[i-1] == score && bytes.Equal(t.members.Member(leaf.refs[i-1]), member) {
		return leaf, i - 1, true
	}
	return leaf, i, false
}

// descendRank finds the element of the given rank, in [0, Len).
func (t *Tree) descendRank(rank int, p *path) (leaf *node, i int) {
	n := t.root
	for !n.leaf() {
		i := 0
		for ; rank >= int(n.counts[i]); i++ {
			rank -= int(n.counts[i])
		}
		p.push(n, i)
		n = n.kids[i]
	}
	return n, rank
}

// Iterator is at an element of a tree, or at none. Changes to the tree make it
// stale.
type Iterator struct {
	n *node
	i int
}

// Valid reports whether the iterator is at an element. The methods below need a
// valid one.
func (it *Iterator) Valid() bool { return it.n != nil }

// Score returns the element's score.
func (it *Iterator) Score() float64 { return it.n.scores[it.i] }

// Ref returns the element's reference.
func (it *Iterator) Ref() uint32 { return it.n.refs[it.i] }

// Next moves to the next greater element; behind the last it is invalid.
func (it *Iterator) Next() {
	if it.i++; it.i == it.n.len() {
		*it = Iterator{n: it.n.next}
	}
}

// Prev moves to the next smaller element; before the first it is invalid.
func (it *Iterator) Prev() {
	if it.i > 0 {
		it.i--
		return
	}
	if *it = (Iterator{n: it.n.prev}); it.n != nil {
		it.i = it.n.len() - 1
	}
}

// at returns an iterator at the i-th element of leaf, or of the next leaf when
// that is behind its last.
func at(leaf *node, i int) Iterator {
	if i == leaf.len() {
		return Iterator{n: leaf.next}
	}
	return Iterator{n: leaf, i: i}
}

// At returns an iterator at the element of the given rank, from 0; from the
// greatest for negative ranks (-1 is the last); invalid when there is none.
func (t *Tree) At(rank int) Iterator {
	if rank < 0 {
		rank += t.length
	}
	if rank < 0 || rank >= t.length {
		return Iterator{}
	}
	var p path
	return at(t.descendRank(rank, &p))
}

// SeekScore returns an iterator at the first element whose score is at least
// score, or with after is greater than score.
func (t *Tree) SeekScore(score float64, after bool) Iterator {
	var p path
	return at(t.descend(&bound{order: byScore, after: after, score: score}, &p))
}

// RankScore returns how many elements are before the one that SeekScore finds.
func (t *Tree) RankScore(score float64, after bool) int {
	var p path
	_, i := t.descend(&bound{order: byScore, after: after, score: score}, &p)
	return p.rank(i)
}

// SeekMember returns an iterator at the first element whose member is at least
// member, or with after is greater, in a tree whose scores are all equal.
func (t *Tree) SeekMember(member []byte, after bool) Iterator {
	var p path
	return at(t.descend(&bound{order: byMember, after: after, member: member}, &p))
}

// RankMember returns how many elements are before the one that SeekMember finds.
func (t *Tree) RankMember(member []byte, after bool) int {
	var p path
	_, i := t.descend(&bound{order: byMember, after: after, member: member}, &p)
	return p.rank(i)
}

// Rank returns how many elements are before (score, member); ok is false when it
// is not in the tree.
func (t *Tree) Rank(score float64, member []byte) (rank int, ok bool) {
	var p path
	_, i, found := t.locate(score, member, &p)
	if !found {
		return 0, false
	}
	return p.rank(i), true
}
