package pubsub

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var pubsubRow = command.Row{
	Name:       "pubsub",
	Group:      command.GroupPubSub,
	Since:      "2.8.0",
	Summary:    "Who listens to what",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&pubsubChannelsRow,
		&pubsubHelpRow,
		&pubsubNumpatRow,
		&pubsubNumsubRow,
		&pubsubShardchannelsRow,
		&pubsubShardnumsubRow,
	},
}

var pubsubChannelsRow = command.Row{
	Name:       "channels",
	Group:      command.GroupPubSub,
	Since:      "2.8.0",
	Summary:    "The channels that somebody listens to",
	Complexity: "O(N), N the channels, for names and patterns of bounded length",
	Arity:      -2,
	Flags:      command.PubSub | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "pattern", Type: command.ArgPattern, Optional: true},
	},
}

var pubsubHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupPubSub,
	Since:      "6.2.0",
	Summary:    "What PUBSUB can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	Route:      command.RouteLocal,
}

var pubsubNumpatRow = command.Row{
	Name:       "numpat",
	Group:      command.GroupPubSub,
	Since:      "2.8.0",
	Summary:    "How many different patterns clients listen to",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.PubSub | command.Loading | command.Stale,
	Route:      command.RouteLocal,
}

var pubsubNumsubRow = command.Row{
	Name:       "numsub",
	Group:      command.GroupPubSub,
	Since:      "2.8.0",
	Summary:    "How many clients listen to channels",
	Complexity: "O(N), N the channels named",
	Arity:      -2,
	Flags:      command.PubSub | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "channel", Type: command.ArgString, Optional: true, Multiple: true},
	},
}

var pubsubShardchannelsRow = command.Row{
	Name:       "shardchannels",
	Group:      command.GroupPubSub,
	Since:      "7.0.0",
	Summary:    "The shard channels that somebody listens to",
	Complexity: "O(N), N the shard channels, for names and patterns of bounded length",
	Arity:      -2,
	Flags:      command.PubSub | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "pattern", Type: command.ArgPattern, Optional: true},
	},
}

var pubsubShardnumsubRow = command.Row{
	Name:       "shardnumsub",
	Group:      command.GroupPubSub,
	Since:      "7.0.0",
	Summary:    "How many clients listen to shard channels",
	Complexity: "O(N), N the shard channels named",
	Arity:      -2,
	Flags:      command.PubSub | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "shardchannel", Type: command.ArgString, Optional: true, Multiple: true},
	},
}

func channels(k kind) session.LocalHandler {
	return func(s *session.Session, r *session.LocalCall) {
		var filter []byte
		switch len(r.Args) {
		case 2:
		case 3:
			filter = r.Args[2]
		default:
			r.Out.Error(reply.Error("ERR unknown subcommand or wrong number of arguments for '" +
				string(r.Args[1]) + "'. Try PUBSUB HELP."))
			return
		}
		names := of(s).active(k, filter)
		r.Out.Array(len(names))
		for _, name := range names {
			r.Out.BulkString(name)
		}
	}
}

func numsub(k kind) session.LocalHandler {
	return func(s *session.Session, r *session.LocalCall) {
		names := r.Args[2:]
		r.Out.Array(2 * len(names))
		for _, name := range names {
			r.Out.Bulk(name)
			r.Out.Int(int64(of(s).listening(k, name)))
		}
	}
}

func numpat(s *session.Session, r *session.LocalCall) {
	r.Out.Int(int64(of(s).patternCount()))
}

var helpLines = []string{
	"CHANNELS [<pattern>]",
	"    Return the currently active channels matching a <pattern> (default: '*').",
	"NUMPAT",
	"    Return number of subscriptions to patterns.",
	"NUMSUB [<channel> ...]",
	"    Return the number of subscribers for the specified channels, excluding",
	"    pattern subscriptions(default: no channels).",
	"SHARDCHANNELS [<pattern>]",
	"    Return the currently active shard level channels matching a <pattern> (default: '*').",
	"SHARDNUMSUB [<shardchannel> ...]",
	"    Return the number of subscribers for the specified shard level channel(s)",
}

func help(_ *session.Session, r *session.LocalCall) { command.WriteHelp(r.Out, r.Args[0], helpLines) }
