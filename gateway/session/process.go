package session

import (
	"log/slog"

	"strings"

	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/gateway/resp"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// Data implements netloop.Session: it runs the commands in the input until it
// ends, the connection must wait, or too much output has gathered.
func (s *Session) Data(in []byte) (consumed int) {
	s.refreshLimits()
	s.seen = s.w.clock()
	start := len(s.Conn.W.Buf)
	s.input = len(in)
	if s.killed.Load() {
		s.Conn.Close()
		return 0
	}
	for done := false; !done; {
		n := 0
		n, done = s.work(in[consumed:])
		consumed += n
	}
	if s.pipe.len() > 0 {
		s.hold() // so what is away is bounded, and a client that hangs up is still answered
	}
	s.w.netIn += uint64(consumed)
	s.w.netOut += uint64(max(0, len(s.Conn.W.Buf)-start))
	s.releaseLease()
	s.w.ahead.end()
	s.input = 0
	s.publish()
	if s.OverOutputLimit() {
		s.Conn.Close()
	}
	return consumed
}

// work runs the commands in the input. It is done unless a command has panicked:
// that one is consumed and answered, and those after it are still to run.
func (s *Session) work(in []byte) (consumed int, done bool) {
	at := spot{start: noCommand}
	defer func() {
		if p := recover(); p != nil {
			s.stumbled(p, at)
		}
	}()
	for !s.Conn.Paused() && !s.Conn.Closing() && len(s.Conn.W.Buf) < netloop.SoftOutput {
		args, n, err := s.next(in[consumed:])
		if s.pipe.len() > 0 && (err != nil || len(args) > 0 && !s.mayOvertake(args)) {
			s.hold() // it is parsed again once all replies before it are there
			return consumed, true
		}
		consumed += n
		if err != nil {
			s.protocolError(err)
			break
		}
		if len(args) == 0 {
			break
		}
		if resp.IsCrossProtocol(args[0]) && s.Server.Table.Lookup(args[0]) == nil {
			s.crossProtocol()
			return consumed, true
		}
		at = s.here()
		s.command(args)
		at.start = noCommand
	}
	return consumed, true
}

// crossProtocol ends a connection that speaks HTTP, without a word: a web page
// may be trying to make its reader's browser send commands to this node.
func (s *Session) crossProtocol() {
	slog.Warn("closed a connection that speaks HTTP", "client", s.Conn.Remote)
	s.Conn.Close()
}

func (s *Session) protocolError(err *resp.ProtocolError) {
	if err.Silent() {
		s.Server.Stats.QueryDisconnects.Add(1)
	} else {
		s.Conn.W.Buf = err.AppendReply(s.Conn.W.Buf)
	}
	s.Conn.CloseAfterReply()
}

// command runs one command and sees to it that the client gets the reply, or
// does not, as CLIENT REPLY has it.
func (s *Session) command(args [][]byte) {
	out := s.out()
	start, errs := len(out.Buf), out.Errs
	s.mute = start
	s.muted = s.Reply != ReplyOn
	info, err := s.resolve(args)
	if err != "" {
		s.refuse(info, err)
		info = nil
	} else {
		s.run(info, args)
	}
	if out.Errs > errs {
		s.erred(info, out.Buf[start:], out.Errs-errs)
	}
	if !s.Conn.Paused() { // else answer sees to it
		s.settleReply()
	}
	s.pipe.follow()
}

// settleReply drops what the command has answered if the client does not want
// it. CLIENT REPLY ON is answered all the same.
func (s *Session) settleReply() {
	if s.muted && s.Reply != ReplyOn || s.Reply == ReplyOff {
		s.muteReply()
	}
}

// KeepReply makes what has been written so far stay, whatever CLIENT REPLY says:
// messages, in RESP3, are no replies.
func (s *Session) KeepReply() { s.mute = len(s.Conn.W.Buf) }

// muteReply drops what the command has answered.
func (s *Session) muteReply() {
	if len(s.Conn.W.Buf) > s.mute {
		s.Conn.W.Buf = s.Conn.W.Buf[:s.mute]
	}
	switch s.Reply {
	case ReplySkipNext:
		s.Reply = ReplySkip
	case ReplySkip:
		s.Reply = ReplyOn
	}
}

const (
	errNotInMulti   reply.Error = "ERR Command not allowed inside a transaction"
	errOOM          reply.Error = "OOM command not allowed when used memory > 'maxmemory'."
	errNoReplicas   reply.Error = "NOREPLICAS Not enough good replicas to write."
	errDebugRefused reply.Error = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", " +
		"you can run it from a local connection, otherwise you need to set this option in the configuration file, " +
		"and then restart the server."
)

func errSubscribed(name string) reply.Error {
	return reply.Error("ERR Can't execute '" + name +
		"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
}

// resolve finds the command that args ask for, or why it must not run.
func (s *Session) resolve(args [][]byte) (*command.Info, reply.Error) {
	info := s.Server.Table.Lookup(args[0])
	if info == nil || len(info.Subs()) > 0 || !info.AdmitsArity(len(args)) {
		var err reply.Error
		if info, err = s.Server.Table.Resolve(args); err != "" {
			return s.meant(args), err
		}
	}
	switch {
	case info == s.Server.debug && !s.mayDebug():
		return info, errDebugRefused
	case !s.Authed && info.Flags&command.NoAuth == 0 && s.Server.Limits.Load().Password != "":
		return info, reply.ErrNoAuth
	case s.Multi != nil && info.Flags&command.NoMulti != 0:
		return info, errNotInMulti
	case s.Subs > 0 && !s.Conn.W.Resp3() && info.Flags&command.WhileSubscribed == 0:
		return info, errSubscribed(info.FullName)
	case s.Server.Env.Running.Busy() && info.Flags&command.AllowBusy == 0:
		return info, reply.ErrBusyScript
	case s.limitOf.MaxMemory > 0 || s.limitOf.NeedsReplicas:
		return info, s.scarce(info.Flags, s.Multi != nil && info.Flags&command.Immediate == 0)
	}
	return info, ""
}

// meant finds the command that args name, wrong as they may be, or nil.
func (s *Session) meant(args [][]byte) *command.Info {
	info := s.Server.Table.Lookup(args[0])
	if info != nil && len(info.Subs()) > 0 && len(args) > 1 {
		return info.Sub(args[1])
	}
	return info
}

// scarce tells why commands of these flags must not run, if memory or replicas
// do not suffice for them. Queueing takes memory whatever the command.
func (s *Session) scarce(flags command.Flag, queueing bool) reply.Error {
	return s.Server.scarce(s.limitOf, flags, queueing)
}

// Scarce tells why a command of these flags that comes from another node must not
// run here.
func (srv *Server) Scarce(flags command.Flag) reply.Error {
	if l := srv.Limits.Load(); l.MaxMemory > 0 || l.NeedsReplicas {
		return srv.scarce(l, flags, false)
	}
	return ""
}

func (srv *Server) scarce(l *Limits, flags command.Flag, queueing bool) reply.Error {
	switch {
	case l.MaxMemory > 0 && (flags&command.DenyOOM != 0 || queueing) && srv.UsedMemory() > l.MaxMemory:
		return errOOM
	case l.NeedsReplicas && flags&command.Write != 0:
		return errNoReplicas
	}
	return ""
}

func (s *Session) mayDebug() bool {
	switch s.limitOf.Debug {
	case DebugAll:
		return true
	case DebugLocal:
		return isLoopback(s.Conn.Remote)
	}
	return false
}

// refuse answers with an error and makes an open transaction fail; a refused EXEC
// ends it.
func (s *Session) refuse(info *command.Info, err reply.Error) {
	if s.Multi != nil {
		s.Multi.Failed = true
	}
	if info != nil {
		s.w.calls.of(info).rejected++
		if info.Row == &execRow {
			s.Multi = nil
			s.Unwatch()
			err = abortedBy(err)
		}
	}
	s.out().Error(err)
}

func abortedBy(err reply.Error) reply.Error {
	return reply.Error("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(string(err), "ERR "))
}
