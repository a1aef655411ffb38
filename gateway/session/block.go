package session

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/reply"
)

// blocking is the session's side of a blocked command. Serving shard, timeout,
// CLIENT UNBLOCK, the end of the connection and a shard that is not where it was race
// for claimed; the winner answers.
type blocking struct {
	s       *Session
	why     *saga.Blocked
	call    *saga.Call // the command, for another run
	from    int64      // when the client began to wait, Unix milliseconds
	stands  []stand
	next    func() // is to be called after another run of the command
	claimed atomic.Bool
	timer   *time.Timer
}

// stand is where queues are that the waiter stands in.
type stand struct {
	shard int
	epoch uint64 // of the shard
	key   []byte // the first on it
}

// await makes the connection wait for a waiter that stands in its queues already.
// It runs on the session's loop while the waiter's keys are still held by their
// saga, so nobody can serve it yet.
func (s *Session) await(call *saga.Call, why *saga.Blocked) { s.awaitFrom(call.Now, call, why) }

// awaitFrom is await of a client that has waited before.
func (s *Session) awaitFrom(from int64, call *saga.Call, why *saga.Blocked) {
	env := s.Server.Env
	d := env.Where.Load() // no shard leaves its node while a saga holds a key of it
	b := &blocking{s: s, why: why, from: from, stands: standsOf(env, d, why.Keys)}
	w := why.Waiter
	w.Claim = func() bool { return b.claimed.CompareAndSwap(false, true) }
	w.Done = func(out []byte) { b.answer(append([]byte(nil), out...)) }
	b.keep(call)
	if why.Resume || b.abroad(d) {
		begin := s.Server.Sagas.Handoff(w.Saga, b.call, b.ran)
		w.Handoff = func(db int, key []byte, place uint64) {
			b.call.Now = time.Now().UnixMilli()
			begin(db, key, place)
		}
		s.Server.Sagas.Await(w)
	}
	if s.gone.closed.Load() {
		b.end()
		return
	}
	s.block(b)
	if b.moved(env.Where.Load()) != nil { // Relocated may have come too early to see it
		inTurn([]*blocking{b})
	}
}

// abroad tells whether one of the keys is on another node. Then whoever is ready
// first asks this node, and the call is run again as the saga of its waiter.
func (b *blocking) abroad(d *directory.Directory) bool {
	return slices.ContainsFunc(b.stands, func(at stand) bool { return !d.Mine(at.shard) })
}

// keep prepares the call to run again as a saga of its own. It may have to wait once
// more, as part of the same wait of its client.
func (b *blocking) keep(call *saga.Call) {
	own := call.Own()
	own.Post, own.Waited = b.s.post, true
	own.Block = func(again *saga.Blocked) {
		b.over()
		b.s.awaitFrom(b.from, own, again)
	}
	b.call = own
}

// ran is after another run. It may be called from any goroutine.
func (b *blocking) ran() {
	if len(b.call.Out.Buf) > 0 { // else it waits again
		b.answer(b.call.Out.Buf)
	}
	if b.next != nil {
		b.next()
	}
}

// block makes the connection wait until the timeout.
func (s *Session) block(b *blocking) {
	s.blocked = b
	s.Server.Stats.Blocked.Add(1)
	s.Conn.EndOnHangup = true
	s.Conn.Pause()
	if b.why.Timeout > 0 {
		left := time.Duration(b.from+b.why.Timeout-time.Now().UnixMilli()) * time.Millisecond
		b.timer = time.AfterFunc(left, func() {
			if b.why.Waiter.Claim() {
				b.answer(b.why.TimedOut)
			}
		})
	}
	s.publish()
}

// answer ends the wait with a reply. The caller has claimed it. It may be called
// from any goroutine, and comes to the loop after block.
func (b *blocking) answer(out []byte) {
	b.s.Post(func() {
		b.over()
		b.s.answer(&reply.Writer{Buf: out})
	})
}

// end is for a connection that has closed.
func (b *blocking) end() {
	b.why.Waiter.Claim()
	b.over()
}

func (b *blocking) over() {
	s := b.s
	if s.blocked != b {
		return
	}
	s.blocked = nil
	s.Conn.EndOnHangup = false
	s.Server.Stats.Blocked.Add(-1)
	if b.timer != nil {
		b.timer.Stop()
	}
	b.forsake()
}

// forsake takes the waiter out of the queues that it still stands in.
func (b *blocking) forsake() {
	b.s.Server.Sagas.Forsake(b.why.Waiter, b.why.DB, b.why.Keys)
}

const errUnblocked reply.Error = "UNBLOCKED client unblocked via CLIENT UNBLOCK"

// Unblock ends a blocked command as if its time were up, or with an error, and
// tells whether there was one. It may be called from any goroutine.
func (s *Session) Unblock(withError bool) bool {
	s.mu.Lock()
	b := s.wait
	s.mu.Unlock()
	if b == nil || !b.why.Waiter.Claim() {
		return false
	}
	out := b.why.TimedOut
	if withError {
		w := reply.Writer{}
		w.Error(errUnblocked)
		out = w.Buf
	}
	b.answer(out)
	return true
}
