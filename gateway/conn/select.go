package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

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

const errSelectRange reply.Error = "ERR value is out of range, value must between -2147483648 and 2147483647"

func selectDB(_ *session.Session, r *session.LocalCall) {
	n, ok := num.ParseInt(r.Args[1])
	switch {
	case !ok:
		r.Out.Error(reply.ErrNotInteger)
	case n != int64(int32(n)):
		r.Out.Error(errSelectRange)
	case n < 0 || n >= keyspace.Databases:
		r.Out.Error(reply.ErrDBIndex)
	default:
		*r.DB = int(n)
		r.Out.OK()
	}
}
