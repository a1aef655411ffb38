package hash

import (
	"bytes"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/num"
)

// The changes of the two encodings. Each journals its inverse; an undo runs with
// journaling off and finds the hash as its change left it, so offsets in a pack
// and the presence of records hold.

// recordTag is the tag of a field's record, whose kind and encoding mean nothing.
const recordTag = 0

func (h *Hash) setPacked(field, value []byte) (created bool) {
	journaling := h.ks.Journaling()
	off := h.pack.Find(h.pack.First(), field, 1)
	if off == listpack.None {
		if journaling {
			h.ks.Undo(func() { h.pack = h.pack.DeleteRange(-2, 2) })
		}
		h.pack = h.pack.Append(field).Append(value)
		return true
	}
	at := h.pack.Next(off)
	if journaling {
		old := h.pack.Get(at).Append(nil)
		h.ks.Undo(func() { h.pack = h.pack.Replace(at, old) })
	}
	h.pack = h.pack.Replace(at, value)
	return false
}

func (h *Hash) deletePacked(field []byte) bool {
	off := h.pack.Find(h.pack.First(), field, 1)
	if off == listpack.None {
		return false
	}
	if h.ks.Journaling() {
		f, v := bytes.Clone(field), h.pack.Get(h.pack.Next(off)).Append(nil)
		h.ks.Undo(func() { h.pack = h.pack.InsertBefore(off, v).InsertBefore(off, f) })
	}
	h.pack = h.pack.Delete(off, 2)
	return true
}

// setRecord is Set on a table. An existing value of about the same length is
// overwritten in place.
func (h *Hash) setRecord(field, value []byte) (created bool) {
	a, sum := h.ks.Arena, h.ks.Hasher()(field)
	r := h.table.Find(a, sum, field)
	if r == 0 {
		if h.ks.Journaling() {
			f := bytes.Clone(field)
			h.ks.Undo(func() { h.deleteRecord(f) })
		}
		h.addRecord(sum, field, value)
		return true
	}
	if h.ks.Journaling() {
		f, old := bytes.Clone(field), bytes.Clone(a.Val(r))
		h.ks.Undo(func() { h.setRecord(f, old) })
	}
	h.marks.Changed(sum, field)
	to := a.Resize(r, len(value))
	if to != r {
		h.table.Replace(sum, r, to)
	}
	copy(a.Val(to), value)
	return false
}

// addRecord adds a field that the table does not have.
func (h *Hash) addRecord(sum uint64, field, value []byte) {
	h.marks.Changed(sum, field)
	r := h.ks.Arena.Alloc(recordTag, field, len(value), 0)
	copy(h.ks.Arena.Val(r), value)
	h.table.Insert(h.ks.Arena, h.ks.Hasher(), sum, r)
}

func (h *Hash) deleteRecord(field []byte) bool {
	sum := h.ks.Hasher()(field)
	r := h.table.Find(h.ks.Arena, sum, field)
	if r == 0 {
		return false
	}
	if h.ks.Journaling() {
		f, v := bytes.Clone(field), bytes.Clone(h.ks.Arena.Val(r))
		h.ks.Undo(func() { h.setRecord(f, v) })
	}
	h.removeRecord(r, sum)
	return true
}

func (h *Hash) removeRecord(r data.Ref, sum uint64) {
	h.marks.Changed(sum, h.ks.Arena.Key(r))
	h.table.Remove(h.ks.Arena, h.ks.Hasher(), sum, r)
	h.ks.Arena.Free(r)
}

// convert makes a table of the pack.
func (h *Hash) convert() {
	pack := h.pack
	h.pack, h.table = nil, new(data.Table)
	hash := h.ks.Hasher()
	var f, v [num.MaxIntLen]byte
	for off := pack.First(); off != listpack.None; {
		at := pack.Next(off)
		field := text(pack.Get(off), &f)
		h.addRecord(hash(field), field, text(pack.Get(at), &v))
		off = pack.Next(at)
	}
	if h.ks.Journaling() {
		h.ks.Undo(func() {
			h.freeRecords()
			h.pack, h.table = pack, nil
		})
	}
}

// freeRecords frees all records at once and leaves an empty table.
func (h *Hash) freeRecords() {
	h.table.Each(func(r data.Ref) bool {
		h.ks.Arena.Free(r)
		return true
	})
	*h.table = data.Table{}
}

// text returns the bytes of v; scratch holds an integer's digits.
func text(v Value, scratch *[num.MaxIntLen]byte) []byte {
	if v.IsInt() {
		return num.AppendInt(scratch[:0], v.Int)
	}
	return v.Str
}
