package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (m *vm) stringFunctions() library {
	return library{
		"byte":    m.strByte,
		"char":    m.strChar,
		"dump":    m.strDump,
		"find":    func(L *lua.LState) int { return m.strSearch(L, true) },
		"format":  m.strFormat,
		"gfind":   m.strGfind,
		"gmatch":  m.strGmatch,
		"gsub":    m.strGsub,
		"len":     m.strLen,
		"lower":   func(L *lua.LState) int { return m.strMap(L, 'A', 'Z') },
		"match":   func(L *lua.LState) int { return m.strSearch(L, false) },
		"rep":     m.strRep,
		"reverse": m.strReverse,
		"sub":     m.strSub,
		"upper":   func(L *lua.LState) int { return m.strMap(L, 'a', 'z') },
	}
}

// relative turns a position that may count from the end into one from the
// beginning.
func relative(pos, length int) int {
	if pos < 0 {
		pos += length + 1
	}
	return max(pos, 0)
}

func (m *vm) strByte(L *lua.LState) int {
	s := m.checkString(L, 1)
	from := relative(m.optInt(L, 2, 1), len(s))
	to := min(relative(m.optInt(L, 3, from), len(s)), len(s))
	from = max(from, 1)
	if from > to {
		return 0
	}
	if to-from >= maxResults {
		m.fail(L, 1, "stack overflow (string slice too long)")
	}
	for i := from; i <= to; i++ {
		L.Push(lua.LNumber(s[i-1]))
	}
	return to - from + 1
}

func (m *vm) strChar(L *lua.LState) int {
	b := make([]byte, L.GetTop())
	for i := range b {
		c := m.checkInt(L, i+1)
		if c < 0 || c > 255 {
			m.argError(L, i+1, "invalid value")
		}
		b[i] = byte(c)
	}
	L.Push(lua.LString(b))
	return 1
}

func (m *vm) strDump(L *lua.LState) int {
	m.checkFunction(L, 1)
	m.fail(L, 1, "unable to dump given function")
	return 0
}

func (m *vm) strGfind(L *lua.LState) int {
	m.fail(L, 1, "'string.gfind' was renamed to 'string.gmatch'")
	return 0
}

func (m *vm) strLen(L *lua.LState) int {
	L.Push(lua.LNumber(len(m.checkString(L, 1))))
	return 1
}

// strMap changes the case of the letters from lo to hi.
func (m *vm) strMap(L *lua.LState, lo, hi byte) int {
	s := m.checkString(L, 1)
	m.reserve(L, len(s))
	b := []byte(s)
	for i, c := range b {
		if lo <= c && c <= hi {
			b[i] = c ^ 0x20
		}
	}
	L.Push(lua.LString(textOf(b)))
	return 1
}

func (m *vm) strRep(L *lua.LState) int {
	s, n := m.checkString(L, 1), m.checkInt(L, 2)
	if n <= 0 || s == "" {
		L.Push(lua.LString(""))
		return 1
	}
	if n > m.engine.opts.StringLimit/len(s) {
		m.end(errMemory)
		m.stop(L)
	}
	m.reserve(L, n*len(s))
	L.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func (m *vm) strReverse(L *lua.LState) int {
	s := m.checkString(L, 1)
	m.reserve(L, len(s))
	b := make([]byte, len(s))
	for i := range b {
		b[i] = s[len(s)-1-i]
	}
	L.Push(lua.LString(textOf(b)))
	return 1
}

func (m *vm) strSub(L *lua.LState) int {
	s := m.checkString(L, 1)
	from := max(relative(m.checkInt(L, 2), len(s)), 1)
	to := min(relative(m.optInt(L, 3, -1), len(s)), len(s))
	if from > to {
		L.Push(lua.LString(""))
		return 1
	}
	L.Push(m.slice(L, s, from-1, to))
	return 1
}

// strSearch is string.find and string.match.
func (m *vm) strSearch(L *lua.LState, find bool) int {
	s, pat := m.checkString(L, 1), m.checkString(L, 2)
	at := min(max(relative(m.optInt(L, 3, 1), len(s))-1, 0), len(s))
	if find && (lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(pat, "^$*+?.([%-")) {
		m.work(L, len(s)>>10)
		i := strings.Index(s[at:], pat)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(at + i + 1))
		L.Push(lua.LNumber(at + i + len(pat)))
		return 2
	}
	ms := &matcher{m: m, L: L, src: s, pat: pat}
	anchored := strings.HasPrefix(pat, "^")
	if anchored {
		ms.pat = pat[1:]
	}
	for ; at <= len(s); at++ {
		ms.level = 0
		if end := ms.match(at, 0); end >= 0 {
			if !find {
				return pushAll(L, ms.captures(at, end, true))
			}
			L.Push(lua.LNumber(at + 1))
			L.Push(lua.LNumber(end))
			return 2 + pushAll(L, ms.captures(at, end, false))
		}
		if anchored {
			break
		}
	}
	L.Push(lua.LNil)
	return 1
}

func (m *vm) strGmatch(L *lua.LState) int {
	s, pat := m.checkString(L, 1), m.checkString(L, 2)
	at := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		ms := &matcher{m: m, L: L, src: s, pat: pat}
		for ; at <= len(s); at++ {
			ms.level = 0
			if end := ms.match(at, 0); end >= 0 {
				from := at
				at = end
				if end == from {
					at++
				}
				return pushAll(L, ms.captures(from, end, true))
			}
		}
		return 0
	}))
	return 1
}

func (m *vm) strGsub(L *lua.LState) int {
	s, pat := m.checkString(L, 1), m.checkString(L, 2)
	repl := L.Get(3)
	switch repl.(type) {
	case lua.LString, lua.LNumber, *lua.LFunction, *lua.LTable:
	default:
		m.argError(L, 3, "string/function/table expected")
	}
	limit := m.optInt(L, 4, len(s)+1)
	ms := &matcher{m: m, L: L, src: s, pat: pat}
	anchored := strings.HasPrefix(pat, "^")
	if anchored {
		ms.pat = pat[1:]
	}
	var out []byte
	at, n := 0, 0
	for n < limit {
		ms.level = 0
		end := ms.match(at, 0)
		if end >= 0 {
			n++
			out = m.replacement(ms, out, repl, at, end)
		}
		switch {
		case end > at:
			at = end
		case at < len(s):
			out = append(out, s[at])
			at++
		default:
			anchored = true
		}
		if anchored {
			break
		}
	}
	if at < len(s) {
		out = append(out, s[at:]...)
	}
	m.reserve(L, len(out))
	L.Push(lua.LString(textOf(out)))
	L.Push(lua.LNumber(n))
	return 2
}

// replacement appends what takes the place of the match src[from:to].
func (m *vm) replacement(ms *matcher, out []byte, repl lua.LValue, from, to int) []byte {
	L := ms.L
	var v lua.LValue
	switch r := repl.(type) {
	case *lua.LFunction:
		v = m.invoke(L, r, ms.captures(from, to, true)...)
	case *lua.LTable:
		v = L.GetTable(r, ms.captured(0, from, to))
	default:
		text, _ := toText(repl)
		return m.expand(ms, out, text, from, to)
	}
	if !lua.LVAsBool(v) {
		return append(out, ms.src[from:to]...)
	}
	text, ok := toText(v)
	if !ok {
		m.fail(L, 1, "invalid replacement value (a "+v.Type().String()+")")
	}
	m.reserveGrowth(L, len(out), len(text))
	return append(out, text...)
}

// reserveGrowth checks a buffer that grows by n bytes; the bytes are counted
// once more when it becomes a string.
func (m *vm) reserveGrowth(L *lua.LState, have, n int) {
	if have > m.engine.opts.StringLimit-n {
		m.end(errMemory)
		m.stop(L)
	}
	m.charge(L, n)
}

// expand appends a replacement text with its %0 to %9.
func (m *vm) expand(ms *matcher, out []byte, text string, from, to int) []byte {
	m.reserveGrowth(ms.L, len(out), len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		i++
		switch {
		case i == len(text):
			out = append(out, 0) // what Lua 5.1 does: the terminator of the C string
		case !isDigit(text[i]):
			out = append(out, text[i])
		case text[i] == '0':
			m.reserveGrowth(ms.L, len(out), to-from)
			out = append(out, ms.src[from:to]...)
		default:
			s, _ := toText(ms.captured(int(text[i]-'1'), from, to))
			m.reserveGrowth(ms.L, len(out), len(s))
			out = append(out, s...)
		}
	}
	return out
}
