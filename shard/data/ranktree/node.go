package ranktree

import "slices"

const (
	// leafCap and fanout are the most elements of a leaf and children of an inner
	// node: arrays that are whole size classes of the allocator, with searches
	// of 7 and 6 steps, and moves within a few cache lines.
	leafCap = 128
	fanout  = 64
	// firstCap is the first capacity of a tree's only leaf.
	firstCap = 4
)

// Sizes in bytes as allocated.
const (
	nodeBytes   = 80
	keyBytes    = 8 + 4
	branchBytes = fanout * (8 + 4)
	treeBytes   = 64
)

// node is a leaf, holding elements, or an inner node, holding the least element
// below each child. Leaves are linked in order.
type node struct {
	scores []float64
	refs   []uint32
	*branch
	prev, next *node
}

// branch is what an inner node has beside its keys.
type branch struct {
	kids   [fanout]*node
	counts [fanout]uint32 // elements below each child
}

func (n *node) leaf() bool { return n.branch == nil }
func (n *node) len() int   { return len(n.scores) }

func (n *node) limit() int {
	if n.leaf() {
		return leafCap
	}
	return fanout
}

// size returns the number of elements at and below n.
func (n *node) size() int {
	if n.leaf() {
		return n.len()
	}
	sum := 0
	for _, c := range n.counts[:n.len()] {
		sum += int(c)
	}
	return sum
}

func (t *Tree) newLeaf(capacity int) *node {
	t.mem += nodeBytes + capacity*keyBytes
	return &node{scores: make([]float64, 0, capacity), refs: make([]uint32, 0, capacity)}
}

func (t *Tree) newInner() *node {
	t.mem += nodeBytes + branchBytes + fanout*keyBytes
	return &node{scores: make([]float64, 0, fanout), refs: make([]uint32, 0, fanout), branch: new(branch)}
}

// newLike returns an empty node of n's kind.
func (t *Tree) newLike(n *node) *node {
	if n.leaf() {
		return t.newLeaf(leafCap)
	}
	return t.newInner()
}

// drop takes an unlinked node off the account.
func (t *Tree) drop(n *node) {
	t.mem -= nodeBytes + cap(n.scores)*keyBytes
	if !n.leaf() {
		t.mem -= branchBytes
	}
}

// resize moves the only leaf to arrays of another capacity.
func (t *Tree) resize(n *node, capacity int) {
	t.mem += (capacity - cap(n.scores)) * keyBytes
	n.scores = append(make([]float64, 0, capacity), n.scores...)
	n.refs = append(make([]uint32, 0, capacity), n.refs...)
}

// insertKey puts a key at i; there must be capacity.
func (n *node) insertKey(i int, score float64, ref uint32) {
	last := n.len()
	n.scores = n.scores[:last+1]
	n.refs = n.refs[:last+1]
	copy(n.scores[i+1:], n.scores[i:last])
	copy(n.refs[i+1:], n.refs[i:last])
	n.scores[i], n.refs[i] = score, ref
}

// insertKid puts a child at i of an inner node with capacity.
func (n *node) insertKid(i int, kid *node) {
	last := n.len()
	copy(n.kids[i+1:], n.kids[i:last])
	copy(n.counts[i+1:], n.counts[i:last])
	n.kids[i], n.counts[i] = kid, uint32(kid.size())
	n.insertKey(i, kid.scores[0], kid.refs[0])
}

// refresh makes key and count of child i what the child is now.
func (n *node) refresh(i int) {
	kid := n.kids[i]
	n.counts[i] = uint32(kid.size())
	n.scores[i], n.refs[i] = kid.scores[0], kid.refs[0]
}

// remove removes the entries from i up to j.
func (n *node) remove(i, j int) {
	if last := n.len(); !n.leaf() {
		copy(n.kids[i:], n.kids[j:last])
		copy(n.counts[i:], n.counts[j:last])
		clear(n.kids[last-(j-i) : last])
	}
	n.scores = slices.Delete(n.scores, i, j)
	n.refs = slices.Delete(n.refs, i, j)
}

// moveTail moves the entries of n from i on to the front of its right neighbor.
func (n *node) moveTail(i int, right *node) {
	count, had := n.len()-i, right.len()
	if !n.leaf() {
		copy(right.kids[count:], right.kids[:had])
		copy(right.counts[count:], right.counts[:had])
		copy(right.kids[:count], n.kids[i:n.len()])
		copy(right.counts[:count], n.counts[i:n.len()])
	}
	right.scores = slices.Insert(right.scores, 0, n.scores[i:]...)
	right.refs = slices.Insert(right.refs, 0, n.refs[i:]...)
	n.remove(i, n.len())
}

// moveHead moves the first count entries of right to the end of n, its left
// neighbor.
func (n *node) moveHead(count int, right *node) {
	if had := n.len(); !n.leaf() {
		copy(n.kids[had:], right.kids[:count])
		copy(n.counts[had:], right.counts[:count])
	}
	n.scores = append(n.scores, right.scores[:count]...)
	n.refs = append(n.refs, right.refs[:count]...)
	right.remove(0, count)
}

// link puts the leaf right behind n.
func (n *node) link(right *node) {
	right.prev, right.next = n, n.next
	if n.next != nil {
		n.next.prev = right
	}
	n.next = right
}

// unlink takes a leaf out of the chain.
func (n *node) unlink() {
	if n.prev != nil {
		n.prev.next = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
}
