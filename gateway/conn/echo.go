package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
)

var echoRow = command.Row{
	Name:       "echo",
	Group:      command.GroupConnection,
	Since:      "1.0.0",
	Summary:    "Sends a string back",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale | command.Fast,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "message", Type: command.ArgString},
	},
}

func echo(_ *session.Session, r *session.LocalCall) { r.Out.Bulk(r.Args[1]) }
