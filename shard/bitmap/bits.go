package bitmap

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// countBits counts the ones of s in the bits [from, to).
func countBits(s []byte, from, to int64) int64 {
	if from >= to {
		return 0
	}
	first, last := from>>3, (to-1)>>3
	head, tail := byte(0xFF>>(from&7)), byte(0xFF<<(7-(to-1)&7))
	if first == last {
		return int64(bits.OnesCount8(s[first] & head & tail))
	}
	n := bits.OnesCount8(s[first]&head) + bits.OnesCount8(s[last]&tail)
	return int64(n) + popcount(s[first+1:last])
}

// popcount counts the ones of s, four words a turn.
func popcount(s []byte) (n int64) {
	for ; len(s) >= 32; s = s[32:] {
		n += int64(bits.OnesCount64(binary.LittleEndian.Uint64(s)) +
			bits.OnesCount64(binary.LittleEndian.Uint64(s[8:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(s[16:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(s[24:])))
	}
	for ; len(s) >= 8; s = s[8:] {
		n += int64(bits.OnesCount64(binary.LittleEndian.Uint64(s)))
	}
	for _, b := range s {
		n += int64(bits.OnesCount8(b))
	}
	return n
}

// findBit returns the first position in [from, to) of a one, or of a zero, -1
// if there is none.
func findBit(s []byte, from, to int64, one bool) int64 {
	if from >= to {
		return -1
	}
	flip := byte(0) // what turns the sought bit into a one
	if !one {
		flip = 0xFF
	}
	i := from >> 3
	pos := int64(-1)
	if b := (s[i] ^ flip) & (0xFF >> (from & 7)); b != 0 {
		pos = i<<3 + int64(bits.LeadingZeros8(b))
	} else if n := firstDifferent(s[i+1:(to+7)>>3], flip); n >= 0 {
		i += 1 + n
		pos = i<<3 + int64(bits.LeadingZeros8(s[i]^flip))
	}
	if pos >= to {
		return -1
	}
	return pos
}

// firstDifferent returns the index of the first byte of s that is not b, or -1.
func firstDifferent(s []byte, b byte) int64 {
	word := uint64(b) * (math.MaxUint64 / math.MaxUint8)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if x := binary.LittleEndian.Uint64(s[i:]) ^ word; x != 0 {
			return int64(i + bits.TrailingZeros64(x)/8)
		}
	}
	for ; i < len(s); i++ {
		if s[i] != b {
			return int64(i)
		}
	}
	return -1
}

// readBits reads n ≤ 64 bits from bit at on as an unsigned number, the highest
// first. Bits past the end of s are zero.
func readBits(s []byte, at int64, n uint) uint64 {
	var window [9]byte
	if i := at >> 3; i < int64(len(s)) {
		copy(window[:], s[i:])
	}
	shift := uint(at & 7)
	word := binary.BigEndian.Uint64(window[:])<<shift | uint64(window[8])>>(8-shift)
	return word >> (64 - n)
}

// writeBits writes the low n ≤ 64 bits of v at bit at of s, which is long enough.
func writeBits(s []byte, at int64, n uint, v uint64) {
	for n > 0 {
		i, within := at>>3, uint(at&7)
		take := min(8-within, n)
		shift := 8 - within - take
		mask := byte(1<<take-1) << shift
		s[i] = s[i]&^mask | byte(v>>(n-take))<<shift&mask
		at += int64(take)
		n -= take
	}
}
