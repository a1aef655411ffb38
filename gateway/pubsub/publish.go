package pubsub

import (
	"bytes"

	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
)

var publishRow = command.Row{
	Name:       "publish",
	Group:      command.GroupPubSub,
	Since:      "2.0.0",
	Summary:    "Sends a message to those who listen to a channel",
	Complexity: "O(N+M), N the channel's listeners and M the patterns of all clients",
	Arity:      3,
	Flags:      command.PubSub | command.Loading | command.Stale | command.Fast | command.MayReplicate,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "channel", Type: command.ArgString},
		{Name: "message", Type: command.ArgString},
	},
}

var spublishRow = command.Row{
	Name:       "spublish",
	Group:      command.GroupPubSub,
	Since:      "7.0.0",
	Summary:    "Sends a message to those who listen to a shard channel",
	Complexity: "O(N), N the channel's listeners",
	Arity:      3,
	Flags:      command.PubSub | command.Loading | command.Stale | command.Fast | command.MayReplicate,
	Keys:       command.Key1(command.NotKey),
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "shardchannel", Type: command.ArgString},
		{Name: "message", Type: command.ArgString},
	},
}

// publish is PUBLISH and SPUBLISH. In a transaction or a script the message goes
// out once that is committed; who will get it is counted at once.
func publish(k kind) session.LocalHandler {
	return func(s *session.Session, r *session.LocalCall) {
		h, name, message := of(s), r.Args[1], r.Args[2]
		if r.Tx == nil {
			r.Out.Int(int64(h.publish(k, name, message, s, h.voiceOf(s))))
			return
		}
		n, some := h.receivers(k, name)
		r.Out.Int(int64(n))
		if some {
			name, message = bytes.Clone(name), bytes.Clone(message)
			r.Tx.Defer(func() { h.publish(k, name, message, nil, h.voiceOf(s)) })
		}
	}
}
