package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var configRow = command.Row{
	Name:       "config",
	Group:      command.GroupServer,
	Since:      "2.0.0",
	Summary:    "Reads and changes settings",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&configGetRow,
		&configHelpRow,
		&configResetstatRow,
		&configRewriteRow,
		&configSetRow,
	},
}

var configGetRow = command.Row{
	Name:       "get",
	Group:      command.GroupServer,
	Since:      "2.0.0",
	Summary:    "The settings whose names match patterns",
	Complexity: "O(N), N the patterns given",
	Arity:      -3,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "parameter", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "parameter", Type: command.ArgString},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes several patterns."},
	},
}

var configHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupServer,
	Since:      "5.0.0",
	Summary:    "What CONFIG can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	Route:      command.RouteLocal,
}

var configResetstatRow = command.Row{
	Name:       "resetstat",
	Group:      command.GroupServer,
	Since:      "2.0.0",
	Summary:    "Sets the counters of INFO to zero",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
}

var configRewriteRow = command.Row{
	Name:       "rewrite",
	Group:      command.GroupServer,
	Since:      "2.8.0",
	Summary:    "Writes the settings to the configuration file",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
}

var configSetRow = command.Row{
	Name:       "set",
	Group:      command.GroupServer,
	Since:      "2.0.0",
	Summary:    "Changes settings, all or none",
	Complexity: "O(N), N the settings given",
	Arity:      -4,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "parameter_value", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "parameter", Type: command.ArgString},
			{Name: "value", Type: command.ArgString},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes several settings."},
	},
}

const errNoConfigFile reply.Error = "ERR The server is running without a config file"

var configHelpLines = []string{
	"GET <pattern> [<pattern> ...]",
	"    The settings whose names match one of the glob-like patterns, and their values.",
	"SET <directive> <value> [<directive> <value> ...]",
	"    Changes settings, all or none. Most hold for the whole cluster; addresses, threads",
	"    and the log's level are the node's.",
	"RESETSTAT",
	"    Sets the counters of INFO to zero.",
	"REWRITE",
	"    Writes the settings to the configuration file, which no node of Troupe has.",
}

func configGet(s *session.Session, r *session.LocalCall) {
	pairs := s.Server.Config.Get(r.Args[2:])
	r.Out.Map(len(pairs))
	for _, p := range pairs {
		r.Out.BulkString(p.Name)
		r.Out.BulkString(p.Value)
	}
}

func configHelp(_ *session.Session, r *session.LocalCall) { help(r, configHelpLines) }
