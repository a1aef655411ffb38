package script

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// position is where an error was raised: the source as Lua's debug library
// names it and the line; known is false outside every function.
type position struct {
	source string
	line   int
	known  bool
}

// where returns the place of the function at a level of the stack: 0 is the
// running one.
func where(L *lua.LState, level int) (position, bool) {
	dbg, ok := L.GetStack(level)
	if !ok {
		return position{}, false
	}
	fn, err := L.GetInfo("fSl", dbg, lua.LNil)
	if err != nil {
		return position{}, false
	}
	if f, ok := fn.(*lua.LFunction); ok && f.IsG {
		return position{source: "=[C]", line: -1, known: true}, true
	}
	return position{source: "@" + dbg.Source, line: dbg.CurrentLine, known: true}, true
}

// prefix is the "chunk:line: " that error messages begin with.
func (p position) prefix() string {
	if !p.known || p.line <= 0 {
		return ""
	}
	return strings.TrimPrefix(p.source, "@") + ":" + strconv.Itoa(p.line) + ": "
}

// fail raises an error with a message of our own; level 1 prefixes the place of
// the function that called the running one, 0 nothing.
func (m *vm) fail(L *lua.LState, level int, message string) {
	if level > 0 {
		if p, ok := where(L, level); ok {
			message = p.prefix() + message
		}
	}
	m.raise(L, lua.LString(message))
}

// raise raises any value as an error.
func (m *vm) raise(L *lua.LState, v lua.LValue) {
	m.own = true
	m.raised = m.origin(L)
	L.Error(v, 0)
}

// origin is the place that Redis reports for an error raised now: that of the
// running function, or of its caller if it is not a Lua function.
func (m *vm) origin(L *lua.LState) position {
	p, ok := where(L, 0)
	if ok && p.line < 0 {
		p, _ = where(L, 1)
	}
	return p
}

// argError is the complaint about argument n of the running function.
func (m *vm) argError(L *lua.LState, n int, message string) {
	name := "?"
	if dbg, ok := L.GetStack(0); ok {
		if _, err := L.GetInfo("n", dbg, lua.LNil); err == nil && !strings.HasPrefix(dbg.Name, "(") {
			name = strings.TrimPrefix(dbg.Name, hidden)
			name = name[strings.LastIndexByte(name, '.')+1:]
			name = name[strings.LastIndexByte(name, ':')+1:]
		}
	}
	m.fail(L, 1, "bad argument #"+strconv.Itoa(n)+" to '"+name+"' ("+message+")")
}

func (m *vm) typeError(L *lua.LState, n int, want string) {
	m.argError(L, n, want+" expected, got "+typeNameAt(L, n))
}

func typeNameAt(L *lua.LState, n int) string {
	if n > L.GetTop() {
		return "no value"
	}
	return L.Get(n).Type().String()
}

// translate turns a message of the interpreter into Lua 5.1's.
func (m *vm) translate(text string) string {
	prefix, message := "", text
	line := 0
	if i := strings.Index(text, ": "); i >= 0 {
		if j := strings.LastIndexByte(text[:i], ':'); j >= 0 {
			if n, err := strconv.Atoi(text[j+1 : i]); err == nil {
				prefix, message, line = text[:i+2], text[i+2:], n
			}
		}
	}
	names := m.names
	if !strings.HasPrefix(prefix, chunkName+":") {
		names = nil
	}
	kind := m.culprit
	m.culprit = ""
	return prefix + rephrase(message, names, line, kind)
}

// rephrase says a message of the interpreter in Lua 5.1's words. kind is the
// type of the value it is about, where the message does not tell.
func rephrase(message string, names varNames, line int, kind string) string {
	if rest, ok := strings.CutPrefix(message, "attempt to index a non-table object("); ok {
		of, key, _ := strings.Cut(rest, ") with key '")
		key = strings.TrimSuffix(key, "'")
		name, known := names[nameKey{line, 'i', key}]
		if !known {
			name = names[nameKey{line, 'i', "?"}]
		}
		return "attempt to index " + named(name, of)
	}
	if rest, ok := strings.CutPrefix(message, "cannot perform "); ok {
		_, kinds, _ := strings.Cut(rest, " operation between ")
		left, right, _ := strings.Cut(kinds, " and ")
		if left == "number" {
			return "attempt to perform arithmetic on " + named(names[nameKey{line, 'a', "right"}], right)
		}
		return "attempt to perform arithmetic on " + named(names[nameKey{line, 'a', "left"}], left)
	}
	if rest, ok := strings.CutPrefix(message, "attempt to compare "); ok {
		if left, right, _ := strings.Cut(rest, " with "); left == right {
			return "attempt to compare two " + left + " values"
		}
		return message
	}
	if to, ok := fixedMessages[message]; ok {
		return to
	}
	if kind == "" {
		kind = "nil"
	}
	switch message {
	case "attempt to call a non-function object":
		return "attempt to call " + named(names[nameKey{line, 'c', ""}], kind)
	case "__len undefined":
		return "attempt to get length of " + named(names[nameKey{line, 'l', ""}], kind)
	case "__unm undefined":
		return "attempt to perform arithmetic on " + named(names[nameKey{line, 'a', "minus"}], kind)
	}
	return message
}

// culpritKind is the type of the local variable that an error at the running
// function's current line is about, if the line has only one candidate.
func (m *vm) culpritKind(L *lua.LState) string {
	p, ok := where(L, 0)
	if !ok || p.source != "@"+chunkName {
		return ""
	}
	dbg, _ := L.GetStack(0)
	for _, key := range [...]nameKey{{p.line, 'c', ""}, {p.line, 'l', ""}, {p.line, 'a', "minus"}} {
		name, isLocal := strings.CutPrefix(m.names[key], "local '")
		if !isLocal {
			continue
		}
		for i := 1; ; i++ {
			found, v := local(L, dbg, i)
			if found == "" || found == "(*temporary)" {
				break
			}
			if found+"'" == name && v != nil {
				return v.Type().String()
			}
		}
	}
	return ""
}

var fixedMessages = map[string]string{
	"for statement init must be a number":  "'for' initial value must be a number",
	"for statement limit must be a number": "'for' limit must be a number",
	"for statement step must be a number":  "'for' step must be a number",
	"too many recursions in gettable":      "loop in gettable",
	"too many recursions in settable":      "loop in settable",
	"registry overflow":                    "stack overflow",
}

// named spells a value in a message: local 'x' (a nil value).
func named(name, kind string) string {
	if name == "" {
		return "a " + kind + " value"
	}
	return name + " (a " + kind + " value)"
}
