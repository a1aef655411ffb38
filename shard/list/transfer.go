package list

import (
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/keyspace"
)

// How a list moves to another node: see keyspace.Export.

var _ keyspace.Sequenced = (*List)(nil)

// Maker makes lists that come from another node.
func Maker() keyspace.Maker {
	return keyspace.Maker{List: func(fill int) keyspace.Sequenced { return New(fill) }}
}

// Flat implements keyspace.Mobile.
func (*List) Flat() []byte { return nil }

// Fill implements keyspace.Sequenced.
func (l *List) Fill() int { return l.items.Fill() }

// Items implements keyspace.Sequenced.
func (l *List) Items(i int, f func(text []byte) bool) {
	var digits [num.MaxIntLen]byte
	for c := l.items.Index(i); c.Valid(); c.Next() {
		v := c.Value()
		text := v.Str
		if v.IsInt() {
			text = num.AppendInt(digits[:0], v.Int)
		}
		if !f(text) {
			return
		}
	}
}

// InsertAt implements keyspace.Sequenced.
func (l *List) InsertAt(ks *keyspace.Keyspace, i int, val []byte) {
	ks.Edits(l).Inserted(i, val)
	if i == l.Len() {
		l.items.PushBack(val)
		return
	}
	l.items.InsertBefore(l.items.Index(i), val)
}

// RemoveAt implements keyspace.Sequenced.
func (l *List) RemoveAt(ks *keyspace.Keyspace, i, n int) {
	ks.Edits(l).Removed(i, n)
	l.items.RemoveRange(i, n)
}

// ReplaceAt implements keyspace.Sequenced.
func (l *List) ReplaceAt(ks *keyspace.Keyspace, i int, val []byte) {
	ks.Edits(l).Replaced(i, val)
	l.items.Replace(l.items.Index(i), val)
}
