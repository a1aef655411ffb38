package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var functionRow = command.Row{
	Name:       "function",
	Group:      command.GroupScripting,
	Since:      "7.0.0",
	Summary:    "Keeps libraries of functions",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&functionFlushRow,
		&functionHelpRow,
		&functionListRow,
	},
}

var functionFlushRow = command.Row{
	Name:       "flush",
	Group:      command.GroupScripting,
	Since:      "7.0.0",
	Summary:    "Removes all libraries",
	Complexity: "O(N), N the functions removed",
	Arity:      -2,
	Flags:      command.Write | command.NoScript,
	ACL:        command.CatScripting,
	Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "async", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "async", Type: command.ArgPureToken, Token: "ASYNC"},
			{Name: "sync", Type: command.ArgPureToken, Token: "SYNC"},
		}},
	},
}

var functionHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupScripting,
	Since:      "7.0.0",
	Summary:    "What FUNCTION can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatScripting,
	Route:      command.RouteLocal,
}

var functionListRow = command.Row{
	Name:       "list",
	Group:      command.GroupScripting,
	Since:      "7.0.0",
	Summary:    "The libraries and their functions",
	Complexity: "O(N), N the functions",
	Arity:      -2,
	Flags:      command.NoScript,
	ACL:        command.CatScripting,
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "library-name-pattern", Type: command.ArgString, Token: "LIBRARYNAME", Optional: true},
		{Name: "withcode", Type: command.ArgPureToken, Token: "WITHCODE", Optional: true},
	},
}

// There are no functions yet, so that emptying and listing them is all that can be
// done, and done truly.

const errFlushOption reply.Error = "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"

var functionHelpLines = []string{
	"FLUSH [ASYNC|SYNC]",
	"    Removes all libraries. There are none yet.",
	"LIST [LIBRARYNAME <pattern>] [WITHCODE]",
	"    The libraries and their functions. There are none yet.",
}

func functionFlush(_ *session.Session, r *session.LocalCall) {
	switch {
	case len(r.Args) > 3:
		r.Out.Error(badSubcommand("FUNCTION", r.Args[1]))
	case len(r.Args) == 3 && !is(r, 2, "sync") && !is(r, 2, "async"):
		r.Out.Error(errFlushOption)
	default:
		r.Out.OK()
	}
}

func functionHelp(_ *session.Session, r *session.LocalCall) { help(r, functionHelpLines) }

func functionList(_ *session.Session, r *session.LocalCall) {
	var code, name bool
	for i := 2; i < len(r.Args); i++ {
		switch {
		case !code && is(r, i, "withcode"):
			code = true
		case !name && is(r, i, "libraryname"):
			if i++; i == len(r.Args) {
				r.Out.Error("ERR library name argument was not given")
				return
			}
			name = true
		default:
			r.Out.Error(reply.Error("ERR Unknown argument " + oneLine(r.Args[i])))
			return
		}
	}
	r.Out.Array(0)
}
