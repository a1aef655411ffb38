package script

import lua "github.com/yuin/gopher-lua"

// The check functions read argument n of the running function and raise Lua's
// errors for a wrong one.

func (m *vm) checkTable(L *lua.LState, n int) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		m.typeError(L, n, "table")
	}
	return t
}

func (m *vm) checkString(L *lua.LState, n int) string {
	s, ok := toText(L.Get(n))
	if !ok {
		m.typeError(L, n, "string")
	}
	return s
}

func (m *vm) checkNumber(L *lua.LState, n int) float64 {
	f, ok := toNumber(L.Get(n))
	if !ok {
		m.typeError(L, n, "number")
	}
	return f
}

func (m *vm) checkInt(L *lua.LState, n int) int { return int(truncate(m.checkNumber(L, n))) }

func (m *vm) optInt(L *lua.LState, n, otherwise int) int {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return m.checkInt(L, n)
}

func (m *vm) optString(L *lua.LState, n int, otherwise string) string {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return m.checkString(L, n)
}

func (m *vm) checkFunction(L *lua.LState, n int) *lua.LFunction {
	fn, ok := L.Get(n).(*lua.LFunction)
	if !ok {
		m.typeError(L, n, "function")
	}
	return fn
}

func (m *vm) checkAny(L *lua.LState, n int) lua.LValue {
	if n > L.GetTop() {
		m.argError(L, n, "value expected")
	}
	return L.Get(n)
}
