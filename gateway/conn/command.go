package conn

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
)

var commandRow = command.Row{
	Name:       "command",
	Group:      command.GroupServer,
	Since:      "2.8.13",
	Summary:    "What commands there are",
	Complexity: "O(N), N the commands",
	Arity:      -1,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&commandCountRow,
		&commandDocsRow,
		&commandGetkeysRow,
		&commandGetkeysandflagsRow,
		&commandHelpRow,
		&commandInfoRow,
		&commandListRow,
	},
}

var commandCountRow = command.Row{
	Name:       "count",
	Group:      command.GroupServer,
	Since:      "2.8.13",
	Summary:    "The number of commands",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var commandDocsRow = command.Row{
	Name:       "docs",
	Group:      command.GroupServer,
	Since:      "7.0.0",
	Summary:    "What commands do and which arguments they take",
	Complexity: "O(N), N the commands asked for",
	Arity:      -2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "command-name", Type: command.ArgString, Optional: true, Multiple: true},
	},
}

var commandGetkeysRow = command.Row{
	Name:       "getkeys",
	Group:      command.GroupServer,
	Since:      "2.8.13",
	Summary:    "The keys among a command's arguments",
	Complexity: "O(N), N the arguments",
	Arity:      -4,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var commandGetkeysandflagsRow = command.Row{
	Name:       "getkeysandflags",
	Group:      command.GroupServer,
	Since:      "7.0.0",
	Summary:    "The keys among a command's arguments, and what becomes of each",
	Complexity: "O(N), N the arguments",
	Arity:      -4,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var commandHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupServer,
	Since:      "5.0.0",
	Summary:    "What COMMAND can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
}

var commandInfoRow = command.Row{
	Name:       "info",
	Group:      command.GroupServer,
	Since:      "2.8.13",
	Summary:    "Arity, flags, keys and categories of commands",
	Complexity: "O(N), N the commands asked for",
	Arity:      -2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "command-name", Type: command.ArgString, Optional: true, Multiple: true},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Without names it tells about all commands."},
	},
}

var commandListRow = command.Row{
	Name:       "list",
	Group:      command.GroupServer,
	Since:      "7.0.0",
	Summary:    "The names of the commands, perhaps filtered",
	Complexity: "O(N), N the commands",
	Arity:      -2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatConnection,
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "filterby", Type: command.ArgOneOf, Token: "FILTERBY", Optional: true, Args: []command.Arg{
			{Name: "module-name", Type: command.ArgString, Token: "MODULE"},
			{Name: "category", Type: command.ArgString, Token: "ACLCAT"},
			{Name: "pattern", Type: command.ArgPattern, Token: "PATTERN"},
		}},
	},
}

func commandCount(s *session.Session, r *session.LocalCall) { s.Server.Table.WriteCount(r.Out) }

func commandDocs(s *session.Session, r *session.LocalCall) {
	s.Server.Table.WriteDocs(r.Out, r.Args[2:])
}

func commandGetkeys(s *session.Session, r *session.LocalCall) {
	s.Server.Table.WriteGetKeys(r.Out, r.Args[2:])
}

func commandGetkeysandflags(s *session.Session, r *session.LocalCall) {
	s.Server.Table.WriteGetKeysAndFlags(r.Out, r.Args[2:])
}

func commandHelp(_ *session.Session, r *session.LocalCall) {
	command.WriteCommandHelp(r.Out, r.Args[0])
}

// commandInfo is COMMAND INFO, and COMMAND alone.
func commandInfo(s *session.Session, r *session.LocalCall) {
	s.Server.Table.WriteInfo(r.Out, r.Args[min(2, len(r.Args)):])
}

func commandList(s *session.Session, r *session.LocalCall) {
	s.Server.Table.WriteList(r.Out, r.Args[2:])
}
