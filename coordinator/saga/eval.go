package saga

import (
	"errors"
	"fmt"

	"github.com/troupedb/troupe/coordinator/script"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

// The errors of EVAL itself and of commands that scripts call.
const (
	errKeysTooMany   reply.Error = "ERR Number of keys can't be greater than number of args"
	errKeysNegative  reply.Error = "ERR Number of keys can't be negative"
	errScriptUnknown reply.Error = "ERR Unknown Redis command called from script"
	errScriptArity   reply.Error = "ERR Wrong number of args calling Redis command from script"
	errScriptDenied  reply.Error = "ERR This Redis command is not allowed from script"
	errScriptWrite   reply.Error = "ERR Write commands are not allowed from read-only scripts."
)

// inlineSteps is how many Lua instructions a script may take while it keeps an
// event loop: a few milliseconds. A longer one is undone and runs by messages,
// where it keeps nobody but those who want its keys.
const inlineSteps = 200_000

// inlineTicks is how many ticks a script may see go by while it keeps an event
// loop: the commands that it calls may be long, however few its instructions.
const inlineTicks = 2

// unwinding is the panic of an executor on its way through the Lua interpreter,
// which would swallow anything but an Abort.
type unwinding struct{ panicked any }

func (u *unwinding) Error() string { return fmt.Sprint("unwinding: ", u.panicked) }

// tooLong is the reason of a script that has to leave its event loop.
var tooLong = &unwinding{escalate{}}

// scriptRun is what a run of a script needs, kept by its Tx for the next one.
type scriptRun struct {
	req    script.Request
	caller scriptCaller
}

// eval is EVAL and EVAL_RO.
func eval(t *Tx) { runScript(t, script.Request{Body: t.Args[1]}) }

// evalSHA is EVALSHA and EVALSHA_RO.
func evalSHA(t *Tx) { runScript(t, script.Request{SHA: t.Args[1]}) }

func runScript(t *Tx, what script.Request) {
	n, ok := num.ParseInt(t.Args[2])
	rest := t.Args[3:]
	switch {
	case !ok:
		t.Out.Error(reply.ErrNotInteger)
		return
	case n > int64(len(rest)):
		t.Out.Error(errKeysTooMany)
		return
	case n < 0:
		t.Out.Error(errKeysNegative)
		return
	}
	if t.script == nil {
		t.script = &scriptRun{}
	}
	req, caller := &t.script.req, &t.script.caller
	*req = what
	*caller = scriptCaller{t: t, readOnly: t.Cmd.Flags&command.ReadOnly != 0 || declaresNoWrites(t.env.Scripts, req)}
	req.Seed = t.env.scriptSeed()
	req.Keys, req.Args, req.Caller = rest[:n], rest[n:], caller
	req.ReadOnly = t.Cmd.Flags&command.ReadOnly != 0
	if t.exec.hurried() {
		req.MaxSteps, req.OutOfSteps = inlineSteps, tooLong
		caller.began = t.env.Running.ticks.Load()
	} else {
		caller.running = t.env.Running.begin(t.Call.Client, t.Now)
		defer t.env.Running.end(caller.running)
		req.Kill = &caller.running.kill
	}
	db := t.DB
	err := t.env.Scripts.Run(req, t.Out)
	t.DB = db
	if err != nil {
		unwind(err)
	}
}

// unwind goes on with the panic that has ended a script.
func unwind(err error) {
	var u *unwinding
	if errors.As(err, &u) {
		panic(u.panicked)
	}
}

// declaresNoWrites tells whether the script's first line says that it does not
// write. One that cannot be read is refused by Run.
func declaresNoWrites(scripts *script.Engine, req *script.Request) bool {
	if req.Body == nil {
		_, flags, ok := scripts.Script(req.SHA)
		return ok && flags&script.NoWrites != 0
	}
	if len(req.Body) < 2 || req.Body[0] != '#' || req.Body[1] != '!' {
		return false
	}
	flags, _, err := script.ReadShebang(string(req.Body))
	return err == nil && flags&script.NoWrites != 0
}

// scriptCaller runs redis.call inside the script's saga.
type scriptCaller struct {
	t        *Tx
	readOnly bool
	wrote    bool           // after the first write a script is not stopped in the middle
	running  *runningScript // nil on an event loop
	began    uint64         // tick in which it began there
}

// Call implements script.Caller.
func (c *scriptCaller) Call(args [][]byte, w *reply.Writer) {
	info, err := c.resolve(args)
	if err != "" {
		w.Error(err)
		return
	}
	if c.running == nil && c.t.env.Running.ticks.Load()-c.began >= inlineTicks {
		panic(script.Abort{Reason: tooLong})
	}
	if c.running != nil && info.Flags&command.Write != 0 && !c.t.env.Running.mayWrite(c.running) {
		w.Error(errScriptKilled)
		return
	}
	if err := c.gate(info); err != "" {
		w.Error(err)
		return
	}
	out, nested := c.t.Out, c.t.Nested
	defer func() {
		c.t.Out, c.t.Nested = out, nested
		if p := recover(); p != nil {
			panic(script.Abort{Reason: &unwinding{p}})
		}
	}()
	c.t.Out, c.t.Nested = w, true
	c.t.Run(info, args)
}

// gate asks whether the node has what the command needs.
func (c *scriptCaller) gate(info *command.Info) reply.Error {
	if c.t.Call.Gate != nil && !c.wrote {
		if err := c.t.Call.Gate(info.Flags); err != "" {
			return err
		}
	}
	c.wrote = c.wrote || info.Flags&command.Write != 0
	return ""
}

// CheckACL implements script.ACLChecker: every client may send every command.
func (c *scriptCaller) CheckACL(args [][]byte) (known, allowed bool) {
	info, err := c.t.env.Table.Resolve(args)
	return info != nil && err == "", true
}

func (c *scriptCaller) resolve(args [][]byte) (*command.Info, reply.Error) {
	info := c.t.env.Table.Lookup(args[0])
	if info == nil {
		return nil, errScriptUnknown
	}
	if len(info.Subs()) > 0 && len(args) > 1 {
		if info = info.Sub(args[1]); info == nil {
			return nil, errScriptUnknown
		}
	}
	switch {
	case !info.AdmitsArity(len(args)):
		return nil, errScriptArity
	case info.Flags&command.NoScript != 0:
		return nil, errScriptDenied
	case c.readOnly && info.Flags&(command.Write|command.MayReplicate) != 0:
		return nil, errScriptWrite
	}
	return info, ""
}

// hurried implements executor.
func (r *run) hurried() bool { return r.hurries }
