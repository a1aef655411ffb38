package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxUnpack is how many values unpack may return, as in Redis.
	maxUnpack = 7999
	// maxResults is the same for other library functions, which there have taken
	// some of the stack by then.
	maxResults = 7990
)

func (m *vm) baseFunctions() library {
	return library{
		"assert":                m.baseAssert,
		"collectgarbage":        m.baseCollect,
		"error":                 m.baseError,
		"gcinfo":                m.baseGcinfo,
		"getmetatable":          m.baseGetmetatable,
		"ipairs":                m.baseIpairs,
		"load":                  m.baseLoad,
		"loadstring":            m.baseLoadstring,
		"next":                  m.baseNext,
		"pairs":                 m.basePairs,
		"pcall":                 m.basePcall,
		"rawequal":              m.baseRawequal,
		"rawget":                m.baseRawget,
		"rawset":                m.baseRawset,
		"select":                m.baseSelect,
		"setmetatable":          m.baseSetmetatable,
		"tonumber":              m.baseTonumber,
		"tostring":              m.baseTostring,
		"type":                  m.baseType,
		"unpack":                m.baseUnpack,
		"xpcall":                m.baseXpcall,
		"__redis__err__handler": m.baseErrorHandler,
	}
}

func (m *vm) baseAssert(L *lua.LState) int {
	if !lua.LVAsBool(m.checkAny(L, 1)) {
		m.fail(L, 1, m.optString(L, 2, "assertion failed!"))
	}
	return L.GetTop()
}

// baseCollect answers as the collector would; Go's needs no help.
func (m *vm) baseCollect(L *lua.LState) int {
	switch opt := m.optString(L, 1, "collect"); opt {
	case "collect", "stop", "restart", "step", "setpause", "setstepmul":
		L.Push(lua.LNumber(0))
	case "count":
		L.Push(lua.LNumber(float64(m.live+m.charged) / 1024))
	default:
		m.argError(L, 1, "invalid option '"+opt+"'")
	}
	return 1
}

func (m *vm) baseGcinfo(L *lua.LState) int {
	L.Push(lua.LNumber((m.live + m.charged) / 1024))
	return 1
}

func (m *vm) baseError(L *lua.LState) int {
	level := m.optInt(L, 2, 1)
	v := L.Get(1)
	if s, ok := v.(lua.LString); ok && level > 0 {
		m.fail(L, level, string(s))
	}
	m.raise(L, v)
	return 0
}

// baseErrorHandler is a global of Redis that scripts should not, but can, call.
func (m *vm) baseErrorHandler(L *lua.LState) int {
	if _, ok := L.Get(1).(*lua.LTable); ok {
		L.SetTop(1)
		return 1
	}
	L.Push(m.errorTable("ERR " + m.tostring(L, L.Get(1))))
	return 1
}

func (m *vm) baseGetmetatable(L *lua.LState) int {
	switch v := m.checkAny(L, 1).(type) {
	case lua.LString:
		L.Push(m.stringMeta)
	case *lua.LTable:
		L.Push(m.metatable(v))
	default:
		L.Push(lua.LNil)
	}
	return 1
}

// metatable is what scripts see as t's; that of a proxy is hidden.
func (m *vm) metatable(t *lua.LTable) lua.LValue {
	if _, ok := m.contents[t]; ok {
		return lua.LNil
	}
	if meta, ok := t.Metatable.(*lua.LTable); ok {
		if hidden := meta.RawGetString("__metatable"); hidden != lua.LNil {
			return hidden
		}
	}
	return t.Metatable
}

func (m *vm) baseSetmetatable(L *lua.LState) int {
	t := m.checkTable(L, 1)
	meta := L.Get(2)
	_, isTable := meta.(*lua.LTable)
	if L.GetTop() < 2 || !isTable && meta != lua.LNil {
		m.argError(L, 2, "nil or table expected")
	}
	if old, ok := t.Metatable.(*lua.LTable); ok && old.RawGetString("__metatable") != lua.LNil {
		m.fail(L, 1, "cannot change a protected metatable")
	}
	m.writing(L, t)
	t.Metatable = meta
	if isTable {
		t.Metatable = m.reading(meta.(*lua.LTable))
	}
	L.SetTop(1)
	return 1
}

func (m *vm) baseIpairs(L *lua.LState) int {
	t := m.checkTable(L, 1)
	L.Push(m.iterators.array)
	L.Push(t)
	L.Push(lua.LNumber(0))
	return 3
}

func (m *vm) ipairsStep(L *lua.LState) int {
	t, i := m.reading(m.checkTable(L, 1)), m.checkInt(L, 2)+1
	v := t.RawGetInt(i)
	if v == lua.LNil {
		return 0
	}
	L.Push(lua.LNumber(i))
	L.Push(v)
	return 2
}

func (m *vm) basePairs(L *lua.LState) int {
	t := m.checkTable(L, 1)
	L.Push(m.iterators.next)
	L.Push(t)
	L.Push(lua.LNil)
	return 3
}

func (m *vm) baseNext(L *lua.LState) int {
	t := m.reading(m.checkTable(L, 1))
	k := L.Get(2)
	if k != lua.LNil && m.foreign(t, k) {
		m.fail(L, 0, "invalid key to 'next'")
	}
	k, v := t.Next(k)
	if k == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(k)
	L.Push(v)
	return 2
}

// foreign tells that k was surely never a key of t: gopher-lua would begin
// again from the first key.
func (m *vm) foreign(t *lua.LTable, k lua.LValue) bool {
	if n, ok := k.(lua.LNumber); ok && n >= 1 && int(n) <= t.MaxN() {
		return false
	}
	if t.RawGet(k) != lua.LNil {
		return false
	}
	first, _ := t.Next(lua.LNil)
	return first == lua.LNil
}

func (m *vm) baseRawequal(L *lua.LState) int {
	a, b := m.checkAny(L, 1), m.checkAny(L, 2)
	L.Push(lua.LBool(L.RawEqual(a, b)))
	return 1
}

func (m *vm) baseRawget(L *lua.LState) int {
	t := m.reading(m.checkTable(L, 1))
	L.Push(t.RawGet(m.checkAny(L, 2)))
	return 1
}

func (m *vm) baseRawset(L *lua.LState) int {
	t, k, v := m.checkTable(L, 1), m.checkAny(L, 2), m.checkAny(L, 3)
	m.setElement(L, t, k, v)
	L.SetTop(1)
	return 1
}

// setElement is lua_rawset with its errors, counted.
func (m *vm) setElement(L *lua.LState, t *lua.LTable, k, v lua.LValue) {
	m.writing(L, t)
	if k == lua.LNil {
		m.fail(L, 0, "table index is nil")
	}
	if n, ok := k.(lua.LNumber); ok && n != n {
		m.fail(L, 0, "table index is NaN")
	}
	m.countKey(L, t, k)
	t.RawSet(k, v)
}

func (m *vm) baseSelect(L *lua.LState) int {
	n := L.GetTop()
	if s, ok := L.Get(1).(lua.LString); ok && strings.HasPrefix(string(s), "#") {
		L.Push(lua.LNumber(n - 1))
		return 1
	}
	i := m.checkInt(L, 1)
	switch {
	case i < 0:
		i = n + i
	case i > n:
		i = n
	}
	if i < 1 {
		m.argError(L, 1, "index out of range")
	}
	return n - i
}

func (m *vm) baseTonumber(L *lua.LState) int {
	base := m.optInt(L, 2, 10)
	if base == 10 {
		if f, ok := toNumber(m.checkAny(L, 1)); ok {
			L.Push(lua.LNumber(f))
			return 1
		}
		L.Push(lua.LNil)
		return 1
	}
	s := m.checkString(L, 1)
	if base < 2 || base > 36 {
		m.argError(L, 2, "base out of range")
	}
	L.Push(inBase(trimSpace(s), base))
	return 1
}

// inBase reads an unsigned integer as C's strtoul does.
func inBase(s string, base int) lua.LValue {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	if base == 16 && len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		digits = digits[2:]
	}
	if digits == "" || strings.ContainsAny(digits, "_+-") {
		return lua.LNil
	}
	u, err := strconv.ParseUint(digits, base, 64)
	if err != nil && u != math.MaxUint64 {
		return lua.LNil
	}
	if negative {
		u = -u
	}
	return lua.LNumber(u)
}

func (m *vm) baseTostring(L *lua.LState) int {
	v := m.checkAny(L, 1)
	if fn := m.metamethod(L, v, "__tostring"); fn != lua.LNil {
		L.Push(m.invoke(L, fn, v))
		return 1
	}
	L.Push(lua.LString(m.tostring(L, v)))
	return 1
}

func (m *vm) tostring(L *lua.LState, v lua.LValue) string {
	if s, ok := toText(v); ok {
		return s
	}
	switch v.(type) {
	case *lua.LTable, *lua.LFunction, *lua.LState, *lua.LUserData:
		return fmt.Sprintf("%s: %p", v.Type(), v)
	}
	return v.String()
}

func (m *vm) baseType(L *lua.LState) int {
	L.Push(lua.LString(m.checkAny(L, 1).Type().String()))
	return 1
}

func (m *vm) baseUnpack(L *lua.LState) int {
	t := m.reading(m.checkTable(L, 1))
	from := m.optInt(L, 2, 1)
	to := t.Len()
	if L.Get(3) != lua.LNil {
		to = m.checkInt(L, 3)
	}
	if from > to {
		return 0
	}
	if n := uint(to) - uint(from); n >= maxUnpack {
		m.fail(L, 1, "too many results to unpack")
	}
	for i := from; i <= to; i++ {
		L.Push(t.RawGet(lua.LNumber(i)))
	}
	return to - from + 1
}
