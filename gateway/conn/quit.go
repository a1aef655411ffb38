package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
)

var quitRow = command.Row{
	Name:       "quit",
	Group:      command.GroupConnection,
	Since:      "1.0.0",
	Summary:    "Ends the connection",
	Complexity: "O(1)",
	Arity:      -1,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy | command.Immediate | command.WhileSubscribed,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

func quit(s *session.Session, r *session.LocalCall) {
	r.Out.OK()
	s.Conn.CloseAfterReply()
}
