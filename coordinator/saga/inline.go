package saga

import (
	"math/bits"
	"runtime"
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// Runner runs calls inline, on the goroutine of one event loop. It is reused
// from call to call and not safe for concurrent use.
type Runner struct {
	footprint
	tx   Tx
	held shardSet

	journaling bool
	journals   []keyspace.Journal // by shard
	request    engine.Request
	ahead      keyspace.Ahead
}

// NewRunner returns a runner for one goroutine.
func (e *Env) NewRunner() *Runner {
	return &Runner{
		footprint: e.newFootprint(), held: e.newShardSet(),
		journals: make([]keyspace.Journal, len(e.Shards)),
	}
}

// keptScratch is how large a buffer for steps' replies is kept from call to call.
const keptScratch = 1 << 20

// escalate unwinds a program that must go on by messages.
type escalate struct{}

// Inline runs the call at once and tells whether it could. If not, nothing has
// happened and the call must go by messages. A program's panic is the caller's.
func (r *Runner) Inline(call *Call) (done bool) {
	r.collect(call)
	if r.abroad() || !r.acquireSoon() {
		return false
	}
	defer r.release()
	if r.unready() {
		return false
	}
	r.journaling = r.env.computes[call.Cmd.ID] || slices.ContainsFunc(call.Queue, r.mayLeave)
	start := len(call.Out.Buf)
	if !r.run(call) {
		call.Out.Buf = call.Out.Buf[:start]
		return false
	}
	return true
}

// mayLeave tells whether a command of a transaction may find out on its way that it
// must go by messages. One of the connection may have a program run in its place.
func (r *Runner) mayLeave(q Queued) bool {
	return r.env.computes[q.Cmd.ID] || q.Cmd.Route == command.RouteLocal
}

// Hurries tells whether the call's program gives up before it keeps an event loop for
// long.
func (e *Env) Hurries(call *Call) bool { return !e.Computes(call) || e.hurries[call.Cmd.ID] }

// Computes tells whether the call's program may take long, or touch keys that nobody
// knows before it runs.
func (e *Env) Computes(call *Call) bool {
	return e.computes[call.Cmd.ID] || slices.ContainsFunc(call.Queue, func(q Queued) bool { return e.computes[q.Cmd.ID] })
}

// run runs the program; it is undone if it must go by messages after all, or
// panics.
func (r *Runner) run(call *Call) (ok bool) {
	t := &r.tx
	t.env, t.exec = r.env, r
	t.Call, t.Cmd, t.Args, t.DB, t.Now, t.Out = call, call.Cmd, call.Args, call.DB, call.Now, call.Out
	t.Nested, t.deferred, t.then = false, t.deferred[:0], Queued{}
	t.scratch = reply.Writer{Buf: t.scratch.Buf[:0], Proto: reply.RESP2}
	if cap(t.scratch.Buf) > keptScratch {
		t.scratch.Buf = nil
	}
	defer func() {
		if ok {
			return
		}
		r.held.each(func(i int) { r.env.Shards[i].Engine.KS.Rollback(&r.journals[i]) })
		if p := recover(); p != nil {
			if _, expected := p.(escalate); !expected {
				panic(p)
			}
		}
	}()
	r.env.programs[call.Cmd.ID](t)
	r.held.each(func(i int) {
		e := r.env.Shards[i].Engine
		if r.journaling {
			e.KS.Forget(&r.journals[i])
		}
		e.ServeReady()
	})
	for _, f := range t.deferred {
		f()
	}
	return true
}

// acquireTries is how often a call looks again for its leases, letting others run
// in between, before it goes by messages. These cost twenty times what the call
// does, and keep the leases from others, who then go by messages too.
const acquireTries = 16

func (r *Runner) acquireSoon() bool {
	for range acquireTries {
		if r.acquire() {
			return true
		}
		runtime.Gosched()
	}
	return false
}

// acquire takes the leases that are needed in the order of shards, or none.
func (r *Runner) acquire() bool {
	clear(r.held)
	for w, set := range r.need {
		for ; set != 0; set &= set - 1 {
			i := w*64 + bits.TrailingZeros64(set)
			if !r.env.Shards[i].Lease.TryAcquireSpin() {
				r.release()
				return false
			}
			r.held.add(i)
		}
	}
	return true
}

func (r *Runner) release() {
	for w, set := range r.held {
		for ; set != 0; set &= set - 1 {
			r.env.Shards[w*64+bits.TrailingZeros64(set)].Lease.Release()
		}
	}
	clear(r.held)
}

// abroad tells whether another node has one of the shards.
func (r *Runner) abroad() bool {
	for w, set := range r.need {
		for ; set != 0; set &= set - 1 {
			if r.env.Shards[w*64+bits.TrailingZeros64(set)].Owner() != 0 {
				return true
			}
		}
	}
	return false
}

// unready tells whether a saga holds what the call needs, or a shard has just gone
// to another node.
func (r *Runner) unready() bool {
	closed := false
	r.held.each(func(i int) { closed = closed || r.env.Shards[i].Engine.Closed() })
	if closed {
		return true
	}
	if r.all {
		for _, s := range r.env.Shards {
			if s.Engine.AnyLocked() {
				return true
			}
		}
	}
	for i := range r.keys {
		k := &r.keys[i]
		if r.env.Shards[k.shard].Engine.Locked(k.db, k.name) {
			return true
		}
	}
	return false
}

// do implements executor.
func (r *Runner) do(t *Tx, steps []Step, w *reply.Writer) {
	for i := range steps {
		if i%keyspace.MaxAhead == 0 && len(steps)-i > 1 && r.env.Cold.Load() {
			r.fetchAhead(t, steps[i:])
		}
		s := &steps[i]
		s.from = len(w.Buf)
		r.step(t, s, w)
		s.to = len(w.Buf)
	}
}

// fetchAhead prepares the lookups of the next steps, as far as their shards are held.
func (r *Runner) fetchAhead(t *Tx, steps []Step) {
	for i := range steps[:min(len(steps), keyspace.MaxAhead)] {
		s := &steps[i]
		if s.Key == 0 {
			continue
		}
		in := slot.Of(s.Args[s.Key])
		if at := r.env.Slots.Shard(in); r.held.has(at) {
			r.ahead.Add(r.env.Shards[at].Engine.KS, t.DB, in, s.Args[s.Key])
		}
	}
	r.ahead.Fetch()
}

func (r *Runner) step(t *Tx, s *Step, w *reply.Writer) {
	at, in := s.Shard, uint16(0)
	if s.Key > 0 {
		in = slot.Of(s.Args[s.Key])
		at = r.env.Slots.Shard(in)
	}
	e := r.engine(at)
	if s.Key > 0 && e.Locked(t.DB, s.Args[s.Key]) {
		panic(escalate{})
	}
	if s.Wait != nil {
		var k keyspace.Key
		e.KS.KeyInSlot(&k, t.DB, in, s.Args[s.Key])
		e.Wait(&k, s.Wait)
		return
	}
	r.request = engine.Request{Cmd: s.Cmd, DB: t.DB, Slot: in, Key: s.Key, Args: s.Args, Out: w, Now: t.Now}
	if r.journaling {
		e.Step(&r.request, &r.journals[at])
	} else {
		e.Step(&r.request, nil)
	}
}

// engine returns a shard whose lease is held, taking one that is not if it is
// free: only a computed key leads to one.
func (r *Runner) engine(at int) *engine.Engine {
	if !r.held.has(at) {
		if r.env.Shards[at].Owner() != 0 || !r.env.Shards[at].Lease.TryAcquireSpin() {
			panic(escalate{})
		}
		if r.held.add(at); r.env.Shards[at].Engine.Closed() {
			panic(escalate{})
		}
	}
	return r.env.Shards[at].Engine
}

// local implements executor.
func (r *Runner) local(t *Tx, cmd *command.Info, args [][]byte) {
	t.Call.Local.RunLocal(cmd, args, &t.DB, t.Out, t)
}

// hurried implements executor.
func (r *Runner) hurried() bool { return true }
