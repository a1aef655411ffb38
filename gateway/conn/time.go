package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"time"
)

var timeRow = command.Row{
	Name:       "time",
	Group:      command.GroupServer,
	Since:      "2.6.0",
	Summary:    "The server's clock",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.Loading | command.Stale | command.Fast,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

func timeNow(_ *session.Session, r *session.LocalCall) {
	micros := time.Now().UnixMicro()
	r.Out.Array(2)
	r.Out.BulkInt(micros / 1e6)
	r.Out.BulkInt(micros % 1e6)
}
