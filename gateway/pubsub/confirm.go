package pubsub

import (
	"time"

	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/reply"
)

// wait is a client that waits until all peers know what it listens to.
type wait struct {
	version uint64
	done    func()
	timer   *time.Timer
}

// confirm makes the replies that s has got from start on wait until all nodes know
// what it listens to: what is published anywhere after them is what they say.
// Messages for it stay behind them.
func (h *Hub) confirm(s *session.Session, sub *subscriber, start int) {
	h.push()
	if sub == nil || h.known() {
		return
	}
	own := append([]byte(nil), s.Conn.W.Buf[start:]...)
	s.Conn.W.Buf = s.Conn.W.Buf[:start]
	sub.hold(true)
	answer := s.Postpone()
	h.await(func() {
		answer(func(*reply.Writer) {
			s.Conn.W.Raw(own)
			s.Server.Stats.NetOut.Add(uint64(len(own)))
			sub.hold(false)
			sub.write()
		})
	})
}

// known tells whether all peers know all listeners.
func (h *Hub) known() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.floor() == h.version
}

// floor returns up to which version all peers know the listeners, but for peers that
// are not waited for.
func (h *Hub) floor() uint64 {
	floor := h.version
	for _, p := range h.peers {
		if !p.told.late && !h.server.Streams.Suspected(p.number) {
			floor = min(floor, p.told.acked)
		}
	}
	return floor
}

// await calls done once, on any goroutine, when all peers know the listeners as they
// are now, or have had time enough.
func (h *Hub) await(done func()) {
	h.mu.Lock()
	w := &wait{version: h.version, done: done}
	w.timer = time.AfterFunc(confirmPatience, func() { h.overdue(w.version) })
	h.waits = append(h.waits, w) // in the order of versions, so one place ends all before it
	due := h.confirmed()
	h.mu.Unlock()
	run(due)
}

// overdue is when clients have waited for a version long enough. Peers that do not
// know it are not waited for until they answer again.
func (h *Hub) overdue(version uint64) {
	h.mu.Lock()
	for _, p := range h.peers {
		if p.told.acked < version {
			p.told.late = true
		}
	}
	due := h.confirmed()
	h.mu.Unlock()
	run(due)
}

// confirmed takes the waits that are over. The caller runs them without the lock.
func (h *Hub) confirmed() (due []*wait) {
	if len(h.waits) == 0 {
		return nil
	}
	floor, n := h.floor(), 0
	for n < len(h.waits) && h.waits[n].version <= floor {
		n++
	}
	due = h.waits[:n:n]
	h.waits = h.waits[n:]
	if len(h.waits) == 0 {
		h.waits = nil
	}
	return due
}

func run(due []*wait) {
	for _, w := range due {
		w.timer.Stop()
		w.done()
	}
}
