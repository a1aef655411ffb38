package conn

import (
	"fmt"
	"strings"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/admin"
	"github.com/troupedb/troupe/shard/command"
)

var infoRow = command.Row{
	Name:       "info",
	Group:      command.GroupServer,
	Since:      "1.0.0",
	Summary:    "Figures about the server, by section",
	Complexity: "O(1)",
	Arity:      -1,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatDangerous,
	Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "section", Type: command.ArgString, Optional: true, Multiple: true},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes several sections."},
	},
}

// Names of the programs of INFO.
const (
	infoAllName  = "~info"
	infoSomeName = "~infosome"
)

// ~info <totals> [<section> ...] is INFO: at one moment of all shards. ~infosome is the
// same where some shards are on nodes that are down: of the others, one by one.
var (
	infoAllRow = command.Row{
		Name: infoAllName, Group: command.GroupServer, Arity: -2,
		Flags: command.Internal, Route: command.RouteBroadcast,
	}
	infoSomeRow = command.Row{
		Name: infoSomeName, Group: command.GroupServer, Arity: -2,
		Flags: command.Internal, Route: command.RouteSaga,
	}
)

// report is one INFO.
type report struct {
	srv     *session.Server
	figures admin.Figures // of all shards together
	own     admin.Figures // of this node's shards
	lost    int           // shards that nobody could be asked about
	totals  totals
	out     []byte
}

func (w *report) field(name string, value any) { w.out = fmt.Appendf(w.out, "%s:%v\r\n", name, value) }

// fields writes pairs of name and value.
func (w *report) fields(pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		w.field(pairs[i].(string), pairs[i+1])
	}
}

// section is a part of INFO.
type section struct {
	name, title string
	inDefault   bool
	write       func(*report)
}

// sections are in Redis's order.
var sections = []section{
	{"server", "Server", true, serverSection},
	{"clients", "Clients", true, clientsSection},
	{"memory", "Memory", true, memorySection},
	{"persistence", "Persistence", true, persistenceSection},
	{"stats", "Stats", true, statsSection},
	{"replication", "Replication", true, replicationSection},
	{"cpu", "CPU", true, cpuSection},
	{"modules", "Modules", true, func(*report) {}},
	{"commandstats", "Commandstats", false, commandstatsSection},
	{"errorstats", "Errorstats", true, errorstatsSection},
	// No histograms are kept, and latency-tracking says so.
	{"latencystats", "Latencystats", false, func(*report) {}},
	{"cluster", "Cluster", true, clusterSection},
	{"keyspace", "Keyspace", true, keyspaceSection},
	{totalsName, "Cluster_totals", false, totalsSection},
}

// info shows this node, the keys of all nodes, and if it is asked for, the sum of all
// nodes. In a script other nodes are not asked.
func info(s *session.Session, r *session.LocalCall) {
	if r.Tx != nil || !wantsTotals(r.Args) {
		infoWith(s, r, nil)
		return
	}
	s.AskOthers(r, func(r *session.LocalCall, a session.Answers) { infoWith(s, r, a) })
}

func infoWith(s *session.Session, r *session.LocalCall, a session.Answers) {
	name := infoAllName
	if len(lostShards(s.Server)) > 0 {
		name = infoSomeName
	}
	cmd, words := s.Server.Env.Find(name), append([][]byte{nil, addTotals(a).encode()}, r.Args[1:]...)
	if r.Tx != nil {
		r.Tx.Then(cmd, words)
		return
	}
	s.FlushStats()
	s.Delegate(r, &saga.Call{Cmd: cmd, Args: words, DB: *r.DB})
}

// lostShards returns the shards that nobody serves.
func lostShards(srv *session.Server) map[int]bool {
	lost := map[int]bool{}
	d := srv.Env.Where.Load()
	for i := range d.Places {
		owner := d.Places[i].Owner
		if m := d.Member(owner); m == nil || m.State == directory.Down || owner != d.Self && srv.Streams.Suspected(owner) {
			lost[i] = true
		}
	}
	return lost
}

// showInfo asks the shards, so that INFO shows what was done before it.
func showInfo(t *saga.Tx) {
	s := t.Call.Local.(*session.Session)
	if t.Call.Post == nil { // on the session's loop
		s.FlushStats()
	}
	w := report{srv: s.Server, totals: readTotals(t.Args[1])}
	ask, lost := t.Find(admin.FiguresName), map[int]bool{}
	if t.Cmd.Name == infoSomeName {
		lost = lostShards(s.Server)
	}
	var steps []saga.Step
	for i := range t.Shards() {
		if !lost[i] {
			steps = append(steps, saga.Step{Cmd: ask, Args: t.Args[:1], Shard: i})
		}
	}
	t.Do(steps)
	d := s.Server.Env.Where.Load()
	for i := range steps {
		w.figures.Add(steps[i].Reply)
		if d.Mine(steps[i].Shard) {
			w.own.Add(steps[i].Reply)
		}
	}
	w.lost = len(lost)
	w.sections(wantedSections(t.Args[2:]))
	t.Out.Verbatim("txt", w.out)
}

func (w *report) sections(wanted func(*section) bool) {
	for i := range sections {
		if !wanted(&sections[i]) {
			continue
		}
		if len(w.out) > 0 {
			w.out = append(w.out, "\r\n"...)
		}
		w.out = append(w.out, "# "+sections[i].title+"\r\n"...)
		sections[i].write(w)
	}
}

func wantedSections(args [][]byte) func(*section) bool {
	all, byDefault, named := false, len(args) == 0, map[string]bool{}
	for _, arg := range args {
		switch word := strings.ToLower(string(arg)); word {
		case "all", "everything":
			all = true
		case "default":
			byDefault = true
		default:
			named[word] = true
		}
	}
	return func(s *section) bool { return all || byDefault && s.inDefault || named[s.name] }
}
