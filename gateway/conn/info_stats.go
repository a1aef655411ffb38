package conn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupedb/troupe/coordinator/cluster"
	"github.com/troupedb/troupe/gateway/session"
)

// noReplID is the replication id of a node that replicates nothing.
var noReplID = strings.Repeat("0", 40)

// persistenceSection tells that nothing is ever saved: changes count from the start.
func persistenceSection(w *report) {
	w.fields(
		"loading", 0, "async_loading", 0,
		"rdb_changes_since_last_save", w.figures.Changes, "rdb_bgsave_in_progress", 0,
		"rdb_last_save_time", w.srv.Started.Unix(), "rdb_last_bgsave_status", "ok",
		"rdb_last_bgsave_time_sec", -1, "rdb_current_bgsave_time_sec", -1, "rdb_saves", 0,
		"aof_enabled", 0, "aof_rewrite_in_progress", 0, "aof_rewrite_scheduled", 0,
		"aof_last_rewrite_time_sec", -1, "aof_current_rewrite_time_sec", -1,
		"aof_last_bgrewrite_status", "ok", "aof_last_write_status", "ok",
	)
}

func statsSection(w *report) {
	st, rates := &w.srv.Stats, w.srv.Rates()
	channels, patterns, shardChannels := 0, 0, 0
	if w.srv.Hub != nil {
		channels, patterns, shardChannels = w.srv.Hub.Counts()
	}
	w.fields(
		"total_connections_received", st.Connections.Load(), "total_commands_processed", st.Commands.Load(),
		"instantaneous_ops_per_sec", int64(rates.Commands),
		"total_net_input_bytes", st.NetIn.Load(), "total_net_output_bytes", st.NetOut.Load(),
		"instantaneous_input_kbps", kilo(rates.In), "instantaneous_output_kbps", kilo(rates.Out),
		"rejected_connections", st.Rejected.Load(), "sync_full", 0, "sync_partial_ok", 0, "sync_partial_err", 0,
		"expired_keys", w.figures.Expired, "evicted_keys", 0, "evicted_clients", 0,
		"keyspace_hits", w.figures.Hits, "keyspace_misses", w.figures.Misses,
		"pubsub_channels", channels, "pubsub_patterns", patterns, "pubsubshard_channels", shardChannels,
		"latest_fork_usec", 0, "total_forks", 0,
		"client_output_buffer_limit_disconnections", st.OutputDisconnects.Load(),
		"client_query_buffer_limit_disconnections", st.QueryDisconnects.Load(),
		"total_error_replies", st.Errors.Load(), "unexpected_error_replies", 0,
		"troupe_commands_inline", st.Inline.Load(), "troupe_commands_posted", st.Posted.Load(),
		"troupe_sagas_by_messages", st.Messages.Load(),
		"troupe_watched_keys", w.figures.Watched, "troupe_awaited_keys", w.figures.Waiting,
	)
}

func kilo(bytes float64) string { return fmt.Sprintf("%.2f", bytes/(1<<10)) }

func replicationSection(w *report) {
	w.fields(
		"role", "master", "connected_slaves", 0, "master_failover_state", "no-failover",
		"master_replid", noReplID, "master_replid2", noReplID, "master_repl_offset", 0, "second_repl_offset", -1,
		"repl_backlog_active", 0, "repl_backlog_size", 0, "repl_backlog_first_byte_offset", 0, "repl_backlog_histlen", 0,
	)
}

// commandstatsSection shows times that are estimates: of each command, the first
// call of a loop's turn is timed.
func commandstatsSection(w *report) {
	for _, c := range w.srv.CallStats() {
		micros := c.Nanos / 1000
		w.field("cmdstat_"+c.Info.FullName, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			c.Calls, micros, float64(micros)/float64(max(c.Calls, 1)), c.Rejected, c.Failed))
	}
}

func errorstatsSection(w *report) {
	errors := w.srv.ErrorStats()
	for _, code := range slices.Sorted(maps.Keys(errors)) {
		w.field("errorstat_"+safeName(code), fmt.Sprintf("count=%d", errors[code]))
	}
}

// safeName keeps the punctuation of INFO out of a name that scripts may choose.
func safeName(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("#:\n\r", r) {
			return '_'
		}
		return r
	}, name)
}

// clusterSection says what slot-aware clients look for before they ask CLUSTER.
// redis_mode stays standalone: clients that see "cluster" there refuse commands on
// keys of several slots, and databases but the first.
// Shards whose node is down are missing in what INFO says of keys.
//
// What the node's own ports have turned away came from strangers, or from nodes that
// have lost their minds: all is zero in a healthy cluster, but for messages dropped
// while nodes come and go.
func clusterSection(w *report) {
	away := turnedAway(w.srv)
	w.fields(
		"cluster_enabled", 1,
		"troupe_stream_port_refused", w.srv.Streams.Refused(),
		"troupe_gossip_port_refused", away.GossipNodes, "troupe_gossip_port_bad_input", away.GossipInput,
		"troupe_actor_port_refused", away.Control, "troupe_actor_messages_dropped", away.ControlLost,
	)
	if w.lost > 0 {
		w.field("troupe_shards_down", w.lost)
	}
}

// turnedAway is what the ports for gossip and control messages have not let in, if the
// node has such.
func turnedAway(srv *session.Server) (t cluster.TurnedAway) {
	if doors, ok := srv.Cluster.(session.Doors); ok {
		t = doors.TurnedAway()
	}
	return t
}

func keyspaceSection(w *report) {
	for i, db := range w.figures.DBs {
		if db.Keys > 0 {
			w.field(fmt.Sprintf("db%d", i), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", db.Keys, db.Volatile, db.TTL))
		}
	}
}
