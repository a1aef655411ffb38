package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

// Commands are the commands of this package.
var Commands = []session.Command{
	{Row: &echoRow, Run: echo},
	{Row: &pingRow, Run: ping},
	{Row: &selectRow, Run: selectDB},
}

var pingRow = command.Row{
	Name:       "ping",
	Group:      command.GroupConnection,
	Since:      "1.0.0",
	Summary:    "Answers, so that one knows the server is there",
	Complexity: "O(1)",
	Arity:      -1,
	Flags:      command.Fast,
	ACL:        command.CatConnection,
	Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "message", Type: command.ArgString, Optional: true},
	},
}

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

var selectRow = command.Row{
	Name:       "select",
	Group:      command.GroupConnection,
	Since:      "1.0.0",
	Summary:    "Chooses this connection's database",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale | command.Fast,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "index", Type: command.ArgInteger},
	},
}

func ping(s *session.Session, r *session.LocalCall) {
	if len(r.Args) == 2 {
		r.Out.Bulk(r.Args[1])
		return
	}
	r.Out.Simple("PONG")
}

func echo(s *session.Session, r *session.LocalCall) { r.Out.Bulk(r.Args[1]) }

func selectDB(s *session.Session, r *session.LocalCall) {
	n, ok := num.ParseInt(r.Args[1])
	switch {
	case !ok:
		r.Out.Error(reply.ErrNotInteger)
	case n < 0 || n >= keyspace.Databases:
		r.Out.Error(reply.ErrDBIndex)
	default:
		*r.DB = int(n)
		r.Out.OK()
	}
}
