package list

import (
	"bytes"
	"slices"

	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/quicklist"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Push puts vals at an end, one after the other.
func (l *List) Push(ks *keyspace.Keyspace, at end, vals ...[]byte) {
	if ks.Journaling() {
		n := len(vals)
		ks.Undo(func() { l.drop(ks, at, n) })
	}
	l.push(ks, at, vals)
}

func (l *List) push(ks *keyspace.Keyspace, at end, vals [][]byte) {
	edits := ks.Edits(l)
	if at == left {
		for _, v := range vals {
			edits.Inserted(0, v)
			l.items.PushFront(v)
		}
		return
	}
	for _, v := range vals {
		edits.Inserted(l.Len(), v)
		l.items.PushBack(v)
	}
}

// Drop takes n elements, at most Len, off an end.
func (l *List) Drop(ks *keyspace.Keyspace, at end, n int) {
	if ks.Journaling() && n > 0 {
		kept := l.copies(at, n)
		ks.Undo(func() { l.push(ks, at, kept) })
	}
	l.drop(ks, at, n)
}

func (l *List) drop(ks *keyspace.Keyspace, at end, n int) {
	if at == left {
		ks.Edits(l).Removed(0, n)
	} else {
		ks.Edits(l).Removed(l.Len()-n, n)
	}
	switch {
	case n == 1 && at == left:
		l.items.PopFront()
	case n == 1:
		l.items.PopBack()
	case at == left:
		l.items.RemoveRange(0, n)
	default:
		l.items.RemoveRange(l.Len()-n, n)
	}
}

// copies returns n elements of an end, the innermost first.
func (l *List) copies(at end, n int) [][]byte {
	kept := make([][]byte, n)
	i := n
	l.walk(at, n, func(v listpack.Value) {
		i--
		kept[i] = v.Append(nil)
	})
	return kept
}

// walk calls f with the n elements, at most Len, next to an end, from there on.
func (l *List) walk(at end, n int, f func(listpack.Value)) {
	for c := l.from(at); n > 0; n-- {
		f(c.Value())
		step(&c, at)
	}
}

// from returns a cursor at the outermost element of an end.
func (l *List) from(at end) quicklist.Cursor {
	if at == left {
		return l.items.Front()
	}
	return l.items.Back()
}

// step moves c away from the end it started at.
func step(c *quicklist.Cursor, started end) {
	if started == left {
		c.Next()
		return
	}
	c.Prev()
}

// Set replaces element i, from the end if negative, and tells whether it exists.
func (l *List) Set(ks *keyspace.Keyspace, i int, val []byte) bool {
	c := l.items.Index(i)
	if !c.Valid() {
		return false
	}
	if i < 0 {
		i += l.Len()
	}
	if ks.Journaling() {
		old := c.Value().Append(nil)
		ks.Undo(func() { l.ReplaceAt(ks, i, old) })
	}
	ks.Edits(l).Replaced(i, val)
	l.items.Replace(c, val)
	return true
}

// Insert puts val before or behind the first element that equals pivot, and
// tells whether there is one.
func (l *List) Insert(ks *keyspace.Keyspace, pivot, val []byte, behind bool) bool {
	want := sought(pivot)
	c, i := l.items.Front(), 0
	for ; c.Valid() && !want.is(c.Value()); c.Next() {
		i++
	}
	if !c.Valid() {
		return false
	}
	if behind {
		i++
	}
	if ks.Journaling() {
		ks.Undo(func() { l.RemoveAt(ks, i, 1) })
	}
	ks.Edits(l).Inserted(i, val)
	if behind {
		l.items.InsertAfter(c, val)
	} else {
		l.items.InsertBefore(c, val)
	}
	return true
}

// Remove takes out the elements that equal val: the limit of them that are
// nearest to an end, or all if limit is not positive. It returns how many.
func (l *List) Remove(ks *keyspace.Keyspace, val []byte, from end, limit int64) (removed int64) {
	want, edits, i := sought(val), ks.Edits(l), 0
	if from == right {
		i = l.Len() - 1
	}
	var places []int // of the removed, each as it was at that moment
	for c := l.from(from); c.Valid() && (limit <= 0 || removed < limit); {
		match := want.is(c.Value())
		if match {
			edits.Removed(i, 1)
			l.delete(&c, from)
			removed++
			if ks.Journaling() {
				places = append(places, i)
			}
		} else {
			step(&c, from)
		}
		if from == right {
			i--
		} else if !match {
			i++
		}
	}
	if len(places) > 0 {
		val = bytes.Clone(val)
		ks.Undo(func() {
			for _, i := range slices.Backward(places) {
				l.InsertAt(ks, i, val)
			}
		})
	}
	return removed
}

// delete removes the element at c and moves c away from the end it started at.
func (l *List) delete(c *quicklist.Cursor, started end) {
	if started == left {
		l.items.Delete(c)
		return
	}
	l.items.DeleteBackward(c)
}
