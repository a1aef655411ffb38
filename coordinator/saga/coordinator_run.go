package saga

import (
	"iter"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// run is one run of a plan, or of a program as a coroutine: next goes on until it
// wants something, which is in steps or ask then; the answer is left for it and next
// called again. It is an executor.
type run struct {
	plan    *Plan // nil: it is a coroutine
	tx      Tx
	call    Call // of a coroutine, with Block recording instead of blocking
	out     reply.Writer
	blocked *Blocked
	hurries bool // others wait for this goroutine
	long    bool // so it has ended before its end
	draft   *draft
	astray  bool   // it has ended before its end, and is to run again without a draft
	final   []Step // what a draft has left for the shards to do at the end

	steps []Step        // wanted, with
	to    *reply.Writer // where the replies go
	ask   func()        // wanted: to be run where Call.Local lives

	yield  func(struct{}) bool
	resume func() (struct{}, bool) // false: the program has ended
	cancel func()
}

// abandoned unwinds a program that is not to go on.
type abandoned struct{}

// start prepares a run; nothing of the program happens before next. One that hurries
// gives up rather than take long.
func (e *Env) start(call *Call, hurries, drafts bool) *run {
	r := &run{call: *call, out: reply.Writer{Proto: call.Out.Proto}, hurries: hurries}
	if call.Block != nil {
		r.call.Block = func(b *Blocked) { r.blocked = b }
	}
	r.tx = Tx{
		Args: call.Args, Cmd: call.Cmd, DB: call.DB, Now: call.Now, Out: &r.out, Call: &r.call,
		env: e, exec: r, scratch: reply.Writer{Proto: reply.RESP2},
	}
	r.resume, r.cancel = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			switch p := recover(); p {
			case nil, any(abandoned{}):
			case any(escalate{}):
				r.long = true
			case any(astray{}):
				r.astray = true
			default:
				panic(p)
			}
		}()
		defer r.endDraft()
		r.yield = yield
		if drafts {
			r.draft = r.fetch()
		}
		e.programs[call.Cmd.ID](&r.tx)
		if r.draft != nil {
			r.final = r.draft.changes()
		}
	})
	return r
}

// begin prepares a run of a plan, with the memory of an earlier one.
func (r *run) begin(e *Env, call *Call, plan *Plan) {
	r.plan, r.steps, r.to = plan, nil, nil
	r.out = reply.Writer{Proto: call.Out.Proto, Buf: r.out.Buf[:0]}
	r.tx = Tx{
		Args: call.Args, Cmd: call.Cmd, DB: call.DB, Now: call.Now, Out: &r.out, Call: call,
		env: e, scratch: reply.Writer{Proto: reply.RESP2, Buf: r.tx.scratch.Buf[:0]}, steps: r.tx.steps[:0],
	}
}

// next goes on; false: it has come to its end.
func (r *run) next() (more bool) {
	if r.plan == nil {
		_, more = r.resume()
		return more
	}
	if r.to == nil {
		r.steps, r.to = r.plan.Steps(&r.tx), &r.tx.scratch
		if r.plan.Into {
			r.to = &r.out
		}
		return len(r.steps) > 0
	}
	if !r.plan.Into {
		r.tx.hand(r.steps)
	}
	if r.plan.Reply != nil {
		r.plan.Reply(&r.tx, r.steps)
	}
	return false
}

// stop ends a run that is not to go on.
func (r *run) stop() {
	if r.plan == nil {
		r.cancel()
	}
}

// want hands control to the coordinator until it has what r wants.
func (r *run) want() {
	if !r.yield(struct{}{}) {
		panic(abandoned{})
	}
	r.steps, r.to, r.ask = nil, nil, nil
}

// do implements executor. The coordinator fills in the replies.
func (r *run) do(t *Tx, steps []Step, w *reply.Writer) {
	if len(steps) == 0 {
		return
	}
	if r.draft != nil {
		if r.draft.do(t, steps, w) {
			return
		}
		r.leave()
	}
	r.steps, r.to = steps, w
	r.want()
}

// local implements executor.
func (r *run) local(t *Tx, cmd *command.Info, args [][]byte) {
	r.ask = func() { r.call.Local.RunLocal(cmd, args, &t.DB, t.Out, t) }
	r.want()
}
