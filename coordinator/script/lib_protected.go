package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// protected calls the function below nargs arguments on the stack and returns
// how many results it left, or the value of its error.
func (m *vm) protected(L *lua.LState, nargs int) (n int, failed lua.LValue) {
	m.nest(L)
	native := m.native
	base := L.GetTop() - nargs - 1
	L.Insert(m.trampoline, base+1)
	err := L.PCall(nargs+1, lua.MultRet, nil)
	m.native = native - 1
	if err == nil {
		return L.GetTop() - base, nil
	}
	v := m.caught(err)
	if m.ended != nil {
		m.stop(L)
	}
	return 0, v
}

// basePcall is Redis's: of an error table, the script gets the message.
func (m *vm) basePcall(L *lua.LState) int {
	m.checkAny(L, 1)
	n, failed := m.protected(L, L.GetTop()-1)
	if failed == nil {
		L.Insert(lua.LTrue, 1)
		return n + 1
	}
	if t, ok := failed.(*lua.LTable); ok {
		if s, ok := toText(m.reading(t).RawGetString("err")); ok {
			failed = lua.LString(s)
		}
	}
	L.Push(lua.LFalse)
	L.Push(failed)
	return 2
}

func (m *vm) baseXpcall(L *lua.LState) int {
	m.checkAny(L, 2)
	handler := L.Get(2)
	L.Push(L.Get(1))
	n, failed := m.protected(L, 0)
	if failed == nil {
		L.Insert(lua.LTrue, L.GetTop()-n+1)
		return n + 1
	}
	L.Push(handler)
	L.Push(failed)
	n, again := m.protected(L, 1)
	if again != nil {
		L.Push(lua.LFalse)
		L.Push(again)
		return 2
	}
	L.Insert(lua.LFalse, L.GetTop()-n+1)
	return n + 1
}

func (m *vm) baseLoadstring(L *lua.LState) int {
	text := m.checkString(L, 1)
	return m.loadText(L, text, m.optString(L, 2, text))
}

func (m *vm) baseLoad(L *lua.LState) int {
	fn := m.checkFunction(L, 1)
	name := m.optString(L, 2, "=(load)")
	var text []byte
	for {
		piece := m.invoke(L, fn)
		if piece == lua.LNil {
			break
		}
		s, ok := piece.(lua.LString)
		if !ok {
			L.Push(lua.LNil)
			L.Push(lua.LString("reader function must return a string"))
			return 2
		}
		if s == "" {
			break
		}
		m.reserve(L, len(text)+len(s))
		text = append(text, s...)
	}
	return m.loadText(L, string(text), name)
}

// compileCost is how many bytes compiling takes for one byte of text.
const compileCost = 100

func (m *vm) loadText(L *lua.LState, text, name string) int {
	m.charge(L, len(text)*compileCost)
	m.work(L, len(text))
	proto, _, err := compileChunk(text, displayName(name), false)
	if err != nil {
		L.Push(lua.LNil)
		L.Push(lua.LString(err.Error()))
		return 2
	}
	L.Push(m.function(proto))
	return 1
}

// displayName shortens a chunk's name as Lua's messages do.
func displayName(name string) string {
	const room = 60
	if name != "" && (name[0] == '=' || name[0] == '@') {
		return name[1:]
	}
	line, _, more := strings.Cut(name, "\n")
	const frame = len(`[string "..."]`) + 1
	if more || len(line) > room-frame {
		if len(line) > room-frame {
			line = line[:room-frame]
		}
		return `[string "` + line + `..."]`
	}
	return `[string "` + line + `"]`
}
