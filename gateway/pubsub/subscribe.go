package pubsub

import (
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/reply"
)

// Commands are the commands of this package.
var Commands = []session.Command{
	{Row: &subscribeRow, Run: subscribe(channel)},
	{Row: &psubscribeRow, Run: subscribe(pattern)},
	{Row: &ssubscribeRow, Run: subscribe(shardChannel)},
	{Row: &unsubscribeRow, Run: unsubscribe(channel)},
	{Row: &punsubscribeRow, Run: unsubscribe(pattern)},
	{Row: &sunsubscribeRow, Run: unsubscribe(shardChannel)},
	{Row: &publishRow, Run: publish(channel)},
	{Row: &spublishRow, Run: publish(shardChannel)},
	{Row: &pubsubRow},
	{Row: &pubsubChannelsRow, Run: channels(channel)},
	{Row: &pubsubShardchannelsRow, Run: channels(shardChannel)},
	{Row: &pubsubNumsubRow, Run: numsub(channel)},
	{Row: &pubsubShardnumsubRow, Run: numsub(shardChannel)},
	{Row: &pubsubNumpatRow, Run: numpat},
	{Row: &pubsubHelpRow, Run: help},
}

// The first elements of what answers a subscription, and its end.
var (
	subscribeWords   = [kinds]string{channel: "subscribe", pattern: "psubscribe", shardChannel: "ssubscribe"}
	unsubscribeWords = [kinds]string{channel: "unsubscribe", pattern: "punsubscribe", shardChannel: "sunsubscribe"}
)

// subscribe is SUBSCRIBE and its kin: a reply for each name. In a transaction it
// takes place at once, as there is nothing about it that others could see half of.
func subscribe(k kind) session.LocalHandler {
	return func(s *session.Session, r *session.LocalCall) {
		h, start := of(s), len(r.Out.Buf)
		h.flush()
		for _, name := range r.Args[1:] {
			h.subscribe(s, k, name)
			r.Out.Push(3)
			r.Out.BulkString(subscribeWords[k])
			r.Out.Bulk(name)
			r.Out.Int(count(s, k))
		}
		h.keep(s, r, h.subscriber(s), start)
	}
}

// unsubscribe is UNSUBSCRIBE and its kin, of some or of all names.
func unsubscribe(k kind) session.LocalHandler {
	return func(s *session.Session, r *session.LocalCall) {
		h, start := of(s), len(r.Out.Buf)
		h.flush()
		sub := h.subscriber(s)
		names := h.subscribed(s, k)
		if len(r.Args) > 1 {
			names = names[:0]
			for _, name := range r.Args[1:] {
				names = append(names, string(name))
			}
		}
		for _, name := range names {
			h.unsubscribe(s, k, name)
			if sub != nil && r.Tx == nil {
				sub.write() // published before it, so it comes before it
			}
			ended(r.Out, k)
			r.Out.BulkString(name)
			r.Out.Int(count(s, k))
		}
		if len(names) == 0 {
			ended(r.Out, k)
			r.Out.Null()
			r.Out.Int(count(s, k))
		}
		h.keep(s, r, sub, start)
	}
}

func ended(out *reply.Writer, k kind) {
	out.Push(3)
	out.BulkString(unsubscribeWords[k])
}

// count is the number in the replies: channels and patterns are counted
// together, shard channels by themselves.
func count(s *session.Session, k kind) int64 {
	if k == shardChannel {
		return int64(s.SubKinds[shardChannel])
	}
	return int64(s.SubKinds[channel] + s.SubKinds[pattern])
}

// keep makes the replies, which are from start on, come even to a client that wants
// none, and once all nodes know what they say. In a transaction they do not wait.
func (h *Hub) keep(s *session.Session, r *session.LocalCall, sub *subscriber, start int) {
	if r.Tx == nil {
		s.KeepReply()
		h.confirm(s, sub, start)
	} else {
		h.push()
	}
}
