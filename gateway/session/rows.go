package session

import "github.com/troupedb/troupe/shard/command"

// Commands are the commands of transactions.
var Commands = []Command{
	{Row: &discardRow, Run: discard},
	{Row: &execRow, Run: exec},
	{Row: &multiRow, Run: multi},
	{Row: &scriptBodyRow, Here: scriptBodyHere},
	{Row: &unwatchRow, Run: unwatchAll},
	{Row: &watchRow, Run: watch},
}

var multiRow = command.Row{
	Name:       "multi",
	Group:      command.GroupTransactions,
	Since:      "1.2.0",
	Summary:    "Begins a transaction",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.AllowBusy | command.Immediate,
	ACL:        command.CatTransaction,
	Route:      command.RouteLocal,
}

var execRow = command.Row{
	Name:       "exec",
	Group:      command.GroupTransactions,
	Since:      "1.2.0",
	Summary:    "Runs the transaction that was queued",
	Complexity: "That of its commands",
	Arity:      1,
	Flags:      command.NoScript | command.Loading | command.Stale | command.SkipSlowlog | command.Immediate,
	ACL:        command.CatTransaction,
	Route:      command.RouteLocal,
}

var discardRow = command.Row{
	Name:       "discard",
	Group:      command.GroupTransactions,
	Since:      "2.0.0",
	Summary:    "Forgets the transaction that was begun",
	Complexity: "O(N), N the commands queued",
	Arity:      1,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.AllowBusy | command.Immediate,
	ACL:        command.CatTransaction,
	Route:      command.RouteLocal,
}

var watchRow = command.Row{
	Name:       "watch",
	Group:      command.GroupTransactions,
	Since:      "2.2.0",
	Summary:    "Makes the next EXEC fail if one of the keys changes before it",
	Complexity: "O(1) a key",
	Arity:      -2,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.AllowBusy | command.Immediate,
	ACL:        command.CatTransaction,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteLocal,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
}

var unwatchRow = command.Row{
	Name:       "unwatch",
	Group:      command.GroupTransactions,
	Since:      "2.2.0",
	Summary:    "Forgets the watched keys",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.AllowBusy,
	ACL:        command.CatTransaction,
	Route:      command.RouteLocal,
}
