package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
)

var clientRow = command.Row{
	Name:       "client",
	Group:      command.GroupConnection,
	Since:      "2.4.0",
	Summary:    "Everything about client connections",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&clientGetnameRow,
		&clientHelpRow,
		&clientIdRow,
		&clientInfoRow,
		&clientKillRow,
		&clientListRow,
		&clientNoEvictRow,
		&clientReplyRow,
		&clientSetnameRow,
		&clientUnblockRow,
	},
}

var clientHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupConnection,
	Since:      "5.0.0",
	Summary:    "What CLIENT can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var clientHelpLines = []string{
	"GETNAME",
	"    The name of this connection.",
	"ID",
	"    The number of this connection.",
	"INFO",
	"    A line about this connection.",
	"KILL <ip:port>",
	"    Closes the connection from that address.",
	"KILL <option> <value> [<option> <value> [...]]",
	"    Closes connections. Options are:",
	"    * ADDR <ip:port>",
	"      Those from that address.",
	"    * LADDR <ip:port>",
	"      Those to that address of the node.",
	"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
	"      Those of that type.",
	"    * USER <username>",
	"      Those of that user.",
	"    * SKIPME (YES|NO)",
	"      Whether to spare this connection (default: yes).",
	"LIST [options ...]",
	"    A line about every connection. Options are:",
	"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
	"      Those of that type.",
	"    * ID <id> [<id> ...]",
	"      Those with these numbers.",
	"REPLY (ON|OFF|SKIP)",
	"    Which replies this connection wants.",
	"SETNAME <name>",
	"    Names this connection.",
	"UNBLOCK <clientid> [TIMEOUT|ERROR]",
	"    Wakes a client that waits in a blocking command.",
	"NO-EVICT (ON|OFF)",
	"    Spares this connection when client memory runs short.",
}

func clientHelp(_ *session.Session, r *session.LocalCall) { help(r, clientHelpLines) }
