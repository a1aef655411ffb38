package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var shutdownRow = command.Row{
	Name:       "shutdown",
	Group:      command.GroupServer,
	Since:      "1.0.0",
	Summary:    "Stops the server, with a snapshot or without",
	Complexity: "O(N) where a snapshot is written, N the keys of all databases; else O(1)",
	Arity:      -1,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale | command.NoMulti | command.AllowBusy,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "nosave_save", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "nosave", Type: command.ArgPureToken, Token: "NOSAVE"},
			{Name: "save", Type: command.ArgPureToken, Token: "SAVE"},
		}},
		{Name: "now", Type: command.ArgPureToken, Token: "NOW", Since: "7.0.0", Optional: true},
		{Name: "force", Type: command.ArgPureToken, Token: "FORCE", Since: "7.0.0", Optional: true},
		{Name: "abort", Type: command.ArgPureToken, Token: "ABORT", Since: "7.0.0", Optional: true},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes `NOW`, `FORCE` and `ABORT`."},
	},
}

const (
	errCannotSave reply.Error = "ERR this version holds data in memory only and cannot save: say SHUTDOWN NOSAVE"
	errNoShutdown reply.Error = "ERR No shutdown in progress."
)

// shutdown ends the node, and with it the connection, without a reply. NOW and
// FORCE change nothing, as there is nothing to wait for.
func shutdown(s *session.Session, r *session.LocalCall) {
	var save, nosave, abort, other bool
	for i := 1; i < len(r.Args); i++ {
		switch {
		case is(r, i, "nosave"):
			nosave = true
		case is(r, i, "save"):
			save = true
		case is(r, i, "now"), is(r, i, "force"):
			other = true
		case is(r, i, "abort"):
			abort = true
		default:
			r.Out.Error(reply.ErrSyntax)
			return
		}
	}
	switch {
	case abort && (save || nosave || other), save && nosave:
		r.Out.Error(reply.ErrSyntax)
	case abort:
		r.Out.Error(errNoShutdown)
	case !nosave && s.Server.Env.Running.Busy():
		r.Out.Error(reply.ErrBusyScript)
	case save:
		r.Out.Error(errCannotSave)
	default:
		s.Conn.CloseAfterReply()
		s.Server.Shutdown()
	}
}
