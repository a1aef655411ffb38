package conn

import (
	"fmt"
	"strings"

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
	Route:      command.RouteBroadcast,
	Args: []command.Arg{
		{Name: "section", Type: command.ArgString, Optional: true, Multiple: true},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes several sections."},
	},
}

// report is one INFO.
type report struct {
	srv     *session.Server
	figures admin.Figures // of all shards together
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
}

// info asks all shards at one moment, so that INFO shows what was done before it.
// It counts as a command of whichever session runs it.
func info(t *saga.Tx) {
	s := t.Call.Local.(*session.Session)
	if t.Call.Post == nil { // on the session's loop
		s.FlushStats()
	}
	w := report{srv: s.Server}
	ask := t.Find(admin.FiguresName)
	steps := t.Steps(t.Shards())
	for i := range steps {
		steps[i] = saga.Step{Cmd: ask, Args: t.Args[:1], Shard: i}
	}
	t.Do(steps)
	for i := range steps {
		w.figures.Add(steps[i].Reply)
	}
	wanted := wantedSections(t.Args[1:])
	for i := range sections {
		if !wanted(&sections[i]) {
			continue
		}
		if len(w.out) > 0 {
			w.out = append(w.out, "\r\n"...)
		}
		w.out = append(w.out, "# "+sections[i].title+"\r\n"...)
		sections[i].write(&w)
	}
	t.Out.Verbatim("txt", w.out)
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
