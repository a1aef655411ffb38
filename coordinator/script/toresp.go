package script

import (
	"strings"

	"github.com/troupedb/troupe/shard/reply"
	lua "github.com/yuin/gopher-lua"
)

// maxResultDepth is how deep a result may nest: Redis runs out of its Lua stack
// there.
const maxResultDepth = 7990

// result writes a script's result as a reply.
type result struct {
	m     *vm
	out   *reply.Writer
	start int
}

// writeResult appends the reply for what a script returned. A result that is
// larger than the memory limit becomes an error.
func (m *vm) writeResult(v lua.LValue, out *reply.Writer) {
	if v == m.asIs {
		out.Raw(m.answer.Buf)
		return
	}
	r := result{m: m, out: out, start: len(out.Buf)}
	errs := out.Errs
	if !r.value(v, 0) {
		out.Buf, out.Errs = out.Buf[:r.start], errs
		reason := errMemory
		if m.ended != nil {
			reason = m.ended
		}
		out.Error(reply.Error("ERR " + reason.Error()))
	}
}

// allowed tells whether the run may write more.
func (r *result) allowed() bool {
	r.m.steps++
	if r.m.steps >= r.m.next {
		r.m.look()
	}
	return r.m.ended == nil && len(r.out.Buf)-r.start <= r.m.engine.opts.MemoryLimit
}

// value appends one value; false ends the conversion.
func (r *result) value(v lua.LValue, depth int) bool {
	if !r.allowed() {
		return false
	}
	if depth > maxResultDepth {
		r.out.Error("ERR reached lua stack limit")
		return true
	}
	switch v := v.(type) {
	case lua.LString:
		r.out.BulkString(string(v))
	case lua.LNumber:
		r.out.Int(truncate(float64(v)))
	case lua.LBool:
		switch {
		case r.m.resp == reply.RESP3:
			r.out.Bool(bool(v))
		case bool(v):
			r.out.Int(1)
		default:
			r.out.Null()
		}
	case *lua.LTable:
		return r.table(r.m.reading(v), depth)
	default:
		r.out.Null()
	}
	return true
}

func (r *result) table(t *lua.LTable, depth int) bool {
	if s, ok := t.RawGetString("err").(lua.LString); ok {
		r.out.Error(reply.Error(oneLine(string(s))))
		return true
	}
	if s, ok := t.RawGetString("ok").(lua.LString); ok {
		r.out.Simple(spaced(string(s)))
		return true
	}
	if n, ok := t.RawGetString("double").(lua.LNumber); ok {
		r.out.Double(float64(n))
		return true
	}
	if s, ok := t.RawGetString("big_number").(lua.LString); ok {
		r.out.BigNumber(spaced(string(s)))
		return true
	}
	if inner, ok := t.RawGetString("verbatim_string").(*lua.LTable); ok && r.verbatim(inner) {
		return true
	}
	if inner, ok := t.RawGetString("map").(*lua.LTable); ok {
		return r.mapping(r.m.reading(inner), depth)
	}
	if inner, ok := t.RawGetString("set").(*lua.LTable); ok {
		return r.set(r.m.reading(inner), depth)
	}
	return r.array(t, depth)
}

// verbatim appends {format=, string=}; Redis pads or cuts the format to three
// characters.
func (r *result) verbatim(t *lua.LTable) bool {
	format, ok1 := t.RawGetString("format").(lua.LString)
	text, ok2 := t.RawGetString("string").(lua.LString)
	if !ok1 || !ok2 {
		return false
	}
	code := (string(format) + "   ")[:3]
	r.out.Verbatim(code, []byte(text))
	return true
}

func count(t *lua.LTable) (n int) {
	t.ForEach(func(lua.LValue, lua.LValue) { n++ })
	return n
}

func (r *result) mapping(t *lua.LTable, depth int) bool {
	r.out.Map(count(t))
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !r.value(k, depth+1) || !r.value(v, depth+1) {
			return false
		}
	}
	return true
}

func (r *result) set(t *lua.LTable, depth int) bool {
	r.out.Set(count(t))
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		if !r.value(k, depth+1) {
			return false
		}
	}
	return true
}

// array appends the elements from 1 up to the first nil.
func (r *result) array(t *lua.LTable, depth int) bool {
	n := 0
	for t.RawGetInt(n+1) != lua.LNil {
		n++
	}
	r.out.Array(n)
	for i := 1; i <= n; i++ {
		if !r.value(t.RawGetInt(i), depth+1) {
			return false
		}
	}
	return true
}

// spaced replaces line breaks, which would end a status early.
func spaced(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}
