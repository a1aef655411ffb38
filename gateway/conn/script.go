package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var scriptRow = command.Row{
	Name:       "script",
	Group:      command.GroupScripting,
	Since:      "2.6.0",
	Summary:    "Keeps scripts",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&scriptDebugRow,
		&scriptExistsRow,
		&scriptFlushRow,
		&scriptHelpRow,
		&scriptKillRow,
		&scriptLoadRow,
	},
}

var scriptDebugRow = command.Row{
	Name:       "debug",
	Group:      command.GroupScripting,
	Since:      "3.2.0",
	Summary:    "Chooses how the scripts of this connection are debugged",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.NoScript,
	ACL:        command.CatScripting,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "mode", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "yes", Type: command.ArgPureToken, Token: "YES"},
			{Name: "sync", Type: command.ArgPureToken, Token: "SYNC"},
			{Name: "no", Type: command.ArgPureToken, Token: "NO"},
		}},
	},
}

var scriptExistsRow = command.Row{
	Name:       "exists",
	Group:      command.GroupScripting,
	Since:      "2.6.0",
	Summary:    "Which scripts the server knows",
	Complexity: "O(N), N the scripts named",
	Arity:      -3,
	Flags:      command.NoScript,
	ACL:        command.CatScripting,
	Tips:       []string{"request_policy:all_shards", "response_policy:agg_logical_and"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "sha1", Type: command.ArgString, Multiple: true},
	},
}

var scriptFlushRow = command.Row{
	Name:       "flush",
	Group:      command.GroupScripting,
	Since:      "2.6.0",
	Summary:    "Forgets all scripts",
	Complexity: "O(N), N the scripts known",
	Arity:      -2,
	Flags:      command.NoScript,
	ACL:        command.CatScripting,
	Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "async", Type: command.ArgOneOf, Since: "6.2.0", Optional: true, Args: []command.Arg{
			{Name: "async", Type: command.ArgPureToken, Token: "ASYNC"},
			{Name: "sync", Type: command.ArgPureToken, Token: "SYNC"},
		}},
	},
	History: []command.Change{
		{Since: "6.2.0", What: "Takes `ASYNC` and `SYNC`."},
	},
}

var scriptHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupScripting,
	Since:      "5.0.0",
	Summary:    "What SCRIPT can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatScripting,
	Route:      command.RouteLocal,
}

var scriptKillRow = command.Row{
	Name:       "kill",
	Group:      command.GroupScripting,
	Since:      "2.6.0",
	Summary:    "Stops the script that runs now",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.NoScript | command.AllowBusy,
	ACL:        command.CatScripting,
	Tips:       []string{"request_policy:all_shards", "response_policy:one_succeeded"},
	Route:      command.RouteLocal,
}

var scriptLoadRow = command.Row{
	Name:       "load",
	Group:      command.GroupScripting,
	Since:      "2.6.0",
	Summary:    "Teaches the server a script without running it",
	Complexity: "O(N), N the script's bytes",
	Arity:      3,
	Flags:      command.NoScript | command.Stale,
	ACL:        command.CatScripting,
	Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "script", Type: command.ArgString},
	},
}

const (
	errScriptFlushOption reply.Error = "ERR SCRIPT FLUSH only support SYNC|ASYNC option"
	errScriptDebugWord   reply.Error = "ERR Use SCRIPT DEBUG YES/SYNC/NO"
	errScriptNoDebugger  reply.Error = "ERR this version has no debugger for scripts: only SCRIPT DEBUG NO is possible"
	errScriptNotBusy     reply.Error = "NOTBUSY No scripts in execution right now."
	errScriptUnkillable  reply.Error = "UNKILLABLE Sorry the script already executed write commands against the dataset. " +
		"You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)

var scriptHelpLines = []string{
	"DEBUG (YES|SYNC|NO)",
	"    Chooses whether later scripts are debugged. Only NO is possible.",
	"EXISTS <sha1> [<sha1> ...]",
	"    For each SHA1, whether the server knows that script.",
	"FLUSH [ASYNC|SYNC]",
	"    Forgets all scripts. Both modes are the same, as this takes no time.",
	"KILL",
	"    Ends the scripts that run for longer than busy-reply-threshold, or if none",
	"    does, the one that runs for the longest; but none that has written.",
	"LOAD <script>",
	"    Teaches the server a script without running it. Answers its SHA1.",
}

func scriptHelp(_ *session.Session, r *session.LocalCall) { help(r, scriptHelpLines) }

// scriptDebug answers truly that nothing is debugged.
func scriptDebug(_ *session.Session, r *session.LocalCall) {
	switch {
	case is(r, 2, "no"):
		r.Out.OK()
	case is(r, 2, "yes"), is(r, 2, "sync"):
		r.Out.Error(errScriptNoDebugger)
	default:
		r.Out.Error(errScriptDebugWord)
	}
}
