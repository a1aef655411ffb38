package script

import (
	"math"
	"strconv"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// bytesOf views a string's bytes; they must not be written.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// textOf views bytes as a string; they must not be written any more.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// reserve checks and counts a string of n bytes that is about to be built.
func (m *vm) reserve(L *lua.LState, n int) {
	if n > m.engine.opts.StringLimit || n < 0 {
		m.end(errMemory)
		m.stop(L)
	}
	m.charge(L, n+sizeElement)
}

// concat is the ".." operator on all its operands.
func (m *vm) concat(L *lua.LState) int {
	n, size := L.GetTop(), 0
	for i := 1; i <= n; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += 16
		default:
			return m.concatMeta(L)
		}
	}
	m.reserve(L, size)
	buf := make([]byte, 0, size)
	for i := 1; i <= n; i++ {
		buf = appendText(buf, L.Get(i))
	}
	L.Push(lua.LString(textOf(buf)))
	return 1
}

// appendText appends a string or a number as text.
func appendText(dst []byte, v lua.LValue) []byte {
	switch v := v.(type) {
	case lua.LString:
		return append(dst, v...)
	case lua.LNumber:
		return appendNumber(dst, float64(v))
	}
	return dst
}

// concatMeta is concat where a metamethod is needed: from the right, in pairs.
func (m *vm) concatMeta(L *lua.LState) int {
	acc := L.Get(L.GetTop())
	for i := L.GetTop() - 1; i > 0; i-- {
		left := L.Get(i)
		a, ok1 := toText(left)
		b, ok2 := toText(acc)
		if ok1 && ok2 {
			m.reserve(L, len(a)+len(b))
			acc = lua.LString(a + b)
			continue
		}
		fn := m.metamethod(L, left, "__concat")
		if fn == lua.LNil {
			fn = m.metamethod(L, acc, "__concat")
		}
		if fn == lua.LNil {
			culprit, at := left, i-1
			if ok1 {
				culprit, at = acc, i
			}
			m.failNamed(L, "attempt to concatenate ", 'k', strconv.Itoa(at), culprit)
		}
		acc = m.invoke(L, fn, left, acc)
	}
	L.Push(acc)
	return 1
}

// failNamed raises an error about a value, named as the script names it.
func (m *vm) failNamed(L *lua.LState, message string, kind byte, key string, v lua.LValue) {
	name := ""
	if p, ok := where(L, 1); ok && p.source == "@"+chunkName {
		name = m.names[nameKey{p.line, kind, key}]
	}
	m.fail(L, 1, message+named(name, v.Type().String()))
}

func (m *vm) metamethod(L *lua.LState, v lua.LValue, event string) lua.LValue {
	var meta lua.LValue = lua.LNil
	switch v := v.(type) {
	case *lua.LTable:
		meta = v.Metatable
	case *lua.LUserData:
		meta = v.Metatable
	}
	if t, ok := meta.(*lua.LTable); ok {
		return t.RawGetString(event)
	}
	return lua.LNil
}

// nest counts a call from a library function back into Lua; the caller
// decrements m.native when it returns, and whoever catches an error resets it.
func (m *vm) nest(L *lua.LState) {
	if m.native >= nativeDepth {
		m.fail(L, 0, "stack overflow")
	}
	m.native++
}

// invoke calls a function from a library function and returns its first result.
func (m *vm) invoke(L *lua.LState, fn lua.LValue, args ...lua.LValue) lua.LValue {
	m.nest(L)
	L.Push(fn)
	for _, a := range args {
		L.Push(a)
	}
	L.Call(len(args), 1)
	m.native--
	v := L.Get(-1)
	L.Pop(1)
	return v
}

// forNumber converts a bound of a numeric for.
func (m *vm) forNumber(L *lua.LState) int {
	f, ok := toNumber(L.Get(1))
	if !ok {
		which, _ := toText(L.Get(2))
		m.fail(L, 1, "'for' "+which+" must be a number")
	}
	L.Push(lua.LNumber(f))
	return 1
}

// checkKey counts what assigning to key k of t may allocate and returns k.
func (m *vm) checkKey(L *lua.LState) int {
	t, _ := L.Get(1).(*lua.LTable)
	k := L.Get(2)
	m.countKey(L, t, k)
	L.SetTop(2)
	return 1
}

// countKey: t may be nil if it is not known.
func (m *vm) countKey(L *lua.LState, t *lua.LTable, k lua.LValue) {
	if n, ok := k.(lua.LNumber); ok && n >= 1 && float64(n) < float64(lua.MaxArrayIndex) && n == lua.LNumber(int(n)) {
		grow := int(n)
		if t != nil {
			grow -= t.MaxN()
		}
		if grow > 0 {
			m.charge(L, grow*sizeElement)
		}
		return
	}
	if t == nil || k == lua.LNil || t.RawGet(k) != lua.LNil {
		return
	}
	m.charge(L, sizeField)
	if m.stales == nil {
		m.stales = make(map[*lua.LTable]int)
	}
	m.stales[t]++
}

// stale is how many of t's keys may be deleted ones, which gopher-lua's tables
// keep for ever.
func (m *vm) stale(t *lua.LTable) int {
	n := m.stales[t]
	if n == 0 {
		return 0
	}
	return max(0, n-count(t))
}

var arithmetic = map[string]func(a, b float64) float64{
	"add": func(a, b float64) float64 { return a + b },
	"sub": func(a, b float64) float64 { return a - b },
	"mul": func(a, b float64) float64 { return a * b },
	"div": func(a, b float64) float64 { return a / b },
	"mod": func(a, b float64) float64 { return a - math.Floor(a/b)*b },
	"pow": math.Pow,
}

// stringArithmetic is an operator with at least one string among its operands.
func (m *vm) stringArithmetic(op func(a, b float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		a, ok1 := toNumber(L.Get(1))
		b, ok2 := toNumber(L.Get(2))
		switch {
		case !ok1:
			m.failNamed(L, "attempt to perform arithmetic on ", 'a', "left", L.Get(1))
		case !ok2:
			m.failNamed(L, "attempt to perform arithmetic on ", 'a', "right", L.Get(2))
		}
		L.Push(lua.LNumber(op(a, b)))
		return 1
	}
}

func (m *vm) negateString(L *lua.LState) int {
	f, ok := toNumber(L.Get(1))
	if !ok {
		m.failNamed(L, "attempt to perform arithmetic on ", 'a', "minus", L.Get(1))
	}
	L.Push(lua.LNumber(-f))
	return 1
}
