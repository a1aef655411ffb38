package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var clientUnblockRow = command.Row{
	Name:       "unblock",
	Group:      command.GroupConnection,
	Since:      "5.0.0",
	Summary:    "Wakes a client that waits in a blocking command",
	Complexity: "O(log N), N the connections",
	Arity:      -3,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "client-id", Type: command.ArgInteger},
		{Name: "timeout_error", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "timeout", Type: command.ArgPureToken, Token: "TIMEOUT"},
			{Name: "error", Type: command.ArgPureToken, Token: "ERROR"},
		}},
	},
}

const errUnblockReason reply.Error = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"

func clientUnblock(s *session.Session, r *session.LocalCall) {
	withError := false
	if len(r.Args) > 3 {
		withError = is(r, 3, "error")
		if len(r.Args) > 4 {
			r.Out.Error(badSubcommand("CLIENT", r.Args[1]))
			return
		}
		if !withError && !is(r, 3, "timeout") {
			r.Out.Error(errUnblockReason)
			return
		}
	}
	id, ok := integer(r, 2, reply.ErrNotInteger)
	if !ok {
		return
	}
	s.AskNodes(r, nodeOf(s, id), r.Args, func(r *session.LocalCall, a session.Answers) {
		if silent := s.Server.Silent(a); silent != "" {
			r.Out.Error(errSilent(silent, "its client still waits, as far as is known"))
			return
		}
		r.Out.Int(a.Sum() + unblock(s.Server, id, withError))
	})
}

func clientUnblockHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	w.Int(unblock(srv, numberOf(args[2]), len(args) > 3 && sameWord(args[3], "error")))
}

// unblock wakes a client of this node, and returns how many it has woken.
func unblock(srv *session.Server, id int64, withError bool) int64 {
	for _, c := range srv.Clients() {
		if int64(c.ID) == id && c.Unblock(withError) {
			return 1
		}
	}
	return 0
}
