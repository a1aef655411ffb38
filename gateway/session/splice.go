package session

import (
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/words"
)

// A transaction is carried out with its keys locked, so it cannot wait for other
// nodes. What it says to clients, scripts and counters of the whole cluster (commands
// with a Here) is done in the order of its queue right after the rest, which does not
// depend on it, and before the client is answered.

// postponed is such a command, and its place in the transaction.
type postponed struct {
	at   int
	call LocalCall
}

// wide tells whether a command is for all nodes.
func (srv *Server) wide(cmd *command.Info, args [][]byte) bool {
	return srv.heres[cmd.ID] != nil && (srv.wides[cmd.ID] == nil || srv.wides[cmd.ID](args))
}

// postpone finds the commands of a transaction that are for all nodes, if there are
// others.
func (s *Session) postpone(queue []saga.Queued) (later []postponed) {
	if s.Server.Cluster == nil && len(s.Server.Others()) == 0 {
		return nil
	}
	for i := range queue {
		if q := &queue[i]; q.Cmd.Route == command.RouteLocal && s.Server.wide(q.Cmd, q.Args) {
			later = append(later, postponed{i, LocalCall{Cmd: q.Cmd, Args: words.Clone(q.Args), DB: &s.DB}})
		}
	}
	s.postponing = len(later) > 0
	return later
}

// splice carries out what was postponed, and puts the replies into the transaction's.
func (s *Session) splice(exec []byte, later []postponed) {
	s.postponing = false
	v, rest := reply.Parse(exec)
	if v.Kind != '*' || v.Null() {
		s.Conn.W.Raw(exec)
		return
	}
	head := append([]byte(nil), exec[:len(exec)-len(rest)]...)
	parts := make([][]byte, v.Len)
	for i := range parts {
		after := skipValue(rest)
		parts[i] = append([]byte(nil), rest[:len(rest)-len(after)]...)
		rest = after
	}
	s.runPostponed(later, parts, func() {
		out := head
		for _, p := range parts {
			out = append(out, p...)
		}
		s.answerLate(&reply.Writer{Buf: out})
	})
}

// runPostponed runs the commands one by one. The connection is paused meanwhile.
func (s *Session) runPostponed(later []postponed, parts [][]byte, then func()) {
	s.Conn.Pause()
	for i := range later {
		p := &later[i]
		own := p.call
		settle := func(out *reply.Writer) {
			parts[p.at] = out.Buf
			if out.Errs > 0 {
				s.erred(own.Cmd, out.Buf, out.Errs)
			}
		}
		own.Out = &reply.Writer{Proto: s.Conn.W.Proto}
		own.done = func(out *reply.Writer) {
			settle(out)
			s.runPostponed(later[i+1:], parts, then)
		}
		if s.Server.locals[own.Cmd.ID](s, &own); own.late {
			return
		}
		settle(own.Out)
	}
	then()
}

// skipValue returns what follows a value with all its elements.
func skipValue(b []byte) []byte {
	v, rest := reply.Parse(b)
	for range v.Len {
		rest = skipValue(rest)
	}
	return rest
}
