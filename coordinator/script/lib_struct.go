package script

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxIntSize is the largest integer of struct.pack, in bytes.
	maxIntSize = 32
	// maxAlign is what '!' alone aligns to.
	maxAlign = 8
)

func (m *vm) structFunctions() library {
	return library{"pack": m.structPack, "unpack": m.structUnpack, "size": m.structSize}
}

// layout reads a format of the struct library.
type layout struct {
	m     *vm
	L     *lua.LState
	text  string
	big   bool
	align int
}

func (m *vm) layout(L *lua.LState) *layout {
	text := m.checkString(L, 1)
	if i := bytes.IndexByte(bytesOf(text), 0); i >= 0 {
		text = text[:i]
	}
	return &layout{m: m, L: L, text: text, align: 1}
}

func (f *layout) number(otherwise int) int {
	if f.text == "" || !isDigit(f.text[0]) {
		return otherwise
	}
	n := 0
	for f.text != "" && isDigit(f.text[0]) {
		n = 10*n + int(f.text[0]-'0')
		if n > math.MaxInt32 {
			f.m.fail(f.L, 1, "integral size overflow")
		}
		f.text = f.text[1:]
	}
	return n
}

// next returns the next option, its size in bytes and the padding before it at
// position pos.
func (f *layout) next(pos int) (opt byte, size, padding int) {
	opt = f.text[0]
	f.text = f.text[1:]
	switch opt {
	case 'b', 'B', 'x':
		size = 1
	case 'h', 'H':
		size = 2
	case 'l', 'L', 'T', 'd':
		size = 8
	case 'f':
		size = 4
	case 'c':
		return opt, f.number(1), 0
	case 'i', 'I':
		size = f.number(4)
		if size > maxIntSize {
			f.m.fail(f.L, 1, fmt.Sprintf("integral size %d is larger than limit of %d", size, maxIntSize))
		}
	}
	if size == 0 {
		return opt, 0, 0
	}
	unit := min(size, f.align)
	return opt, size, (unit - pos&(unit-1)) & (unit - 1)
}

// control applies an option that stands for no data.
func (f *layout) control(opt byte) {
	switch opt {
	case ' ':
	case '>':
		f.big = true
	case '<':
		f.big = false
	case '!':
		a := f.number(maxAlign)
		if a <= 0 || a&(a-1) != 0 {
			f.m.fail(f.L, 1, fmt.Sprintf("alignment %d is not a power of 2", a))
		}
		f.align = a
	default:
		f.m.argError(f.L, 1, fmt.Sprintf("invalid format option '%c'", opt))
	}
}

// putInt appends the low bytes of u; an integer of more than 8 bytes is filled
// with zeros, as the original shifts them in.
func (f *layout) putInt(out []byte, u uint64, size int) []byte {
	var b [maxIntSize]byte
	for i := range size {
		at := i
		if f.big {
			at = size - 1 - i
		}
		if i < 8 {
			b[at] = byte(u >> (8 * i))
		}
	}
	return append(out, b[:size]...)
}

func (f *layout) order() binary.AppendByteOrder {
	if f.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (m *vm) structPack(L *lua.LState) int {
	f := m.layout(L)
	L.Push(lua.LNil) // a missing argument counts as nil
	var out []byte
	arg := 2
	for f.text != "" {
		opt, size, padding := f.next(len(out))
		for range padding {
			out = append(out, 0)
		}
		switch opt {
		case 'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I':
			n := m.checkNumber(L, arg)
			u := uint64(truncate(n))
			if n >= 0 {
				u = unsignedOf(n)
			}
			out = f.putInt(out, u, size)
			arg++
		case 'x':
			out = append(out, 0)
		case 'f':
			out = f.order().AppendUint32(out, math.Float32bits(float32(m.checkNumber(L, arg))))
			arg++
		case 'd':
			out = f.order().AppendUint64(out, math.Float64bits(m.checkNumber(L, arg)))
			arg++
		case 'c', 's':
			out = m.packString(L, out, opt, size, arg)
			arg++
		default:
			f.control(opt)
		}
	}
	m.reserve(L, len(out))
	L.Push(lua.LString(textOf(out)))
	return 1
}

func (m *vm) packString(L *lua.LState, out []byte, opt byte, size, arg int) []byte {
	s := m.checkString(L, arg)
	if size == 0 {
		size = len(s)
	}
	if len(s) < size {
		m.argError(L, arg+1, "string too short")
	}
	m.reserveGrowth(L, len(out), size+1)
	out = append(out, s[:size]...)
	if opt == 's' {
		out = append(out, 0)
	}
	return out
}

// getInt reads an integer; lower-case options are signed.
func (f *layout) getInt(b []byte, signed bool) float64 {
	var u uint64
	for i := range b {
		c := b[len(b)-1-i]
		if f.big {
			c = b[i]
		}
		u = u<<8 | uint64(c)
	}
	if !signed {
		return float64(u)
	}
	if unused := 64 - 8*len(b); unused > 0 {
		return float64(int64(u<<unused) >> unused)
	}
	return float64(int64(u))
}

func (m *vm) structUnpack(L *lua.LState) int {
	f := m.layout(L)
	data := bytesOf(m.checkString(L, 2))
	pos := m.optInt(L, 3, 1) - 1
	if pos < 0 {
		m.argError(L, 3, "offset must be 1 or greater")
	}
	var out []lua.LValue
	room := func(size int) {
		if size > len(data) || pos > len(data)-size {
			m.argError(L, 2, "data string too short")
		}
	}
	for f.text != "" {
		opt, size, padding := f.next(pos)
		pos += padding
		room(size)
		if len(out) >= maxResults {
			m.fail(L, 1, "stack overflow (too many results)")
		}
		field := data[pos : pos+size]
		switch opt {
		case 'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I':
			out = append(out, lua.LNumber(f.getInt(field, opt >= 'a')))
		case 'x':
		case 'f':
			out = append(out, lua.LNumber(math.Float32frombits(uint32(f.bits(field)))))
		case 'd':
			out = append(out, lua.LNumber(math.Float64frombits(f.bits(field))))
		case 'c':
			if size == 0 {
				out, size = m.takeSize(L, out)
				room(size)
			}
			out = append(out, lua.LString(data[pos:pos+size]))
		case 's':
			n := bytes.IndexByte(data[pos:], 0)
			if n < 0 {
				m.fail(L, 1, "unfinished string in data")
			}
			out = append(out, lua.LString(data[pos:pos+n]))
			size = n + 1
		default:
			f.control(opt)
		}
		pos += size
	}
	n := pushAll(L, out)
	L.Push(lua.LNumber(pos + 1))
	return n + 1
}

// bits reads 4 or 8 bytes as an unsigned integer.
func (f *layout) bits(b []byte) (u uint64) {
	for i := range b {
		if f.big {
			u = u<<8 | uint64(b[i])
		} else {
			u |= uint64(b[i]) << (8 * i)
		}
	}
	return u
}

// takeSize removes the last value, which is the size of a "c0" field.
func (m *vm) takeSize(L *lua.LState, out []lua.LValue) ([]lua.LValue, int) {
	if len(out) == 0 {
		m.fail(L, 1, "format 'c0' needs a previous size")
	}
	f, ok := toNumber(out[len(out)-1])
	if !ok {
		m.fail(L, 1, "format 'c0' needs a previous size")
	}
	size := truncate(f)
	if size < 0 {
		m.argError(L, 2, "data string too short")
	}
	return out[:len(out)-1], int(size)
}

func (m *vm) structSize(L *lua.LState) int {
	f := m.layout(L)
	pos := 0
	for f.text != "" {
		opt, size, padding := f.next(pos)
		pos += padding + size
		switch {
		case opt == 's':
			m.argError(L, 1, "option 's' has no fixed size")
		case opt == 'c' && size == 0:
			m.argError(L, 1, "option 'c0' has no fixed size")
		case !isAlpha(opt) && !isDigit(opt):
			f.control(opt)
		}
	}
	L.Push(lua.LNumber(pos))
	return 1
}
