package hash

import (
	"unsafe"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Encodings as OBJECT ENCODING names them.
const (
	packEncoding  = "listpack"
	tableEncoding = "hashtable"
)

// Hash is the value of a hash key. It is never empty while a key has it, but
// for the moment between its creation or last deletion and the end of a command.
// Reading a nil Hash finds nothing, as there is no key.
type Hash struct {
	ks    *keyspace.Keyspace
	pack  listpack.Pack // field, value, field, value, ...; nil once there is a table
	table *data.Table
	marks *keyspace.Marks // of its way to another node; nil: it stays
}

// Value is a field or a value: bytes, or an integer that a listpack keeps as one.
type Value = listpack.Value

// New returns an empty hash whose memory is in ks.
func New(ks *keyspace.Keyspace) *Hash { return &Hash{ks: ks, pack: listpack.New()} }

// Kind implements keyspace.Object.
func (h *Hash) Kind() keyspace.Kind { return keyspace.Hash }

// Encoding implements keyspace.Object.
func (h *Hash) Encoding() string {
	if h.table == nil {
		return packEncoding
	}
	return tableEncoding
}

// Len returns the number of fields.
func (h *Hash) Len() int {
	switch {
	case h == nil:
		return 0
	case h.table == nil:
		return h.pack.Len() / 2
	}
	return h.table.Len()
}

// sampled is how many records stand for all in an estimate of memory.
const sampled = 64

// MemBytes returns the memory of the hash; that of a table's records is
// estimated from the first of them, as Redis does.
func (h *Hash) MemBytes() int64 {
	n := int64(unsafe.Sizeof(*h))
	if h.table == nil {
		return n + int64(h.pack.MemBytes())
	}
	seen, bytes := int64(0), int64(0)
	h.table.Each(func(r data.Ref) bool {
		seen++
		bytes += h.ks.Arena.Bytes(r)
		return seen < sampled
	})
	return n + h.table.MemBytes() + bytes*int64(h.table.Len())/max(seen, 1)
}

// Get returns a field's value, a view that is valid until the next change.
func (h *Hash) Get(field []byte) (v Value, ok bool) {
	if h == nil {
		return v, false
	}
	if h.table == nil {
		off := h.pack.Find(h.pack.First(), field, 1)
		if off == listpack.None {
			return v, false
		}
		return h.pack.Get(h.pack.Next(off)), true
	}
	r := h.table.Find(h.ks.Arena, h.ks.Hasher()(field), field)
	if r == 0 {
		return v, false
	}
	return Value{Str: h.ks.Arena.Val(r)}, true
}

// Has tells whether the hash has the field.
func (h *Hash) Has(field []byte) bool {
	_, ok := h.Get(field)
	return ok
}

// pairOverhead is more than two elements of a pack take beside their text.
const pairOverhead = 32

// Set gives a field a value and tells whether it is new. What no longer fits
// the limits in cfg becomes a table.
func (h *Hash) Set(cfg *engine.Config, field, value []byte) (created bool) {
	if h.table == nil && (len(field) > cfg.HashMaxValue || len(value) > cfg.HashMaxValue ||
		!h.pack.Fits(len(field)+len(value)+pairOverhead)) {
		h.convert()
	}
	if h.table != nil {
		return h.setRecord(field, value)
	}
	created = h.setPacked(field, value)
	if h.Len() > cfg.HashMaxEntries {
		h.convert()
	}
	return created
}

// Delete removes a field and tells whether it was there.
func (h *Hash) Delete(field []byte) bool {
	if h.table == nil {
		return h.deletePacked(field)
	}
	return h.deleteRecord(field)
}

// Each calls f with all fields and values until it says false. f must not
// change the hash.
func (h *Hash) Each(f func(field, value Value) bool) {
	if h == nil {
		return
	}
	if h.table != nil {
		h.table.Each(func(r data.Ref) bool { return f(h.record(r)) })
		return
	}
	p := h.pack
	for off := p.First(); off != listpack.None; {
		at := p.Next(off)
		if !f(p.Get(off), p.Get(at)) {
			return
		}
		off = p.Next(at)
	}
}

// record returns the field and value in a record of the table.
func (h *Hash) record(r data.Ref) (field, value Value) {
	return Value{Str: h.ks.Arena.Key(r)}, Value{Str: h.ks.Arena.Val(r)}
}

// Release implements keyspace.Object.
func (h *Hash) Release(n int) bool {
	h.pack, h.marks = nil, nil
	if h.table == nil {
		return true
	}
	refs := make([]data.Ref, 0, min(n, h.table.Len()))
	h.table.Each(func(r data.Ref) bool {
		if len(refs) == n {
			return false
		}
		refs = append(refs, r)
		return true
	})
	for _, r := range refs {
		h.removeRecord(r, h.ks.Hasher()(h.ks.Arena.Key(r)))
	}
	return h.table.Len() == 0
}
