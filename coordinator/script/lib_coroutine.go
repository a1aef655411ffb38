package script

import lua "github.com/yuin/gopher-lua"

// thread is what is known of a coroutine.
type thread struct {
	fn     *lua.LFunction
	status string
	native int // m.native when it was resumed
}

func (m *vm) coroutineFunctions() library {
	return library{
		"create":  m.coCreate,
		"resume":  m.coResume,
		"running": m.coRunning,
		"status":  m.coStatus,
		"wrap":    m.coWrap,
		"yield":   m.coYield,
	}
}

// newThread makes a coroutine of argument 1. Its stacks are small.
func (m *vm) newThread(L *lua.LState) *lua.LState {
	fn, ok := L.Get(1).(*lua.LFunction)
	if !ok || fn.IsG {
		m.argError(L, 1, "Lua function expected")
	}
	m.charge(L, sizeThread)
	options := L.Options
	L.Options.CallStackSize, L.Options.RegistrySize = coroutineDepth, coroutineRegisters
	th, cancel := L.NewThread()
	L.Options = options
	cancel()
	th.SetContext(&m.meter)
	if m.threads == nil {
		m.threads = make(map[*lua.LState]*thread)
	}
	m.threads[th] = &thread{fn: fn, status: "suspended"}
	return th
}

func (m *vm) coCreate(L *lua.LState) int {
	L.Push(m.newThread(L))
	return 1
}

// resume continues th with args; failed is the value of its error.
func (m *vm) resume(L, th *lua.LState, args []lua.LValue) (results []lua.LValue, failed lua.LValue) {
	co := m.threads[th]
	if co == nil || co.status != "suspended" {
		status := "dead"
		if co != nil {
			status = co.status
		}
		return nil, lua.LString("cannot resume " + status + " coroutine")
	}
	m.nest(L)
	if from := m.threads[L]; from != nil {
		from.status = "normal"
		defer func() { from.status = "running" }()
	}
	co.status, co.native = "running", m.native
	state, err, results := L.Resume(th, co.fn, args...)
	m.native = co.native - 1
	co.status = "suspended"
	if state != lua.ResumeYield {
		co.status = "dead"
		delete(m.threads, th)
	}
	if err != nil {
		failed = m.caught(err)
	}
	if m.ended != nil {
		m.stop(L)
	}
	if state == lua.ResumeOK && len(results) == 1 && results[0] == lua.LNil {
		results = nil
	}
	return results, failed
}

func arguments(L *lua.LState, from int) (args []lua.LValue) {
	for i := from; i <= L.GetTop(); i++ {
		args = append(args, L.Get(i))
	}
	return args
}

func (m *vm) checkThread(L *lua.LState) *lua.LState {
	th, ok := L.Get(1).(*lua.LState)
	if !ok {
		m.argError(L, 1, "coroutine expected")
	}
	return th
}

func (m *vm) coResume(L *lua.LState) int {
	th := m.checkThread(L)
	results, failed := m.resume(L, th, arguments(L, 2))
	if failed != nil {
		L.Push(lua.LFalse)
		L.Push(failed)
		return 2
	}
	L.Push(lua.LTrue)
	return 1 + pushAll(L, results)
}

func pushAll(L *lua.LState, values []lua.LValue) int {
	for _, v := range values {
		L.Push(v)
	}
	return len(values)
}

func (m *vm) coWrap(L *lua.LState) int {
	th := m.newThread(L)
	L.Push(L.NewFunction(func(L *lua.LState) int {
		results, failed := m.resume(L, th, arguments(L, 1))
		if s, ok := failed.(lua.LString); ok {
			m.fail(L, 1, string(s))
		}
		if failed != nil {
			m.raise(L, failed)
		}
		return pushAll(L, results)
	}))
	return 1
}

func (m *vm) coYield(L *lua.LState) int {
	co := m.threads[L]
	if co == nil || m.native != co.native {
		m.fail(L, 0, "attempt to yield across metamethod/C-call boundary")
	}
	return L.Yield(arguments(L, 1)...)
}

func (m *vm) coRunning(L *lua.LState) int {
	if L == m.L {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(L)
	return 1
}

func (m *vm) coStatus(L *lua.LState) int {
	th := m.checkThread(L)
	status := "dead"
	if co := m.threads[th]; co != nil {
		status = co.status
	} else if th == m.L {
		status = "running"
	}
	L.Push(lua.LString(status))
	return 1
}
