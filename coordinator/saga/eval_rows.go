package saga

import "github.com/troupedb/troupe/shard/command"

var evalCommands = []Command{
	{Row: &evalRow, Run: eval, Computes: true, Hurries: true},
	{Row: &evalRoRow, Run: eval, Computes: true, Hurries: true},
	{Row: &evalshaRow, Run: evalSHA, Computes: true, Hurries: true},
	{Row: &evalshaRoRow, Run: evalSHA, Computes: true, Hurries: true},
}

var evalRow = command.Row{
	Name:       "eval",
	Group:      command.GroupScripting,
	Since:      "2.6.0",
	Summary:    "Runs a Lua script",
	Complexity: "That of the script",
	Arity:      -3,
	Flags:      command.NoScript | command.Stale | command.SkipMonitor | command.MayReplicate | command.NoMandatoryKeys | command.MovableKeys,
	ACL:        command.CatScripting,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Update, Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1, First: 1}, Notes: "What a script does with its keys cannot be known: the worst is assumed"},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "script", Type: command.ArgString},
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Optional: true, Multiple: true},
		{Name: "arg", Type: command.ArgString, Optional: true, Multiple: true},
	},
}

var evalshaRow = command.Row{
	Name:       "evalsha",
	Group:      command.GroupScripting,
	Since:      "2.6.0",
	Summary:    "Runs a Lua script that the server knows by its SHA1",
	Complexity: "That of the script",
	Arity:      -3,
	Flags:      command.NoScript | command.Stale | command.SkipMonitor | command.MayReplicate | command.NoMandatoryKeys | command.MovableKeys,
	ACL:        command.CatScripting,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Update, Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "sha1", Type: command.ArgString},
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Optional: true, Multiple: true},
		{Name: "arg", Type: command.ArgString, Optional: true, Multiple: true},
	},
}

var evalRoRow = command.Row{
	Name:       "eval_ro",
	Group:      command.GroupScripting,
	Since:      "7.0.0",
	Summary:    "Runs a Lua script that may not write",
	Complexity: "That of the script",
	Arity:      -3,
	Flags:      command.ReadOnly | command.NoScript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys,
	ACL:        command.CatScripting,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1, First: 1}, Notes: "What a script reads of its keys cannot be known: all of it is assumed"},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "script", Type: command.ArgString},
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Optional: true, Multiple: true},
		{Name: "arg", Type: command.ArgString, Optional: true, Multiple: true},
	},
}

var evalshaRoRow = command.Row{
	Name:       "evalsha_ro",
	Group:      command.GroupScripting,
	Since:      "7.0.0",
	Summary:    "Runs a Lua script, known by its SHA1, that may not write",
	Complexity: "That of the script",
	Arity:      -3,
	Flags:      command.ReadOnly | command.NoScript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys,
	ACL:        command.CatScripting,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "sha1", Type: command.ArgString},
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Optional: true, Multiple: true},
		{Name: "arg", Type: command.ArgString, Optional: true, Multiple: true},
	},
}
