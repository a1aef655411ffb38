package conn

import (
	"strconv"

	"github.com/troupedb/troupe/actors/directory"
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
	spareMe, old      bool
}

func clientKill(s *session.Session, r *session.LocalCall) {
	f, err := parseFilter(r.Args)
	if err != "" {
		r.Out.Error(err)
		return
	}
	then := func(r *session.LocalCall, a session.Answers) {
		killed := a.Sum() + killAll(s.Server, f, s)
		silent := s.Server.Silent(a)
		switch {
		case silent != "" && (f.old && killed == 0 || !f.old):
			r.Out.Error(errSilent(silent, "its clients are not looked at, elsewhere "+strconv.FormatInt(killed, 10)+" were ended"))
		case !f.old:
			r.Out.Int(killed)
		case killed == 0:
			r.Out.Error(errNoSuchClient)
		default:
			r.Out.OK()
		}
	}
	if f.id > 0 {
		s.AskNodes(r, nodeOf(s, f.id), r.Args, then)
	} else {
		s.AskOthers(r, then)
	}
}

func clientKillHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	f, err := parseFilter(args)
	if err != "" {
		w.Error(err)
		return
	}
	w.Int(killAll(srv, f, nil))
}

// nodeOf returns the node that has a client if that is another one.
func nodeOf(s *session.Session, id int64) (nodes []directory.Number) {
	for _, n := range s.Server.Others() {
		if n == session.NodeOfClient(id) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// parseFilter reads the arguments of CLIENT KILL. Its old form may kill the sender.
func parseFilter(args [][]byte) (*filter, reply.Error) {
	if len(args) == 3 {
		return &filter{old: true, addr: string(args[2])}, ""
	}
	f := &filter{spareMe: true}
	for i := 2; i < len(args); i += 2 {
		if i+1 == len(args) {
			return nil, reply.ErrSyntax
		}
		if err := f.option(args[i], args[i+1]); err != "" {
			return nil, err
		}
	}
	return f, ""
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

// killAll closes the clients of this node that the filter admits and returns how
// many. The sender, nil if it is another node's, is closed after it has got its reply.
func killAll(srv *session.Server, f *filter, sender *session.Session) (killed int64) {
	if sender != nil {
		sender.Publish()
	}
	for _, c := range srv.Clients() {
		switch {
		case !f.admits(c) || c == sender && f.spareMe:
			continue
		case c == sender:
			c.Conn.CloseAfterReply()
		default:
			c.Kill()
		}
		killed++
	}
	return killed
}
