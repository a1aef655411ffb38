package conn

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

var clientInfoRow = command.Row{
	Name:       "info",
	Group:      command.GroupConnection,
	Since:      "6.2.0",
	Summary:    "A line about this connection",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

var clientListRow = command.Row{
	Name:       "list",
	Group:      command.GroupConnection,
	Since:      "2.4.0",
	Summary:    "A line about every connection",
	Complexity: "O(N), N the connections",
	Arity:      -2,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "normal_master_replica_pubsub", Type: command.ArgOneOf, Token: "TYPE", Since: "5.0.0", Optional: true, Args: []command.Arg{
			{Name: "normal", Type: command.ArgPureToken, Token: "NORMAL"},
			{Name: "master", Type: command.ArgPureToken, Token: "MASTER"},
			{Name: "replica", Type: command.ArgPureToken, Token: "REPLICA"},
			{Name: "pubsub", Type: command.ArgPureToken, Token: "PUBSUB"},
		}},
		{Name: "id", Type: command.ArgBlock, Token: "ID", Since: "6.2.0", Optional: true, Args: []command.Arg{
			{Name: "client-id", Type: command.ArgInteger, Multiple: true},
		}},
	},
	History: []command.Change{
		{Since: "2.8.12", What: "Shows `id`."},
		{Since: "5.0.0", What: "Takes `TYPE`."},
		{Since: "6.0.0", What: "Shows `user`."},
		{Since: "6.2.0", What: "Shows `argv-mem`, `tot-mem`, `laddr` and `redir`; takes `ID`."},
		{Since: "7.0.0", What: "Shows `resp`, `multi-mem`, `rbs` and `rbp`."},
		{Since: "7.0.3", What: "Shows `ssub`."},
	},
}

const errClientID reply.Error = "ERR Invalid client ID"

func clientInfo(s *session.Session, r *session.LocalCall) {
	s.Publish()
	r.Out.Verbatim("txt", describe(nil, s, r))
}

func clientList(s *session.Session, r *session.LocalCall) {
	wanted, err := parseList(r.Args)
	if err != "" {
		r.Out.Error(err)
		return
	}
	input := s.Input() // of this command, which may be answered later
	s.AskOthers(r, func(r *session.LocalCall, a session.Answers) {
		if silent := s.Server.Silent(a); silent != "" {
			r.Out.Error(errSilent(silent, "its clients are not known"))
			return
		}
		s.PublishAs(input)
		lines := wanted.lines(s.Server, r)
		a.Each(func(_ directory.Number, v reply.Value) { lines = append(lines, readLines(v.Bulk)...) })
		slices.SortFunc(lines, func(a, b clientLine) int { return cmp.Compare(a.id, b.id) })
		r.Out.Verbatim("txt", wanted.join(lines))
	})
}

func clientListHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	wanted, err := parseList(args)
	if err != "" {
		w.Error(err)
		return
	}
	var out []byte
	for _, l := range wanted.lines(srv, nil) {
		out = append(out, l.text...)
	}
	w.Bulk(out)
}

// listing is what CLIENT LIST is asked for: all clients, or those of a kind, or some.
type listing struct {
	kind string
	ids  []int64 // in the order, and as often, as they are named
}

func parseList(args [][]byte) (l listing, err reply.Error) {
	switch {
	case len(args) == 2:
	case len(args) == 4 && sameWord(args[2], "type"):
		l.kind, err = parseType(args[3])
	case len(args) > 3 && sameWord(args[2], "id"):
		for _, arg := range args[3:] {
			id, ok := num.ParseInt(arg)
			if !ok {
				return l, errClientID
			}
			l.ids = append(l.ids, id)
		}
	default:
		err = reply.ErrSyntax
	}
	return l, err
}

// clientLine describes one client.
type clientLine struct {
	id   int64
	text []byte
}

// lines describes the clients of this node that are wanted.
func (l *listing) lines(srv *session.Server, r *session.LocalCall) (lines []clientLine) {
	named := map[int64]bool{}
	for _, id := range l.ids {
		named[id] = true
	}
	for _, c := range srv.Clients() {
		if (l.kind == "" || typeOf(c) == l.kind) && (l.ids == nil || named[int64(c.ID)]) {
			lines = append(lines, clientLine{int64(c.ID), describe(nil, c, r)})
		}
	}
	return lines
}

// readLines reads what another node has written. Lines begin with id=.
func readLines(text []byte) (lines []clientLine) {
	for line := range bytes.Lines(text) {
		id, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("id=")), []byte(" "))
		lines = append(lines, clientLine{numberOf(id), line})
	}
	return lines
}

// join puts the lines, which are in the order of ids, into that which was asked for.
func (l *listing) join(lines []clientLine) (out []byte) {
	if l.ids == nil {
		for i := range lines {
			out = append(out, lines[i].text...)
		}
		return out
	}
	for _, id := range l.ids {
		i, ok := slices.BinarySearchFunc(lines, id, func(l clientLine, id int64) int { return cmp.Compare(l.id, id) })
		if ok {
			out = append(out, lines[i].text...)
		}
	}
	return out
}

// The types of clients. There are no others, as there are no replicas.
const (
	typeNormal = "normal"
	typePubSub = "pubsub"
	typeSlave  = "slave"
	typeMaster = "master"
)

func parseType(word []byte) (string, reply.Error) {
	for _, kind := range []string{typeNormal, typePubSub, typeSlave, typeMaster} {
		if sameWord(word, kind) {
			return kind, ""
		}
	}
	if sameWord(word, "replica") {
		return typeSlave, ""
	}
	return "", reply.Error("ERR Unknown client type '" + oneLine(word) + "'")
}

func typeOf(c *session.Session) string {
	if c.Info().Subs > 0 {
		return typePubSub
	}
	return typeNormal
}

// describe appends a client's line. r is the call that asks, if it is this node's. Buffers are counted as far as they are the
// client's own: in between commands it has none.
func describe(dst []byte, c *session.Session, r *session.LocalCall) []byte {
	i := c.Info()
	queued := i.Queued
	if r != nil && r.Tx != nil && len(r.Tx.Call.Queue) > 0 && r.Tx.Call.Local == c {
		queued = len(r.Tx.Call.Queue)
	}
	now := time.Now()
	number := func(name string, n int64) {
		dst = append(dst, ' ')
		dst = append(dst, name...)
		dst = strconv.AppendInt(append(dst, '='), n, 10)
	}
	text := func(name, value string) {
		dst = append(dst, ' ')
		dst = append(append(append(dst, name...), '='), value...)
	}
	dst = strconv.AppendUint(append(dst, "id="...), c.ID, 10)
	text("addr", c.Conn.Remote)
	text("laddr", c.Conn.Local)
	number("fd", int64(c.Conn.FD()))
	text("name", i.Name)
	number("age", int64(now.Sub(c.Since())/time.Second))
	number("idle", max(0, now.UnixMilli()-i.Seen)/1000)
	text("flags", flagsOf(i, queued))
	number("db", int64(i.DB))
	number("sub", int64(i.SubKinds[0]))
	number("psub", int64(i.SubKinds[1]))
	number("ssub", int64(i.SubKinds[2]))
	number("multi", int64(queued))
	number("qbuf", int64(i.Unread))
	number("qbuf-free", 0)
	number("argv-mem", 0)
	number("multi-mem", int64(i.QueuedBytes))
	number("rbs", int64(i.Unsent))
	number("rbp", int64(i.Unsent))
	number("obl", int64(i.Unsent))
	number("oll", 0)
	number("omem", 0)
	number("tot-mem", int64(i.Unread+i.Unsent+i.QueuedBytes))
	text("events", eventsOf(i))
	text("cmd", i.Command)
	text("user", defaultUser)
	number("redir", -1)
	number("resp", int64(i.Proto))
	return append(dst, '\n')
}

func flagsOf(i session.ClientInfo, queued int) string {
	var b strings.Builder
	for _, f := range []struct {
		holds bool
		flag  byte
	}{{i.Subs > 0, 'P'}, {queued >= 0, 'x'}, {i.Blocked, 'b'}, {i.NoEvict, 'e'}} {
		if f.holds {
			b.WriteByte(f.flag)
		}
	}
	if b.Len() == 0 {
		return "N"
	}
	return b.String()
}

func eventsOf(i session.ClientInfo) string {
	if i.Unsent > 0 {
		return "rw"
	}
	return "r"
}
