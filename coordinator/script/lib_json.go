package script

import (
	"fmt"
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// The settings that cjson begins with.
const (
	jsonSparseRatio = 2
	jsonSparseSafe  = 10
	jsonDepth       = 1000
	jsonPrecision   = 14
)

// How encode treats NaN and infinities.
const (
	invalidOff = iota
	invalidOn
	invalidNull
)

// jsonConfig are the settings of one cjson module table.
type jsonConfig struct {
	sparseConvert           bool
	sparseRatio, sparseSafe int
	encodeDepth             int
	decodeDepth             int
	encodeInvalid           int
	decodeInvalid           bool
	precision               int
	keepBuffer              bool
}

func defaultJSON() jsonConfig {
	return jsonConfig{
		sparseRatio: jsonSparseRatio, sparseSafe: jsonSparseSafe,
		encodeDepth: jsonDepth, decodeDepth: jsonDepth,
		decodeInvalid: true, precision: jsonPrecision, keepBuffer: true,
	}
}

func (m *vm) jsonLibrary(cfg *jsonConfig) *lua.LTable {
	t := m.table(library{
		"encode":                  func(L *lua.LState) int { return m.jsonEncode(L, cfg) },
		"decode":                  func(L *lua.LState) int { return m.jsonDecode(L, cfg) },
		"encode_sparse_array":     func(L *lua.LState) int { return m.jsonSparse(L, cfg) },
		"encode_max_depth":        m.jsonInt(&cfg.encodeDepth, math.MaxInt32),
		"decode_max_depth":        m.jsonInt(&cfg.decodeDepth, math.MaxInt32),
		"encode_number_precision": m.jsonInt(&cfg.precision, jsonPrecision),
		"encode_keep_buffer":      m.jsonBool(&cfg.keepBuffer),
		"decode_invalid_numbers":  m.jsonBool(&cfg.decodeInvalid),
		"encode_invalid_numbers":  func(L *lua.LState) int { return m.jsonInvalid(L, cfg) },
		"new": func(L *lua.LState) int {
			m.charge(L, sizeField*16)
			own := defaultJSON()
			L.Push(m.jsonLibrary(&own))
			return 1
		},
	})
	t.RawSetString("null", m.null)
	t.RawSetString("_NAME", lua.LString("cjson"))
	t.RawSetString("_VERSION", lua.LString("2.1.0"))
	return t
}

func (m *vm) jsonArgs(L *lua.LState, n int) {
	if L.GetTop() > n {
		m.argError(L, n+1, "found too many arguments")
	}
}

func (m *vm) jsonSetInt(L *lua.LState, arg int, at *int, low, high int) {
	if L.Get(arg) != lua.LNil {
		n := m.checkInt(L, arg)
		if n < low || n > high {
			m.argError(L, 1, fmt.Sprintf("expected integer between %d and %d", low, high))
		}
		*at = n
	}
	L.Push(lua.LNumber(*at))
}

func (m *vm) jsonInt(at *int, high int) lua.LGFunction {
	return func(L *lua.LState) int {
		m.jsonArgs(L, 1)
		m.jsonSetInt(L, 1, at, 1, high)
		return 1
	}
}

func (m *vm) jsonSetBool(L *lua.LState, arg int, at *bool) {
	switch v := L.Get(arg).(type) {
	case *lua.LNilType:
	case lua.LBool:
		*at = bool(v)
	default:
		*at = m.jsonOption(L, arg, "off", "on") == 1
	}
	L.Push(lua.LBool(*at))
}

func (m *vm) jsonOption(L *lua.LState, arg int, options ...string) int {
	s := m.checkString(L, arg)
	for i, option := range options {
		if s == option {
			return i
		}
	}
	m.argError(L, arg, "invalid option '"+s+"'")
	return 0
}

func (m *vm) jsonBool(at *bool) lua.LGFunction {
	return func(L *lua.LState) int {
		m.jsonArgs(L, 1)
		m.jsonSetBool(L, 1, at)
		return 1
	}
}

func (m *vm) jsonSparse(L *lua.LState, cfg *jsonConfig) int {
	m.jsonArgs(L, 3)
	ratio, safe := L.Get(2), L.Get(3)
	m.jsonSetBool(L, 1, &cfg.sparseConvert)
	L.SetTop(0)
	L.Push(lua.LBool(cfg.sparseConvert))
	L.Push(ratio)
	L.Push(safe)
	m.jsonSetInt(L, 2, &cfg.sparseRatio, 0, math.MaxInt32)
	m.jsonSetInt(L, 3, &cfg.sparseSafe, 0, math.MaxInt32)
	L.Push(lua.LBool(cfg.sparseConvert))
	L.Push(lua.LNumber(cfg.sparseRatio))
	L.Push(lua.LNumber(cfg.sparseSafe))
	return 3
}

func (m *vm) jsonInvalid(L *lua.LState, cfg *jsonConfig) int {
	m.jsonArgs(L, 1)
	switch v := L.Get(1).(type) {
	case *lua.LNilType:
	case lua.LBool:
		cfg.encodeInvalid = invalidOff
		if v {
			cfg.encodeInvalid = invalidOn
		}
	default:
		cfg.encodeInvalid = m.jsonOption(L, 1, "off", "on", "null")
	}
	if cfg.encodeInvalid == invalidNull {
		L.Push(lua.LString("null"))
	} else {
		L.Push(lua.LBool(cfg.encodeInvalid == invalidOn))
	}
	return 1
}

// jsonWriter encodes one value.
type jsonWriter struct {
	m   *vm
	L   *lua.LState
	cfg *jsonConfig
	out []byte
}

func (m *vm) jsonEncode(L *lua.LState, cfg *jsonConfig) int {
	if L.GetTop() != 1 {
		m.argError(L, 1, "expected 1 argument")
	}
	w := jsonWriter{m: m, L: L, cfg: cfg}
	w.value(L.Get(1), 0)
	m.reserve(L, len(w.out))
	L.Push(lua.LString(textOf(w.out)))
	return 1
}

func (w *jsonWriter) fail(v lua.LValue, why string) {
	w.m.fail(w.L, 1, "Cannot serialise "+v.Type().String()+": "+why)
}

func (w *jsonWriter) value(v lua.LValue, depth int) {
	switch v := v.(type) {
	case lua.LString:
		w.text(string(v))
	case lua.LNumber:
		w.number(v)
	case lua.LBool:
		w.out = strconv.AppendBool(w.out, bool(v))
	case *lua.LTable:
		w.table(w.m.reading(v), depth+1)
	case *lua.LNilType:
		w.out = append(w.out, "null"...)
	case *lua.LUserData:
		if v != w.m.null {
			w.fail(v, "type not supported")
		}
		w.out = append(w.out, "null"...)
	default:
		w.fail(v, "type not supported")
	}
}

const hexDigits = "0123456789abcdef"

func (w *jsonWriter) text(s string) {
	w.m.reserveGrowth(w.L, len(w.out), len(s)+2)
	w.out = append(w.out, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '/':
			w.out = append(w.out, '\\', c)
		case c >= ' ' && c != 0x7f:
			w.out = append(w.out, c)
		default:
			w.escape(c)
		}
	}
	w.out = append(w.out, '"')
}

func (w *jsonWriter) escape(c byte) {
	switch c {
	case '\b':
		w.out = append(w.out, `\b`...)
	case '\t':
		w.out = append(w.out, `\t`...)
	case '\n':
		w.out = append(w.out, `\n`...)
	case '\f':
		w.out = append(w.out, `\f`...)
	case '\r':
		w.out = append(w.out, `\r`...)
	default:
		w.out = append(w.out, `\u00`...)
		w.out = append(w.out, hexDigits[c>>4], hexDigits[c&15])
	}
}

func (w *jsonWriter) number(n lua.LNumber) {
	f := float64(n)
	if f != f || math.IsInf(f, 0) {
		switch w.cfg.encodeInvalid {
		case invalidOff:
			w.fail(n, "must not be NaN or Inf")
		case invalidNull:
			w.out = append(w.out, "null"...)
			return
		}
		if f != f {
			w.out = append(w.out, "nan"...)
			return
		}
	}
	w.out = appendG(w.out, f, w.cfg.precision, false)
}

// arrayLen is the length of a table that is written as an array, or -1.
func (w *jsonWriter) arrayLen(t *lua.LTable) int {
	top, items, array := 0, 0, true
	t.ForEach(func(k, _ lua.LValue) {
		n, ok := k.(lua.LNumber)
		if !ok || n < 1 || float64(n) != math.Floor(float64(n)) || float64(n) > math.MaxInt32 {
			array = false
			return
		}
		top = max(top, int(n))
		items++
	})
	if !array {
		return -1
	}
	if w.cfg.sparseRatio > 0 && top > items*w.cfg.sparseRatio && top > w.cfg.sparseSafe {
		if !w.cfg.sparseConvert {
			w.fail(t, "excessively sparse array")
		}
		return -1
	}
	return top
}

func (w *jsonWriter) table(t *lua.LTable, depth int) {
	w.m.work(w.L, 1)
	if depth > w.cfg.encodeDepth || depth > maxUnpackDepth {
		w.m.fail(w.L, 1, fmt.Sprintf("Cannot serialise, excessive nesting (%d)", depth))
	}
	n := w.arrayLen(t)
	if n <= 0 {
		w.object(t, depth)
		return
	}
	w.out = append(w.out, '[')
	for i := 1; i <= n; i++ {
		if i > 1 {
			w.out = append(w.out, ',')
		}
		w.value(t.RawGet(lua.LNumber(i)), depth)
		w.limit()
	}
	w.out = append(w.out, ']')
}

// limit ends the run when the text has become too long.
func (w *jsonWriter) limit() {
	if len(w.out) > w.m.engine.opts.StringLimit {
		w.m.reserve(w.L, len(w.out))
	}
}

func (w *jsonWriter) object(t *lua.LTable, depth int) {
	w.out = append(w.out, '{')
	first := true
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		switch k := k.(type) {
		case lua.LString:
			w.text(string(k))
		case lua.LNumber:
			w.out = append(w.out, '"')
			w.number(k)
			w.out = append(w.out, '"')
		default:
			w.fail(k, "table key must be a number or string")
		}
		w.out = append(w.out, ':')
		w.value(v, depth)
		w.limit()
	}
	w.out = append(w.out, '}')
}
