package intset

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/troupedb/troupe/shard/data/rng"
)

// headerLen is the length in bytes of the width and the count.
const headerLen = 8

// MaxLen is the most elements a Set may hold: their offsets stay far within 32
// bits, and no server keeps a set this long in one array.
const MaxLen = 1 << 27

// Set is a sorted array of distinct integers in Redis's intset layout.
type Set []byte

// New returns an empty set.
func New() Set {
	s := make(Set, headerLen)
	s.setWidth(2)
	return s
}

// Valid reports whether b is a well-formed set: a known width, the length that
// the header tells, elements strictly ascending.
func Valid(b []byte) bool {
	if len(b) < headerLen {
		return false
	}
	s := Set(b)
	if w := s.width(); w != 2 && w != 4 && w != 8 {
		return false
	}
	n := binary.LittleEndian.Uint32(s[4:])
	if n > MaxLen || len(b) != headerLen+int(n)*s.width() {
		return false
	}
	for i := 1; i < int(n); i++ {
		if s.At(i-1) >= s.At(i) {
			return false
		}
	}
	return true
}

// Len returns the number of elements.
func (s Set) Len() int { return int(binary.LittleEndian.Uint32(s[4:])) }

// MemBytes returns the bytes that the set keeps allocated.
func (s Set) MemBytes() int { return cap(s) }

// At returns the i-th smallest element, i in [0, Len).
func (s Set) At(i int) int64 {
	p := s[headerLen:]
	switch s.width() {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(p[i*2:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(p[i*4:])))
	}
	return int64(binary.LittleEndian.Uint64(p[i*8:]))
}

// Has reports whether v is an element.
func (s Set) Has(v int64) bool {
	_, found := s.search(v)
	return found
}

// Random returns an element chosen evenly by r. The set must not be empty.
func (s Set) Random(r *rng.Rand) int64 { return s.At(r.Intn(s.Len())) }

// All calls yield with each element, ascending, until it returns false.
func (s Set) All(yield func(v int64) bool) {
	for i := range s.Len() {
		if !yield(s.At(i)) {
			return
		}
	}
}

// Add adds v; added is false when it was there.
func (s Set) Add(v int64) (out Set, added bool) {
	if widthOf(v) > s.width() {
		s = s.widen(widthOf(v))
	}
	i, found := s.search(v)
	if found {
		return s, false
	}
	w, n := s.width(), s.Len()
	at := headerLen + i*w
	s = grow(s, w)
	s = s[:len(s)+w]
	copy(s[at+w:], s[at:])
	s.set(i, v)
	s.setLen(n + 1)
	return s, true
}

// Remove removes v; removed is false when it was not there.
func (s Set) Remove(v int64) (out Set, removed bool) {
	i, found := s.search(v)
	if !found {
		return s, false
	}
	w := s.width()
	at := headerLen + i*w
	s.setLen(s.Len() - 1)
	s = slices.Delete(s, at, at+w)
	if cap(s) > 2*len(s)+shrinkSlack {
		s = slices.Clone(s)
	}
	return s, true
}

// search returns where v is, or where it belongs.
func (s Set) search(v int64) (i int, found bool) {
	n := s.Len()
	if n > 0 && v > s.At(n-1) { // ascending insertion needs no search
		return n, false
	}
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if s.At(mid) < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < n && s.At(lo) == v
}

// widen rewrites the elements at a larger width.
func (s Set) widen(width int) Set {
	n := s.Len()
	out := make(Set, headerLen+n*width, headerLen+(n+1)*width)
	out.setWidth(width)
	out.setLen(n)
	for i := range n {
		out.set(i, s.At(i))
	}
	return out
}

func (s Set) set(i int, v int64) {
	p := s[headerLen:]
	switch s.width() {
	case 2:
		binary.LittleEndian.PutUint16(p[i*2:], uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(p[i*4:], uint32(v))
	default:
		binary.LittleEndian.PutUint64(p[i*8:], uint64(v))
	}
}

func (s Set) width() int     { return int(binary.LittleEndian.Uint32(s)) }
func (s Set) setWidth(w int) { binary.LittleEndian.PutUint32(s, uint32(w)) }
func (s Set) setLen(n int)   { binary.LittleEndian.PutUint32(s[4:], uint32(n)) }

// widthOf returns the fewest bytes that hold v.
func widthOf(v int64) int {
	switch {
	case math.MinInt16 <= v && v <= math.MaxInt16:
		return 2
	case math.MinInt32 <= v && v <= math.MaxInt32:
		return 4
	}
	return 8
}

// shrinkSlack is how many spare bytes, beyond as many as are used, make a
// removal give memory back: small sets are not worth a copy.
const shrinkSlack = 32

// grow makes room for n more bytes. It leaves an eighth spare: additions cost
// amortized constant copying, and sets that stop growing waste little.
func grow(s Set, n int) Set {
	need := len(s) + n
	if need <= cap(s) {
		return s
	}
	out := append(Set(nil), make([]byte, need+need/8)...)
	return out[:copy(out, s)]
}
