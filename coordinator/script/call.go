package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const (
	errNoArguments  = "ERR Please specify at least one argument for this redis lib call"
	errArgumentType = "ERR Lua redis lib command arguments must be strings or integers"
)

// errorTable is how a script sees a Redis error.
func (m *vm) errorTable(text string) *lua.LTable {
	t := m.L.CreateTable(0, 1)
	t.RawSetString("err", lua.LString(text))
	return t
}

// arguments collects the running function's arguments as a command's words.
// They alias the script's strings and a buffer of the interpreter. The message
// is empty if all is well.
func (m *vm) arguments(L *lua.LState) (args [][]byte, message string) {
	n := L.GetTop()
	if n == 0 {
		return nil, errNoArguments
	}
	m.args, m.argText = m.args[:0], m.argText[:0]
	for i := 1; i <= n; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			m.args = append(m.args, bytesOf(string(v)))
		case lua.LNumber:
			from := len(m.argText)
			m.argText = appendArg(m.argText, float64(v))
			m.args = append(m.args, m.argText[from:len(m.argText):len(m.argText)])
		default:
			return nil, errArgumentType
		}
	}
	return m.args, ""
}

func (m *vm) redisCall(L *lua.LState) int {
	v, failed := m.command(L)
	if failed {
		m.raise(L, v)
	}
	L.Push(v)
	return 1
}

func (m *vm) redisPcall(L *lua.LState) int {
	v, _ := m.command(L)
	L.Push(v)
	return 1
}

// redisDo is redis.call where the result is not wanted.
func (m *vm) redisDo(L *lua.LState) int {
	if message := m.send(L); message != "" {
		m.raise(L, m.errorTable(message))
	}
	if b := m.answer.Buf; len(b) == 0 || b[0] == '-' {
		m.raise(L, m.receive(L))
	}
	return 0
}

// redisReply is redis.call where the result becomes the script's.
func (m *vm) redisReply(L *lua.LState) int {
	if message := m.send(L); message != "" {
		m.raise(L, m.errorTable(message))
	}
	if survives(m.answer.Buf) {
		L.Push(m.asIs)
		return 1
	}
	v := m.receive(L)
	if m.answer.Buf[0] == '-' {
		m.raise(L, v)
	}
	L.Push(v)
	return 1
}

// exactInt bounds the integers that a Lua number has exactly.
const exactInt = 1 << 53

// survives tells that a reply is the same after a conversion to a value and back.
func survives(b []byte) bool {
	p := parser{buf: b}
	line, ok := p.line()
	if !ok || len(line) == 0 {
		return false
	}
	switch line[0] {
	case '+':
		return len(p.buf) == 0
	case ':':
		n, ok := parseInt(line[1:])
		return ok && -exactInt <= n && n <= exactInt && len(p.buf) == 0
	case '$':
		n, ok := parseInt(line[1:])
		return ok && n >= 0 && int64(len(p.buf)) == n+2
	}
	return false
}

// command runs one command; failed tells that v is an error table.
func (m *vm) command(L *lua.LState) (v lua.LValue, failed bool) {
	if message := m.send(L); message != "" {
		return m.errorTable(message), true
	}
	v = m.receive(L)
	return v, m.answer.Buf[0] == '-'
}

// send runs the command that the running function's arguments are. The message
// is empty if they are one.
func (m *vm) send(L *lua.LState) (message string) {
	args, message := m.arguments(L)
	if message != "" {
		return message
	}
	m.answer.Buf, m.answer.Proto = m.answer.Buf[:0], m.resp
	m.call(args)
	m.steps++
	if m.ended != nil {
		m.stop(L)
	}
	m.charge(L, len(m.answer.Buf))
	return ""
}

// receive turns the reply of the command that was sent into a value.
func (m *vm) receive(L *lua.LState) lua.LValue {
	p := parser{m: m, buf: m.answer.Buf}
	v, ok := p.value(0)
	if !ok || len(p.buf) != 0 {
		m.end(errPanic)
		m.engine.recovered.Add(1)
		m.stop(L)
	}
	return v
}

// call passes one command to the Caller and turns its Abort into the end of
// the run, because the interpreter would swallow the panic.
func (m *vm) call(args [][]byte) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case Abort:
			m.end(r)
		default:
			m.broken()
		}
	}()
	m.req.Caller.Call(args, &m.answer)
}

// redisError is the text of a Redis error as Redis 7 rebuilds it: a message of
// one word gets the general code before it.
func redisError(line string) string {
	code, rest, ok := strings.Cut(line, " ")
	if !ok {
		return "ERR " + strings.Trim(line, "\r\n")
	}
	return code + " " + strings.Trim(rest, "\r\n")
}
