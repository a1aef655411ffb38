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
	moved   map[int]bool         // shards that have forgotten watches
}

// replay runs the history on a reference and compares.
func (w *World) replay() {
	r, stop := newReference(w)
	defer stop()
	for _, m := range w.history {
		switch {
		case m.gone != "":
			r.expire(m)
		case m.op == nil:
			r.forget(m)
		case m.op.party != nil:
			for _, o := range m.op.members {
				r.compare(o)
			}
		default:
			r.compare(m.op)
		}
	}
	var engines []*engine.Engine
	for _, n := range w.nodes[1:] {
		for _, s := range n.p.shards {
			if s != nil && !s.engine.Closed() {
				engines = append(engines, s.engine)
			}
		}
	}
	if got, want := w.o.Setup.dump(engines), w.o.Setup.dump([]*engine.Engine{r.handle.Engine}); got != want {
		w.fail("the state is\n%s\none after the other it is\n%s", got, want)
	}
}

func newReference(w *World) (*reference, func()) {
	s := w.o.Setup
	e := engine.New(engine.Options{Slots: slot.Count, Seed: seedOfShards, Handlers: s.handlers, Effects: silent{}, Config: s.config})
	e.KS.Advance(startTime)
	system := system.New(slog.New(slog.DiscardHandler))
	h, err := shard.Spawn(system, 0, e)
	if err != nil {
		panic(err)
	}
	for !h.Lease.TryAcquire() { // the actor's own first message
	}
	h.Lease.Release()
	env := saga.NewEnv(s.table, directory.Even(1), []*shard.Handle{h}, saga.Commands())
	env.Scripts = s.scripts
	r := &reference{w: w, runner: env.NewRunner(), handle: h, watches: map[*op][]saga.Watch{}, moved: map[int]bool{}}
	return r, func() {
		system.Shutdown()
		e.KS.Close()
	}
}

// compare runs an op and holds its reply against what its client got. Where a shard
// has forgotten watches EXEC may fail, and nothing else: those who began to watch
// before and those who began after that are not told apart.
func (r *reference) compare(o *op) {
	if o.watch != nil && (o.text == "*-1\r\n" || !o.replied) && slices.ContainsFunc(o.watch.words[1:], r.forgetful) {
		if !o.replied {
			r.w.fail("the reply to %v is not known", o)
		}
		return
	}
	got, blocked := r.run(o)
	if o.replied && !o.unsure && !o.undone && (blocked != o.blocked || got != o.text) {
		r.w.fail("%v\n answered %q, blocked %v;\none after the other it is %q, blocked %v", o, o.text, o.blocked, got, blocked)
	}
}

func (r *reference) forgetful(key string) bool {
	return r.moved[r.w.o.Setup.slots.Shard(slot.Of([]byte(key)))]
}

// forget empties a shard, or only makes its watches void.
func (r *reference) forget(m *moment) {
	setup := r.w.o.Setup
	r.moved[m.shard] = true
	if !m.emptied {
		return
	}
	for db := range usedDatabases {
		for _, key := range keysOf(r.handle.Engine, db) {
			if setup.slots.Shard(slot.Of([]byte(key))) == m.shard {
				var k keyspace.Key
				ks := r.handle.Engine.KS
				ks.Key(&k, db, []byte(key))
				ks.Remove(&k, ks.Peek(&k))
			}
		}
	}
}

// run runs an op and tells its reply, and whether its client has to wait.
func (r *reference) run(o *op) (text string, blocked bool) {
	info := r.w.info(o)
	if info.Route == command.RouteSingle {
		return r.w.o.Setup.do(r.handle.Engine, 0, o.words), false
	}
	call := r.w.call(o, info)
	call.Now = startTime
	if o.woken != "" && o.words[0] == "BLPOP" { // it is served from that key if it can be
		call.Args = toArgs(slices.Insert(slices.Clone(o.words), 1, o.woken))
	}
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
		r.watches[o] = watchesOf(o.words, text)
		return o.text, false // versions are a shard's own matter
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

func keysOf(e *engine.Engine, db int) (keys []string) {
	e.KS.Scan(db, 0, 1<<40, func(r data.Ref) { keys = append(keys, string(e.KS.Arena.Key(r))) })
	slices.Sort(keys)
	return keys
}

// dump writes all keys and values, sorted.
func (s *Setup) dump(engines []*engine.Engine) string {
	var lines []string
	for _, e := range engines {
		for db := range usedDatabases {
			for _, key := range keysOf(e, db) {
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
		text := s.do(e, db, []string{"GET", key})
		if r := e.KS.Peek(&k); r != 0 && e.KS.Arena.Expiry(r) != 0 {
			text += " for a time"
		}
		return text
	}
}
