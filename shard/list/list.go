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
}

var _ keyspace.Imaged = (*List)(nil)

// New returns an empty list; fill is list-max-listpack-size.
func New(fill int) *List { return &List{items: *quicklist.New(fill)} }

// Kind implements keyspace.Object.
func (*List) Kind() keyspace.Kind { return keyspace.List }

// Encoding implements keyspace.Object.
func (*List) Encoding() string { return "quicklist" }

// Len implements keyspace.Object.
func (l *List) Len() int { return l.items.Len() }

// MemBytes implements keyspace.Object.
func (l *List) MemBytes() int64 { return int64(l.items.MemBytes()) }

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
