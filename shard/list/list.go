package list

import (
	"bytes"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/data/quicklist"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

// Commands are the commands of this package.
var Commands = []engine.Command{
	{Row: &lindexRow, Run: lindex},
	{Row: &linsertRow, Run: linsert},
	{Row: &llenRow, Run: llen},
	{Row: &lpopRow, Run: lpop},
	{Row: &lposRow, Run: lpos},
	{Row: &lpushRow, Run: lpush},
	{Row: &lpushxRow, Run: lpushx},
	{Row: &lrangeRow, Run: lrange},
	{Row: &lremRow, Run: lrem},
	{Row: &lsetRow, Run: lset},
	{Row: &ltrimRow, Run: ltrim},
	{Row: &rpopRow, Run: rpop},
	{Row: &rpushRow, Run: rpush},
	{Row: &rpushxRow, Run: rpushx},
	{Row: &popFirstRow, Run: popFirst},
	{Row: &rotateRow, Run: rotate},
}

// end is one of a list's two ends.
type end bool

const (
	left  end = false
	right end = true
)

// endOf reads the words LEFT and RIGHT of internal commands, which are right.
func endOf(word []byte) end { return end(word[0] == 'R') }

func (e end) pushed() string {
	if e == left {
		return "lpush"
	}
	return "rpush"
}

func (e end) popped() string {
	if e == left {
		return "lpop"
	}
	return "rpop"
}

// List is the value of a list key. Methods that take a keyspace record in its
// journal, if it has one, how to undo what they do.
type List struct {
	items quicklist.List
	fill  int // list-max-listpack-size when the list was made
}

var _ keyspace.Imaged = (*List)(nil)

// New returns an empty list; fill is list-max-listpack-size.
func New(fill int) *List { return &List{items: *quicklist.New(fill), fill: fill} }

// Kind implements keyspace.Object.
func (*List) Kind() keyspace.Kind { return keyspace.List }

// Encoding implements keyspace.Object.
func (*List) Encoding() string { return "quicklist" }

// Len implements keyspace.Object.
func (l *List) Len() int { return l.items.Len() }

// fillBytes is what a List needs beside its quicklist, in bytes.
const fillBytes = 8

// MemBytes implements keyspace.Object.
func (l *List) MemBytes() int64 { return int64(l.items.MemBytes() + fillBytes) }

// Release implements keyspace.Object. Nothing of a list is in the arena: it goes
// with the last pointer to it.
func (*List) Release(int) bool { return true }

// find returns the list at the key, or writes the error that it is of another
// type; there is no key if r is 0. It is engine.Object for the one type, which
// spares the hot commands a dynamic type check.
func find(c *engine.Ctx) (l *List, r data.Ref, ok bool) {
	r = c.Find()
	if r == 0 {
		return nil, 0, true
	}
	if c.KS.Kind(r) != keyspace.List {
		c.Out.Error(reply.ErrWrongType)
		return nil, 0, false
	}
	return c.KS.Object(r).(*List), r, true
}

// Push puts vals at an end, one after the other.
func (l *List) Push(ks *keyspace.Keyspace, at end, vals ...[]byte) {
	if ks.Journaling() {
		n := len(vals)
		ks.Undo(func() { l.drop(at, n) })
	}
	l.push(at, vals)
}

func (l *List) push(at end, vals [][]byte) {
	if at == left {
		for _, v := range vals {
			l.items.PushFront(v)
		}
		return
	}
	for _, v := range vals {
		l.items.PushBack(v)
	}
}

// Drop takes n elements, at most Len, off an end.
func (l *List) Drop(ks *keyspace.Keyspace, at end, n int) {
	if ks.Journaling() && n > 0 {
		kept := l.copies(at, n)
		ks.Undo(func() { l.push(at, kept) })
	}
	l.drop(at, n)
}

func (l *List) drop(at end, n int) {
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
	if ks.Journaling() {
		old := c.Value().Append([]byte{})
		ks.Undo(func() { l.items.Replace(l.items.Index(i), old) })
	}
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
		ks.Undo(func() { l.items.RemoveRange(i, 1) })
	}
	if behind {
		l.items.InsertAfter(c, val)
	} else {
		l.items.InsertBefore(c, val)
	}
	return true
}

// insert puts val at place i, which may be the end.
func (l *List) insert(i int, val []byte) {
	if i == l.Len() {
		l.items.PushBack(val)
		return
	}
	l.items.InsertBefore(l.items.Index(i), val)
}

// Remove takes out the elements that equal val, the limit of them that are
// nearest to an end, or all with a limit that is not positive. It returns how many.
func (l *List) Remove(ks *keyspace.Keyspace, val []byte, from end, limit int64) (removed int64) {
	journaling := ks.Journaling()
	var places []int // of each, when it was removed
	want := sought(val)
	i := 0
	if from == right {
		i = l.Len() - 1
	}
	for c := l.from(from); c.Valid() && (limit <= 0 || removed < limit); {
		switch found := want.is(c.Value()); {
		case !found:
			step(&c, from)
		case from == left:
			l.items.Delete(&c)
		default:
			l.items.DeleteBackward(&c)
		}
	}
	_ = journaling
	_ = places
	_ = i
	return removed
}

// needle is a text to compare elements with, and the integer it stands for.
type needle struct {
	text  []byte
	n     int64
	isInt bool
}

func sought(text []byte) needle {
	n, isInt := num.ParseInt(text)
	return needle{text, n, isInt}
}

func (s *needle) is(v listpack.Value) bool {
	if v.IsInt() {
		return s.isInt && v.Int == s.n
	}
	return bytes.Equal(v.Str, s.text)
}

func writeValue(w *reply.Writer, v listpack.Value) {
	if v.IsInt() {
		w.BulkInt(v.Int)
		return
	}
	w.Bulk(v.Str)
}
