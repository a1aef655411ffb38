package sim

import (
	"slices"
	"strings"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

// claim is the race for a blocked client.
type claim struct {
	taken bool
	op    *op
	call  *saga.Call
	b     *saga.Blocked
	since int64
}

func (c *claim) take() bool {
	was := c.taken
	c.taken = true
	return !was
}

const (
	// blockMost is the longest that most clients wait, in milliseconds; a few wait
	// until all is calm.
	blockMost = 500
	// forever is longer than any world.
	forever = 10 * lifetime
)

// block is a gateway's part in a blocked call: see gateway/session.
func (c *client) block(o *op, call *saga.Call, b *saga.Blocked) {
	p := o.at
	if c.at != p {
		return
	}
	c.w.Stats.Blocked++
	if was := c.claim; was != nil {
		p.router.forsake(was.b.Waiter, was.b.DB, was.b.Keys)
	}
	mine := &claim{op: o, call: call, b: b, since: c.w.now}
	c.claim = mine
	b.Waiter.Claim = mine.take
	b.Waiter.Done = func(out []byte) { c.served(o, string(out)) }
	if b.Resume || p.abroad(b.Keys) {
		id := b.Waiter.Saga
		b.Waiter.Handoff = func(db int, key []byte, place uint64) {
			served := o.resumed(p)
			served.woken = string(key)
			at := p.env.ShardOf(key)
			p.submit(id, served, c.w.call(served, call.Cmd), &saga.Handed{Shard: at, DB: db, Key: slices.Clone(key), Place: place})
		}
		p.router.await(b.Waiter)
	}
	c.w.after(c.blockTime(), func() { c.timeUp(mine) })
	if epochs := p.epochs(); c.outdated(epochs, o.epochs) {
		c.anew()
	}
}

func (c *client) blockTime() int64 {
	if c.w.rng.IntN(10) == 0 {
		return c.w.rng.Int64N(20 * blockMost)
	}
	return c.w.rng.Int64N(blockMost)
}

// abroad tells whether one of the keys is on another node.
func (p *process) abroad(keys [][]byte) bool {
	d := p.env.Where.Load()
	return slices.ContainsFunc(keys, func(key []byte) bool { return !d.Mine(p.env.ShardOf(key)) })
}

// resumed returns the op that serves a blocked one.
func (o *op) resumed(p *process) *op {
	return &op{client: o.client, at: p, words: o.words, again: true, now: p.clock(), began: o.client.w.now, epochs: p.epochs()}
}

// served is a reply that a shard of the same node gives, which has claimed the client.
func (c *client) served(o *op, out string) {
	served := o.resumed(o.at)
	served.words = servedAt(o.words, out)
	if !strings.HasPrefix(out, "-ERR internal") && !saysUnknown(out) && !saysNothingDone(out) {
		c.w.happened(served).sure = true
	} else {
		served.undone, served.unsure = saysNothingDone(out), saysUnknown(out)
	}
	c.unblock()
	served.answer(out, false)
}

// servedAt returns the words of a pop from several lists as the shard has served it:
// at one of them, which need not be the first that is there.
func servedAt(words []string, out string) []string {
	if v, rest := reply.Parse([]byte(out)); words[0] == "BLPOP" && v.Len == 2 {
		key, _ := reply.Parse(rest)
		return []string{words[0], string(key.Bulk), words[len(words)-1]}
	}
	return words
}

// unblock takes the client's waiter out of its queues.
func (c *client) unblock() {
	if b := c.claim; b != nil && c.at != nil {
		c.at.router.forsake(b.b.Waiter, b.b.DB, b.b.Keys)
	}
	c.claim = nil
}

// timeUp ends the waiting if nobody else has.
func (c *client) timeUp(mine *claim) {
	if c.claim != mine || !mine.take() {
		return
	}
	c.unblock()
	c.over()
}

// replaced is after a new directory: clients that wait for keys of shards that are
// elsewhere, or empty now, begin anew, as these have forgotten them, and so do those
// that wait for a node which has gone down.
func (c *client) replaced(before, now *directory.Directory) {
	was := make([]uint64, len(before.Places))
	for i := range was {
		was[i] = before.Places[i].Epoch
	}
	if c.claim != nil && (c.outdated(c.at.epochs(), was) || c.stranded(before, now)) {
		c.anew()
	}
}

func (c *client) stranded(before, now *directory.Directory) bool {
	return slices.ContainsFunc(c.claim.b.Keys, func(key []byte) bool {
		owner := now.Places[c.w.o.Setup.slots.Shard(slotOf(key))].Owner
		return now.Member(owner).State == directory.Down && before.Member(owner).State != directory.Down
	})
}

func (c *client) outdated(now, was []uint64) bool {
	return slices.ContainsFunc(c.claim.b.Keys, func(key []byte) bool {
		i := c.w.o.Setup.slots.Shard(slotOf(key))
		return now[i] != was[i]
	})
}

// anew runs the blocked call once more.
func (c *client) anew() {
	mine := c.claim
	if !mine.take() {
		return
	}
	c.w.trace("begins anew: %v", mine.op)
	c.unblock()
	again := mine.op.resumed(c.at)
	c.at.submit(c.at.env.NewID(again.now), again, c.w.call(again, mine.call.Cmd), nil)
}

// unblocked is when all is calm: clients that still wait must have nothing to wait
// for no longer. They are sent away, and the run ends after the last of them.
func (w *World) unblocked() bool {
	ended := true
	for _, c := range w.clients {
		if mine := c.claim; mine != nil && !mine.taken {
			for _, key := range mine.b.Keys {
				w.checkUnready(mine, key)
			}
			ended = false
		}
	}
	return ended
}

// checkUnready looks for a client that waits although there is what it waits for.
func (w *World) checkUnready(mine *claim, key []byte) {
	for _, n := range w.nodes[1:] {
		s := n.p.shards[w.o.Setup.slots.Shard(slotOf(key))]
		if s == nil || s.engine.Closed() {
			continue
		}
		var k keyspace.Key
		s.engine.KS.Key(&k, mine.b.DB, key)
		if r := s.engine.KS.Peek(&k); r != 0 && s.engine.KS.Kind(r) == mine.b.Waiter.Kind {
			w.fail("%s is there, and nobody serves %v", key, mine.op)
		}
	}
}
