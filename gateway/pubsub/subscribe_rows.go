package pubsub

import (
	"github.com/troupedb/troupe/shard/command"
)

var subscribeRow = command.Row{
	Name:       "subscribe",
	Group:      command.GroupPubSub,
	Since:      "2.0.0",
	Summary:    "Listens to channels",
	Complexity: "O(N), N the channels named",
	Arity:      -2,
	Flags:      command.PubSub | command.WhileSubscribed | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "channel", Type: command.ArgString, Multiple: true},
	},
}

var unsubscribeRow = command.Row{
	Name:       "unsubscribe",
	Group:      command.GroupPubSub,
	Since:      "2.0.0",
	Summary:    "Stops listening to channels",
	Complexity: "O(N), N the channels",
	Arity:      -1,
	Flags:      command.PubSub | command.WhileSubscribed | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "channel", Type: command.ArgString, Optional: true, Multiple: true},
	},
}

var psubscribeRow = command.Row{
	Name:       "psubscribe",
	Group:      command.GroupPubSub,
	Since:      "2.0.0",
	Summary:    "Listens to all channels that match glob patterns",
	Complexity: "O(N), N the client's patterns",
	Arity:      -2,
	Flags:      command.PubSub | command.WhileSubscribed | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "pattern", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "pattern", Type: command.ArgPattern},
		}},
	},
}

var punsubscribeRow = command.Row{
	Name:       "punsubscribe",
	Group:      command.GroupPubSub,
	Since:      "2.0.0",
	Summary:    "Stops listening to patterns",
	Complexity: "O(N+M), N the client's patterns and M the patterns of all clients",
	Arity:      -1,
	Flags:      command.PubSub | command.WhileSubscribed | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "pattern", Type: command.ArgPattern, Optional: true, Multiple: true},
	},
}

var ssubscribeRow = command.Row{
	Name:       "ssubscribe",
	Group:      command.GroupPubSub,
	Since:      "7.0.0",
	Summary:    "Listens to shard channels",
	Complexity: "O(N), N the shard channels named",
	Arity:      -2,
	Flags:      command.PubSub | command.WhileSubscribed | command.NoScript | command.Loading | command.Stale,
	Keys: []command.KeySpec{
		{Access: command.NotKey, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteLocal,
	Args: []command.Arg{
		{Name: "shardchannel", Type: command.ArgString, Multiple: true},
	},
}

var sunsubscribeRow = command.Row{
	Name:       "sunsubscribe",
	Group:      command.GroupPubSub,
	Since:      "7.0.0",
	Summary:    "Stops listening to shard channels",
	Complexity: "O(N), N the shard channels",
	Arity:      -1,
	Flags:      command.PubSub | command.WhileSubscribed | command.NoScript | command.Loading | command.Stale,
	Keys: []command.KeySpec{
		{Access: command.NotKey, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteLocal,
	Args: []command.Arg{
		{Name: "shardchannel", Type: command.ArgString, Optional: true, Multiple: true},
	},
}
