package script

import (
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// maxReplyDepth bounds the nesting of a command's reply.
const maxReplyDepth = 128

// parser turns one RESP reply into Lua values.
type parser struct {
	m   *vm
	buf []byte
}

// line cuts the reply's next line off.
func (p *parser) line() (b []byte, ok bool) {
	for i := 0; i+1 < len(p.buf); i++ {
		if p.buf[i] == '\r' && p.buf[i+1] == '\n' {
			b, p.buf = p.buf[:i], p.buf[i+2:]
			return b, true
		}
	}
	return nil, false
}

// value reads one reply. ok is false if it is malformed, which only a defect of
// the Caller can cause.
func (p *parser) value(depth int) (v lua.LValue, ok bool) {
	line, ok := p.line()
	if !ok || len(line) == 0 || depth > maxReplyDepth {
		return lua.LNil, false
	}
	kind, text := line[0], line[1:]
	switch kind {
	case ':':
		n, ok := parseInt(text)
		return integer(n), ok
	case '$':
		return p.bulk(text)
	case '+':
		if string(text) == "OK" {
			return p.field("ok", lua.LString("OK")), true
		}
		return p.field("ok", lua.LString(text)), true
	case '-':
		t := p.m.errorTable(redisError(string(text)))
		t.RawSetString("ignore_error_stats_update", lua.LTrue)
		return t, true
	case '*', '~', '%', '>', '|':
		return p.aggregate(kind, text, depth)
	}
	return p.resp3(kind, text)
}

func (p *parser) field(name string, v lua.LValue) lua.LValue {
	t := p.m.L.CreateTable(0, 1)
	t.RawSetString(name, v)
	return t
}

func (p *parser) bulk(text []byte) (v lua.LValue, ok bool) {
	n, ok := parseInt(text)
	if !ok || n >= 0 && int64(len(p.buf)) < n+2 {
		return lua.LNil, false
	}
	if n < 0 {
		return lua.LFalse, true
	}
	b := p.buf[:n]
	p.buf = p.buf[n+2:]
	return lua.LString(b), true
}

func (p *parser) aggregate(kind byte, text []byte, depth int) (v lua.LValue, ok bool) {
	n, ok := parseInt(text)
	if !ok || n > int64(len(p.buf)) {
		return lua.LNil, false
	}
	if n < 0 {
		return lua.LFalse, true
	}
	switch kind {
	case '%':
		return p.mapping("map", int(n), depth)
	case '~':
		return p.set(int(n), depth)
	case '|': // attributes are not shown to scripts
		if _, ok := p.mapping("", int(n), depth); !ok {
			return lua.LNil, false
		}
		return p.value(depth + 1)
	}
	t := p.m.L.CreateTable(int(n), 0)
	for i := 1; i <= int(n); i++ {
		e, ok := p.value(depth + 1)
		if !ok {
			return lua.LNil, false
		}
		t.RawSetInt(i, e)
	}
	return t, true
}

func (p *parser) mapping(name string, n, depth int) (v lua.LValue, ok bool) {
	t := p.m.L.CreateTable(0, n)
	for range n {
		k, ok1 := p.value(depth + 1)
		e, ok2 := p.value(depth + 1)
		if !ok1 || !ok2 {
			return lua.LNil, false
		}
		setRaw(t, k, e)
	}
	return p.field(name, t), true
}

func (p *parser) set(n, depth int) (v lua.LValue, ok bool) {
	t := p.m.L.CreateTable(0, n)
	for range n {
		k, ok := p.value(depth + 1)
		if !ok {
			return lua.LNil, false
		}
		setRaw(t, k, lua.LTrue)
	}
	return p.field("set", t), true
}

// setRaw sets an element unless its key is one that a table cannot have.
func setRaw(t *lua.LTable, k, v lua.LValue) {
	if n, ok := k.(lua.LNumber); k != lua.LNil && (!ok || n == n) {
		t.RawSet(k, v)
	}
}

func (p *parser) resp3(kind byte, text []byte) (v lua.LValue, ok bool) {
	switch kind {
	case '_':
		return lua.LNil, true
	case '#':
		return lua.LBool(string(text) == "t"), true
	case ',':
		f, ok := parseDouble(string(text))
		return p.field("double", lua.LNumber(f)), ok
	case '(':
		return p.field("big_number", lua.LString(text)), true
	case '=':
		s, ok := p.bulk(text)
		body, isText := s.(lua.LString)
		if !ok || !isText || len(body) < 4 {
			return lua.LNil, false
		}
		t := p.m.L.CreateTable(0, 2)
		t.RawSetString("format", body[:3])
		t.RawSetString("string", body[4:])
		return p.field("verbatim_string", t), true
	}
	return lua.LNil, false
}

// smallInts are the values of the integers below their number: most that commands
// answer, each of which would be allocated.
var smallInts = func() (values [256]lua.LValue) {
	for i := range values {
		values[i] = lua.LNumber(i)
	}
	return values
}()

func integer(n int64) lua.LValue {
	if 0 <= n && n < int64(len(smallInts)) {
		return smallInts[n]
	}
	return lua.LNumber(n)
}

func parseInt(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

func parseDouble(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0)
}
