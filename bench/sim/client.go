package sim

import (
	"fmt"
	"strings"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// op is one call of a client, or one serving of a blocked call.
type op struct {
	client *client
	words  []string
	queue  [][]string // of EXEC
	// watch is the call by which the client began to watch, for EXEC.
	watch   *op
	watches []saga.Watch // that it gave
	again   bool         // a blocked call runs once more
	now     int64

	moment  *int // not nil once it has taken effect; its place in the history is
	replied bool
	reply   string
	blocked bool // the reply is that the client waits
}

func (o *op) String() string {
	return fmt.Sprintf("client %d: %s %v", o.client.index, strings.Join(o.words, " "), o.queue)
}

// client makes calls one after the other.
type client struct {
	w     *World
	index int
	left  int
	op    *op // under way
	watch *op // the last one, for the next EXEC
	claim *claim
}

// claim is the race for a blocked client.
type claim struct{ taken bool }

func (c *claim) take() bool {
	was := c.taken
	c.taken = true
	return !was
}

// happened makes this the moment of o.
func (w *World) happened(o *op) {
	if o.moment != nil {
		w.fail("takes effect twice: %v", o)
	}
	w.history = append(w.history, o)
	o.moment = new(int)
}

// unhappened takes it back, when o has not taken effect after all.
func (w *World) unhappened(o *op) {
	o.moment = nil
	for i := len(w.history) - 1; i >= 0; i-- {
		if w.history[i] == o {
			w.history = append(w.history[:i], w.history[i+1:]...)
			return
		}
	}
}

// next makes the next call.
func (c *client) next() {
	if c.left == 0 {
		c.w.done++
		return
	}
	c.left--
	o := c.random()
	o.client, o.now = c, c.w.now
	c.op = o
	c.w.Stats.Ops++
	info := c.w.info(o)
	if info.Route == command.RouteSingle {
		c.w.after(c.w.delay(), func() { c.single(o, info) })
		return
	}
	c.w.begin(c.w.newID(), o, c.w.call(o, info), nil)
}

func (w *World) info(o *op) *command.Info {
	if w.isInternal(o) {
		return w.o.Setup.env.Find(o.words[0])
	}
	info, refusal := w.o.Setup.table.Resolve(toArgs(o.words))
	if refusal != "" {
		panic(string(refusal))
	}
	return info
}

func (*World) isInternal(o *op) bool { return o.words[0][0] == '~' }

func toArgs(words []string) [][]byte {
	args := make([][]byte, len(words))
	for i, word := range words {
		args[i] = []byte(word)
	}
	return args
}

// call makes what a gateway submits.
func (w *World) call(o *op, info *command.Info) *saga.Call {
	call := &saga.Call{Cmd: info, Args: toArgs(o.words), Now: w.now, Out: &reply.Writer{}, Local: connection{}}
	for _, q := range o.queue {
		queued := w.info(&op{words: q})
		call.Queue = append(call.Queue, saga.Queued{Cmd: queued, Args: toArgs(q)})
	}
	if o.watch != nil {
		call.Watches = o.watch.watches
	}
	if info.Flags&command.Blocking != 0 {
		call.Block = func(b *saga.Blocked) { o.client.block(o, call, b) }
	}
	return call
}

// single sends a command on one key to its shard.
func (c *client) single(o *op, info *command.Info) {
	args, out := toArgs(o.words), &reply.Writer{}
	in := slot.Of(args[info.KeyPos])
	s := c.w.shards[c.w.o.Setup.env.Slots.Shard(in)]
	r := &engine.Request{Cmd: info, Slot: in, Key: info.KeyPos, Args: args, Out: out, Now: c.w.now}
	r.Done = func() {
		c.w.happened(o)
		o.answer(string(out.Buf), false)
	}
	s.take(func() {
		c.w.happened(o)
		if s.engine.Handle(r) {
			c.w.unhappened(o)
			return
		}
		o.answer(string(out.Buf), false)
	})
}

// answer is the reply to o, or that it is blocked.
func (o *op) answer(text string, blocked bool) {
	c := o.client
	if o.replied {
		c.w.fail("answered twice: %v", o)
		return
	}
	o.replied, o.reply, o.blocked = true, text, blocked
	if blocked {
		return
	}
	if c.claim != nil && !o.again {
		c.w.fail("answered, and blocked: %v", o)
	}
	if o.words[0] == saga.WatchName && o.moment != nil {
		o.watches = watchesOf(o)
		c.watch = o
	}
	c.over()
}

// over goes on with the next call, after the watches of an EXEC have ended.
func (c *client) over() {
	if w := c.op.watch; w != nil {
		for _, watch := range w.watches {
			c.w.unwatchKey(watch)
		}
	}
	c.op, c.claim = nil, nil
	c.w.after(c.w.delay(), c.next)
}

func (w *World) unwatchKey(watch saga.Watch) {
	s := w.shards[w.o.Setup.env.ShardOf(watch.Key)]
	s.take(func() {
		var k keyspace.Key
		s.engine.KS.Key(&k, watch.DB, watch.Key)
		s.engine.Unwatch(&k)
	})
}

func watchesOf(o *op) (watches []saga.Watch) {
	_, rest := reply.Parse([]byte(o.reply))
	for _, key := range o.words[1:] {
		var v reply.Value
		v, rest = reply.Parse(rest)
		watches = append(watches, saga.Watch{Key: []byte(key), Version: v.Int})
	}
	return watches
}

// blockMost is the longest that a client waits, in milliseconds.
const blockMost = 500

// block is a gateway's part in a blocked call.
func (c *client) block(o *op, call *saga.Call, b *saga.Blocked) {
	c.w.Stats.Blocked++
	mine := &claim{}
	c.claim = mine
	b.Waiter.Claim = mine.take
	b.Waiter.Done = func(out []byte) {
		served := &op{client: c, words: o.words, again: true, now: c.w.now}
		if !strings.HasPrefix(string(out), "-ERR internal") {
			c.w.happened(served)
		}
		served.answer(string(out), false)
	}
	if b.Resume {
		id := c.w.newID()
		b.Waiter.Saga = id
		b.Waiter.Handoff = func(db int, key []byte, place uint64) {
			served := &op{client: c, words: o.words, again: true, now: c.w.now}
			again := c.w.call(served, call.Cmd)
			at := c.w.o.Setup.env.ShardOf(key)
			c.w.begin(id, served, again, &saga.Handed{Shard: at, DB: db, Key: []byte(string(key)), Place: place})
		}
	}
	c.w.after(c.w.rng.Int64N(blockMost), func() {
		if mine.take() {
			c.forsake(b)
			c.over()
		}
	})
}

func (c *client) forsake(b *saga.Blocked) {
	for _, key := range b.Keys {
		s := c.w.shards[c.w.o.Setup.env.ShardOf(key)]
		s.take(func() {
			var k keyspace.Key
			s.engine.KS.Key(&k, b.DB, key)
			s.engine.Forsake(&k, b.Waiter)
		})
	}
}
