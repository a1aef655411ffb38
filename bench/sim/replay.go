package sim

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/system"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// reference is a node of one shard that runs one call after the other.
type reference struct {
	w       *World
	runner  *saga.Runner
	handle  *shard.Handle
	watches map[*op][]saga.Watch // as the reference numbers them
}

// replay runs the history on a reference and compares.
func (w *World) replay() {
	r, stop := newReference(w)
	defer stop()
	for _, o := range w.history {
		got, blocked := r.run(o)
		if blocked != o.blocked || got != o.reply {
			w.fail("%v\n answered %q, blocked %v;\none after the other it is %q, blocked %v", o, o.reply, o.blocked, got, blocked)
		}
	}
	engines := make([]*engine.Engine, len(w.shards))
	for i, s := range w.shards {
		engines[i] = s.engine
	}
	if got, want := w.o.Setup.dump(engines), w.o.Setup.dump([]*engine.Engine{r.handle.Engine}); got != want {
		w.fail("the state is\n%s\none after the other it is\n%s", got, want)
	}
	w.checkWatches()
}

// checkWatches looks for watches that nobody ends.
func (w *World) checkWatches() {
	open := map[string]bool{}
	for _, c := range w.clients {
		if c.watch != nil {
			for _, k := range c.watch.watches {
				open[string(k.Key)] = true
			}
		}
	}
	watched := 0
	for _, s := range w.shards {
		watched += s.engine.Watched()
	}
	if watched != len(open) {
		w.fail("%d keys are watched, and clients watch %d", watched, len(open))
	}
}

func newReference(w *World) (*reference, func()) {
	s := w.o.Setup
	e := engine.New(engine.Options{Slots: slot.Count, Seed: seedOfShards, Handlers: s.handlers, Effects: silent{}, Config: s.config})
	system := system.New(slog.New(slog.DiscardHandler))
	h, err := shard.Spawn(system, 0, e)
	if err != nil {
		panic(err)
	}
	for !h.Lease.TryAcquire() { // the actor's own first message
	}
	h.Lease.Release()
	env := saga.NewEnv(s.table, directory.Even(1), []*shard.Handle{h}, saga.Commands())
	env.Scripts = s.env.Scripts
	return &reference{w: w, runner: env.NewRunner(), handle: h, watches: map[*op][]saga.Watch{}}, func() {
		system.Shutdown()
		e.KS.Close()
	}
}

// run runs an op and tells its reply, and whether its client has to wait.
func (r *reference) run(o *op) (text string, blocked bool) {
	info := r.w.info(o)
	if info.Route == command.RouteSingle {
		return r.w.o.Setup.do(r.handle.Engine, 0, o.words), false
	}
	call := r.w.call(o, info)
	if o.watch != nil {
		call.Watches = r.watches[o.watch]
	}
	if call.Block != nil {
		call.Block = func(b *saga.Blocked) {
			blocked = true
			for _, key := range b.Keys {
				var k keyspace.Key
				r.handle.Engine.KS.Key(&k, b.DB, key)
				r.handle.Engine.Forsake(&k, b.Waiter)
			}
		}
	}
	if !r.runner.Inline(call) {
		r.w.fail("the reference cannot run %v", o)
	}
	text = string(call.Out.Buf)
	if o.words[0] == saga.WatchName {
		r.watches[o] = watchesOf(&op{words: o.words, reply: text})
		return o.reply, false // versions are a shard's own matter
	}
	return text, blocked
}

// do runs a command on one key.
func (s *Setup) do(e *engine.Engine, db int, words []string) string {
	args, out := toArgs(words), &reply.Writer{}
	info, _ := s.table.Resolve(args)
	e.Handle(&engine.Request{Cmd: info, DB: db, Slot: slot.Of(args[info.KeyPos]), Key: info.KeyPos, Args: args, Out: out, Now: e.KS.Now()})
	return string(out.Buf)
}

// usedDatabases are those that calls use.
const usedDatabases = 2

// dump writes all keys and values, sorted.
func (s *Setup) dump(engines []*engine.Engine) string {
	var lines []string
	for _, e := range engines {
		for db := range usedDatabases {
			var keys []string
			e.KS.Scan(db, 0, 1<<40, func(r data.Ref) { keys = append(keys, string(e.KS.Arena.Key(r))) })
			for _, key := range keys {
				lines = append(lines, fmt.Sprintf("%d %s %q", db, key, s.value(e, db, key)))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (s *Setup) value(e *engine.Engine, db int, key string) string {
	var k keyspace.Key
	e.KS.Key(&k, db, []byte(key))
	switch r := e.KS.Peek(&k); e.KS.Kind(r) {
	case keyspace.List:
		return s.do(e, db, []string{"LRANGE", key, "0", "-1"})
	case keyspace.Set:
		words := strings.Fields(s.do(e, db, []string{"SMEMBERS", key}))
		slices.Sort(words)
		return strings.Join(words, " ")
	default:
		return s.do(e, db, []string{"GET", key})
	}
}
