package quicklist

import (
	"github.com/troupedb/troupe/shard/data/listpack"
)

// node holds count entries in buf[lo:], at least one. What the buffer's capacity
// has beside them, before and behind, is room. A plain node is one element, buf
// itself, without any encoding.
type node struct {
	prev, next *node
	buf        []byte
	lo         uint32
	count      uint16
	plain      bool
}

// nodeBytes is the size in bytes of a node beside its buffer, as allocated. One
// field more would make it 64.
const nodeBytes = 48

const (
	// firstGrow is the least growth in bytes of a buffer.
	firstGrow = 16
	// growPart: a buffer grows by this part of what it has to hold. Lists of one
	// node may be many, so room in them counts.
	growPart = 4
	// slidePart: with less than this part of its capacity free a run does not
	// slide to the other end of its buffer but gets a larger one, lest a queue
	// move its run at each push.
	slidePart = 8
	// laterStart is the first buffer in bytes of a node beside others.
	laterStart = 1024
	// fullStart: from this many nodes on, a new node gets its whole buffer at
	// once; it is then a small part of the list.
	fullStart = 4
	// shrinkAbove: smaller buffers are not worth giving back.
	shrinkAbove = 128
)

func (n *node) used() int { return len(n.buf) - int(n.lo) }

// back returns the room behind the run in bytes.
func (n *node) back() int { return cap(n.buf) - len(n.buf) }

// place makes the run the bytes from lo to hi of the buffer.
func (n *node) place(lo, hi int) {
	n.lo, n.buf = uint32(lo), n.buf[:hi]
}

// alloc returns an empty buffer for at least size bytes, with all the capacity
// that the allocator gives.
func alloc(size int) []byte {
	b := append([]byte(nil), make([]byte, size)...)
	return b[:0]
}

// setBuf gives n a buffer and keeps the list's account of memory.
func (l *List) setBuf(n *node, buf []byte) {
	l.mem += cap(buf) - cap(n.buf)
	n.buf = buf
}

// makeRoom provides for size bytes before the run (front) or behind it, where
// there are too few.
func (l *List) makeRoom(n *node, size int, front bool) {
	used, capacity := n.used(), cap(n.buf)
	free := capacity - used
	if free < size || (free < capacity/slidePart && capacity < int(l.limit.bytes)) {
		l.growBuf(n, used+size, front)
		return
	}
	// Enough room, but at the other end. A part stays there, lest pushes at
	// both ends in turn slide the run each time.
	stay := free / 4
	if free-stay < size {
		stay = 0
	}
	lo := stay
	if front {
		lo = free - stay
	}
	copy(n.buf[lo:capacity], n.buf[n.lo:])
	n.place(lo, lo+used)
}

// growBuf moves n to a larger buffer of at least need bytes, all new room on
// one side.
func (l *List) growBuf(n *node, need int, front bool) {
	size := need + max(need/growPart, firstGrow)
	buf := alloc(max(need, min(size, int(l.limit.bytes))))
	lo, used := 0, n.used()
	if front {
		lo = cap(buf) - used
	}
	copy(buf[lo:cap(buf)], n.buf[n.lo:])
	l.setBuf(n, buf)
	n.place(lo, lo+used)
}

// shrink gives back most of a buffer that is mostly room. It leaves as much room
// as there are bytes, so that neither pushes nor pops soon meet a bound again.
func (l *List) shrink(n *node) {
	used := n.used()
	if n.plain || cap(n.buf) <= shrinkAbove || used*4 > cap(n.buf) {
		return
	}
	buf := append(alloc(2*used), n.buf[n.lo:]...)
	l.setBuf(n, buf)
	n.lo = 0
}

// shrinkEnd is shrink for a node that is being popped empty: beside others its
// buffer is soon gone as a whole.
func (l *List) shrinkEnd(n *node) {
	if l.nodes < fullStart {
		l.shrink(n)
	}
}

// open makes a gap of size bytes, rel bytes into the run, and returns where it is
// in buf. It moves the shorter part where there is room for that.
func (l *List) open(n *node, rel, size int) int {
	front := rel < n.used()-rel
	if front && int(n.lo) < size || !front && n.back() < size {
		front = int(n.lo) >= size
		if !front && n.back() < size {
			l.makeRoom(n, size, false)
		}
	}
	lo, hi := int(n.lo), len(n.buf)
	at := lo + rel
	if front {
		copy(n.buf[lo-size:], n.buf[lo:at])
		n.place(lo-size, hi)
		return at - size
	}
	n.place(lo, hi+size)
	copy(n.buf[at+size:], n.buf[at:hi])
	return at
}

// cut removes size bytes, rel bytes into the run, moving the shorter part.
func (n *node) cut(rel, size int) {
	lo, hi := int(n.lo), len(n.buf)
	at := lo + rel
	if rel < hi-at-size {
		copy(n.buf[lo+size:], n.buf[lo:at])
		n.place(lo+size, hi)
		return
	}
	copy(n.buf[at:], n.buf[at+size:])
	n.place(lo, hi-size)
}

// offset returns where in buf the i-th entry is, i in [0, count).
func (n *node) offset(i int) int {
	if i < int(n.count)/2 {
		at := int(n.lo)
		for ; i > 0; i-- {
			at += listpack.SizeAt(n.buf[at:])
		}
		return at
	}
	at := len(n.buf)
	for ; i < int(n.count); i++ {
		at -= n.sizeBefore(at)
	}
	return at
}

func (n *node) value(at int) listpack.Value {
	if n.plain {
		return listpack.Value{Str: n.buf}
	}
	return listpack.ValueAt(n.buf[at:])
}

func (n *node) sizeAt(at int) int {
	if n.plain {
		return len(n.buf)
	}
	return listpack.SizeAt(n.buf[at:])
}

func (n *node) sizeBefore(at int) int {
	if n.plain {
		return len(n.buf)
	}
	return listpack.SizeBefore(n.buf[n.lo:at])
}

// newNode links an empty node with a buffer of at least size bytes behind prev;
// nil is before the head.
func (l *List) newNode(prev *node, size int) *node {
	n := &node{prev: prev, next: l.head}
	if prev != nil {
		n.next = prev.next
		prev.next = n
	} else {
		l.head = n
	}
	if n.next != nil {
		n.next.prev = n
	} else {
		l.tail = n
	}
	l.mem += nodeBytes
	l.nodes++
	l.setBuf(n, alloc(size))
	return n
}

// startSize returns the first buffer size of a node next to neighbor whose first
// entry has size bytes. The neighbor is full, so it tells how much a node will
// hold, be it bound by bytes or by elements.
func (l *List) startSize(neighbor *node, size int) int {
	if neighbor == nil {
		return size
	}
	start := min(neighbor.used()+neighbor.used()/16, int(l.limit.bytes))
	if l.nodes < fullStart || neighbor.plain {
		start = min(start, laterStart)
	}
	return max(start, size)
}

func (l *List) unlink(n *node) {
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.head = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.tail = n.prev
	}
	l.mem -= nodeBytes + cap(n.buf)
	l.nodes--
}

// split moves the entries from at on, in the middle of n, to a new node behind it.
func (l *List) split(n *node, at int) {
	moved := n.buf[at:]
	m := l.newNode(n, len(moved))
	m.buf = append(m.buf, moved...)
	n.buf = n.buf[:at]
	for left := n.buf[n.lo:]; len(left) > 0; left = left[listpack.SizeAt(left):] {
		m.count++
	}
	m.count, n.count = n.count-m.count, m.count
	l.shrink(n)
}
