package sim

import (
	"slices"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// A key whose time has come ends at one known moment, as calls do: when its shard sees
// that, on an access or by itself. Which time it is at a shard, only the shard knows, as
// it follows the clocks of all nodes. So the reference has no time, and removes keys
// when shards did. Whoever has seen the key at another place of the history than he
// could, or an end of a key that has no time, is found there. It has ended even if the
// saga that saw it first is undone: others may have seen it too.

// witness is told of the keys that end at a shard.
type witness struct{ s *shardNode }

// Expired implements keyspace.Events.
func (h witness) Expired(k *keyspace.Key) {
	e, w := h.s.engine, h.s.p.w
	e.Expired(k)
	if e.Closed() {
		return // it is a copy that nobody sees
	}
	name := string(k.Name)
	if i := slices.Index(h.s.revived, name); i >= 0 {
		h.s.revived = slices.Delete(h.s.revived, i, i+1)
		return
	}
	w.gone(h.s.index, name)
	if e.KS.Journaling() {
		e.KS.Undo(func() { h.s.revived = append(h.s.revived, name) })
	}
}

// heed makes the shard's keyspace, which is a new one, tell of keys that end.
func (s *shardNode) heed() { s.engine.KS.Events = witness{s} }

// gone notes that a key has ended, before the command that is running now and has
// found that out.
func (w *World) gone(shard int, key string) {
	w.Stats.Expired++
	w.trace("shard %d: the time of %s has come", shard, key)
	m := &moment{shard: shard, gone: key, sure: true}
	at := len(w.history)
	if w.running != nil {
		at = slices.Index(w.history, w.running)
	}
	w.history = slices.Insert(w.history, at, m)
}

// due returns the keys whose time has come, and which nobody has looked at since. They
// do not travel with their shard.
func (s *shardNode) due() (names []string) {
	s.eachBrief(func(k *keyspace.Key) {
		if s.engine.KS.Due(k) {
			names = append(names, string(k.Name))
		}
	})
	return names
}

// lookAtBriefs has all shards see whose time has come, as the state at the end is to be
// compared.
func (w *World) lookAtBriefs() {
	for _, n := range w.nodes[1:] {
		for _, s := range n.p.shards {
			if s != nil && !s.engine.Closed() {
				s.eachBrief(func(k *keyspace.Key) { s.engine.KS.Peek(k) })
			}
		}
	}
}

func (s *shardNode) eachBrief(f func(*keyspace.Key)) {
	for i := range briefs {
		var k keyspace.Key
		name := []byte(brief(i))
		if s.p.env.ShardOf(name) == s.index {
			s.engine.KS.Key(&k, 0, name)
			f(&k)
		}
	}
}

// expire removes a key whose time has come.
func (r *reference) expire(m *moment) {
	var k keyspace.Key
	ks := r.handle.Engine.KS
	ks.Key(&k, 0, []byte(m.gone))
	at := ks.Peek(&k)
	if at == 0 || ks.Arena.Expiry(at) == 0 {
		r.w.fail("the time of %s has come; one after the other it has none", m.gone)
		return
	}
	ks.Remove(&k, at)
}

// carryOut has the shard carry out an order, and counts what it meets on shared keys.
func (s *shardNode) carryOut(o *engine.Order) {
	e, stats := s.engine, &s.p.w.Stats
	crowded, alone := e.Crowded(), e.Alone
	e.Order(o)
	if !crowded && e.Crowded() {
		stats.Crowds++
	}
	stats.Alone += int(e.Alone - alone)
}
