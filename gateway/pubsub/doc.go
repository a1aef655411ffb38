// Package pubsub is the hub of a node: who listens to which channels, and how
// messages come to them from any event loop of any node.
//
// A message is encoded once. Publishing puts it into the queue of each listener,
// where its bytes are counted, and wakes the listener's loop at most once a turn;
// the loop writes the queue out. So nobody waits for a slow listener: one that
// falls behind client-output-buffer-limit is disconnected by whoever publishes
// to it. Messages of one publisher stay in their order, and so do those of
// different publishers on one node where one has seen the other's answer.
//
// Keyspace events come from shards while these run. They are queued, and
// published by a goroutine that lives as long as there are some, or by the next
// command that publishes or subscribes: it comes after them.
//
// # Other nodes
//
// Each node knows how many listen to what on each other one, so PUBLISH counts and
// PUBSUB answers without asking, and a message goes, once, to the nodes that have
// listeners to it. What changes is told to each peer in lists, one at a time, each
// acknowledged; a list that is lost, a new stream, a peer that has forgotten: the
// whole list is told anew. A peer whose list is not there yet gets every message.
//
// The confirmation of a subscription, and of its end, waits until all peers that
// answer know of it, without its loop: whatever is published later, anywhere, is as
// it says. In a transaction it does not wait, as EXEC's other replies cannot: there
// it holds at once for this node, and a round trip later for the others.
//
// Messages go on the publisher's loop's own stream. Those of one publisher come in
// order or, where a stream breaks or a peer is far behind, not at all. Events of one
// shard are in order, too; between an event and what its maker publishes, or what two
// nodes publish, there is no order for listeners on a third.
package pubsub
