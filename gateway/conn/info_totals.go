package conn

import (
	"strings"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

// totalsName is the section of INFO that sums up all nodes.
const totalsName = "cluster_totals"

// wantsTotals tells whether INFO with these words shows totals.
func wantsTotals(args [][]byte) bool {
	for _, arg := range args[1:] {
		if w := strings.ToLower(string(arg)); w == "all" || w == "everything" || w == totalsName {
			return true
		}
	}
	return false
}

// totals are figures of nodes: first how many they are, and how many more have not
// answered, then one for each of totalFields.
type totals [2 + len(totalFields)]int64

// totalFields are the figures of a node that make sense as a sum.
var totalFields = [...]struct {
	name string
	of   func(*session.Server) int64
}{
	{"connected_clients", func(srv *session.Server) int64 { return int64(srv.ClientCount()) }},
	{"blocked_clients", func(srv *session.Server) int64 { return srv.Stats.Blocked.Load() }},
	{"used_memory", (*session.Server).UsedMemory},
	{"used_memory_rss", func(*session.Server) int64 { return residentBytes() }},
	{"total_connections_received", func(srv *session.Server) int64 { return int64(srv.Stats.Connections.Load()) }},
	{"total_commands_processed", func(srv *session.Server) int64 { return int64(srv.Stats.Commands.Load()) }},
	{"instantaneous_ops_per_sec", func(srv *session.Server) int64 { return int64(srv.Rates().Commands) }},
	{"total_net_input_bytes", func(srv *session.Server) int64 { return int64(srv.Stats.NetIn.Load()) }},
	{"total_net_output_bytes", func(srv *session.Server) int64 { return int64(srv.Stats.NetOut.Load()) }},
	{"total_error_replies", func(srv *session.Server) int64 { return int64(srv.Stats.Errors.Load()) }},
}

// infoHere replies with the figures of this node.
func infoHere(srv *session.Server, _ [][]byte, w *reply.Writer) {
	w.Array(len(totalFields))
	for i := range totalFields {
		w.Int(totalFields[i].of(srv))
	}
}

// addTotals adds what other nodes have answered.
func addTotals(a session.Answers) (t totals) {
	for i := range a {
		if a[i].Reply == nil {
			t[1]++
			continue
		}
		t[0]++
		at := 2
		reply.Elements(a[i].Reply, func(v reply.Value) {
			t[at] += v.Int
			at++
		})
	}
	return t
}

func (t totals) encode() (out []byte) {
	for _, n := range t {
		out = append(num.AppendInt(out, n), ' ')
	}
	return out
}

func readTotals(word []byte) (t totals) {
	for i, field := range strings.Fields(string(word)) {
		t[i] = numberOf([]byte(field))
	}
	return t
}

// totalsSection adds this node to what the others have answered. Keys are counted
// where they are.
func totalsSection(w *report) {
	d, down := w.srv.Env.Where.Load(), 0
	for i := range d.Members {
		if d.Members[i].State == directory.Down {
			down++
		}
	}
	w.fields("cluster_nodes", len(d.Members), "cluster_nodes_down", down,
		"cluster_nodes_counted", 1+w.totals[0], "cluster_nodes_silent", w.totals[1])
	for i, f := range &totalFields {
		w.field("cluster_"+f.name, w.totals[2+i]+f.of(w.srv))
	}
	keys, volatile := int64(0), int64(0)
	for _, db := range w.figures.DBs {
		keys, volatile = keys+db.Keys, volatile+db.Volatile
	}
	w.fields("cluster_keys", keys, "cluster_expires", volatile,
		"cluster_shards", len(w.srv.Env.Shards), "cluster_shards_down", w.lost)
}
