package listpack

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/troupedb/troupe/shard/data/num"
)

const (
	// headerLen is the length in bytes of the total and the count.
	headerLen = 6
	// countUnknown in the header means that the entries must be counted.
	countUnknown = 1<<16 - 1
	// MaxBytes bounds a pack, as Redis does, so that its 32-bit total cannot
	// wrap. Adding beyond it panics: callers convert long before, see Fits.
	MaxBytes = 1 << 30
	// shrinkSlack is how many spare bytes, beyond as many as are used, make a
	// removal give memory back: small packs are not worth a copy.
	shrinkSlack = 64
)

// None is the offset of no element.
const None = -1

// Pack is a sequence of elements in Redis's listpack format.
type Pack []byte

// New returns an empty pack.
func New() Pack {
	p := make(Pack, headerLen+1)
	p.setTotal()
	p[headerLen] = eof
	return p
}

// FromEntries returns the pack whose entries are the n that b holds, in a fresh
// allocation.
func FromEntries(b []byte, n int) Pack {
	p := make(Pack, headerLen+len(b)+1)
	copy(p[headerLen:], b)
	p[len(p)-1] = eof
	p.setTotal()
	p.setCount(n)
	return p
}

// Entries returns the part of the pack that holds its entries, without header
// and terminator.
func (p Pack) Entries() []byte { return p[headerLen : len(p)-1] }

// MemBytes returns the bytes that the pack keeps allocated.
func (p Pack) MemBytes() int { return cap(p) }

// Fits reports whether n more bytes of text may be added as one element.
func (p Pack) Fits(n int) bool { return n <= MaxBytes && len(p)+n+2*maxOverhead <= MaxBytes }

// maxOverhead is the most bytes an entry has beside its data, on each side.
const maxOverhead = 5

// Len returns the number of elements; from 65535 on it counts them.
func (p Pack) Len() int {
	if n := p.count(); n != countUnknown {
		return n
	}
	n := 0
	for off := p.First(); off != None; off = p.Next(off) {
		n++
	}
	return n
}

// First returns the offset of the first element, or None.
func (p Pack) First() int { return p.orNone(headerLen) }

// Last returns the offset of the last element, or None.
func (p Pack) Last() int { return p.Prev(len(p) - 1) }

// Next returns the offset of the element behind the one at off, or None.
func (p Pack) Next(off int) int { return p.orNone(off + SizeAt(p[off:])) }

// Prev returns the offset of the element before the one at off, or None.
func (p Pack) Prev(off int) int {
	if off == headerLen {
		return None
	}
	return off - SizeBefore(p[:off])
}

func (p Pack) orNone(off int) int {
	if p[off] == eof {
		return None
	}
	return off
}

// Seek returns the offset of the i-th element, from the end for negative i (-1 is
// the last), or None when there is no such element.
func (p Pack) Seek(i int) int {
	n := p.count()
	if n == countUnknown {
		n = p.Len()
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return None
	}
	if i <= n/2 {
		off := headerLen
		for ; i > 0; i-- {
			off += SizeAt(p[off:])
		}
		return off
	}
	off := len(p) - 1
	for ; i < n; i++ {
		off -= SizeBefore(p[:off])
	}
	return off
}

// Get returns the element at off.
func (p Pack) Get(off int) Value { return ValueAt(p[off:]) }

// Find returns the offset of the first element from off on whose text is b,
// looking at one element and passing over the next skip, or None. off may be
// None. With skip 1 it searches the fields of a hash.
func (p Pack) Find(off int, b []byte, skip int) int {
	if off == None {
		return None
	}
	if v, ok := num.ParseInt(b); ok {
		return p.findInt(off, v, b, skip)
	}
	for p[off] != eof {
		c := p[off]
		if c&0xc0 == enc6Str { // by far the most common, and its size is at hand
			end := off + 1 + int(c&0x3f)
			if string(p[off+1:end]) == string(b) {
				return off
			}
			off = end + 1
		} else {
			if v := p.Get(off); !v.IsInt() && bytes.Equal(v.Str, b) {
				return off
			}
			off += SizeAt(p[off:])
		}
		off = p.pass(off, skip)
	}
	return None
}

// findInt is Find for a text that is the integer v. A pack that was loaded may
// hold it as a string all the same.
func (p Pack) findInt(off int, v int64, b []byte, skip int) int {
	for p[off] != eof {
		if e := p.Get(off); e.IsInt() && e.Int == v || !e.IsInt() && bytes.Equal(e.Str, b) {
			return off
		}
		off = p.pass(off+SizeAt(p[off:]), skip)
	}
	return None
}

// pass goes over up to n elements from off on.
func (p Pack) pass(off, n int) int {
	for ; n > 0 && p[off] != eof; n-- {
		off += SizeAt(p[off:])
	}
	return off
}

// Append adds an element at the end. The text must not lie inside p.
func (p Pack) Append(b []byte) Pack { return p.splice(len(p)-1, 0, Str(b)) }

// AppendInt adds an integer at the end.
func (p Pack) AppendInt(v int64) Pack { return p.splice(len(p)-1, 0, Int(v)) }

// Prepend adds an element at the front. The text must not lie inside p.
func (p Pack) Prepend(b []byte) Pack { return p.splice(headerLen, 0, Str(b)) }

// InsertBefore adds an element before the one at off, where the new one then is.
func (p Pack) InsertBefore(off int, b []byte) Pack { return p.splice(off, 0, Str(b)) }

// InsertAfter adds an element behind the one at off.
func (p Pack) InsertAfter(off int, b []byte) Pack {
	return p.splice(off+SizeAt(p[off:]), 0, Str(b))
}

// Replace changes the element at off, where the new one then is.
func (p Pack) Replace(off int, b []byte) Pack { return p.splice(off, SizeAt(p[off:]), Str(b)) }

// ReplaceInt changes the element at off to an integer.
func (p Pack) ReplaceInt(off int, v int64) Pack { return p.splice(off, SizeAt(p[off:]), Int(v)) }

// splice puts e in the place of the old bytes at off; with old 0 it is inserted.
func (p Pack) splice(off, old int, e Entry) Pack {
	size := e.Size()
	diff := size - old
	if len(p)+diff > MaxBytes {
		panic("listpack: a pack would exceed MaxBytes")
	}
	tail := off + old
	n := len(p)
	if diff > 0 {
		p = grow(p, diff)
	}
	if diff != 0 {
		copy(p[tail+diff:n+diff], p[tail:n])
		p = p[:n+diff]
	}
	e.Put(p[off:])
	if old == 0 {
		p.setCount(p.count() + 1)
	}
	p.setTotal()
	if diff < 0 {
		return p.shrink()
	}
	return p
}

// Delete removes n elements from off on, or as many as there are. The element
// behind them is then at off.
func (p Pack) Delete(off, n int) Pack {
	end, removed := off, 0
	for ; removed < n && p[end] != eof; removed++ {
		end += SizeAt(p[end:])
	}
	known := p.count() != countUnknown
	left := p.count() - removed
	p = slices.Delete(p, off, end)
	if !known {
		left = p.recount()
	}
	p.setCount(left)
	p.setTotal()
	return p.shrink()
}

// DeleteRange removes n elements from the i-th on (from the end for negative i),
// or as many as there are; none when there is no i-th.
func (p Pack) DeleteRange(i, n int) Pack {
	off := p.Seek(i)
	if off == None {
		return p
	}
	return p.Delete(off, n)
}

// recount counts the entries of a pack whose header does not tell.
func (p Pack) recount() int {
	n := 0
	for off := headerLen; p[off] != eof; n++ {
		off += SizeAt(p[off:])
	}
	return n
}

// grow makes room for n more bytes. It leaves a quarter spare: appending costs
// amortized constant copying, and packs that stop growing waste little.
func grow(p Pack, n int) Pack {
	need := len(p) + n
	if need <= cap(p) {
		return p
	}
	out := append(Pack(nil), make([]byte, need+need/4)...)
	return out[:copy(out, p)]
}

// shrink gives memory back when most of it is unused.
func (p Pack) shrink() Pack {
	if cap(p) > 2*len(p)+shrinkSlack {
		return slices.Clone(p)
	}
	return p
}

func (p Pack) count() int { return int(binary.LittleEndian.Uint16(p[4:])) }

// setCount stores n, or that it must be counted.
func (p Pack) setCount(n int) {
	binary.LittleEndian.PutUint16(p[4:], uint16(min(n, countUnknown)))
}

func (p Pack) setTotal() { binary.LittleEndian.PutUint32(p, uint32(len(p))) }

// Valid reports whether b is a well-formed pack: every length inside it, every
// backward length equal to the forward one, the header right. Only then may b
// be used as a Pack.
func Valid(b []byte) bool {
	if len(b) <= headerLen || len(b) > MaxBytes || b[len(b)-1] != eof {
		return false
	}
	p := Pack(b)
	if int(binary.LittleEndian.Uint32(b)) != len(b) {
		return false
	}
	n := 0
	for rest := p.Entries(); len(rest) > 0; n++ {
		size, ok := validEntry(rest)
		if !ok {
			return false
		}
		rest = rest[size:]
	}
	return p.count() == n || p.count() == countUnknown
}

// validEntry checks the entry at b[0], with b ending where the entries do.
func validEntry(b []byte) (size int, ok bool) {
	if b[0] == enc32Str && len(b) < 5 || len(b) < 2 {
		return 0, false
	}
	enc := encodedLen(b)
	if enc == 0 || enc+backLen(enc) > len(b) {
		return 0, false
	}
	var back [maxOverhead]byte
	want := back[:backLen(enc)]
	putBack(want, enc)
	size = enc + len(want)
	return size, bytes.Equal(b[enc:size], want)
}
