package conn

import "github.com/troupedb/troupe/shard/command"

var clusterRow = command.Row{
	Name:       "cluster",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Tells of the cluster",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&clusterAddslotsRow,
		&clusterAddslotsrangeRow,
		&clusterBumpepochRow,
		&clusterCountFailureReportsRow,
		&clusterCountkeysinslotRow,
		&clusterDelslotsRow,
		&clusterDelslotsrangeRow,
		&clusterFailoverRow,
		&clusterFlushslotsRow,
		&clusterForgetRow,
		&clusterGetkeysinslotRow,
		&clusterHelpRow,
		&clusterInfoRow,
		&clusterKeyslotRow,
		&clusterLinksRow,
		&clusterMeetRow,
		&clusterMyidRow,
		&clusterNodesRow,
		&clusterReplicasRow,
		&clusterReplicateRow,
		&clusterResetRow,
		&clusterSaveconfigRow,
		&clusterSetConfigEpochRow,
		&clusterSetslotRow,
		&clusterShardsRow,
		&clusterSlavesRow,
		&clusterSlotsRow,
	},
}

var clusterCountFailureReportsRow = command.Row{
	Name:       "count-failure-reports",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Whether a node is held to be down: 1 or 0",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Admin | command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "node-id", Type: command.ArgString},
	},
}

var clusterCountkeysinslotRow = command.Row{
	Name:       "countkeysinslot",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "How many keys a slot has, whichever node has the slot",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Stale,
	Route:      command.RouteBroadcast,
	Args: []command.Arg{
		{Name: "slot", Type: command.ArgInteger},
	},
}

var clusterForgetRow = command.Row{
	Name:       "forget",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Removes a node that is down, and gives up the data that only it had",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "node-id", Type: command.ArgString},
	},
}

var clusterGetkeysinslotRow = command.Row{
	Name:       "getkeysinslot",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Names of keys of a slot, whichever node has the slot",
	Complexity: "O(N), N the keys asked for",
	Arity:      4,
	Flags:      command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteBroadcast,
	Args: []command.Arg{
		{Name: "slot", Type: command.ArgInteger},
		{Name: "count", Type: command.ArgInteger},
	},
}

var clusterHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupCluster,
	Since:      "5.0.0",
	Summary:    "What CLUSTER can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	Route:      command.RouteLocal,
}

var clusterInfoRow = command.Row{
	Name:       "info",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "The state of the cluster in figures",
	Complexity: "O(N), N the shards",
	Arity:      2,
	Flags:      command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

var clusterKeyslotRow = command.Row{
	Name:       "keyslot",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "The slot of a key",
	Complexity: "O(N), N the bytes of the key",
	Arity:      3,
	Flags:      command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgString},
	},
}

var clusterLinksRow = command.Row{
	Name:       "links",
	Group:      command.GroupCluster,
	Since:      "7.0.0",
	Summary:    "The connections between this node and the others",
	Complexity: "O(N), N the nodes",
	Arity:      2,
	Flags:      command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

var clusterMyidRow = command.Row{
	Name:       "myid",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "The identity of this node",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Stale,
	Route:      command.RouteLocal,
}

var clusterNodesRow = command.Row{
	Name:       "nodes",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "All nodes and their slots, one line each",
	Complexity: "O(N), N the shards",
	Arity:      2,
	Flags:      command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

var clusterReplicasRow = command.Row{
	Name:       "replicas",
	Group:      command.GroupCluster,
	Since:      "5.0.0",
	Summary:    "The replicas of a node: none",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Admin | command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "node-id", Type: command.ArgString},
	},
}

var clusterSaveconfigRow = command.Row{
	Name:       "saveconfig",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "Nothing, as the catalog is always saved",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Admin | command.Stale | command.NoAsyncLoading,
	Route:      command.RouteLocal,
}

var clusterShardsRow = command.Row{
	Name:       "shards",
	Group:      command.GroupCluster,
	Since:      "7.0.0",
	Summary:    "The nodes, each with its ranges of slots",
	Complexity: "O(N), N the shards",
	Arity:      2,
	Flags:      command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
}

var clusterSlavesRow = command.Row{
	Name:       "slaves",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "The replicas of a node: none",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Admin | command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "node-id", Type: command.ArgString},
	},
	Deprecated: "5.0.0",
	ReplacedBy: "`CLUSTER REPLICAS`",
}

var clusterSlotsRow = command.Row{
	Name:       "slots",
	Group:      command.GroupCluster,
	Since:      "3.0.0",
	Summary:    "The ranges of slots, each with its node",
	Complexity: "O(N), N the shards",
	Arity:      2,
	Flags:      command.Stale,
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteLocal,
	History: []command.Change{
		{Since: "4.0.0", What: "Names the identities of nodes."},
		{Since: "7.0.0", What: "Has a place for what else is known of a node."},
	},
	Deprecated: "7.0.0",
	ReplacedBy: "`CLUSTER SHARDS`",
}
