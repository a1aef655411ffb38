package ranktree

import "bytes"

// Members tells the bytes of a member that is in a tree.
type Members interface {
	Member(ref uint32) []byte
}

// Tree is a set of (score, member) pairs in order. Use New.
type Tree struct {
	root    *node
	members Members
	length  int
	mem     int
}

// New returns an empty tree of members that m knows.
func New(m Members) *Tree {
	t := &Tree{members: m}
	t.root = t.newLeaf(0)
	return t
}

// Len returns the number of elements.
func (t *Tree) Len() int { return t.length }

// MemBytes returns the bytes that the tree keeps allocated, without the members.
func (t *Tree) MemBytes() int { return treeBytes + t.mem }

// Insert adds the member behind ref with a score. added is false, and nothing
// changes, when the same member is there with the same score.
func (t *Tree) Insert(score float64, ref uint32) (added bool) {
	var p path
	leaf, i, found := t.locate(score, t.members.Member(ref), &p)
	if found {
		return false
	}
	t.length++
	t.insertAt(&p, leaf, i, score, ref)
	return true
}

// insertAt adds an element at i of the path's leaf and brings keys, counts and
// splits up to the root.
func (t *Tree) insertAt(p *path, leaf *node, i int, score float64, ref uint32) {
	if t.root == leaf && leaf.len() == cap(leaf.scores) && leaf.len() < leafCap {
		t.resize(leaf, min(leafCap, max(firstCap, leaf.len()*3/2)))
	}
	n, at, right := t.makeRoom(leaf, i)
	n.insertKey(at, score, ref)
	for d := p.depth - 1; d >= 0; d-- {
		s := p.steps[d]
		if right == nil {
			s.n.counts[s.i]++
			if i == 0 && s.n.kids[s.i].len() > 0 {
				kid := s.n.kids[s.i]
				s.n.scores[s.i], s.n.refs[s.i] = kid.scores[0], kid.refs[0]
			}
			continue
		}
		s.n.refresh(s.i)
		parent, at, split := t.makeRoom(s.n, s.i+1)
		parent.insertKid(at, right)
		right = split
	}
	if right != nil {
		root := t.newInner()
		root.insertKid(0, t.root)
		root.insertKid(1, right)
		t.root = root
	}
}

// makeRoom splits n if it is full. It returns the node and the place there that
// place i of n is now, and the new right neighbor of n, if any.
func (t *Tree) makeRoom(n *node, i int) (into *node, at int, right *node) {
	count := n.len()
	if count < n.limit() {
		return n, i, nil
	}
	right = t.newLike(n)
	middle := count / 2
	switch {
	case i == count && n.next == nil: // rising insertion leaves full nodes behind
		middle = count
	case i == 0 && n.prev == nil: // and so does falling insertion
		middle = 0
	}
	n.moveTail(middle, right)
	if n.leaf() {
		n.link(right)
	}
	if i > middle || i == count {
		return right, i - middle, right
	}
	return n, i, right
}

// Delete removes (score, member) and returns its reference; ok is false when it
// is not in the tree.
func (t *Tree) Delete(score float64, member []byte) (ref uint32, ok bool) {
	var p path
	leaf, i, found := t.locate(score, member, &p)
	if !found {
		return 0, false
	}
	ref = leaf.refs[i]
	t.removeAt(&p, leaf, i, 1)
	return ref, true
}

// Update changes the score of a member from old; ok is false, and nothing
// changes, when (old, member) is not in the tree.
func (t *Tree) Update(old float64, member []byte, score float64) (ok bool) {
	var p path
	leaf, i, found := t.locate(old, member, &p)
	if !found {
		return false
	}
	ref := leaf.refs[i]
	if !t.fitsBetween(leaf, i, score, member) {
		t.removeAt(&p, leaf, i, 1)
		return t.Insert(score, ref)
	}
	leaf.scores[i] = score
	for d := p.depth - 1; d >= 0 && i == 0; d-- {
		s := p.steps[d]
		s.n.scores[s.i] = score
		i = s.i
	}
	return true
}

// fitsBetween reports whether (score, member) is in order at i's place in leaf.
func (t *Tree) fitsBetween(leaf *node, i int, score float64, member []byte) bool {
	prev, next := Iterator{leaf, i}, Iterator{leaf, i}
	prev.Prev()
	next.Next()
	return !(prev.Valid() && t.compare(&prev, score, member) > 0) &&
		!(next.Valid() && t.compare(&next, score, member) < 0)
}

func (t *Tree) compare(it *Iterator, score float64, member []byte) int {
	switch s := it.Score(); {
	case s < score:
		return -1
	case s > score:
		return 1
	}
	return bytes.Compare(t.members.Member(it.Ref()), member)
}

// DeleteRange removes count elements from rank start on, or as many as there
// are. It calls each, which may be nil, with every one before it is removed;
// each may free what is behind the reference, but must not touch the tree.
func (t *Tree) DeleteRange(start, count int, each func(score float64, ref uint32)) {
	count = min(count, t.length-start)
	for count > 0 {
		var p path
		leaf, i := t.descendRank(start, &p)
		take := min(count, leaf.len()-i)
		for j := i; each != nil && j < i+take; j++ {
			each(leaf.scores[j], leaf.refs[j])
		}
		t.removeAt(&p, leaf, i, take)
		count -= take
	}
}

// removeAt removes count elements from the i-th of the path's leaf on, and
// brings keys, counts and merges up to the root.
func (t *Tree) removeAt(p *path, leaf *node, i, count int) {
	t.length -= count
	leaf.remove(i, i+count)
	for d := p.depth - 1; d >= 0; d-- {
		s := p.steps[d]
		kid := s.n.kids[s.i]
		s.n.counts[s.i] -= uint32(count)
		if kid.len() == 0 {
			t.removeKid(s.n, s.i)
			continue
		}
		s.n.scores[s.i], s.n.refs[s.i] = kid.scores[0], kid.refs[0]
		if kid.len() < kid.limit()/4 && s.n.len() > 1 {
			t.balance(s.n, min(s.i, s.n.len()-2))
		}
	}
	t.lowerRoot()
}

// removeKid removes the empty child i of n.
func (t *Tree) removeKid(n *node, i int) {
	kid := n.kids[i]
	if kid.leaf() {
		kid.unlink()
	}
	t.drop(kid)
	n.remove(i, i+1)
}

// balance makes children i and i+1 of n one, if that leaves room to grow, else
// equally long.
func (t *Tree) balance(n *node, i int) {
	left, right := n.kids[i], n.kids[i+1]
	total := left.len() + right.len()
	switch half := total / 2; {
	case total <= left.limit()*3/4:
		left.moveHead(right.len(), right)
		n.refresh(i)
		t.removeKid(n, i+1)
		return
	case left.len() < half:
		left.moveHead(half-left.len(), right)
	default:
		left.moveTail(half, right)
	}
	n.refresh(i)
	n.refresh(i + 1)
}

// lowerRoot drops roots with a single child, and gives back the arrays of an
// only leaf that is mostly empty.
func (t *Tree) lowerRoot() {
	for !t.root.leaf() && t.root.len() <= 1 {
		old := t.root
		if t.root = old.kids[0]; t.root == nil {
			t.root = t.newLeaf(0)
		}
		t.drop(old)
	}
	if n := t.root; n.leaf() && cap(n.scores) > firstCap && n.len() < cap(n.scores)/4 {
		t.resize(n, max(firstCap, 2*n.len()))
	}
}
