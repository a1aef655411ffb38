package hash

import (
	"bytes"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/keyspace"
)

// How a hash moves to another node: see keyspace.Export.

var _ keyspace.Tabled = (*Hash)(nil)

// Maker makes hashes that come from another node.
func Maker() keyspace.Maker {
	return keyspace.Maker{
		Flat: func(ks *keyspace.Keyspace, content []byte) (keyspace.Object, bool) {
			p := listpack.Pack(content)
			if !listpack.Valid(p) || p.Len()%2 != 0 {
				return nil, false
			}
			return &Hash{ks: ks, pack: bytes.Clone(p)}, true
		},
		Table: func(ks *keyspace.Keyspace) keyspace.Tabled { return &Hash{ks: ks, table: new(data.Table)} },
	}
}

// Flat implements keyspace.Mobile.
func (h *Hash) Flat() []byte {
	if h.table == nil {
		return h.pack
	}
	return nil
}

// Table implements keyspace.Tabled.
func (h *Hash) Table() *data.Table { return h.table }

// Track implements keyspace.Tabled.
func (h *Hash) Track(m *keyspace.Marks) { h.marks = m }

// Put implements keyspace.Tabled.
func (h *Hash) Put(field, value []byte) bool {
	h.setRecord(field, value)
	return true
}

// Drop implements keyspace.Tabled.
func (h *Hash) Drop(field []byte) { h.deleteRecord(field) }
