package set

import (
	"bytes"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/intset"
	"github.com/troupedb/troupe/shard/keyspace"
)

// How a set moves to another node: see keyspace.Export.

var _ keyspace.Tabled = (*Set)(nil)

// Maker makes sets that come from another node.
func Maker() keyspace.Maker {
	return keyspace.Maker{
		Flat: func(ks *keyspace.Keyspace, content []byte) (keyspace.Object, bool) {
			if !intset.Valid(content) {
				return nil, false
			}
			return &Set{ks: ks, ints: bytes.Clone(content)}, true
		},
		Table: func(ks *keyspace.Keyspace) keyspace.Tabled { return &Set{ks: ks, table: new(data.Table)} },
	}
}

// Flat implements keyspace.Mobile.
func (s *Set) Flat() []byte {
	if s.table == nil {
		return s.ints
	}
	return nil
}

// Table implements keyspace.Tabled.
func (s *Set) Table() *data.Table { return s.table }

// Track implements keyspace.Tabled.
func (s *Set) Track(m *keyspace.Marks) { s.marks = m }

// Put implements keyspace.Tabled. Members have no value.
func (s *Set) Put(member, value []byte) bool {
	if len(value) > 0 {
		return false
	}
	if sum := s.ks.Hasher()(member); s.table.Find(s.ks.Arena, sum, member) == 0 {
		s.addRecord(sum, member)
	}
	return true
}

// Drop implements keyspace.Tabled.
func (s *Set) Drop(member []byte) { s.removeMember(member) }
