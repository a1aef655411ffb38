package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// directive is one conversion of a format: %-08.3f.
type directive struct {
	minus, plus, space, alt, zero bool
	width, prec                   int // prec is -1 if there is none
	verb                          byte
}

func (m *vm) strFormat(L *lua.LState) int {
	format := m.checkString(L, 1)
	out := make([]byte, 0, len(format)+32)
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out = append(out, format[i])
			continue
		}
		if i++; i < len(format) && format[i] == '%' {
			out = append(out, '%')
			continue
		}
		arg++
		if arg > L.GetTop() {
			m.argError(L, arg, "no value")
		}
		d, next := m.readDirective(L, format, i)
		i = next
		out = m.convert(L, out, d, arg)
		if len(out) > m.engine.opts.StringLimit {
			m.reserve(L, len(out))
		}
	}
	m.reserve(L, len(out))
	L.Push(lua.LString(textOf(out)))
	return 1
}

// readDirective reads the directive that begins after '%' at i, and returns the
// index of its last character.
func (m *vm) readDirective(L *lua.LState, format string, i int) (d directive, last int) {
	start := i
	for ; i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0; i++ {
		switch format[i] {
		case '-':
			d.minus = true
		case '+':
			d.plus = true
		case ' ':
			d.space = true
		case '#':
			d.alt = true
		case '0':
			d.zero = true
		}
	}
	if i-start > 5 {
		m.fail(L, 1, "invalid format (repeated flags)")
	}
	number := func() (n int) {
		for digits := 0; digits < 2 && i < len(format) && isDigit(format[i]); digits++ {
			n = 10*n + int(format[i]-'0')
			i++
		}
		return n
	}
	d.width, d.prec = number(), -1
	if i < len(format) && format[i] == '.' {
		i++
		d.prec = number()
	}
	if i < len(format) && isDigit(format[i]) {
		m.fail(L, 1, "invalid format (width or precision too long)")
	}
	if i < len(format) {
		d.verb = format[i]
	}
	return d, i
}

func (m *vm) convert(L *lua.LState, out []byte, d directive, arg int) []byte {
	switch d.verb {
	case 'c':
		d.zero = false
		c := byte(truncate(m.checkNumber(L, arg)))
		if c == 0 { // C prints up to the terminator
			return pad(out, d, "", strings.Repeat(" ", max(d.width-1, 0)))[:len(out)+widthBefore(d)]
		}
		return pad(out, d, "", string([]byte{c}))
	case 'd', 'i':
		return d.integer(out, truncate(m.checkNumber(L, arg)))
	case 'o', 'u', 'x', 'X':
		return d.unsigned(out, uint64(unsignedOf(m.checkNumber(L, arg))))
	case 'e', 'E', 'f', 'g', 'G':
		return d.float(out, m.checkNumber(L, arg))
	case 'q':
		return quote(out, m.checkString(L, arg))
	case 's':
		s := m.checkString(L, arg)
		if d.prec < 0 && len(s) >= 100 {
			m.reserveGrowth(L, len(out), len(s))
			return append(out, s...)
		}
		if i := strings.IndexByte(s, 0); i >= 0 {
			s = s[:i]
		}
		if d.prec >= 0 && len(s) > d.prec {
			s = s[:d.prec]
		}
		d.zero = false
		return pad(out, d, "", s)
	}
	m.fail(L, 1, fmt.Sprintf("invalid option '%%%c' to 'format'", d.verb))
	return out
}

// widthBefore is how much of "%5c" of a zero byte C's string functions keep.
func widthBefore(d directive) int {
	if d.minus {
		return 0
	}
	return max(d.width-1, 0)
}

// unsignedOf is C's cast of a double to an unsigned 64-bit integer on x86-64.
func unsignedOf(f float64) uint64 {
	if f >= 1<<63 && f < 1<<64 {
		return uint64(f)
	}
	return uint64(truncate(f))
}

// pad appends sign and body, filled to the directive's width.
func pad(out []byte, d directive, sign, body string) []byte {
	fill := max(d.width-len(sign)-len(body), 0)
	switch {
	case d.minus:
		out = append(append(out, sign...), body...)
		return append(out, strings.Repeat(" ", fill)...)
	case d.zero:
		out = append(append(out, sign...), strings.Repeat("0", fill)...)
		return append(out, body...)
	}
	out = append(append(out, strings.Repeat(" ", fill)...), sign...)
	return append(out, body...)
}

func (d directive) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case d.plus:
		return "+"
	case d.space:
		return " "
	}
	return ""
}

// digits fills an integer's digits to the precision.
func (d *directive) digits(s string) string {
	if d.prec >= 0 {
		d.zero = false
		if d.prec == 0 && s == "0" {
			return ""
		}
		s = strings.Repeat("0", max(d.prec-len(s), 0)) + s
	}
	return s
}

func (d directive) integer(out []byte, n int64) []byte {
	u := uint64(n)
	if n < 0 {
		u = -u
	}
	body := d.digits(strconv.FormatUint(u, 10))
	return pad(out, d, d.sign(n < 0), body)
}

func (d directive) unsigned(out []byte, u uint64) []byte {
	base, prefix := 10, ""
	switch d.verb {
	case 'o':
		base = 8
	case 'x', 'X':
		base = 16
		if d.alt && u != 0 {
			prefix = "0" + string(d.verb)
		}
	}
	body := d.digits(strconv.FormatUint(u, base))
	if d.verb == 'X' {
		body = strings.ToUpper(body)
	}
	if d.verb == 'o' && d.alt && !strings.HasPrefix(body, "0") {
		body = "0" + body
	}
	return pad(out, d, prefix, body)
}

func (d directive) float(out []byte, f float64) []byte {
	prec := d.prec
	if prec < 0 {
		prec = 6
	}
	negative := math.Signbit(f)
	abs := math.Abs(f)
	var body []byte
	switch {
	case f != f || math.IsInf(f, 0):
		body, _ = appendSpecial(nil, abs)
		d.zero = false
	case d.verb|0x20 == 'f':
		body = strconv.AppendFloat(nil, abs, 'f', prec, 64)
	case d.verb|0x20 == 'e':
		body = strconv.AppendFloat(nil, abs, 'e', prec, 64)
	default:
		body = appendG(nil, abs, prec, d.alt)
	}
	text := string(body)
	if d.alt && !strings.Contains(text, ".") && d.verb|0x20 != 'g' {
		mantissa, exponent, found := strings.Cut(text, "e")
		text = mantissa + "."
		if found {
			text += "e" + exponent
		}
	}
	if d.verb == 'E' || d.verb == 'G' {
		text = strings.ToUpper(text)
	}
	return pad(out, d, d.sign(negative), text)
}

// quote appends s as a Lua string literal.
func quote(out []byte, s string) []byte {
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
