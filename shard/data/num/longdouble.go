package num

import (
	"errors"
	"math/big"
	"slices"
)

// The shape of x87's 80-bit extended format.
const (
	longMantissa = 64
	// longMaxExp: every finite value is below 2^longMaxExp.
	longMaxExp = 16384
	// longMinExp: 2^longMinExp is the smallest value above zero.
	longMinExp = -16445
	// longMaxDigits is above the decimal exponent of both, so a number whose
	// first digit is further out is refused before any big arithmetic.
	longMaxDigits = 5000
)

// maxLongText is the longest text that Redis reads as a long double, in bytes.
const maxLongText = 5*1024 - 1

// ErrNaNOrInf says that a sum is not a finite number.
var ErrNaNOrInf = errors.New("increment would produce NaN or Infinity")

// ErrNotFloat says that a text is not a long double.
var ErrNotFloat = errors.New("value is not a valid float")

// LongDouble is a value of x87's 80-bit format, infinities included, never NaN.
// The zero value is 0.
type LongDouble struct {
	f big.Float
}

// ParseLongDouble reads b under ParseFloat's rules with a long double's range
// and precision, at most 5119 bytes.
func ParseLongDouble(b []byte) (LongDouble, bool) {
	if len(b) > maxLongText {
		return LongDouble{}, false
	}
	t, ok := scanFloat(b)
	if !ok {
		return LongDouble{}, false
	}
	var v LongDouble
	v.f.SetPrec(longMantissa)
	switch {
	case t.inf:
		v.f.SetInf(t.neg)
		return v, true
	case t.isZero():
		return v, true
	}
	if !t.setFinite(&v.f) {
		return LongDouble{}, false
	}
	if t.neg {
		v.f.Neg(&v.f)
	}
	return v, true
}

// setFinite sets z to the text's absolute value, rounded once to nearest even.
// ok is false when it is out of range: infinite, or zero without being zero.
func (t *floatText) setFinite(z *big.Float) (ok bool) {
	digits := slices.Concat(t.whole, t.frac)
	base, perDigit := 10, 1
	if t.hex {
		base, perDigit = 16, 4
	}
	exp := t.exp - perDigit*len(t.frac)
	first := len(digits) - leadingZeros(digits)
	// For hexadecimal the exponent counts bits, else decimal digits.
	if top := exp + perDigit*first; top > 4*longMaxDigits || top < -4*longMaxDigits {
		return false
	}
	m, _ := new(big.Int).SetString(string(digits), base)
	if t.hex {
		z.SetMode(big.ToNearestEven).SetInt(m)
		z.SetMantExp(z, exp)
	} else {
		scaleDecimal(z, m, exp)
	}
	return longInRange(z)
}

// scaleDecimal sets z to m × 10^exp. Both operands are exact, so the result is
// rounded once.
func scaleDecimal(z *big.Float, m *big.Int, exp int) {
	abs := max(exp, -exp)
	pow := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(abs)), nil)
	if exp >= 0 {
		z.SetInt(m.Mul(m, pow))
		return
	}
	z.Quo(new(big.Float).SetInt(m), new(big.Float).SetInt(pow))
}

// longInRange reports whether a non-zero z is neither infinite nor zero as a
// long double. The halfway point below the smallest value rounds to zero.
func longInRange(z *big.Float) bool {
	e := z.MantExp(nil)
	if e > longMaxExp {
		return false
	}
	if e < longMinExp {
		return false
	}
	return e > longMinExp || z.MinPrec() > 1
}

func leadingZeros(digits []byte) int {
	n := 0
	for n < len(digits) && digits[n] == '0' {
		n++
	}
	return n
}

// LongDoubleFromInt returns v, exactly.
func LongDoubleFromInt(v int64) LongDouble {
	var l LongDouble
	l.f.SetPrec(longMantissa).SetInt64(v)
	return l
}

// IsInf reports whether v is infinite.
func (v *LongDouble) IsInf() bool { return v.f.IsInf() }

// AddLong appends a+b, rounded as x87 rounds it and written as Redis writes it
// (17 digits after the point, trailing zeros dropped), or returns ErrNaNOrInf.
func AddLong(dst []byte, a, b *LongDouble) ([]byte, error) {
	if a.f.IsInf() || b.f.IsInf() {
		return dst, ErrNaNOrInf
	}
	var sum big.Float
	sum.SetPrec(longMantissa).Add(&a.f, &b.f)
	if sum.MantExp(nil) > longMaxExp {
		return dst, ErrNaNOrInf
	}
	start := len(dst)
	return trimHuman(sum.Append(dst, 'f', humanDigits), start), nil
}

// AddLongDouble is AddLong on texts: what INCRBYFLOAT stores when the old value
// is a and the increment is b. It returns ErrNotFloat when either text is no
// long double, and ErrNaNOrInf.
func AddLongDouble(dst, a, b []byte) ([]byte, error) {
	x, ok := ParseLongDouble(a)
	if !ok {
		return dst, ErrNotFloat
	}
	y, ok := ParseLongDouble(b)
	if !ok {
		return dst, ErrNotFloat
	}
	return AddLong(dst, &x, &y)
}
