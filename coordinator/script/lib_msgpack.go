package script

import (
	"encoding/binary"
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// maxPackDepth is the nesting that cmsgpack.pack writes; deeper tables are nil.
const maxPackDepth = 16

func (m *vm) msgpackLibrary() *lua.LTable {
	t := m.table(library{
		"pack":         m.mpPack,
		"unpack":       m.mpUnpack,
		"unpack_one":   m.mpUnpackOne,
		"unpack_limit": m.mpUnpackLimit,
	})
	t.RawSetString("_NAME", lua.LString("cmsgpack"))
	t.RawSetString("_VERSION", lua.LString("lua-cmsgpack 0.4.0"))
	t.RawSetString("_COPYRIGHT", lua.LString("Copyright (C) 2012, Salvatore Sanfilippo"))
	t.RawSetString("_DESCRIPTION", lua.LString("MessagePack C implementation for Lua"))
	return t
}

// packer appends values as MessagePack.
type packer struct {
	m   *vm
	L   *lua.LState
	out []byte
}

func (m *vm) mpPack(L *lua.LState) int {
	if L.GetTop() == 0 {
		m.argError(L, 0, "MessagePack pack needs input.")
	}
	p := packer{m: m, L: L}
	for i := 1; i <= L.GetTop(); i++ {
		p.value(L.Get(i), 0)
	}
	m.reserve(L, len(p.out))
	L.Push(lua.LString(textOf(p.out)))
	return 1
}

func (p *packer) value(v lua.LValue, depth int) {
	switch v := v.(type) {
	case lua.LString:
		p.m.reserveGrowth(p.L, len(p.out), len(v))
		p.text(string(v))
	case lua.LBool:
		p.out = append(p.out, 0xc2)
		if v {
			p.out[len(p.out)-1] = 0xc3
		}
	case lua.LNumber:
		p.number(float64(v))
	case *lua.LTable:
		if depth < maxPackDepth {
			p.table(p.m.reading(v), depth)
			return
		}
		p.out = append(p.out, 0xc0)
	default:
		p.out = append(p.out, 0xc0)
	}
}

func (p *packer) text(s string) {
	switch n := len(s); {
	case n < 32:
		p.out = append(p.out, 0xa0|byte(n))
	case n <= 0xff:
		p.out = append(p.out, 0xd9, byte(n))
	case n <= 0xffff:
		p.out = binary.BigEndian.AppendUint16(append(p.out, 0xda), uint16(n))
	default:
		p.out = binary.BigEndian.AppendUint32(append(p.out, 0xdb), uint32(n))
	}
	p.out = append(p.out, s...)
}

func (p *packer) number(f float64) {
	if n := truncate(f); float64(n) == f {
		p.integer(n)
		return
	}
	if single := float32(f); float64(single) == f {
		p.out = binary.BigEndian.AppendUint32(append(p.out, 0xca), math.Float32bits(single))
		return
	}
	p.out = binary.BigEndian.AppendUint64(append(p.out, 0xcb), math.Float64bits(f))
}

func (p *packer) integer(n int64) {
	be := binary.BigEndian
	switch {
	case n >= -32 && n <= 127:
		p.out = append(p.out, byte(n))
	case n >= 0 && n <= 0xff:
		p.out = append(p.out, 0xcc, byte(n))
	case n >= 0 && n <= 0xffff:
		p.out = be.AppendUint16(append(p.out, 0xcd), uint16(n))
	case n >= 0 && n <= 0xffffffff:
		p.out = be.AppendUint32(append(p.out, 0xce), uint32(n))
	case n >= 0:
		p.out = be.AppendUint64(append(p.out, 0xcf), uint64(n))
	case n >= math.MinInt8:
		p.out = append(p.out, 0xd0, byte(n))
	case n >= math.MinInt16:
		p.out = be.AppendUint16(append(p.out, 0xd1), uint16(n))
	case n >= math.MinInt32:
		p.out = be.AppendUint32(append(p.out, 0xd2), uint32(n))
	default:
		p.out = be.AppendUint64(append(p.out, 0xd3), uint64(n))
	}
}

// table writes an array if the keys are exactly 1 to n, else a map.
func (p *packer) table(t *lua.LTable, depth int) {
	p.m.work(p.L, 1)
	n, top, array := 0, 0, true
	t.ForEach(func(k, _ lua.LValue) {
		n++
		i, ok := k.(lua.LNumber)
		if !ok || i <= 0 || i > math.MaxInt32 || float64(int(i)) != float64(i) {
			array = false
			return
		}
		top = max(top, int(i))
	})
	if array && top == n {
		p.header(n, 0x90, 0xdc)
		for i := 1; i <= n; i++ {
			p.value(t.RawGetInt(i), depth+1)
		}
		return
	}
	p.header(n, 0x80, 0xde)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		p.value(k, depth+1)
		p.value(v, depth+1)
	}
}

// header writes the size of an array or a map.
func (p *packer) header(n int, fix, wide byte) {
	p.m.reserveGrowth(p.L, len(p.out), n)
	switch {
	case n <= 15:
		p.out = append(p.out, fix|byte(n))
	case n <= 0xffff:
		p.out = binary.BigEndian.AppendUint16(append(p.out, wide), uint16(n))
	default:
		p.out = binary.BigEndian.AppendUint32(append(p.out, wide+1), uint32(n))
	}
}

func (m *vm) mpUnpack(L *lua.LState) int { return m.unpackAll(L, 0, 0) }

func (m *vm) mpUnpackOne(L *lua.LState) int { return m.unpackAll(L, 1, m.optInt(L, 2, 0)) }

func (m *vm) mpUnpackLimit(L *lua.LState) int {
	limit := m.checkInt(L, 2)
	return m.unpackAll(L, limit, m.optInt(L, 3, 0))
}

// unpackAll reads up to limit values from offset on; with neither, all. Else
// the first result is where to go on, -1 at the end.
func (m *vm) unpackAll(L *lua.LState, limit, offset int) int {
	s := m.checkString(L, 1)
	if offset < 0 || limit < 0 {
		m.fail(L, 1, fmt.Sprintf("Invalid request to unpack with offset of %d and limit of %d.", offset, len(s)))
	}
	if offset > len(s) {
		m.fail(L, 1, fmt.Sprintf("Start offset %d greater than input length %d.", offset, len(s)))
	}
	all := limit == 0 && offset == 0
	u := unpacker{m: m, L: L, data: s[offset:]}
	var out []lua.LValue
	for n := 0; u.data != "" && (all || n < limit); n++ {
		if n >= maxResults {
			m.fail(L, 1, "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)")
		}
		out = append(out, u.value(0))
	}
	if all {
		return pushAll(L, out)
	}
	next := -1
	if u.data != "" {
		next = len(s) - len(u.data)
	}
	L.Push(lua.LNumber(next))
	return 1 + pushAll(L, out)
}

// unpacker reads MessagePack.
type unpacker struct {
	m    *vm
	L    *lua.LState
	data string
}

// maxUnpackDepth bounds the nesting of what is unpacked: Lua's stack ends there.
const maxUnpackDepth = 7990

func (u *unpacker) take(n uint64) string {
	if uint64(len(u.data)) < n {
		u.m.fail(u.L, 1, "Missing bytes in input.")
	}
	s := u.data[:n]
	u.data = u.data[n:]
	return s
}

// uint reads an unsigned integer of n bytes.
func (u *unpacker) uint(n uint64) (v uint64) {
	for _, c := range []byte(u.take(n)) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (u *unpacker) value(depth int) lua.LValue {
	u.m.charge(u.L, sizeElement)
	u.m.work(u.L, 1)
	if depth > maxUnpackDepth {
		u.m.fail(u.L, 1, "stack overflow (in function mp_decode_to_lua_array)")
	}
	c := u.take(1)[0]
	switch {
	case c < 0x80:
		return lua.LNumber(c)
	case c < 0x90:
		return u.mapping(uint64(c&0xf), depth)
	case c < 0xa0:
		return u.array(uint64(c&0xf), depth)
	case c < 0xc0:
		return u.text(uint64(c & 0x1f))
	case c >= 0xe0:
		return lua.LNumber(int8(c))
	}
	return u.wide(c, depth)
}

func (u *unpacker) wide(c byte, depth int) lua.LValue {
	switch c {
	case 0xc0:
		return lua.LNil
	case 0xc2:
		return lua.LFalse
	case 0xc3:
		return lua.LTrue
	case 0xca:
		return lua.LNumber(math.Float32frombits(uint32(u.uint(4))))
	case 0xcb:
		return lua.LNumber(math.Float64frombits(u.uint(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return lua.LNumber(u.uint(1 << (c - 0xcc)))
	case 0xd0:
		return lua.LNumber(int8(u.uint(1)))
	case 0xd1:
		return lua.LNumber(int16(u.uint(2)))
	case 0xd2:
		return lua.LNumber(int32(u.uint(4)))
	case 0xd3:
		return lua.LNumber(int64(u.uint(8)))
	case 0xd9, 0xda, 0xdb:
		return u.text(u.uint(1 << (c - 0xd9)))
	case 0xdc, 0xdd:
		return u.array(u.uint(2<<(c-0xdc)), depth)
	case 0xde, 0xdf:
		return u.mapping(u.uint(2<<(c-0xde)), depth)
	}
	u.m.fail(u.L, 1, "Bad data format in input.")
	return lua.LNil
}

func (u *unpacker) text(n uint64) lua.LValue {
	s := u.take(n)
	u.m.reserve(u.L, len(s))
	return lua.LString([]byte(s))
}

func (u *unpacker) array(n uint64, depth int) lua.LValue {
	u.m.charge(u.L, sizeTable)
	t := u.m.L.CreateTable(int(min(n, uint64(len(u.data)), 64)), 0)
	for i := uint64(1); i <= n; i++ {
		t.RawSetInt(int(i), u.value(depth+1))
	}
	return t
}

func (u *unpacker) mapping(n uint64, depth int) lua.LValue {
	u.m.charge(u.L, sizeTable)
	t := u.m.L.CreateTable(0, int(min(n, uint64(len(u.data)), 64)))
	for range n {
		k := u.value(depth + 1)
		v := u.value(depth + 1)
		u.m.setElement(u.L, t, k, v)
	}
	return t
}
