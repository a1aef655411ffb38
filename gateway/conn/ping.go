package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var pingRow = command.Row{
	Name:       "ping",
	Group:      command.GroupConnection,
	Since:      "1.0.0",
	Summary:    "Answers, so that one knows the server is there",
	Complexity: "O(1)",
	Arity:      -1,
	Flags:      command.Fast | command.WhileSubscribed,
	ACL:        command.CatConnection,
	Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "message", Type: command.ArgString, Optional: true},
	},
}

// ping answers a RESP2 client that is subscribed in the form of a message.
func ping(s *session.Session, r *session.LocalCall) {
	if len(r.Args) > 2 {
		r.Out.Error(reply.WrongArity("ping"))
		return
	}
	if s.Subs > 0 && !r.Out.Resp3() {
		r.Out.Array(2)
		r.Out.BulkString("pong")
		if len(r.Args) == 2 {
			r.Out.Bulk(r.Args[1])
		} else {
			r.Out.BulkString("")
		}
		return
	}
	if len(r.Args) == 2 {
		r.Out.Bulk(r.Args[1])
		return
	}
	r.Out.Simple("PONG")
}
