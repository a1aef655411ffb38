package script

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// appendNumber writes a number as Lua's "%.14g" does.
func appendNumber(dst []byte, f float64) []byte {
	if i := int64(f); float64(i) == f && -1e14 < f && f < 1e14 && !(i == 0 && math.Signbit(f)) {
		return strconv.AppendInt(dst, i, 10)
	}
	return appendG(dst, f, 14, false)
}

// appendG writes f as C's "%.<prec>g"; keep retains trailing zeros ("%#g").
func appendG(dst []byte, f float64, prec int, keep bool) []byte {
	if out, ok := appendSpecial(dst, f); ok {
		return out
	}
	if prec == 0 {
		prec = 1
	}
	var scratch [512]byte
	e := strconv.AppendFloat(scratch[:0], f, 'e', prec-1, 64)
	mark := strings.LastIndexByte(string(e), 'e')
	exp, _ := strconv.Atoi(string(e[mark+1:]))
	if exp < -4 || exp >= prec {
		mantissa := e[:mark]
		if !keep {
			mantissa = trimZeros(mantissa)
		}
		return appendExponent(append(dst, mantissa...), exp)
	}
	var fixed [800]byte
	out := strconv.AppendFloat(fixed[:0], f, 'f', prec-1-exp, 64)
	if !keep {
		out = trimZeros(out)
	}
	return append(dst, out...)
}

// appendSpecial writes infinities and NaN, with the sign that C shows.
func appendSpecial(dst []byte, f float64) ([]byte, bool) {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...), true
	case math.IsInf(f, -1):
		return append(dst, "-inf"...), true
	case f != f && math.Signbit(f):
		return append(dst, "-nan"...), true
	case f != f:
		return append(dst, "nan"...), true
	}
	return dst, false
}

func trimZeros(b []byte) []byte {
	if !strings.Contains(string(b), ".") {
		return b
	}
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// appendExponent writes at least two digits, as C does.
func appendExponent(dst []byte, exp int) []byte {
	sign := byte('+')
	if exp < 0 {
		sign, exp = '-', -exp
	}
	dst = append(dst, 'e', sign)
	if exp < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}

// isSpace is C's isspace.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func trimSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// parseNumber reads a number as Lua's tonumber does: what C's strtod accepts,
// with white space around it.
func parseNumber(s string) (float64, bool) {
	s = trimSpace(s)
	if s == "" || strings.IndexByte(s, '_') >= 0 {
		return 0, false
	}
	if f, ok := parseHex(s); ok {
		return f, true
	}
	switch c := s[len(s)-1]; {
	case '0' <= c && c <= '9', c == '.':
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && f == 0 {
			return 0, false
		}
		return f, err == nil || math.IsInf(f, 0)
	}
	return parseSpecial(s)
}

// parseHex reads 0x1F and 0x1.8p3.
func parseHex(s string) (float64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	if len(digits) < 3 || digits[0] != '0' || digits[1]|0x20 != 'x' {
		return 0, false
	}
	if !strings.ContainsAny(digits, "pP") {
		digits += "p0"
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	if negative {
		f = -f
	}
	return f, true
}

func parseSpecial(s string) (float64, bool) {
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 {
		return 0, false
	}
	sign := 1.0
	if s[0] == '-' {
		sign = -1
	}
	switch strings.ToLower(body) {
	case "inf", "infinity":
		return math.Inf(int(sign)), true
	case "nan":
		return math.Copysign(math.NaN(), sign), true
	}
	return 0, false
}

// toNumber is lua_tonumber: numbers and strings that read as one.
func toNumber(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

// toText is lua_tolstring: strings, and numbers as text.
func toText(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		var scratch [32]byte
		return string(appendNumber(scratch[:0], float64(v))), true
	}
	return "", false
}

// truncate is C's cast of a double to a 64-bit integer on x86-64, where what
// does not fit is the smallest integer.
func truncate(f float64) int64 {
	if f >= -(1<<63) && f < 1<<63 {
		return int64(f)
	}
	return math.MinInt64
}

// appendArg writes a number as redis.call passes it, "%.17g".
func appendArg(dst []byte, f float64) []byte {
	if i := int64(f); float64(i) == f && -1e17 < f && f < 1e17 && !(i == 0 && math.Signbit(f)) {
		return strconv.AppendInt(dst, i, 10)
	}
	return appendG(dst, f, 17, false)
}
