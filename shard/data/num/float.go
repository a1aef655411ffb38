package num

import (
	"math"
	"strconv"
)

// exactIntFloat bounds the integers that a float64 holds without rounding.
const exactIntFloat = 1 << 53

// floatText is a number's text split at its syntax, as C's strtod reads it.
type floatText struct {
	neg   bool
	inf   bool
	hex   bool
	hasE  bool   // an exponent part is there
	whole []byte // digits before the point
	frac  []byte // digits after the point
	exp   int    // exponent, clipped to ±maxExp
}

// maxExp clips written exponents: large enough that with any mantissa the
// reader can meet the value is out of range either way, small enough never to
// overflow when digit counts are added.
const maxExp = 1 << 40

// ParseFloat reads b as a double as Redis reads a score: anything strtod takes
// (signs, "inf" and "infinity" in any case, hexadecimal, bare points) as long as
// it is the whole of b. Refused: NaN, leading space, trailing bytes, overflow,
// and a non-zero number so small that it would become zero.
func ParseFloat(b []byte) (v float64, ok bool) {
	if i, ok := ParseInt(b); ok && -exactIntFloat <= i && i <= exactIntFloat {
		return float64(i), true
	}
	t, ok := scanFloat(b)
	if !ok {
		return 0, false
	}
	if t.inf {
		if t.neg {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	s := string(b)
	if t.hex && !t.hasE {
		s += "p0" // the standard library insists on an exponent, strtod does not
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || (v == 0 && !t.isZero()) {
		return 0, false
	}
	return v, true
}

// isZero reports whether every digit of the mantissa is zero.
func (t *floatText) isZero() bool { return allZero(t.whole) && allZero(t.frac) }

func allZero(digits []byte) bool {
	for _, c := range digits {
		if c != '0' {
			return false
		}
	}
	return true
}

// scanFloat splits b; ok is false where strtod would not take all of b or would
// answer NaN.
func scanFloat(b []byte) (t floatText, ok bool) {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		t.neg = b[0] == '-'
		b = b[1:]
	}
	if equalFold(b, "inf") || equalFold(b, "infinity") {
		t.inf = true
		return t, true
	}
	mark := byte('e')
	if len(b) > 2 && b[0] == '0' && lower(b[1]) == 'x' {
		t.hex, mark = true, 'p'
		b = b[2:]
	}
	t.whole, b = cutDigits(b, t.hex)
	if len(b) > 0 && b[0] == '.' {
		t.frac, b = cutDigits(b[1:], t.hex)
	}
	if len(t.whole)+len(t.frac) == 0 {
		return t, false
	}
	if len(b) == 0 {
		return t, true
	}
	if lower(b[0]) != mark {
		return t, false
	}
	t.hasE = true
	t.exp, ok = scanExponent(b[1:])
	return t, ok
}

// cutDigits splits b after its leading digits.
func cutDigits(b []byte, hex bool) (digits, rest []byte) {
	for i, c := range b {
		if !isDigit(c) && !(hex && 'a' <= lower(c) && lower(c) <= 'f') {
			return b[:i], b[i:]
		}
	}
	return b, nil
}

// scanExponent reads an optionally signed run of digits, clipped to ±maxExp.
func scanExponent(b []byte) (e int, ok bool) {
	neg := false
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		neg = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		e = min(e*10+int(c-'0'), maxExp)
	}
	if neg {
		e = -e
	}
	return e, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != s[i] {
			return false
		}
	}
	return true
}

// AppendFloat17 appends v as Redis replies a double, in RESP2 and RESP3: 17
// significant digits as C's %.17g writes them, or inf and -inf.
func AppendFloat17(dst []byte, v float64) []byte {
	// Below 1e17 an integer has at most 17 digits, so %.17g writes it plainly.
	if v == math.Trunc(v) && math.Abs(v) < 1e17 && !isNegZero(v) {
		return AppendInt(dst, int64(v))
	}
	return appendG17(dst, v)
}

// AppendDouble appends v as Redis stores a score in a compact encoding: as
// AppendFloat17, but every integer up to 2^62 in plain digits.
func AppendDouble(dst []byte, v float64) []byte {
	const limit = 1 << 62
	if -limit <= v && v <= limit && v == math.Trunc(v) && !isNegZero(v) {
		return AppendInt(dst, int64(v))
	}
	return appendG17(dst, v)
}

func appendG17(dst []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(v):
		return append(dst, "nan"...)
	}
	return strconv.AppendFloat(dst, v, 'g', 17, 64)
}

// AppendHuman appends v as plain decimal digits without exponent, 17 of them
// after the point, trailing zeros dropped: the form of GEOPOS and, for long
// doubles, of INCRBYFLOAT. Infinities are inf and -inf.
func AppendHuman(dst []byte, v float64) []byte {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return appendG17(dst, v)
	}
	start := len(dst)
	return trimHuman(strconv.AppendFloat(dst, v, 'f', humanDigits, 64), start)
}

// humanDigits is the number of digits after the point before zeros are dropped.
const humanDigits = 17

// trimHuman drops the trailing zeros of the fixed-point number in dst[start:],
// its point when nothing follows it, and the sign of a zero.
func trimHuman(dst []byte, start int) []byte {
	n := len(dst)
	for dst[n-1] == '0' {
		n--
	}
	if dst[n-1] == '.' {
		n--
	}
	dst = dst[:n]
	if n-start == 2 && dst[start] == '-' && dst[start+1] == '0' {
		dst = append(dst[:start], '0')
	}
	return dst
}

func isNegZero(v float64) bool { return v == 0 && math.Signbit(v) }
