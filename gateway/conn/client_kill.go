package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

var clientKillRow = command.Row{
	Name:       "kill",
	Group:      command.GroupConnection,
	Since:      "2.4.0",
	Summary:    "Closes the connections that fit a filter",
	Complexity: "O(N), N the connections",
	Arity:      -3,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "filter", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "ip:port", Type: command.ArgString, Deprecated: "2.8.12"},
			{Name: "new-format", Type: command.ArgOneOf, Multiple: true, Args: []command.Arg{
				{Name: "client-id", Type: command.ArgInteger, Token: "ID", Since: "2.8.12", Optional: true},
				{Name: "normal_master_slave_pubsub", Type: command.ArgOneOf, Token: "TYPE", Since: "2.8.12", Optional: true, Args: []command.Arg{
					{Name: "normal", Type: command.ArgPureToken, Token: "NORMAL"},
					{Name: "master", Type: command.ArgPureToken, Token: "MASTER", Since: "3.2.0"},
					{Name: "slave", Type: command.ArgPureToken, Token: "SLAVE"},
					{Name: "replica", Type: command.ArgPureToken, Token: "REPLICA", Since: "5.0.0"},
					{Name: "pubsub", Type: command.ArgPureToken, Token: "PUBSUB"},
				}},
				{Name: "username", Type: command.ArgString, Token: "USER", Optional: true},
				{Name: "ip:port", Type: command.ArgString, Token: "ADDR", Optional: true},
				{Name: "ip:port", Type: command.ArgString, Token: "LADDR", Since: "6.2.0", Optional: true},
				{Name: "yes/no", Type: command.ArgString, Token: "SKIPME", Optional: true},
			}},
		}},
	},
	History: []command.Change{
		{Since: "2.8.12", What: "Takes filters by name."},
		{Since: "2.8.12", What: "Takes `ID`."},
		{Since: "3.2.0", What: "`TYPE` knows `master`."},
		{Since: "5.0.0", What: "`TYPE` knows `replica`, and `slave` as before."},
		{Since: "6.2.0", What: "Takes `LADDR`."},
	},
}

const (
	errClientIDPositive reply.Error = "ERR client-id should be greater than 0"
	errNoSuchClient     reply.Error = "ERR No such client"
)

// filter says which clients CLIENT KILL is about; empty fields admit any.
type filter struct {
	id                int64
	addr, laddr, kind string
	spareMe           bool
}

func clientKill(s *session.Session, r *session.LocalCall) {
	if len(r.Args) == 3 { // the old form, which may kill its sender
		if killAll(s, &filter{addr: string(r.Args[2])}) == 0 {
			r.Out.Error(errNoSuchClient)
			return
		}
		r.Out.OK()
		return
	}
	f := filter{spareMe: true}
	for i := 2; i < len(r.Args); i += 2 {
		if i+1 == len(r.Args) {
			r.Out.Error(reply.ErrSyntax)
			return
		}
		if err := f.option(r.Args[i], r.Args[i+1]); err != "" {
			r.Out.Error(err)
			return
		}
	}
	r.Out.Int(killAll(s, &f))
}

func (f *filter) option(name, value []byte) (err reply.Error) {
	switch {
	case sameWord(name, "id"):
		n, ok := num.ParseInt(value)
		if !ok || n < 1 {
			return errClientIDPositive
		}
		f.id = n
	case sameWord(name, "type"):
		f.kind, err = parseType(value)
	case sameWord(name, "addr"):
		f.addr = string(value)
	case sameWord(name, "laddr"):
		f.laddr = string(value)
	case sameWord(name, "user"):
		if string(value) != defaultUser {
			err = reply.Error("ERR No such user '" + oneLine(value) + "'")
		}
	case sameWord(name, "skipme") && sameWord(value, "yes"):
		f.spareMe = true
	case sameWord(name, "skipme") && sameWord(value, "no"):
		f.spareMe = false
	default:
		err = reply.ErrSyntax
	}
	return err
}

func (f *filter) admits(c *session.Session) bool {
	return (f.id == 0 || uint64(f.id) == c.ID) && (f.addr == "" || f.addr == c.Conn.Remote) &&
		(f.laddr == "" || f.laddr == c.Conn.Local) && (f.kind == "" || f.kind == typeOf(c))
}

// killAll closes the clients that the filter admits and returns how many. The
// sender itself is closed after it has got its reply.
func killAll(s *session.Session, f *filter) (killed int64) {
	s.Publish()
	for _, c := range s.Server.Clients() {
		switch {
		case !f.admits(c) || c == s && f.spareMe:
			continue
		case c == s:
			s.Conn.CloseAfterReply()
		default:
			c.Kill()
		}
		killed++
	}
	return killed
}
