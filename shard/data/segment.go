package data

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// segment is a small open-addressed table of refs: groups of 8 places, each
// with a control byte, so that one 64-bit compare looks at a group. refs and
// control bytes share one allocation that holds no pointers.
type segment struct {
	mem   unsafe.Pointer // refs [cap]uint32, then ctrl [cap]uint8; nil while empty
	used  uint16
	tombs uint16
	log2  uint8 // of the capacity
	depth uint8 // bits of the hash that all its records share
}

const (
	groupSize  = 8
	minLog2    = 3
	maxLog2    = 10 // a split moves at most 896 records: tens of microseconds
	ctrlEmpty  = 0
	ctrlTomb   = 1
	ctrlUsed   = 0x80
	lsb        = 0x0101010101010101
	msb        = 0x8080808080808080
	tagShift   = 20 // tag bits stand clear of group bits (low) and depth bits (high)
	refBytes   = 4
	placeBytes = refBytes + 1
)

func (s *segment) cap() int { return 1 << s.log2 }

// limit is how many places may be taken, tombstones included, at 7/8.
func limit(log2 uint8) int { return 1<<log2 - 1<<(log2-3) }

func tagOf(h uint64) byte { return ctrlUsed | byte(h>>tagShift) }

func (s *segment) ref(i int) *Ref {
	return (*Ref)(unsafe.Add(s.mem, i*refBytes))
}

func (s *segment) ctrl(i int) *byte {
	return (*byte)(unsafe.Add(s.mem, s.cap()*refBytes+i))
}

// group returns the control bytes of group g as one word.
func (s *segment) group(g int) uint64 {
	p := (*[groupSize]byte)(unsafe.Add(s.mem, s.cap()*refBytes+g*groupSize))
	return binary.LittleEndian.Uint64(p[:])
}

// matches has the top bit set in each byte of word that equals b. It may also
// mark a byte after a true match, which the caller's compare weeds out.
func matches(word uint64, b byte) uint64 {
	x := word ^ lsb*uint64(b)
	return (x - lsb) &^ x & msb
}

// empties marks the empty places exactly: the lowest marked one is never a
// false mark, and only whether there is one matters.
func empties(word uint64) uint64 { return (word - lsb) &^ word & msb }

// find returns the place of the record with this key, or -1.
func (s *segment) find(a *Arena, h uint64, key []byte) int {
	if s.used == 0 {
		return -1
	}
	tag, mask := tagOf(h), s.cap()/groupSize-1
	for g := int(h) & mask; ; g = (g + 1) & mask {
		word := s.group(g)
		for m := matches(word, tag); m != 0; m &= m - 1 {
			i := g*groupSize + bits.TrailingZeros64(m)/8
			if *s.ctrl(i) == tag && string(a.Key(*s.ref(i))) == string(key) {
				return i
			}
		}
		if empties(word) != 0 {
			return -1
		}
	}
}

// findRef returns the place of r, whose key hashes to h, or -1.
func (s *segment) findRef(h uint64, r Ref) int {
	if s.used == 0 {
		return -1
	}
	tag, mask := tagOf(h), s.cap()/groupSize-1
	for g := int(h) & mask; ; g = (g + 1) & mask {
		word := s.group(g)
		for m := matches(word, tag); m != 0; m &= m - 1 {
			if i := g*groupSize + bits.TrailingZeros64(m)/8; *s.ref(i) == r {
				return i
			}
		}
		if empties(word) != 0 {
			return -1
		}
	}
}

// put adds r; the caller has made room.
func (s *segment) put(h uint64, r Ref) {
	mask := s.cap()/groupSize - 1
	for g := int(h) & mask; ; g = (g + 1) & mask {
		if free := ^s.group(g) & msb; free != 0 {
			i := g*groupSize + bits.TrailingZeros64(free)/8
			if *s.ctrl(i) == ctrlTomb {
				s.tombs--
			}
			*s.ctrl(i) = tagOf(h)
			*s.ref(i) = r
			s.used++
			return
		}
	}
}

// remove empties place i. A tombstone is needed only where the group is full,
// as a search goes on past full groups alone.
func (s *segment) remove(i int) {
	if empties(s.group(i/groupSize)) != 0 {
		*s.ctrl(i) = ctrlEmpty
	} else {
		*s.ctrl(i) = ctrlTomb
		s.tombs++
	}
	s.used--
}

// resize moves the records into places for 1<<log2.
func (s *segment) resize(a *Arena, hash Hasher, log2 uint8) {
	old := *s
	s.allocate(log2)
	old.each(func(r Ref) { s.put(hash(a.Key(r)), r) })
}

func (s *segment) allocate(log2 uint8) {
	block := make([]uint32, (placeBytes<<log2+3)/refBytes)
	*s = segment{mem: unsafe.Pointer(unsafe.SliceData(block)), log2: log2, depth: s.depth}
}

// each calls f for every record, in the order of places.
func (s *segment) each(f func(Ref)) {
	if s.used == 0 {
		return
	}
	for i, n := 0, s.cap(); i < n; i++ {
		if *s.ctrl(i)&ctrlUsed != 0 {
			f(*s.ref(i))
		}
	}
}

func (s *segment) bytes() int64 {
	if s.mem == nil {
		return 0
	}
	return placeBytes << s.log2
}
