package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// What a Redis Cluster's operator does by hand and a Troupe's need not: the
// answers say what to do instead.
const (
	errSlotsStay reply.Error = "ERR shards have their slots for good, and move between nodes by themselves: " +
		"say `troupe cluster move SHARD NODE` or `troupe cluster rebalance`"
	errEpochs        reply.Error = "ERR epochs are counted by the cluster's catalog and cannot be set: see `troupe cluster status`"
	errNoFailover    reply.Error = "ERR there are no replicas to fail over to: `troupe cluster drain NODE` moves a node's shards to others"
	errNoReplication reply.Error = "ERR a node cannot be made a replica: shards are spread over all nodes, see `troupe cluster status`"
	errMeet          reply.Error = "ERR a node joins when it is started: start it with `troupe --join HOST`, naming any node of the cluster"
	errNoReset       reply.Error = "ERR a node cannot be reset while it runs: say `troupe cluster drain NODE`, stop it, " +
		"say `troupe cluster forget NODE`, and start it with an empty --dir"
)

func refusal(why reply.Error) session.LocalHandler {
	return func(_ *session.Session, r *session.LocalCall) { r.Out.Error(why) }
}

var clusterAddslotsRow = command.Row{
	Name:       "addslots",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: shards have their slots for good",
	Complexity: "O(1)",
	Arity:      -3,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "slot", Type: command.ArgInteger, Multiple: true},
	},
}

var clusterAddslotsrangeRow = command.Row{
	Name:       "addslotsrange",
	Group:      command.GroupCluster,
	Since:      "7.0.0",
	Summary:    "Refused: shards have their slots for good",
	Complexity: "O(1)",
	Arity:      -4,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "start-slot_end-slot", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "start-slot", Type: command.ArgInteger},
			{Name: "end-slot", Type: command.ArgInteger},
		}},
	},
}

var clusterBumpepochRow = command.Row{
	Name:       "bumpepoch",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: epochs are counted by the catalog",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

var clusterDelslotsRow = command.Row{
	Name:       "delslots",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: shards have their slots for good",
	Complexity: "O(1)",
	Arity:      -3,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "slot", Type: command.ArgInteger, Multiple: true},
	},
}

var clusterDelslotsrangeRow = command.Row{
	Name:       "delslotsrange",
	Group:      command.GroupCluster,
	Since:      "7.0.0",
	Summary:    "Refused: shards have their slots for good",
	Complexity: "O(1)",
	Arity:      -4,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "start-slot_end-slot", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "start-slot", Type: command.ArgInteger},
			{Name: "end-slot", Type: command.ArgInteger},
		}},
	},
}

var clusterFailoverRow = command.Row{
	Name:       "failover",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: there are no replicas",
	Complexity: "O(1)",
	Arity:      -2,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "options", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "force", Type: command.ArgPureToken, Token: "FORCE"},
			{Name: "takeover", Type: command.ArgPureToken, Token: "TAKEOVER"},
		}},
	},
}

var clusterFlushslotsRow = command.Row{
	Name:       "flushslots",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: shards have their slots for good",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
}

var clusterMeetRow = command.Row{
	Name:       "meet",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: a node joins when it is started",
	Complexity: "O(1)",
	Arity:      -4,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "ip", Type: command.ArgString},
		{Name: "port", Type: command.ArgInteger},
		{Name: "cluster_bus_port", Type: command.ArgInteger, Since: "4.0.0", Optional: true},
	},
	History: []command.Change{
		{Since: "4.0.0", What: "Takes the port of the cluster's bus."},
	},
}

var clusterReplicateRow = command.Row{
	Name:       "replicate",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: there are no replicas",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "node-id", Type: command.ArgString},
	},
}

var clusterResetRow = command.Row{
	Name:       "reset",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: a node starts afresh with an empty folder",
	Complexity: "O(1)",
	Arity:      -2,
	Flags:      command.Admin | command.NoScript | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "hard_soft", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "hard", Type: command.ArgPureToken, Token: "HARD"},
			{Name: "soft", Type: command.ArgPureToken, Token: "SOFT"},
		}},
	},
}

var clusterSetConfigEpochRow = command.Row{
	Name:       "set-config-epoch",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: epochs are counted by the catalog",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "config-epoch", Type: command.ArgInteger},
	},
}

var clusterSetslotRow = command.Row{
	Name:       "setslot",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Refused: slots move with their shard",
	Complexity: "O(1)",
	Arity:      -4,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "slot", Type: command.ArgInteger},
		{Name: "subcommand", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "node-id", Type: command.ArgString, Token: "IMPORTING"},
			{Name: "node-id", Type: command.ArgString, Token: "MIGRATING"},
			{Name: "node-id", Type: command.ArgString, Token: "NODE"},
			{Name: "stable", Type: command.ArgPureToken, Token: "STABLE"},
		}},
	},
}

var askingRow = command.Row{
	Name:       "asking",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Nothing, as any node carries out any command",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.Fast,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var readonlyRow = command.Row{
	Name:       "readonly",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Nothing, as any node carries out any command",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.Loading | command.Stale | command.Fast,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var readwriteRow = command.Row{
	Name:       "readwrite",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Nothing, as any node carries out any command",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.Loading | command.Stale | command.Fast,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}
