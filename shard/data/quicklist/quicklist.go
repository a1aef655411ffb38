package quicklist

import (
	"math"
	"slices"

	"github.com/troupedb/troupe/shard/data/listpack"
)

// DefaultFill is Redis's default list-max-listpack-size: nodes of 8 KiB.
const DefaultFill = -2

// leastFill is the lowest fill that differs from those above it: nodes of 64 KiB.
const leastFill = -5

// countFillBytes bounds a node in bytes where the fill is a number of elements.
const countFillBytes = 8 << 10

// List is a two-ended list of byte strings. The zero value is not a list; use
// New.
type List struct {
	head, tail *node
	length     int
	mem        int
	nodes      uint32
	limit      limit
	fill       int16
}

// limit bounds a node.
type limit struct {
	bytes uint32 // of entries
	count uint16
}

// countAny is more entries than the bytes of the largest node are enough for.
const countAny = math.MaxUint16

// listBytes is the size in bytes of a List itself, as allocated.
const listBytes = 48

// New returns an empty list whose nodes hold what Redis's list-max-listpack-size
// says: -1 to -5 are 4, 8, 16, 32 and 64 KiB a node, a positive number is so many
// elements (within 8 KiB). Lower values count as -5, and 0 as 1.
func New(fill int) *List {
	fill = min(max(fill, leastFill), math.MaxInt16)
	l := &List{fill: int16(fill), limit: limit{bytes: countFillBytes, count: uint16(max(fill, 1))}}
	if fill < 0 {
		l.limit = limit{bytes: 2048 << -fill, count: countAny}
	}
	return l
}

// Fill returns what New was given, within the bounds it names.
func (l *List) Fill() int { return int(l.fill) }

// Len returns the number of elements.
func (l *List) Len() int { return l.length }

// MemBytes returns the bytes that the list keeps allocated.
func (l *List) MemBytes() int { return listBytes + l.mem }

// PushBack adds b behind the last element.
func (l *List) PushBack(b []byte) {
	e := listpack.Str(b)
	size := e.Size()
	n := l.tail
	if n == nil || !l.admits(n, size) {
		if l.oversize(size) {
			l.insertPlain(l.tail, b)
			return
		}
		n = l.newNode(l.tail, l.startSize(l.tail, size))
	}
	if n.back() < size {
		l.makeRoom(n, size, false)
	}
	hi := len(n.buf)
	n.buf = n.buf[:hi+size]
	e.Put(n.buf[hi:])
	n.count++
	l.length++
}

// PushFront adds b before the first element.
func (l *List) PushFront(b []byte) {
	e := listpack.Str(b)
	size := e.Size()
	n := l.head
	if n == nil || !l.admits(n, size) {
		if l.oversize(size) {
			l.insertPlain(nil, b)
			return
		}
		n = l.newNode(nil, l.startSize(l.head, size))
		n.place(cap(n.buf), cap(n.buf))
	}
	if int(n.lo) < size {
		l.makeRoom(n, size, true)
	}
	n.lo -= uint32(size)
	e.Put(n.buf[n.lo:])
	n.count++
	l.length++
}

// PopFront removes the first element and returns it; ok is false when there is
// none.
func (l *List) PopFront() (v listpack.Value, ok bool) {
	n := l.head
	if n == nil {
		return v, false
	}
	v = n.value(int(n.lo))
	l.length--
	if n.count--; n.count == 0 {
		l.unlink(n)
		return v, true
	}
	n.lo += uint32(n.sizeAt(int(n.lo)))
	l.shrinkEnd(n)
	return v, true
}

// PopBack removes the last element and returns it; ok is false when there is
// none.
func (l *List) PopBack() (v listpack.Value, ok bool) {
	n := l.tail
	if n == nil {
		return v, false
	}
	at := len(n.buf) - n.sizeBefore(len(n.buf))
	v = n.value(at)
	l.length--
	if n.count--; n.count == 0 {
		l.unlink(n)
		return v, true
	}
	n.buf = n.buf[:at]
	l.shrinkEnd(n)
	return v, true
}

// admits reports whether an entry of size bytes may join n.
func (l *List) admits(n *node, size int) bool {
	return !n.plain && n.used()+size <= int(l.limit.bytes) && n.count < l.limit.count
}

// oversize reports whether an entry of size bytes needs a node of its own.
func (l *List) oversize(size int) bool { return size > int(l.limit.bytes) }

// insertPlain adds b as a plain node behind prev; nil is before the head.
func (l *List) insertPlain(prev *node, b []byte) {
	n := l.newNode(prev, 0)
	l.setPlain(n, b)
	l.length++
}

// setPlain makes b the only content of n, a copy.
func (l *List) setPlain(n *node, b []byte) {
	l.setBuf(n, slices.Clone(b))
	n.lo, n.count, n.plain = 0, 1, true
}

// setSingle makes e the only content of n.
func (l *List) setSingle(n *node, e *listpack.Entry) {
	l.setBuf(n, alloc(e.Size()))
	n.place(0, e.Size())
	e.Put(n.buf)
	n.count, n.plain = 1, false
}

// insertAt adds b at the place of buf offset at in n, which may be its end.
func (l *List) insertAt(n *node, at int, b []byte) {
	e := listpack.Str(b)
	size := e.Size()
	if l.admits(n, size) {
		l.put(n, at-int(n.lo), &e)
		return
	}
	before, after := n, n.next
	switch at {
	case int(n.lo):
		before, after = n.prev, n
	case len(n.buf):
	default:
		l.split(n, at)
		after = n.next
	}
	switch {
	case l.oversize(size):
		l.insertPlain(before, b)
	case before != nil && l.admits(before, size):
		l.put(before, before.used(), &e)
	case after != nil && l.admits(after, size):
		l.put(after, 0, &e)
	default:
		l.setSingle(l.newNode(before, 0), &e)
		l.length++
	}
}

// put adds e to n, rel bytes into its run.
func (l *List) put(n *node, rel int, e *listpack.Entry) {
	at := l.open(n, rel, e.Size())
	e.Put(n.buf[at:])
	n.count++
	l.length++
}

// RemoveRange removes count elements from index start on, or as many as there
// are. start must not be negative.
func (l *List) RemoveRange(start, count int) {
	count = min(count, l.length-start)
	if count <= 0 {
		return
	}
	n, i := l.locate(start)
	l.length -= count
	for count > 0 {
		next := n.next
		take := min(count, int(n.count)-i)
		if take == int(n.count) {
			l.unlink(n)
		} else {
			n.removeRun(i, take)
			l.shrink(n)
		}
		count -= take
		n, i = next, 0
	}
}

// removeRun removes take entries of n from the i-th on, not all it has.
func (n *node) removeRun(i, take int) {
	from, to := n.offset(i), len(n.buf)
	if i+take < int(n.count) {
		to = n.offset(i + take)
	}
	n.cut(from-int(n.lo), to-from)
	n.count -= uint16(take)
}

// locate returns the node of element i, in [0, Len), and its index there.
func (l *List) locate(i int) (*node, int) {
	if i < l.length/2 {
		n := l.head
		for ; i >= int(n.count); n = n.next {
			i -= int(n.count)
		}
		return n, i
	}
	n, left := l.tail, l.length-i
	for ; left > int(n.count); n = n.prev {
		left -= int(n.count)
	}
	return n, int(n.count) - left
}
