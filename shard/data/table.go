package data

import "unsafe"

// Hasher hashes a key. All records of a Table are hashed by the same function,
// whose 64 bits must all be good: the high ones choose the segment and the order
// of Scan, the low ones the place.
type Hasher func(key []byte) uint64

// Table is a set of records found by key: extendible hashing over segments of
// at most 768 places. A full segment splits in two by one more high bit of the
// hash, so the work of an insert is bounded however large the table is. Its zero
// value is an empty table. It owns refs, not records: freeing those is the caller's.
type Table struct {
	seg   segment    // the only one, while dir is nil
	dir   *directory // else one segment for each prefix of the hash
	count int
}

type directory struct {
	depth uint8 // len(segs) == 1<<depth
	segs  []*segment
}

// Len returns the number of records.
func (t *Table) Len() int { return t.count }

func (t *Table) segment(h uint64) *segment {
	if t.dir == nil {
		return &t.seg
	}
	return t.dir.segs[h>>(64-t.dir.depth)]
}

// Find returns the record with this key, whose hash is h, or 0.
func (t *Table) Find(a *Arena, h uint64, key []byte) Ref {
	s := t.segment(h)
	if p := s.find(a, h, key); p.i >= 0 {
		return *p.ref()
	}
	return 0
}

// Insert adds r, whose key hashes to h and is not in the table.
func (t *Table) Insert(a *Arena, hash Hasher, h uint64, r Ref) {
	s := t.segment(h)
	for s.mem == nil || int(s.used) >= limit(s.log2) {
		t.makeRoom(a, hash, h, s)
		s = t.segment(h)
	}
	s.put(h, r)
	t.count++
}

func (t *Table) makeRoom(a *Arena, hash Hasher, h uint64, s *segment) {
	switch {
	case s.mem == nil:
		s.allocate(0)
	case s.log2 < maxLog2:
		s.resize(a, hash, s.log2+1)
	default:
		t.split(a, hash, h, s)
	}
}

// split divides the segment of hash h by its next hash bit.
func (t *Table) split(a *Arena, hash Hasher, h uint64, s *segment) {
	if t.dir == nil {
		only := t.seg
		t.seg = segment{}
		s = &only
		t.dir = &directory{segs: []*segment{s}}
	}
	if s.depth == t.dir.depth {
		t.dir.double()
	}
	low, high := &segment{depth: s.depth + 1}, &segment{depth: s.depth + 1}
	low.allocate(maxLog2)
	high.allocate(maxLog2)
	s.rehash(a, hash, func(h uint64, r Ref) {
		if h>>(63-s.depth)&1 == 0 {
			low.put(h, r)
		} else {
			high.put(h, r)
		}
	})
	first, n := t.dir.span(h, s.depth)
	for i := range n {
		if i < n/2 {
			t.dir.segs[first+i] = low
		} else {
			t.dir.segs[first+i] = high
		}
	}
}

// maxDepth bounds the directory: 2^24 segments hold over 10^10 records.
const maxDepth = 24

func (d *directory) double() {
	if d.depth == maxDepth {
		panic("data: hash table directory is full")
	}
	segs := make([]*segment, 2*len(d.segs))
	for i, s := range d.segs {
		segs[2*i], segs[2*i+1] = s, s
	}
	d.segs = segs
	d.depth++
}

// span returns the directory entries of the segment of hash h with that depth.
func (d *directory) span(h uint64, depth uint8) (first, n int) {
	n = 1 << (d.depth - depth)
	return int(h>>(64-d.depth)) &^ (n - 1), n
}

// Replace puts moved in the place of r, whose key hashes to h.
func (t *Table) Replace(h uint64, r, moved Ref) {
	s := t.segment(h)
	*s.findRef(h, r).ref() = moved
}

// Has tells whether r, whose key hashes to h, is in the table.
func (t *Table) Has(h uint64, r Ref) bool { return t.segment(h).findRef(h, r).i >= 0 }

// Remove takes r out, whose key hashes to h. It must be in the table and its
// key still readable.
func (t *Table) Remove(a *Arena, hash Hasher, h uint64, r Ref) {
	s := t.segment(h)
	s.remove(h, s.findRef(h, r))
	t.count--
	if t.count == 0 {
		*t = Table{}
		return
	}
	if s.log2 > 0 && int(s.used) < limit(s.log2)/7 {
		s.resize(a, hash, s.log2-1)
		t.merge(a, hash, h, s)
	}
}

// mergeAt is the number of records below which two neighbours become one
// segment: well below the limit, so that it does not split again at once.
const mergeAt = 256

// merge joins the segment of hash h with its neighbour when both are small.
func (t *Table) merge(a *Arena, hash Hasher, h uint64, s *segment) {
	if t.dir == nil || s.depth == 0 {
		return
	}
	buddy := t.segment(h ^ 1<<(64-s.depth))
	if buddy.depth != s.depth || int(s.used)+int(buddy.used) > mergeAt {
		return
	}
	joined := &segment{depth: s.depth - 1}
	for int(s.used)+int(buddy.used) >= limit(joined.log2) {
		joined.log2++
	}
	joined.allocate(joined.log2)
	for _, from := range []*segment{s, buddy} {
		from.rehash(a, hash, joined.put)
	}
	first, n := t.dir.span(h, joined.depth)
	for i := range n {
		t.dir.segs[first+i] = joined
	}
	if joined.depth == 0 {
		t.seg, t.dir = *joined, nil
	}
}

// Each calls f for every record until f says false. f must not change the table.
func (t *Table) Each(f func(Ref) bool) {
	t.eachSegment(func(s *segment) bool { return s.each(f) })
}

func (t *Table) eachSegment(f func(*segment) bool) {
	if t.dir == nil {
		f(&t.seg)
		return
	}
	for i := 0; i < len(t.dir.segs); {
		s := t.dir.segs[i]
		if !f(s) {
			return
		}
		i += 1 << (t.dir.depth - s.depth)
	}
}

// Random returns a record, each about equally likely, or 0 if there is none:
// a segment is drawn by its share of the hash space, which is about its share
// of the records, then one of its records. next returns random numbers.
func (t *Table) Random(next func() uint64) Ref {
	for t.count > 0 {
		s := t.segment(next())
		for s.used != 0 {
			draw := next()
			l := s.line(int(draw) & (s.groups() - 1))
			if i := int(draw >> 32 % groupSize); *l.ctrl(i) != 0 {
				return *l.ref(i)
			}
		}
	}
	return 0
}

// MemBytes returns the memory of the table itself, records not counted.
func (t *Table) MemBytes() int64 {
	n := int64(unsafe.Sizeof(*t))
	if t.dir == nil {
		return n + t.seg.bytes()
	}
	n += int64(len(t.dir.segs)) * int64(unsafe.Sizeof(uintptr(0)))
	t.eachSegment(func(s *segment) bool {
		n += int64(unsafe.Sizeof(*s)) + s.bytes()
		return true
	})
	return n
}
