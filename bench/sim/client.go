package sim

import (
	"fmt"
	"strings"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// op is one call of a client, or one serving of a blocked call.
type op struct {
	client *client
	at     *process // whose gateway has taken it
	words  []string
	queue  [][]string // of EXEC
	// watch is the call by which the client began to watch, for EXEC.
	watch   *op
	watches []saga.Watch // that it gave
	again   bool         // a blocked call runs once more
	woken   string       // by which of its keys
	now     int64        // by its node's clock
	began   int64        // by the true clock
	epochs  []uint64     // of shards, as its node knew them when it began
	saga    engine.SagaID
	members []*op  // of a group, which has no client
	party   *party // its memory
	fenced  bool   // its node may not serve any more

	moment  *moment // not nil once it has taken effect
	replied bool
	text    string // the reply
	blocked bool   // the reply is that the client waits
	undone  bool   // the reply is that nothing was done
	unsure  bool   // the reply is that it is unknown what was done
}

func (o *op) String() string {
	if o.party != nil {
		return o.describe()
	}
	return fmt.Sprintf("client %d: %s %v", o.client.index, strings.Join(o.words, " "), o.queue)
}

// client makes calls one after the other, to the gateway of one node after the other.
type client struct {
	w     *World
	index int
	left  int
	at    *process // that it is connected to
	op    *op      // under way
	watch *op      // the last one, for the next EXEC
	claim *claim   // while it is blocked
}

// next makes the next call.
func (c *client) next() {
	if c.left == 0 {
		c.w.done++
		return
	}
	if c.at == nil || c.watch == nil && c.w.rng.IntN(8) == 0 {
		c.connect()
	}
	if c.at == nil {
		c.w.after(c.w.between(10, 100), c.next)
		return
	}
	c.left--
	c.w.Stats.Ops++
	o := c.random()
	c.begin(o)
}

// connect looks for a node that is there. Clients like company.
func (c *client) connect() {
	c.at = nil
	n := c.w.someNode()
	if !c.w.o.Plain && c.w.rng.IntN(2) == 0 {
		if other := c.w.clients[c.w.rng.IntN(len(c.w.clients))]; other.at != nil {
			n = other.at.node
		}
	}
	if p := n.p; p != nil && p.joined() && c.w.now >= n.pausedUntil {
		c.at = p
	}
}

// begin sends a call to the gateway.
func (c *client) begin(o *op) {
	o.client, o.at, o.began = c, c.at, c.w.now
	c.op = o
	o.at.after(c.w.delay(), func() {
		if c.op != o {
			return
		}
		o.now = o.at.clock()
		o.epochs = o.at.epochs()
		info := c.w.info(o)
		if info.Route == command.RouteSingle {
			o.at.forward(o, info)
			return
		}
		if !o.at.serving() {
			c.w.Stats.Fenced++
			o.undone = true
			o.answer("-"+string(errFenced)+"\r\n", false)
			return
		}
		if call := c.w.call(o, info); !o.at.gatherer.gather(o, call) {
			o.at.submit(o.at.env.NewID(o.now), o, call, nil)
		}
	})
	c.hurry(o, c.w.now+c.w.o.Patience)
}

// hurry looks at a time whether the client still waits. What its node is paused for
// does not count.
func (c *client) hurry(o *op, at int64) {
	c.w.after(at-c.w.now, func() {
		switch {
		case c.op != o || c.claim != nil || o.at.dead:
		case o.at.node.pausedUntil+c.w.o.Patience > at:
			c.hurry(o, o.at.node.pausedUntil+c.w.o.Patience)
		default:
			c.w.stuck("too long")
		}
	})
}

// epochs returns the epochs of all shards as the process knows them.
func (p *process) epochs() (epochs []uint64) {
	for _, place := range p.env.Where.Load().Places {
		epochs = append(epochs, place.Epoch)
	}
	return epochs
}

func (w *World) info(o *op) *command.Info { return w.infoOf(o.words) }

func (w *World) infoOf(words []string) *command.Info {
	if words[0][0] == '~' {
		return w.o.Setup.find(words[0])
	}
	info, refusal := w.o.Setup.table.Resolve(toArgs(words))
	if refusal != "" {
		panic(string(refusal))
	}
	return info
}

func toArgs(words []string) [][]byte {
	args := make([][]byte, len(words))
	for i, word := range words {
		args[i] = []byte(word)
	}
	return args
}

// call makes what a gateway submits.
func (w *World) call(o *op, info *command.Info) *saga.Call {
	call := &saga.Call{
		Cmd: info, Args: toArgs(o.words), Now: o.now, Out: &reply.Writer{Proto: reply.RESP2}, Local: connection{}, Waited: o.again,
	}
	for _, q := range o.queue {
		call.Queue = append(call.Queue, saga.Queued{Cmd: w.infoOf(q), Args: toArgs(q)})
	}
	if o.watch != nil {
		call.Watches = o.watch.watches
	}
	if info.Flags&command.Blocking != 0 {
		call.Block = func(b *saga.Blocked) { o.client.block(o, call, b) }
	}
	return call
}

// answer is the reply to o, or that it is blocked.
func (o *op) answer(text string, blocked bool) {
	c := o.client
	if o.replied {
		c.w.fail("answered twice: %v", o)
		return
	}
	o.replied, o.text, o.blocked = true, text, blocked
	c.w.trace("answered %s: %v", strip(text), o)
	switch {
	case o.undone:
		c.w.Stats.Failed++
	case o.unsure:
		c.w.Stats.Unknown++
	}
	if blocked || o.at.dead || c.at != o.at {
		return
	}
	if o.words[0] == saga.WatchName && !o.undone && !o.unsure {
		o.watches = watchesOf(o.words, text)
		c.watch = o
	}
	c.over()
}

// over goes on with the next call, after the watches of an EXEC have ended.
func (c *client) over() {
	if w := c.op.watch; w != nil && w.at == c.at {
		c.at.router.unwatch(w.watches)
	}
	c.op, c.claim = nil, nil
	c.w.after(c.w.delay()+c.w.rng.Int64N(c.w.o.Think+1), c.next)
}

// disconnected is after the crash of the process p.
func (c *client) disconnected(p *process) {
	if c.at != p {
		return
	}
	c.at, c.watch, c.claim = nil, nil, nil
	if c.op != nil {
		c.op = nil
		c.w.after(c.w.between(1, 100), c.next)
	}
}

func watchesOf(words []string, text string) (watches []saga.Watch) {
	_, rest := reply.Parse([]byte(text))
	for _, key := range words[1:] {
		var v reply.Value
		v, rest = reply.Parse(rest)
		watches = append(watches, saga.Watch{Key: []byte(key), Version: v.Int})
	}
	return watches
}
