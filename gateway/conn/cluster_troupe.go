package conn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/admin"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

// troupeCommands are what `troupe cluster` says to a node.
var troupeCommands = []session.Command{
	{Row: &troupeRow},
	{Row: &troupeDrainRow, Run: troupeDrain},
	{Row: &troupeForgetRow, Run: troupeForget},
	{Row: &troupeHelpRow, Run: troupeHelp},
	{Row: &troupeMoveRow, Run: troupeMove},
	{Row: &troupeRebalanceRow, Run: troupeRebalance},
	{Row: &troupeStatusRow, Run: troupeStatus},
}

var troupePrograms = []saga.Command{{Row: &troupeAloneRow, Run: statusAlone}}

var troupeRow = command.Row{
	Name:       "troupe",
	Group:      command.GroupServer,
	Since:      troupeVersion,
	Summary:    "Shows and steers the cluster: what `troupe cluster` says to a node",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&troupeDrainRow,
		&troupeForgetRow,
		&troupeHelpRow,
		&troupeMoveRow,
		&troupeRebalanceRow,
		&troupeStatusRow,
	},
}

// troupeFlags are those of subcommands that wait for the catalog, which is no part
// of a transaction.
const troupeFlags = command.Admin | command.NoScript | command.NoMulti | command.Loading | command.Stale

var troupeDrainRow = command.Row{
	Name:       "drain",
	Group:      command.GroupServer,
	Since:      troupeVersion,
	Summary:    "Makes a node hand its shards over to the others",
	Complexity: "O(1), and O(N) in the background, N the keys of the node",
	Arity:      3,
	Flags:      troupeFlags,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "node", Type: command.ArgString},
	},
}

var troupeForgetRow = command.Row{
	Name:       "forget",
	Group:      command.GroupServer,
	Since:      troupeVersion,
	Summary:    "Removes a node that is down, and gives up the data that only it had",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      troupeFlags,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "node", Type: command.ArgString},
	},
}

var troupeHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupServer,
	Since:      troupeVersion,
	Summary:    "What TROUPE can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	Route:      command.RouteLocal,
}

var troupeMoveRow = command.Row{
	Name:       "move",
	Group:      command.GroupServer,
	Since:      troupeVersion,
	Summary:    "Moves a shard to a node, while it serves",
	Complexity: "O(1), and O(N) in the background, N the keys of the shard",
	Arity:      4,
	Flags:      troupeFlags,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "shard", Type: command.ArgInteger},
		{Name: "node", Type: command.ArgString},
	},
}

var troupeRebalanceRow = command.Row{
	Name:       "rebalance",
	Group:      command.GroupServer,
	Since:      troupeVersion,
	Summary:    "Spreads the shards evenly over the nodes",
	Complexity: "O(N), N the shards",
	Arity:      2,
	Flags:      troupeFlags,
	Route:      command.RouteLocal,
}

var troupeStatusRow = command.Row{
	Name:       "status",
	Group:      command.GroupServer,
	Since:      troupeVersion,
	Summary:    "What is known of nodes, shards and moves, as JSON",
	Complexity: "O(N), N the shards",
	Arity:      2,
	Flags:      troupeFlags,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

var troupeHelpLines = []string{
	"DRAIN <node>",
	"    Makes a node hand its shards over to the others. It can be stopped then.",
	"FORGET <node>",
	"    Removes a node that is down. Data that only it had is given up.",
	"MOVE <shard> <node>",
	"    Moves a shard to a node, while it serves.",
	"REBALANCE",
	"    Spreads the shards evenly over the nodes. Answers how many will move.",
	"STATUS",
	"    What is known of nodes, shards and moves, as JSON.",
	"A node is named by its name, its identity or the beginning of that, or host:port.",
}

func troupeHelp(_ *session.Session, r *session.LocalCall) { help(r, troupeHelpLines) }

const (
	errAlone reply.Error = "ERR this node is on its own: there is no other node that shards could move to. " +
		"Start one that joins it: `troupe --join HOST`"
	errInTransaction reply.Error = "ERR this waits for the cluster's catalog, so it cannot be part of a transaction or script"
	errNoShard       reply.Error = "ERR no such shard: see TROUPE STATUS for their numbers"
)

// catalogWait is how long a client waits for the catalog: longer than the election
// of a leader takes.
const catalogWait = 15 * time.Second

// await answers with what ask returns, and lets the client wait until then.
func await(s *session.Session, r *session.LocalCall, ask func(context.Context) (func(*reply.Writer), error)) {
	if r.Tx != nil {
		r.Out.Error(errInTransaction)
		return
	}
	answer := s.Postpone()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), catalogWait)
		defer cancel()
		write, err := ask(ctx)
		if err != nil {
			write = func(w *reply.Writer) { w.Error(plain(err)) }
		}
		answer(write)
	}()
}

// plain is an error as a client is to read it.
func plain(err error) reply.Error {
	var known reply.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return "TRYAGAIN the cluster's catalog has not answered in time: more than half of its voters may be unreachable, " +
			"see `troupe cluster status`. What was asked for may still be done."
	}
	return reply.Error("ERR " + oneLine([]byte(err.Error())))
}

// change asks the cluster for something that it answers with OK.
func change(s *session.Session, r *session.LocalCall, do func(context.Context, session.Cluster) error) {
	c := s.Server.Cluster
	if c == nil {
		r.Out.Error(errAlone)
		return
	}
	await(s, r, func(ctx context.Context) (func(*reply.Writer), error) {
		return (*reply.Writer).OK, do(ctx, c)
	})
}

// named finds the member that argument i names, or writes the error.
func (v *view) named(r *session.LocalCall, i int) *directory.Member {
	m := v.find(r.Args[i])
	if m == nil {
		var known []string
		for j := range v.members {
			known = append(known, called(&v.members[j]))
		}
		const shown = 10 // nodes that fit into an error
		if len(known) > shown {
			known = append(known[:shown], "...")
		}
		r.Out.Error(reply.Error("ERR no node, or more than one, is called '" + oneLine(r.Args[i]) + "': there are " + strings.Join(known, ", ")))
	}
	return m
}

func troupeDrain(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	m := v.named(r, 2)
	switch {
	case m == nil:
	case m.State == directory.Down:
		r.Out.Error(reply.Error(fmt.Sprintf("ERR node %s is down and cannot hand anything over: start it again, or give up its "+
			"data with `troupe cluster forget %[1]s`", called(m))))
	default:
		change(s, r, func(ctx context.Context, c session.Cluster) error { return c.Drain(ctx, m.Number) })
	}
}

func troupeForget(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	if m := v.named(r, 2); m != nil {
		forgetNode(s, r, m)
	}
}

// forgetNode never takes anything from a node that serves.
func forgetNode(s *session.Session, r *session.LocalCall, m *directory.Member) {
	if m.State != directory.Down {
		r.Out.Error(reply.Error(fmt.Sprintf("ERR node %s is %s and can be forgotten only when it is down: "+
			"say `troupe cluster drain %[1]s`, then stop it", called(m), m.State)))
		return
	}
	change(s, r, func(ctx context.Context, c session.Cluster) error { return c.Forget(ctx, m.Number) })
}

func troupeMove(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	shard, ok := num.ParseInt(r.Args[2])
	if !ok || shard < 0 || shard >= int64(len(v.dir.Places)) {
		r.Out.Error(errNoShard)
		return
	}
	m := v.named(r, 3)
	if m == nil {
		return
	}
	place := &v.dir.Places[shard]
	owner := v.member(place.Owner)
	switch {
	case place.Owner == m.Number && place.To == 0:
		r.Out.OK()
	case m.State != directory.Up:
		r.Out.Error(reply.Error(fmt.Sprintf("ERR node %s is %s and takes no shards", called(m), m.State)))
	case owner == nil || owner.State == directory.Down:
		r.Out.Error(reply.Error(fmt.Sprintf("ERR shard %d is on a node that is down, so there is nothing to move", shard)))
	default:
		change(s, r, func(ctx context.Context, c session.Cluster) error { return c.Move(ctx, int(shard), m.Number) })
	}
}

func troupeRebalance(s *session.Session, r *session.LocalCall) {
	c := s.Server.Cluster
	if c == nil {
		r.Out.Error(errAlone)
		return
	}
	await(s, r, func(ctx context.Context) (func(*reply.Writer), error) {
		moves, err := c.Rebalance(ctx)
		return func(w *reply.Writer) { w.Int(int64(moves)) }, err
	})
}

func troupeStatus(s *session.Session, r *session.LocalCall) {
	c := s.Server.Cluster
	if c == nil {
		runProgram(s, r, troupeAloneName)
		return
	}
	await(s, r, func(ctx context.Context) (func(*reply.Writer), error) {
		st, err := c.Status(ctx)
		return func(w *reply.Writer) { writeStatus(w, st) }, err
	})
}

func writeStatus(w *reply.Writer, st *session.ClusterStatus) {
	text, err := json.Marshal(st)
	if err != nil {
		w.Error(plain(err)) // a string that is no UTF-8 is no error
		return
	}
	w.Bulk(text)
}

const troupeAloneName = "~troupealone"

// ~troupealone is TROUPE STATUS of a node on its own, which has all shards.
var troupeAloneRow = command.Row{
	Name: troupeAloneName, Group: command.GroupServer, Arity: 1,
	Flags: command.Internal, Route: command.RouteBroadcast,
}

func statusAlone(t *saga.Tx) {
	s := t.Call.Local.(*session.Session)
	v := viewOf(s)
	here := *v.dir
	here.Members = v.members
	st := session.StatusOf(&here)
	steps := t.Steps(t.Shards())
	for i := range steps {
		steps[i] = saga.Step{Cmd: t.Find(admin.FiguresName), Args: t.Args[:1], Shard: i}
	}
	t.Do(steps)
	node := st.Node(here.Self)
	node.Keys, node.Since, node.Heard = 0, s.Server.Started.UnixMilli(), t.Call.Now
	for i := range steps {
		var f admin.Figures
		f.Add(steps[i].Reply)
		keys := int64(0)
		for _, db := range f.DBs {
			keys += db.Keys
		}
		st.Shards[i].Keys = keys
		node.Keys += keys
	}
	writeStatus(t.Out, st)
}
