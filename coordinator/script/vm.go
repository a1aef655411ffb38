package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Sizes of an interpreter's stacks.
const (
	// callDepth is how deep calls may nest; Lua 5.1 allows 20,000.
	callDepth = 20000
	// coroutineDepth is callDepth for coroutines, each of which has a stack of
	// its own.
	coroutineDepth = 220
	// registerStart, registerStep and registerMax are the values on the stack:
	// at first, to grow by, and at most (16 bytes each).
	registerStart = 4096
	registerStep  = 16384
	registerMax   = 512 << 10
	// coroutineRegisters is registerStart for coroutines.
	coroutineRegisters = 256
	// nativeDepth bounds calls from library functions back into Lua, each of
	// which nests on the Go stack. Lua 5.1 allows 200.
	nativeDepth = 195
)

// vm is one interpreter. It belongs to one run at a time.
type vm struct {
	run
	engine  *Engine
	L       *lua.LState
	globals *lua.LTable // the proxy that scripts see as _G
	inside  *lua.LTable // the globals themselves
	// contents maps each read-only proxy to the table it stands for.
	contents   map[*lua.LTable]*lua.LTable
	stringMeta *lua.LTable // proxy of the metatable of strings
	helpers    map[string]*lua.Upvalue
	json       *jsonConfig
	null       *lua.LUserData // cjson.null
	asIs       *lua.LUserData // stands for m.answer as a script's result
	trampoline *lua.LFunction
	panic      func(*lua.LState) // panicked
	iterators  struct{ array, next *lua.LFunction }
	keys, argv *words
	script     *compiled // that of the last run
	main       *lua.LFunction
	spoiled    bool
}

type library map[string]lua.LGFunction

func newVM(e *Engine) *vm {
	m := &vm{engine: e, contents: make(map[*lua.LTable]*lua.LTable)}
	m.L = lua.NewState(lua.Options{
		CallStackSize:    callDepth,
		RegistrySize:     registerStart,
		RegistryMaxSize:  registerMax,
		RegistryGrowStep: registerStep,
		SkipOpenLibs:     true,
	})
	m.meter.vm = m
	m.inside = m.L.CreateTable(0, 64)
	m.openBase()
	m.openLibraries()
	m.openStrings()
	m.globals = m.protect(m.inside)
	m.inside.RawSetString("_G", m.globals)
	m.failUnknownGlobals()
	m.L.Env, m.L.G.Global = m.globals, m.globals
	m.openHelpers()
	m.trampoline, m.panic = m.L.NewFunction(m.enter), m.panicked
	m.L.SetContext(&m.meter)
	return m
}

func (m *vm) openHelpers() {
	m.helpers = map[string]*lua.Upvalue{
		helperConcat: closed(m.L.NewFunction(m.concat)),
		helperNumber: closed(m.L.NewFunction(m.forNumber)),
		helperKey:    closed(m.L.NewFunction(m.checkKey)),
		helperDo:     closed(m.L.NewFunction(m.redisDo)),
		helperReply:  closed(m.L.NewFunction(m.redisReply)),
	}
	for _, name := range directNames {
		global, field, isField := strings.Cut(name, ".")
		v := m.inside.RawGetString(global)
		if isField {
			v = m.reading(v.(*lua.LTable)).RawGetString(field)
		}
		m.helpers[hidden+name] = closed(v)
	}
}

func closed(v lua.LValue) *lua.Upvalue {
	u := &lua.Upvalue{}
	u.Close()
	u.SetValue(v)
	return u
}

func (m *vm) openBase() {
	for name, fn := range m.baseFunctions() {
		m.inside.RawSetString(name, m.L.NewFunction(fn))
	}
	m.iterators.array = m.L.NewFunction(m.ipairsStep)
	m.iterators.next = m.inside.RawGetString("next").(*lua.LFunction)
	m.inside.RawSetString("_VERSION", lua.LString("Lua 5.1"))
	m.keys, m.argv = newWords(m.L), newWords(m.L)
	m.inside.RawSetString("KEYS", &m.keys.table)
	m.inside.RawSetString("ARGV", &m.argv.table)
}

func (m *vm) openLibraries() {
	m.null, m.asIs = &lua.LUserData{Metatable: lua.LNil}, &lua.LUserData{Metatable: lua.LNil}
	m.json = new(jsonConfig)
	*m.json = defaultJSON()
	open := func(name string, t *lua.LTable) { m.inside.RawSetString(name, m.protect(t)) }
	open("string", m.table(m.stringFunctions()))
	open("table", m.table(m.tableFunctions()))
	open("math", m.mathLibrary())
	open("coroutine", m.table(m.coroutineFunctions()))
	open("bit", m.table(m.bitFunctions()))
	open("struct", m.table(m.structFunctions()))
	open("cmsgpack", m.msgpackLibrary())
	open("cjson", m.jsonLibrary(m.json))
	open("redis", m.redisLibrary())
}

func (m *vm) table(functions library) *lua.LTable {
	t := m.L.CreateTable(0, len(functions))
	for name, fn := range functions {
		t.RawSetString(name, m.L.NewFunction(fn))
	}
	return t
}

// openStrings sets the metatable of strings. Its arithmetic is not Lua's, but
// gopher-lua converts strings to numbers by other rules than Lua and asks here
// first. Scripts see only __index.
func (m *vm) openStrings() {
	real := m.L.CreateTable(0, 8)
	strings := m.inside.RawGetString("string")
	real.RawSetString("__index", strings)
	for event, op := range arithmetic {
		real.RawSetString("__"+event, m.L.NewFunction(m.stringArithmetic(op)))
	}
	real.RawSetString("__unm", m.L.NewFunction(m.negateString))
	m.L.SetMetatable(lua.LString(""), real)
	shown := m.L.CreateTable(0, 1)
	shown.RawSetString("__index", strings)
	m.stringMeta = m.protect(shown)
}

// protect returns a table that reads as t and cannot be written.
func (m *vm) protect(t *lua.LTable) *lua.LTable {
	proxy := m.L.CreateTable(0, 0)
	meta := m.L.CreateTable(0, 2)
	meta.RawSetString("__index", t)
	meta.RawSetString("__newindex", m.L.NewFunction(m.refuseWrite))
	proxy.Metatable = meta
	m.contents[proxy] = t
	return proxy
}

func (m *vm) refuseWrite(L *lua.LState) int {
	m.fail(L, 1, readonlyTable)
	return 0
}

const readonlyTable = "Attempt to modify a readonly table"

// failUnknownGlobals makes reading a global that is not there an error.
func (m *vm) failUnknownGlobals() {
	meta := m.L.CreateTable(0, 1)
	meta.RawSetString("__index", m.L.NewFunction(m.unknownGlobal))
	m.inside.Metatable = meta
}

func (m *vm) unknownGlobal(L *lua.LState) int {
	if L.GetTop() != 2 {
		m.fail(L, 1, "Wrong number of arguments to luaProtectedTableError")
	}
	name, ok := toText(L.Get(2))
	if !ok {
		m.fail(L, 1, "Second argument to luaProtectedTableError must be a string or number")
	}
	m.fail(L, 1, "Script attempted to access nonexistent global variable '"+name+"'")
	return 0
}

// reading returns the table whose elements t has: t itself, or what it is a
// proxy of.
func (m *vm) reading(t *lua.LTable) *lua.LTable {
	if t.Metatable == lua.LNil {
		return t
	}
	if inner, ok := m.contents[t]; ok {
		return inner
	}
	return t
}

// writing raises an error if t is read-only.
func (m *vm) writing(L *lua.LState, t *lua.LTable) {
	if t.Metatable == lua.LNil {
		return
	}
	if _, ok := m.contents[t]; ok {
		m.fail(L, 0, readonlyTable)
	}
}

// function makes a callable of a prototype, with the helpers it uses.
func (m *vm) function(proto *lua.FunctionProto) *lua.LFunction {
	fn := m.L.NewFunctionFromProto(proto)
	fn.Env = m.globals
	for i, name := range proto.DbgUpvalues {
		fn.Upvalues[i] = m.helpers[name]
	}
	return fn
}
