package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
)

var resetRow = command.Row{
	Name:       "reset",
	Group:      command.GroupConnection,
	Since:      "6.2.0",
	Summary:    "Brings the connection back to how it began",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy | command.Immediate | command.WhileSubscribed,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

func reset(s *session.Session, r *session.LocalCall) {
	s.Reset()
	r.Out.Proto = s.Conn.W.Proto
	r.Out.Simple("RESET")
}
