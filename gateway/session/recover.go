package session

import (
	"log/slog"
	"runtime/debug"

	"github.com/troupedb/troupe/shard/reply"
)

// A panic is a defect, of which one client at most may get to know: what it was is
// logged and counted, and the loop with all its other clients goes on.

// errInternal answers a command whose handler panicked.
const errInternal reply.Error = "ERR internal error: the command failed and may have been carried out in part"

// noCommand is the start of the reply while no command runs.
const noCommand = -1

// recovered records a panic: its trace goes to the log, the count to INFO.
func (srv *Server) recovered(p any) {
	slog.Error("command panicked", "panic", p, "stack", string(debug.Stack()))
	srv.Stats.Recovered.Add(1)
}

// Survived records a panic that a stream of another node has caused.
func (srv *Server) Survived(p any) { srv.recovered(p) }

// stumbled is after a panic on the way through the input; start is where the reply
// of the command began that caused it. Without a command, what is unread cannot be
// trusted; and where the connection waits already, it is not known for what.
func (s *Session) stumbled(p any, start int) {
	s.Server.recovered(p)
	if start == noCommand {
		s.failed(len(s.Conn.W.Buf))
		s.Conn.CloseAfterReply()
		return
	}
	if s.Conn.Paused() {
		s.releaseLease()
		s.Conn.Close()
		return
	}
	s.failed(start)
	s.erred(s.last, s.Conn.W.Buf[start:], 1)
	s.settleReply()
}

// failed answers for a handler that panicked, in place of what it had written.
func (s *Session) failed(start int) { s.failedIn(&s.Conn.W, start) }

func (s *Session) failedIn(out *reply.Writer, start int) {
	s.releaseLease()
	out.Buf = out.Buf[:start]
	out.Error(errInternal)
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
