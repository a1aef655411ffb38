package data

import (
	"math/bits"
	"unsafe"
)

// PrefetchGroup lets the processor fetch the group where a lookup of hash h begins,
// while the caller goes on. It tells whether there is one.
func (t *Table) PrefetchGroup(h uint64) bool {
	s := t.segment(h)
	if s.used == 0 {
		return false
	}
	prefetch(s.home(h).p)
	return true
}

// PrefetchRecord lets the processor fetch the record that a lookup of hash h will most
// likely compare with, unless it is a large one. Its group should be there by then.
func (t *Table) PrefetchRecord(a *Arena, h uint64) {
	if r := t.likely(h); r != 0 && r&largeBit == 0 {
		p := a.ptr(r)
		prefetch(p)
		prefetch(unsafe.Add(p, lineBytes)) // where a short value ends
	}
}

// likely returns the first record in the home group of hash h that may have it, or 0.
func (t *Table) likely(h uint64) Ref {
	s := t.segment(h)
	if s.used == 0 {
		return 0
	}
	l, tag := s.home(h), tagOf(h)
	head, tail := l.words()
	i := bits.TrailingZeros64(matches(head, tag)) / 8
	if i == 8 { // not among the first eight
		i += bits.TrailingZeros64(matches(tail, tag)) / 8
	}
	if i >= groupSize {
		return 0
	}
	return *l.ref(i)
}

// fetch lets the processor fetch the records of group g, if there is one: rehash waits for
// memory once a group rather than once a record.
func (s *segment) fetch(a *Arena, g int) {
	if g == s.groups() {
		return
	}
	l := s.line(g)
	for i := range groupSize {
		if r := *l.ref(i); *l.ctrl(i) != 0 && r&largeBit == 0 {
			prefetch(a.ptr(r))
		}
	}
}

// home is the group where hash h belongs.
func (s *segment) home(h uint64) line { return s.line(int(h) & (s.groups() - 1)) }
