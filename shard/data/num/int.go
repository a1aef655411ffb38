package num

import (
	"math"
	"strconv"
)

// MaxIntLen is the length in bytes of the longest integer ParseInt can accept,
// that of -9223372036854775808.
const MaxIntLen = 20

// ParseInt reads b as a canonical signed 64-bit decimal: no plus sign, no
// leading zero, no space, no "-0", nothing before or after. A string it accepts
// is byte for byte what AppendInt writes, so such a string may be stored as a
// number. ok is false for everything else, overflow included.
func ParseInt(b []byte) (v int64, ok bool) {
	if len(b) == 0 || len(b) > MaxIntLen {
		return 0, false
	}
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	neg := b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || b[0] < '1' || b[0] > '9' {
		return 0, false
	}
	u, ok := parseDigits(b)
	switch {
	case !ok:
		return 0, false
	case !neg:
		return int64(u), u <= math.MaxInt64
	case u > 1<<63:
		return 0, false
	}
	return int64(-u), true
}

// parseDigits reads a run of decimal digits into 64 unsigned bits.
func parseDigits(b []byte) (u uint64, ok bool) {
	for i, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		// 19 digits always fit in 64 bits; only the 20th can overflow.
		if i == 19 && (u > math.MaxUint64/10 || u*10 > math.MaxUint64-uint64(d)) {
			return 0, false
		}
		u = u*10 + uint64(d)
	}
	return u, len(b) <= 20
}

// AppendInt appends the decimal form of v to dst.
func AppendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// IntLen returns how many bytes AppendInt would append for v, 1 to MaxIntLen.
func IntLen(v int64) int {
	n, u := 1, uint64(v)
	if v < 0 {
		n, u = 2, -u
	}
	for ; u >= 1000; u /= 1000 {
		n += 3
	}
	switch {
	case u >= 100:
		return n + 2
	case u >= 10:
		return n + 1
	}
	return n
}
