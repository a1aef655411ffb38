package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var clientGetnameRow = command.Row{
	Name:       "getname",
	Group:      command.GroupConnection,
	Since:      "2.6.9",
	Summary:    "The name of this connection",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var clientIdRow = command.Row{
	Name:       "id",
	Group:      command.GroupConnection,
	Since:      "5.0.0",
	Summary:    "The number of this connection",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var clientNoEvictRow = command.Row{
	Name:       "no-evict",
	Group:      command.GroupConnection,
	Since:      "7.0.0",
	Summary:    "Spares this connection when client memory runs short",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "enabled", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "on", Type: command.ArgPureToken, Token: "ON"},
			{Name: "off", Type: command.ArgPureToken, Token: "OFF"},
		}},
	},
}

var clientReplyRow = command.Row{
	Name:       "reply",
	Group:      command.GroupConnection,
	Since:      "3.2.0",
	Summary:    "Switches this connection's replies off and on",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "on_off_skip", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "on", Type: command.ArgPureToken, Token: "ON"},
			{Name: "off", Type: command.ArgPureToken, Token: "OFF"},
			{Name: "skip", Type: command.ArgPureToken, Token: "SKIP"},
		}},
	},
}

var clientSetnameRow = command.Row{
	Name:       "setname",
	Group:      command.GroupConnection,
	Since:      "2.6.9",
	Summary:    "Names this connection",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "connection-name", Type: command.ArgString},
	},
}

const errClientName reply.Error = "ERR Client names cannot contain spaces, newlines or special characters."

func clientGetname(s *session.Session, r *session.LocalCall) {
	if s.Name == "" {
		r.Out.Null()
		return
	}
	r.Out.BulkString(s.Name)
}

func clientSetname(s *session.Session, r *session.LocalCall) {
	if !validName(r.Args[2]) {
		r.Out.Error(errClientName)
		return
	}
	s.Name = string(r.Args[2])
	r.Out.OK()
}

// validName tells whether a name is of visible ASCII characters, as a line of
// CLIENT LIST needs it.
func validName(name []byte) bool {
	for _, b := range name {
		if b < '!' || b > '~' {
			return false
		}
	}
	return true
}

func clientID(s *session.Session, r *session.LocalCall) { r.Out.Int(int64(s.ID)) }

func clientNoEvict(s *session.Session, r *session.LocalCall) {
	switch {
	case is(r, 2, "on"):
		s.NoEvict = true
	case is(r, 2, "off"):
		s.NoEvict = false
	default:
		r.Out.Error(reply.ErrSyntax)
		return
	}
	r.Out.OK()
}

// clientReply answers to ON only.
func clientReply(s *session.Session, r *session.LocalCall) {
	switch {
	case is(r, 2, "on"):
		s.Reply = session.ReplyOn
		r.Out.OK()
	case is(r, 2, "off"):
		s.Reply = session.ReplyOff
	case !is(r, 2, "skip"):
		r.Out.Error(reply.ErrSyntax)
	case s.Reply == session.ReplyOn:
		s.Reply = session.ReplySkip
	case s.Reply == session.ReplySkip: // this command is the one that is skipped
		s.Reply = session.ReplySkipNext
	}
}
