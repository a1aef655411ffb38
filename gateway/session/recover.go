package session

import (
	"log/slog"
	"runtime/debug"

	"github.com/troupedb/troupe/shard/reply"
)

// A panic is a defect, of which one client at most may get to know: what it was is
// logged and counted, and the loop with all its other clients goes on.

// noCommand is the start of the reply while no command runs.
const noCommand = -1

// recovered records a panic: its trace goes to the log, the count to INFO.
func (srv *Server) recovered(p any) {
	slog.Error("command panicked", "panic", p, "stack", string(debug.Stack()))
	srv.Stats.Recovered.Add(1)
}

// Survived records a panic that a stream of another node has caused.
func (srv *Server) Survived(p any) { srv.recovered(p) }

// spot is where the reply of the command belongs that runs.
type spot struct {
	start  int    // where it begins, or noCommand
	ticket uint64 // of the next command that goes away
}

// here is the spot of a command that is about to run.
func (s *Session) here() spot { return spot{len(s.out().Buf), s.pipe.next()} }

// stumbled is after a panic on the way through the input, by the command whose reply
// belongs at. Without a command, what is unread cannot be trusted. Where the command
// may have gone away, or the connection waits already, it is not known for what, and
// no reply would be sure to be the right one, and the only one.
func (s *Session) stumbled(p any, at spot) {
	s.Server.recovered(p)
	switch {
	case s.Conn.Paused() || at.start != noCommand && s.pipe.next() != at.ticket,
		at.start == noCommand && s.pipe.len() > 0:
		s.releaseLease()
		s.Conn.Close()
	case at.start == noCommand:
		s.failedIn(&s.Conn.W, len(s.Conn.W.Buf))
		s.Conn.CloseAfterReply()
	default:
		out := s.out()
		s.failedIn(out, at.start)
		s.erred(s.last, out.Buf[at.start:], 1)
		s.settleReply()
		s.pipe.follow()
	}
}

// failedIn answers for a handler that panicked, in place of what it had written.
func (s *Session) failedIn(out *reply.Writer, start int) {
	s.releaseLease()
	out.Buf = out.Buf[:start]
	out.Error(reply.ErrInternal)
}

// guard runs f. If it panics, the session's state is in doubt: the connection ends.
func (s *Session) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.Server.recovered(p)
			if !s.gone.closed.Load() {
				s.Conn.Close()
			}
		}
	}()
	f()
}

// Post makes the session's loop run f, unless the connection has ended by then. It
// may be called from any goroutine.
func (s *Session) Post(f func()) { s.Conn.Post(func() { s.guard(f) }) }
