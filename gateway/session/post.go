package session

import (
	"sync"
	"sync/atomic"

	"github.com/troupedb/troupe/shard/reply"
)

// errGone answers a command of the connection that a saga wanted to run after
// the connection had ended. Nobody reads it, but the saga must come to its end.
const errGone reply.Error = "ERR the connection has ended"

// outlived holds what sagas have posted to a session. Unlike what is posted to
// the connection, all of it runs, even after the connection has ended: a saga
// that holds locks waits for it.
type outlived struct {
	closed  atomic.Bool
	mu      sync.Mutex
	waiting []func()
}

// post runs f on the session's loop, or at once if the session is over. It may
// be called from any goroutine.
func (s *Session) post(f func()) {
	s.gone.mu.Lock()
	if s.gone.closed.Load() {
		s.gone.mu.Unlock()
		s.guard(f)
		return
	}
	s.gone.waiting = append(s.gone.waiting, f)
	s.gone.mu.Unlock()
	s.Conn.Post(s.runPosted)
}

func (s *Session) runPosted() {
	s.gone.mu.Lock()
	list := s.gone.waiting
	s.gone.waiting = nil
	s.gone.mu.Unlock()
	for _, f := range list {
		s.guard(f)
	}
}

// endPosts runs what is still waiting; what comes later runs where it comes from.
func (s *Session) endPosts() {
	s.gone.mu.Lock()
	s.gone.closed.Store(true)
	s.gone.mu.Unlock()
	s.runPosted()
}
