package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

var helloRow = command.Row{
	Name:       "hello",
	Group:      command.GroupConnection,
	Since:      "6.0.0",
	Summary:    "Agrees on the protocol, and may log in and name the connection too",
	Complexity: "O(1)",
	Arity:      -1,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "arguments", Type: command.ArgBlock, Optional: true, Args: []command.Arg{
			{Name: "protover", Type: command.ArgInteger},
			{Name: "username_password", Type: command.ArgBlock, Token: "AUTH", Optional: true, Args: []command.Arg{
				{Name: "username", Type: command.ArgString},
				{Name: "password", Type: command.ArgString},
			}},
			{Name: "clientname", Type: command.ArgString, Token: "SETNAME", Optional: true},
		}},
	},
	History: []command.Change{
		{Since: "6.2.0", What: "`protover` may be left out; alone, the command tells about the connection."},
	},
}

const (
	errProtocolNumber reply.Error = "ERR Protocol version is not an integer or out of range"
	errNoProto        reply.Error = "NOPROTO unsupported protocol version"
	errHelloNoAuth    reply.Error = "NOAUTH HELLO must be called with the client already authenticated, " +
		"otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and " +
		"select the RESP protocol version at the same time"
)

// hello takes its options one by one and keeps what those before a wrong one
// have done, as Redis does.
func hello(s *session.Session, r *session.LocalCall) {
	version := int64(0)
	if len(r.Args) > 1 {
		var ok bool
		if version, ok = num.ParseInt(r.Args[1]); !ok {
			r.Out.Error(errProtocolNumber)
			return
		}
		if version != reply.RESP2 && version != reply.RESP3 {
			r.Out.Error(errNoProto)
			return
		}
	}
	if err := helloOptions(s, r); err != "" {
		r.Out.Error(err)
		return
	}
	if !s.Authed && s.Server.Limits.Load().Password != "" {
		r.Out.Error(errHelloNoAuth)
		return
	}
	if version != 0 {
		s.Conn.W.Proto, r.Out.Proto = uint8(version), uint8(version)
	}
	helloReply(s, r.Out)
}

func helloOptions(s *session.Session, r *session.LocalCall) reply.Error {
	for i := 2; i < len(r.Args); i++ {
		more := len(r.Args) - 1 - i
		switch {
		case is(r, i, "auth") && more >= 2:
			if !authenticate(s, r.Args[i+1], r.Args[i+2]) {
				return errWrongPass
			}
			i += 2
		case is(r, i, "setname") && more >= 1:
			if !validName(r.Args[i+1]) {
				return errClientName
			}
			s.Name = string(r.Args[i+1])
			i++
		default:
			return reply.Error("ERR Syntax error in HELLO option '" + oneLine(r.Args[i]) + "'")
		}
	}
	return ""
}

func helloReply(s *session.Session, w *reply.Writer) {
	w.Map(7)
	w.BulkString("server")
	w.BulkString("redis")
	w.BulkString("version")
	w.BulkString(redisVersion)
	w.BulkString("proto")
	w.Int(int64(s.Conn.W.Proto))
	w.BulkString("id")
	w.Int(int64(s.ID))
	w.BulkString("mode")
	w.BulkString("standalone")
	w.BulkString("role")
	w.BulkString("master")
	w.BulkString("modules")
	w.Array(0)
}
