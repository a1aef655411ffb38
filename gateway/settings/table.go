package settings

import "math"

// parameter is one setting.
type parameter struct {
	name, alias string
	kind        kind
	start       string // where the node is not started with another
	immutable   bool   // CONFIG SET refuses it, as Redis's does
	scope       scope
	// only, if not empty, is why CONFIG SET takes no value but the present one.
	only string
	// kept, if not empty, is why a value is taken although nothing obeys it.
	kept string
}

// scope is where a value holds that CONFIG SET gives a parameter.
type scope uint8

const (
	// cluster: on all nodes, also those that come later; on each for itself, where it
	// is a bound of memory or clients. The catalog has it.
	cluster scope = iota
	// node: on the node that is asked, until it ends.
	node
)

// Reasons that several parameters share.
const (
	inMemory  = "this version holds data in memory only"
	noFiles   = "of files that this version does not write"
	noType    = "of a type that this version does not have"
	noLog     = "of a log or monitor that this version does not keep"
	noReplica = "of replicas, which this version does not have"
	noEvictor = "of eviction, which this version does not do"
	freesLazy = "values are always freed in small pieces, whatever it says"
	fixedPort = "the address cannot change while the node runs"
)

// noEviction is the one maxmemory-policy that goes with a maxmemory.
const noEviction = "noeviction"

var (
	anyInt   = integer{min: 0, max: math.MaxInt32}
	anyLong  = integer{min: 0, max: math.MaxInt64}
	anyBytes = integer{min: 0, max: math.MaxInt64, memory: true}
)

// table is every parameter there is. Those of a node, its addresses, threads and log,
// say so; all others are the cluster's.
var table = []parameter{
	// Who may connect, and how much each may take.
	{name: "bind", scope: node, kind: words{}, start: "127.0.0.1", only: fixedPort},
	{name: "port", scope: node, kind: integer{min: 0, max: 65535}, start: "6379", only: "Unable to listen on this port: " + fixedPort},
	{name: "protected-mode", kind: toggle{}, start: "yes"},
	{name: "requirepass", kind: words{}},
	{name: "maxclients", kind: integer{min: 1, max: math.MaxUint32}, start: "10000"},
	{name: "timeout", kind: anyInt, start: "0"},
	{name: "tcp-keepalive", kind: anyInt, start: "300"},
	{name: "tcp-backlog", scope: node, kind: anyInt, start: "511", immutable: true},
	{name: "client-output-buffer-limit", kind: outputLimits{},
		start: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
	{name: "client-query-buffer-limit", kind: integer{min: 1 << 20, max: math.MaxInt64, memory: true}, start: "1073741824"},
	{name: "proto-max-bulk-len", kind: integer{min: 1 << 20, max: math.MaxInt64, memory: true}, start: "536870912"},
	{name: "enable-debug-command", scope: node, kind: choice{"no", "yes", "local"}, start: "no", immutable: true},
	{name: "enable-protected-configs", scope: node, kind: choice{"no", "yes", "local"}, start: "no", immutable: true},
	{name: "enable-module-command", scope: node, kind: choice{"no", "yes", "local"}, start: "no", immutable: true},
	{name: "unixsocket", scope: node, kind: words{}, immutable: true},
	{name: "unixsocketperm", scope: node, kind: anyInt, start: "0", immutable: true},

	// The node.
	{name: "databases", kind: anyInt, start: "16", immutable: true},
	{name: "loglevel", scope: node, kind: choice{"debug", "verbose", "notice", "warning"}, start: "notice"},
	{name: "io-threads", scope: node, kind: integer{min: 1, max: math.MaxInt32}, start: "1", immutable: true},
	{name: "cluster-enabled", kind: toggle{}, start: "yes", immutable: true},
	{name: "replicaof", alias: "slaveof", kind: words{}, immutable: true},
	{name: "daemonize", scope: node, kind: toggle{}, start: "no", immutable: true},
	{name: "busy-reply-threshold", alias: "lua-time-limit", kind: anyLong, start: "5000"},
	{name: "notify-keyspace-events", kind: events{}},
	{name: "hz", kind: anyInt, start: "10", only: "the shards' cycle runs 10 times a second"},
	{name: "dynamic-hz", kind: toggle{}, start: "yes", kept: "the shards' cycle does more work by itself where there is more"},
	{name: "activerehashing", kind: toggle{}, start: "yes", kept: "tables grow a little with each insertion, never in the background"},
	{name: "active-expire-effort", kind: integer{min: 1, max: 10}, start: "1", kept: "a hint on how soon expired keys free their memory"},

	// Encodings.
	{name: "hash-max-listpack-entries", alias: "hash-max-ziplist-entries", kind: anyLong, start: "512"},
	{name: "hash-max-listpack-value", alias: "hash-max-ziplist-value", kind: anyBytes, start: "64"},
	{name: "list-max-listpack-size", alias: "list-max-ziplist-size", kind: integer{min: math.MinInt32, max: math.MaxInt32}, start: "-2"},
	{name: "list-compress-depth", kind: anyInt, start: "0", kept: "a hint on memory: lists are not compressed"},
	{name: "set-max-intset-entries", kind: anyLong, start: "512"},
	{name: "zset-max-listpack-entries", alias: "zset-max-ziplist-entries", kind: anyLong, start: "128"},
	{name: "zset-max-listpack-value", alias: "zset-max-ziplist-value", kind: anyBytes, start: "64"},
	{name: "stream-node-max-bytes", kind: anyBytes, start: "4096", kept: noType},
	{name: "stream-node-max-entries", kind: anyLong, start: "100", kept: noType},
	{name: "hll-sparse-max-bytes", kind: anyBytes, start: "3000", kept: noType},

	// Memory.
	{name: "maxmemory", kind: anyBytes, start: "0"},
	{name: "maxmemory-policy", kind: choice{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
		"allkeys-lru", "allkeys-lfu", "allkeys-random", noEviction}, start: noEviction},
	{name: "maxmemory-samples", kind: integer{min: 1, max: math.MaxInt32}, start: "5", kept: noEvictor},
	{name: "maxmemory-eviction-tenacity", kind: integer{min: 0, max: 100}, start: "10", kept: noEvictor},
	{name: "maxmemory-clients", kind: anyBytes, start: "0", only: "this version does not evict clients"},
	{name: "lfu-log-factor", kind: anyInt, start: "10", kept: noEvictor},
	{name: "lfu-decay-time", kind: anyInt, start: "1", kept: noEvictor},
	{name: "lazyfree-lazy-eviction", kind: toggle{}, start: "no", kept: freesLazy},
	{name: "lazyfree-lazy-expire", kind: toggle{}, start: "no", kept: freesLazy},
	{name: "lazyfree-lazy-server-del", kind: toggle{}, start: "no", kept: freesLazy},
	{name: "lazyfree-lazy-user-del", kind: toggle{}, start: "no", kept: freesLazy},
	{name: "lazyfree-lazy-user-flush", kind: toggle{}, start: "no", kept: freesLazy},
	{name: "activedefrag", kind: toggle{}, start: "no", only: "this version does not defragment memory"},

	// Persistence.
	{name: "save", kind: words{}, only: inMemory},
	{name: "appendonly", kind: toggle{}, start: "no", only: inMemory},
	{name: "appendfsync", kind: choice{"everysec", "always", "no"}, start: "everysec", kept: noFiles},
	{name: "no-appendfsync-on-rewrite", kind: toggle{}, start: "no", kept: noFiles},
	{name: "auto-aof-rewrite-percentage", kind: anyInt, start: "100", kept: noFiles},
	{name: "auto-aof-rewrite-min-size", kind: anyBytes, start: "67108864", kept: noFiles},
	{name: "aof-use-rdb-preamble", kind: toggle{}, start: "yes", kept: noFiles},
	{name: "aof-load-truncated", kind: toggle{}, start: "yes", kept: noFiles},
	{name: "aof-rewrite-incremental-fsync", kind: toggle{}, start: "yes", kept: noFiles},
	{name: "rdb-save-incremental-fsync", kind: toggle{}, start: "yes", kept: noFiles},
	{name: "rdbcompression", kind: toggle{}, start: "yes", kept: noFiles},
	{name: "stop-writes-on-bgsave-error", kind: toggle{}, start: "yes", kept: noFiles},

	// Replication. Without replicas a demand for some stops all writes, as in Redis.
	{name: "min-replicas-to-write", alias: "min-slaves-to-write", kind: anyInt, start: "0"},
	{name: "min-replicas-max-lag", alias: "min-slaves-max-lag", kind: anyInt, start: "10"},
	{name: "replica-serve-stale-data", alias: "slave-serve-stale-data", kind: toggle{}, start: "yes", kept: noReplica},
	{name: "replica-read-only", alias: "slave-read-only", kind: toggle{}, start: "yes", kept: noReplica},
	{name: "repl-backlog-size", kind: integer{min: 1, max: math.MaxInt64, memory: true}, start: "1048576", kept: noReplica},
	{name: "repl-backlog-ttl", kind: anyLong, start: "3600", kept: noReplica},
	{name: "repl-diskless-sync", kind: toggle{}, start: "yes", kept: noReplica},
	{name: "repl-diskless-sync-delay", kind: anyInt, start: "5", kept: noReplica},
	{name: "repl-ping-replica-period", alias: "repl-ping-slave-period", kind: integer{min: 1, max: math.MaxInt32}, start: "10", kept: noReplica},
	{name: "repl-timeout", kind: integer{min: 1, max: math.MaxInt32}, start: "60", kept: noReplica},

	// Logs and monitors.
	{name: "slowlog-log-slower-than", kind: integer{min: -1, max: math.MaxInt64}, start: "10000", kept: noLog},
	{name: "slowlog-max-len", kind: anyLong, start: "128", kept: noLog},
	{name: "latency-monitor-threshold", kind: anyLong, start: "0", kept: noLog},
	{name: "latency-tracking", kind: toggle{}, start: "no", only: "this version keeps no latency histograms"},
}
