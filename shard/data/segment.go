package data

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// segment is a small open-addressed table of refs: groups of 12 places, each
// group one cache line, so that a lookup mostly reads one line before it reads the
// record. A line is
//
//	bytes 0-11   control bytes: 0 for a free place, else 7 bits of the hash
//	bytes 12-15  overflow: how many records passed by this group because it was full
//	bytes 16-63  refs
//
// A search goes on to the next group only where the overflow is not 0, so a
// removal leaves no tombstone. The lines hold no pointers.
type segment struct {
	mem   unsafe.Pointer // nil while empty
	used  uint16
	log2  uint8 // of the number of groups
	depth uint8 // bits of the hash that all its records share
}

const (
	lineBytes = 64
	lineShift = 6
	groupSize = 12
	refsAt    = 16
	refBytes  = 4
	maxLog2   = 6 // a split moves at most 672 records: tens of microseconds
	ctrlUsed  = 0x80
	lsb       = 0x0101010101010101
	msb       = 0x8080808080808080
	// tailMask keeps the 4 control bytes of a line's second word.
	tailMask = 0xFFFF_FFFF
	tagShift = 20 // tag bits stand clear of group bits (low) and depth bits (high)
)

func (s *segment) groups() int { return 1 << s.log2 }

// limit is how many records fill 1<<log2 groups: 7/8 of the places.
func limit(log2 uint8) int { return groupSize << log2 * 7 / 8 }

func tagOf(h uint64) byte { return ctrlUsed | byte(h>>tagShift) }

// line is a group.
type line struct{ p unsafe.Pointer }

func (s *segment) line(g int) line { return line{unsafe.Add(s.mem, g<<lineShift)} }

func (l line) ref(i int) *Ref   { return (*Ref)(unsafe.Add(l.p, refsAt+i*refBytes)) }
func (l line) ctrl(i int) *byte { return (*byte)(unsafe.Add(l.p, i)) }

// overflow counts the records whose home is here or before, and whose place is
// behind.
func (l line) overflow() *uint32 { return (*uint32)(unsafe.Add(l.p, groupSize)) }

// words returns the control bytes: 8, and 4 in the low half of tail.
func (l line) words() (head, tail uint64) {
	b := (*[16]byte)(l.p)
	return binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])
}

// matches has the top bit set in each byte of word that equals b. It may also
// mark a byte after a true match, which the caller's compare weeds out.
func matches(word uint64, b byte) uint64 {
	x := word ^ lsb*uint64(b)
	return (x - lsb) &^ x & msb
}

// place is where a record stands.
type place struct {
	l line
	i int // -1: nowhere
}

var nowhere = place{i: -1}

func (p place) ref() *Ref { return p.l.ref(p.i) }

// find returns the place of the record with this key.
func (s *segment) find(a *Arena, h uint64, key []byte) place {
	if s.used == 0 {
		return nowhere
	}
	tag, mask := tagOf(h), s.groups()-1
	for n, g := 0, int(h)&mask; n <= mask; n, g = n+1, (g+1)&mask {
		l := s.line(g)
		head, tail := l.words()
		for m := matches(head, tag); m != 0; m &= m - 1 {
			if i := bits.TrailingZeros64(m) / 8; string(a.Key(*l.ref(i))) == string(key) && *l.ctrl(i) == tag {
				return place{l, i}
			}
		}
		for m := matches(tail&tailMask, tag) & tailMask; m != 0; m &= m - 1 {
			if i := 8 + bits.TrailingZeros64(m)/8; *l.ctrl(i) == tag && string(a.Key(*l.ref(i))) == string(key) {
				return place{l, i}
			}
		}
		if tail>>32 == 0 {
			break
		}
	}
	return nowhere
}

// findRef returns the place of r, whose key hashes to h.
func (s *segment) findRef(h uint64, r Ref) place {
	if s.used == 0 {
		return nowhere
	}
	mask := s.groups() - 1
	for n, g := 0, int(h)&mask; n <= mask; n, g = n+1, (g+1)&mask {
		l := s.line(g)
		for i := range groupSize {
			if *l.ref(i) == r && *l.ctrl(i) != 0 {
				return place{l, i}
			}
		}
		if *l.overflow() == 0 {
			break
		}
	}
	return nowhere
}

// put adds r; the caller has made room.
func (s *segment) put(h uint64, r Ref) {
	mask := s.groups() - 1
	for g := int(h) & mask; ; g = (g + 1) & mask {
		l := s.line(g)
		for i := range groupSize {
			if *l.ctrl(i) == 0 {
				*l.ctrl(i) = tagOf(h)
				*l.ref(i) = r
				s.used++
				return
			}
		}
		*l.overflow()++
	}
}

// remove empties the place of a record that hashes to h.
func (s *segment) remove(h uint64, p place) {
	*p.l.ctrl(p.i) = 0
	s.used--
	mask := s.groups() - 1
	for g := int(h) & mask; s.line(g) != p.l; g = (g + 1) & mask {
		*s.line(g).overflow()--
	}
}

// resize moves the records into 1<<log2 groups.
func (s *segment) resize(a *Arena, hash Hasher, log2 uint8) {
	old := *s
	s.allocate(log2)
	old.rehash(a, hash, s.put)
}

func (s *segment) allocate(log2 uint8) {
	// Go aligns blocks of these sizes to their lines.
	block := make([]uint64, lineBytes/8<<log2)
	*s = segment{mem: unsafe.Pointer(unsafe.SliceData(block)), log2: log2, depth: s.depth}
}

// each calls f for every record, in the order of places, until f says false.
func (s *segment) each(f func(Ref) bool) bool {
	if s.used == 0 {
		return true
	}
	for g := range s.groups() {
		l := s.line(g)
		for i := range groupSize {
			if *l.ctrl(i) != 0 && !f(*l.ref(i)) {
				return false
			}
		}
	}
	return true
}

// rehash calls f for every record, with the hash of its key.
func (s *segment) rehash(a *Arena, hash Hasher, f func(h uint64, r Ref)) {
	if s.used == 0 {
		return
	}
	s.fetch(a, 0)
	for g := range s.groups() {
		s.fetch(a, g+1)
		l := s.line(g)
		for i := range groupSize {
			if *l.ctrl(i) != 0 {
				r := *l.ref(i)
				f(hash(a.Key(r)), r)
			}
		}
	}
}

func (s *segment) bytes() int64 {
	if s.mem == nil {
		return 0
	}
	return lineBytes << s.log2
}
