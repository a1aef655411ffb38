package set

import (
	"unsafe"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/intset"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Encodings as OBJECT ENCODING names them.
const (
	intsEncoding  = "intset"
	tableEncoding = "hashtable"
)

// Set is the value of a set key. It is never empty while a key has it, but for
// the moment between its creation or last removal and the end of a command.
// Reading a nil Set finds nothing, as there is no key.
type Set struct {
	ks    *keyspace.Keyspace
	ints  intset.Set // nil once there is a table
	table *data.Table
	marks *keyspace.Marks // of its way to another node; nil: it stays
}

// New returns an empty set whose memory is in ks.
func New(ks *keyspace.Keyspace) *Set { return &Set{ks: ks, ints: intset.New()} }

// Kind implements keyspace.Object.
func (s *Set) Kind() keyspace.Kind { return keyspace.Set }

// Encoding implements keyspace.Object.
func (s *Set) Encoding() string {
	if s.table == nil {
		return intsEncoding
	}
	return tableEncoding
}

// Len returns the number of members.
func (s *Set) Len() int {
	switch {
	case s == nil:
		return 0
	case s.table == nil:
		return s.ints.Len()
	}
	return s.table.Len()
}

// sampled is how many records stand for all in an estimate of memory.
const sampled = 64

// MemBytes returns the memory of the set; that of a table's records is estimated
// from the first of them, as Redis does.
func (s *Set) MemBytes() int64 {
	n := int64(unsafe.Sizeof(*s))
	if s.table == nil {
		return n + int64(s.ints.MemBytes())
	}
	seen, bytes := int64(0), int64(0)
	s.table.Each(func(r data.Ref) bool {
		seen++
		bytes += s.ks.Arena.Bytes(r)
		return seen < sampled
	})
	return n + s.table.MemBytes() + bytes*int64(s.table.Len())/max(seen, 1)
}

// Has tells whether member is in the set.
func (s *Set) Has(member []byte) bool {
	if s == nil {
		return false
	}
	if s.table == nil {
		v, ok := num.ParseInt(member)
		return ok && s.ints.Has(v)
	}
	return s.table.Find(s.ks.Arena, s.ks.Hasher()(member), member) != 0
}

// Each calls f with every member until it says false: a view that ends with the
// call. f must not change the set.
func (s *Set) Each(f func(member []byte) bool) {
	if s == nil {
		return
	}
	if s.table != nil {
		s.table.Each(func(r data.Ref) bool { return f(s.ks.Arena.Key(r)) })
		return
	}
	var digits [num.MaxIntLen]byte
	s.ints.All(func(v int64) bool { return f(num.AppendInt(digits[:0], v)) })
}

// Random returns a member, each equally likely: a view that is valid until the
// next change. The set must not be empty.
func (s *Set) Random(r *rng.Rand) []byte {
	if s.table != nil {
		return s.ks.Arena.Key(s.table.Random(r.Uint64))
	}
	return num.AppendInt(nil, s.ints.Random(r))
}

// Release implements keyspace.Object.
func (s *Set) Release(n int) bool {
	s.ints, s.marks = nil, nil
	if s.table == nil {
		return true
	}
	refs := make([]data.Ref, 0, min(n, s.table.Len()))
	s.table.Each(func(r data.Ref) bool {
		if len(refs) == n {
			return false
		}
		refs = append(refs, r)
		return true
	})
	for _, r := range refs {
		s.removeRecord(r, s.ks.Hasher()(s.ks.Arena.Key(r)))
	}
	return s.table.Len() == 0
}
