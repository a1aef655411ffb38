package script

import (
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/troupedb/troupe/shard/reply"
	lua "github.com/yuin/gopher-lua"
)

// Caller runs commands on behalf of one script. Call appends exactly one reply,
// in the protocol version of w, or panics with an Abort to end the script.
// args belong to the interpreter and are valid during the call only.
type Caller interface {
	Call(args [][]byte, w *reply.Writer)
}

// ACLChecker is what a Caller implements to answer redis.acl_check_cmd: known
// is false for a command that does not exist.
type ACLChecker interface {
	CheckACL(args [][]byte) (known, allowed bool)
}

// Abort is the panic with which a Caller ends the script at once. It passes
// through Lua's pcall and is returned by Run.
type Abort struct{ Reason error }

func (a Abort) Error() string { return "script aborted: " + a.Reason.Error() }

// Unwrap returns the Caller's reason.
func (a Abort) Unwrap() error { return a.Reason }

// Request is one EVAL. Body nil means the cached script with this SHA.
type Request struct {
	SHA, Body  []byte
	Keys, Args [][]byte // not to be changed during the run: its strings are theirs
	Caller     Caller
	// ReadOnly is set for EVAL_RO. Run refuses scripts that declare writes; to
	// refuse write commands is the Caller's.
	ReadOnly bool
	// Seed starts math.random; 0 is the sequence of a fresh redis-server.
	Seed uint32
	// Kill ends the script soon after it becomes true. It may be nil.
	Kill *atomic.Bool
	// MaxSteps overrides the Engine's when it is not 0.
	MaxSteps uint64
	// OutOfSteps, if not nil, is the reason of the Abort that Run returns when
	// the script takes more than MaxSteps; else that is an error reply.
	OutOfSteps error
}

// overrun is why a script that takes too many steps ends.
func (r *Request) overrun() error {
	if r.OutOfSteps != nil {
		return Abort{r.OutOfSteps}
	}
	return errSteps
}

// run is the state of one run of an interpreter.
type run struct {
	meter
	req     *Request
	resp    uint8 // protocol version of redis.call's replies
	names   varNames
	own     bool     // the error under way has a message of our own
	raised  position // where it was raised
	culprit string   // type of the value it is about, "" if not known
	native  int      // library functions that are calling back into Lua
	random  rand48
	threads map[*lua.LState]*thread
	stales  map[*lua.LTable]int
	args    [][]byte
	argText []byte
	answer  reply.Writer
}

// Run executes one script and appends its reply, in the protocol version of
// out. If the Caller aborts, Run returns the Abort and appends nothing.
func (e *Engine) Run(req *Request, out *reply.Writer) error {
	c, err := e.resolve(req)
	if err != nil {
		out.Error(err.(reply.Error))
		return nil
	}
	if req.ReadOnly && c.flags&(Compat|NoWrites) == 0 {
		out.Error("ERR Can not execute a script with write flag using *_ro command.")
		return nil
	}
	m := e.take()
	start, errs := len(out.Buf), out.Errs
	m.begin(req, c)
	m.execute(c, out)
	ended := m.ended
	m.finish()
	e.give(m)
	if isAbort(ended) {
		out.Buf, out.Errs = out.Buf[:start], errs
		return ended
	}
	return nil
}

// isAbort tells whether a run was ended by its Caller.
func isAbort(ended error) bool {
	_, ok := ended.(Abort)
	return ok
}

func (m *vm) begin(req *Request, c *compiled) {
	max := req.MaxSteps
	if max == 0 {
		max = m.engine.opts.MaxSteps
	}
	m.meter.reset(max)
	m.req, m.resp, m.names = req, reply.RESP2, c.names
	m.own, m.raised, m.native = false, position{}, 0
	m.random = newRand48(req.Seed)
	m.keys.fill(m.L, req.Keys)
	m.argv.fill(m.L, req.Args)
	if m.script != c {
		m.script, m.main = c, m.function(c.proto)
	}
}

// keptBytes is how large the buffers are that an interpreter keeps between runs.
const keptBytes = 64 << 10

// finish lets go of everything that belonged to the run.
func (m *vm) finish() {
	// A coroutine that has not ended may have left the interpreter in doubt, as
	// may a run that was cut off, except by its Caller.
	if len(m.threads) > 0 || m.ended != nil && !isAbort(m.ended) {
		m.spoiled = true
	}
	m.keys.clear(len(m.req.Keys))
	m.argv.clear(len(m.req.Args))
	m.req, m.names, m.ended = nil, nil, nil
	m.threads, m.stales = nil, nil
	clear(m.args)
	if cap(m.args) > keptWords {
		m.args = nil
	}
	if cap(m.argText) > keptBytes {
		m.argText = nil
	}
	if cap(m.answer.Buf) > keptBytes {
		m.answer.Buf = nil
	}
	if !m.spoiled {
		m.L.SetTop(0)
		m.L.Env = m.globals
		*m.json = defaultJSON()
	}
}

// execute runs the script and appends its reply.
func (m *vm) execute(c *compiled, out *reply.Writer) {
	start := len(out.Buf)
	defer func() {
		if r := recover(); r != nil {
			out.Buf = out.Buf[:start]
			m.broken()
			m.replyError(c, lua.LString(m.ended.Error()), out)
		}
	}()
	m.L.Push(m.main)
	if err := m.L.PCall(0, 1, nil); err != nil {
		v := m.caught(err)
		if m.ended != nil {
			v = lua.LString(m.ended.Error())
		}
		m.replyError(c, v, out)
		return
	}
	result := m.L.Get(-1)
	m.L.Pop(1)
	m.writeResult(result, out)
}

// broken records a panic inside the interpreter; the run ends and the
// interpreter is not used again.
func (m *vm) broken() {
	m.engine.recovered.Add(1)
	m.spoiled = true
	m.end(errPanic)
}

// enter calls its first argument with the others, inside PCall.
func (m *vm) enter(L *lua.LState) int {
	L.Panic = m.panic
	L.Call(L.GetTop()-1, lua.MultRet)
	return L.GetTop()
}

// panicked raises the error on top of the stack. The interpreter would write a
// trace of the stack, in time quadratic in its depth, if there were none.
func (m *vm) panicked(L *lua.LState) {
	if !m.own {
		m.raised = m.origin(L)
		m.culprit = m.culpritKind(L)
	}
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: L.Get(-1), StackTrace: "none"})
}

// caught returns the value of an error that PCall or Resume has stopped.
func (m *vm) caught(err error) lua.LValue {
	own := m.own
	m.own = false
	var api *lua.ApiError
	if !errors.As(err, &api) {
		m.broken()
		return lua.LString(err.Error())
	}
	if api.Type == lua.ApiErrorPanic {
		m.broken()
		return lua.LString(errPanic.Error())
	}
	if text, ok := api.Object.(lua.LString); ok && !own {
		return lua.LString(m.translate(string(text)))
	}
	return api.Object
}

// replyError appends an error that the script did not catch.
func (m *vm) replyError(c *compiled, v lua.LValue, out *reply.Writer) {
	text, at := "ERR unknown error", m.raised
	switch v := v.(type) {
	case *lua.LTable:
		if s, ok := toText(m.reading(v).RawGetString("err")); ok {
			text = s
		}
	case lua.LString, lua.LNumber:
		s, _ := toText(v)
		text = "ERR " + s
	default:
		text = "ERR " + v.String()
	}
	if at.known {
		text += " script: " + c.sha + ", on " + at.source + ":" + strconv.Itoa(at.line) + "."
	}
	out.Error(reply.Error(oneLine(text)))
}
