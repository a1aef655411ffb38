package resp

import "math"

const (
	// maxIntLen is the length of math.MinInt64 in decimal; no longer string is a number.
	maxIntLen = 20
	// maxShortDigits is what an int of 32 bits surely holds.
	maxShortDigits = 9
)

// parseInt reads a decimal int64 in its one canonical form, as headers must be: no
// plus, no space, no leading zero, no "-0".
func parseInt(s []byte) (v int64, ok bool) {
	if len(s) == 0 || len(s) > maxIntLen {
		return 0, false
	}
	if len(s) == 1 && s[0] == '0' {
		return 0, true
	}
	negative := s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || s[0] == '0' {
		return 0, false
	}
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	var u uint64
	for _, c := range s {
		d := uint64(c - '0')
		if d > 9 || u > (limit-d)/10 {
			return 0, false
		}
		u = u*10 + d
	}
	if negative {
		return -int64(u), true
	}
	return int64(u), true
}

// shortLength reads the usual length at b[i:]: one to nine digits in canonical form, a
// '\r', and one more byte that Redis does not look at either. next is the offset
// after that byte, or 0 when the length is anything else, unfinished included. One and
// two digits, nearly all lengths there are, are read without a loop.
func shortLength(b []byte, i int) (v, next int) {
	if i > len(b)-4 {
		return digits(b, i)
	}
	head := b[i : i+4 : i+4]
	tens, ones := int(head[0]-'0'), int(head[1]-'0')
	switch {
	case head[1] == '\r' && tens <= 9:
		return tens, i + 3
	case head[2] == '\r' && tens != 0 && tens <= 9 && ones <= 9:
		return tens*10 + ones, i + 4
	}
	return digits(b, i)
}

// digits is shortLength for any number of digits.
func digits(b []byte, i int) (v, next int) {
	end := min(len(b), i+maxShortDigits+1)
	for j := i; j < end; j++ {
		d := b[j] - '0'
		if d <= 9 {
			v = v*10 + int(d)
			continue
		}
		padded := j > i+1 && b[i] == '0'
		if b[j] != '\r' || j == i || padded || j+1 >= len(b) {
			return 0, 0
		}
		return v, j + 2
	}
	return 0, 0
}
