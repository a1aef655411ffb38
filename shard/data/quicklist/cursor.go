package quicklist

import "github.com/troupedb/troupe/shard/data/listpack"

// Cursor names an element of a list, or none.
type Cursor struct {
	n  *node
	at int // offset of the element in the node's buffer
}

// Front returns a cursor at the first element, invalid when there is none.
func (l *List) Front() Cursor { return atFirst(l.head) }

// Back returns a cursor at the last element, invalid when there is none.
func (l *List) Back() Cursor { return atLast(l.tail) }

// Index returns a cursor at element i, from the end for negative i (-1 is the
// last), invalid when there is no such element.
func (l *List) Index(i int) Cursor {
	if i < 0 {
		i += l.length
	}
	if i < 0 || i >= l.length {
		return Cursor{}
	}
	n, i := l.locate(i)
	if n.plain {
		return Cursor{n: n}
	}
	return Cursor{n: n, at: n.offset(i)}
}

func atFirst(n *node) Cursor {
	if n == nil {
		return Cursor{}
	}
	return Cursor{n: n, at: int(n.lo)}
}

func atLast(n *node) Cursor {
	if n == nil {
		return Cursor{}
	}
	return Cursor{n: n, at: len(n.buf) - n.sizeBefore(len(n.buf))}
}

// Valid reports whether the cursor is at an element. The methods below need a
// valid one.
func (c *Cursor) Valid() bool { return c.n != nil }

// Value returns the element.
func (c *Cursor) Value() listpack.Value { return c.n.value(c.at) }

// Next moves to the following element; behind the last the cursor is invalid.
func (c *Cursor) Next() {
	c.at += c.n.sizeAt(c.at)
	if c.at == len(c.n.buf) {
		*c = atFirst(c.n.next)
	}
}

// Prev moves to the element before; before the first the cursor is invalid.
func (c *Cursor) Prev() {
	if c.at == int(c.n.lo) {
		*c = atLast(c.n.prev)
		return
	}
	c.at -= c.n.sizeBefore(c.at)
}

// InsertBefore adds b before the element at c; c is stale then.
func (l *List) InsertBefore(c Cursor, b []byte) { l.insertAt(c.n, c.at, b) }

// InsertAfter adds b behind the element at c; c is stale then.
func (l *List) InsertAfter(c Cursor, b []byte) { l.insertAt(c.n, c.at+c.n.sizeAt(c.at), b) }

// Replace changes the element at c to b; c is stale then.
func (l *List) Replace(c Cursor, b []byte) {
	n, e := c.n, listpack.Str(b)
	size, old := e.Size(), n.sizeAt(c.at)
	switch {
	case n.count == 1 && l.oversize(size):
		l.setPlain(n, b)
	case n.count == 1 && (n.plain || size > cap(n.buf)):
		l.setSingle(n, &e)
	case size == old:
		e.Put(n.buf[c.at:])
	case n.used()-old+size <= int(l.limit.bytes):
		rel := c.at - int(n.lo)
		n.cut(rel, old)
		e.Put(n.buf[l.open(n, rel, size):])
		l.shrink(n)
	default:
		rel := c.at - int(n.lo)
		n.cut(rel, old)
		n.count--
		l.length--
		l.insertAt(n, int(n.lo)+rel, b)
	}
}

// Delete removes the element at c and moves c to the one behind it.
func (l *List) Delete(c *Cursor) {
	next := c.n.next
	rel, emptied := l.remove(c)
	switch {
	case emptied || rel == c.n.used():
		*c = atFirst(next)
	default:
		c.at = int(c.n.lo) + rel
	}
}

// DeleteBackward removes the element at c and moves c to the one before it.
func (l *List) DeleteBackward(c *Cursor) {
	prev := c.n.prev
	rel, emptied := l.remove(c)
	if emptied || rel == 0 {
		*c = atLast(prev)
		return
	}
	c.at = int(c.n.lo) + rel
	c.at -= c.n.sizeBefore(c.at)
}

// remove removes the element at c; rel is where in the run it was, unless the
// node was emptied and is gone.
func (l *List) remove(c *Cursor) (rel int, emptied bool) {
	n := c.n
	l.length--
	if n.count == 1 {
		l.unlink(n)
		return 0, true
	}
	rel = c.at - int(n.lo)
	n.cut(rel, n.sizeAt(c.at))
	n.count--
	l.shrink(n)
	return rel, false
}
