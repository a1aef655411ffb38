package set

import (
	"bytes"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/intset"
	"github.com/troupedb/troupe/shard/data/num"
)

// Add adds a member and tells whether it is new. Another member than an integer,
// or more than maxInts of them, makes the set a table.
func (s *Set) Add(maxInts int, member []byte) bool {
	if !s.ks.Journaling() {
		return s.add(maxInts, member)
	}
	ints, wasInts := s.ints, s.table == nil
	if !s.add(maxInts, member) {
		return false
	}
	switch {
	case !wasInts:
		m := bytes.Clone(member)
		s.ks.Undo(func() { s.Remove(m) })
	case s.table != nil:
		s.ks.Undo(func() {
			s.freeRecords()
			s.ints, s.table = ints, nil
		})
	case &s.ints[0] != &ints[0]: // a new, perhaps wider array: the old one is untouched
		s.ks.Undo(func() { s.ints = ints })
	default:
		v, _ := num.ParseInt(member)
		s.ks.Undo(func() { s.ints, _ = s.ints.Remove(v) })
	}
	return true
}

// Remove removes a member and tells whether it was there.
func (s *Set) Remove(member []byte) bool {
	if s.table != nil {
		return s.removeMember(member)
	}
	v, ok := num.ParseInt(member)
	if !ok {
		return false
	}
	if s.ints, ok = s.ints.Remove(v); !ok {
		return false
	}
	if s.ks.Journaling() {
		s.ks.Undo(func() { s.ints, _ = s.ints.Add(v) })
	}
	return true
}

// add is Add without a journal: for a set that no key has yet.
func (s *Set) add(maxInts int, member []byte) bool {
	if s.table == nil {
		if v, ok := num.ParseInt(member); ok {
			return s.addInt(min(maxInts, intset.MaxLen), v, member)
		}
		s.convert()
	}
	sum := s.ks.Hasher()(member)
	if s.table.Find(s.ks.Arena, sum, member) != 0 {
		return false
	}
	s.addRecord(sum, member)
	return true
}

// addInt adds the integer v, whose text is member. A set that becomes too large
// is converted before it is added to, so that an undo finds the array untouched.
func (s *Set) addInt(maxInts int, v int64, member []byte) (added bool) {
	if s.ints.Len() < maxInts {
		s.ints, added = s.ints.Add(v)
		return added
	}
	if s.ints.Has(v) {
		return false
	}
	s.convert()
	s.addRecord(s.ks.Hasher()(member), member)
	return true
}

func (s *Set) removeMember(member []byte) bool {
	sum := s.ks.Hasher()(member)
	r := s.table.Find(s.ks.Arena, sum, member)
	if r == 0 {
		return false
	}
	if s.ks.Journaling() {
		m := bytes.Clone(member)
		s.ks.Undo(func() { s.addRecord(sum, m) })
	}
	s.removeRecord(r, sum)
	return true
}

// recordTag is the tag of a member's record, whose kind and encoding mean nothing.
const recordTag = 0

// addRecord adds a member that the table does not have.
func (s *Set) addRecord(sum uint64, member []byte) {
	s.marks.Changed(sum, member)
	r := s.ks.Arena.Alloc(recordTag, member, 0, 0)
	s.table.Insert(s.ks.Arena, s.ks.Hasher(), sum, r)
}

func (s *Set) removeRecord(r data.Ref, sum uint64) {
	s.marks.Changed(sum, s.ks.Arena.Key(r))
	s.table.Remove(s.ks.Arena, s.ks.Hasher(), sum, r)
	s.ks.Arena.Free(r)
}

// convert makes a table of the array, which stays as it is.
func (s *Set) convert() {
	ints := s.ints
	s.ints, s.table = nil, new(data.Table)
	hash := s.ks.Hasher()
	var digits [num.MaxIntLen]byte
	for i := range ints.Len() {
		member := num.AppendInt(digits[:0], ints.At(i))
		s.addRecord(hash(member), member)
	}
}

// freeRecords frees all records at once and leaves an empty table.
func (s *Set) freeRecords() {
	s.table.Each(func(r data.Ref) bool {
		s.ks.Arena.Free(r)
		return true
	})
	*s.table = data.Table{}
}
