package session

import (
	"cmp"
	"slices"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
)

// A shard that leaves its node forgets who waits at its keys, and so does one whose
// node is gone. The gateways know from the directory, and run the commands of their
// blocked clients again: these are served, or wait, where the keys are now, or are
// told that a node is down.

// standsOf returns the queues of keys by shard.
func standsOf(env *saga.Env, d *directory.Directory, keys [][]byte) (stands []stand) {
	for _, key := range keys {
		shard := env.ShardOf(key)
		if !slices.ContainsFunc(stands, func(at stand) bool { return at.shard == shard }) {
			stands = append(stands, stand{shard, d.Places[shard].Epoch, key})
		}
	}
	return stands
}

// moved returns the first of the queues that are not where they were, or are out of
// reach, nil if there is none.
func (b *blocking) moved(d *directory.Directory) *stand {
	for i := range b.stands {
		at := &b.stands[i]
		p := &d.Places[at.shard]
		if m := d.Member(p.Owner); p.Epoch != at.epoch || m == nil || m.State == directory.Down {
			return at
		}
	}
	return nil
}

// inTurn runs commands again, but those that somebody else has claimed, each once the
// one before it waits again or has ended: so they come to stand in the queue of a key
// in the order in which they stood there.
func inTurn(waits []*blocking) {
	for len(waits) > 0 && !waits[0].why.Waiter.Claim() {
		waits = waits[1:]
	}
	if len(waits) == 0 {
		return
	}
	b := waits[0]
	b.s.post(func() {
		b.next = func() { inTurn(waits[1:]) }
		if b.s.blocked != b { // its connection has ended
			b.next()
			return
		}
		b.forsake() // the queues that it still stands in
		b.call.Now = time.Now().UnixMilli()
		b.s.Server.Sagas.Submit(b.call, b.ran)
	})
}

// Relocated makes the blocked clients follow a directory, which differs from the one
// before. It is to be called once d is the newest, and costs nothing to speak of
// unless shards have moved or nodes gone down, and clients are blocked.
func (srv *Server) Relocated(before, d *directory.Directory) {
	if srv.Stats.Blocked.Load() == 0 || !displaced(before, d) {
		return
	}
	type queue struct {
		db  int
		key string
	}
	queues := map[queue][]*blocking{}
	for _, b := range srv.blocked() {
		if at := b.moved(d); at != nil {
			q := queue{b.why.DB, string(at.key)}
			queues[q] = append(queues[q], b)
		}
	}
	for _, waits := range queues {
		inTurn(waits)
	}
}

// blocked returns what clients wait for, who waits the longest first.
func (srv *Server) blocked() (waits []*blocking) {
	srv.mu.Lock()
	for _, s := range srv.clients {
		s.mu.Lock()
		if s.wait != nil {
			waits = append(waits, s.wait)
		}
		s.mu.Unlock()
	}
	srv.mu.Unlock()
	slices.SortFunc(waits, func(a, b *blocking) int { return cmp.Compare(a.why.Waiter.Saga, b.why.Waiter.Saga) })
	return waits
}

// displaced tells whether a shard has another place in d than before, or a member has
// gone down.
func displaced(before, d *directory.Directory) bool {
	if len(before.Places) != len(d.Places) {
		return true
	}
	for i := range d.Places {
		if before.Places[i].Epoch != d.Places[i].Epoch {
			return true
		}
	}
	return slices.ContainsFunc(d.Members, func(m directory.Member) bool {
		was := before.Member(m.Number)
		return m.State == directory.Down && (was == nil || was.State != directory.Down)
	})
}
