package data

// ScanBits is the width of a Scan position: positions are the high bits of
// hashes, and the hash order is the order of a scan. As a record's hash never
// changes, one that is there from the first call to the last is met whatever
// splits, merges or moves in between; a record may be met twice only if it was
// added again.
const ScanBits = 38

const scanEnd = 1 << ScanBits

// Scan calls f for the records whose positions lie from pos on, in spans of the
// hash space, until at least want records were met or the table ends. It
// returns the position to go on from, and whether the table has ended.
// f must not change the table.
func (t *Table) Scan(a *Arena, hash Hasher, pos uint64, want int, f func(Ref)) (next uint64, done bool) {
	for met := 0; met < want; {
		if pos >= scanEnd || t.count == 0 {
			return 0, true
		}
		s := t.segment(pos << (64 - ScanBits))
		span := s.span(want)
		end := pos - pos%span + span
		s.each(func(r Ref) bool {
			if p := hash(a.Key(r)) >> (64 - ScanBits); p >= pos && p < end {
				f(r)
				met++
			}
			return true
		})
		pos = end
	}
	return pos, pos >= scanEnd
}

// span returns the width of a part of the segment's hash space that holds
// about want records: a power of two that divides the segment's own width.
func (s *segment) span(want int) uint64 {
	width := uint64(scanEnd) >> s.depth
	for n := int(s.used); n/2 >= want && width > 1; n /= 2 {
		width /= 2
	}
	return width
}
