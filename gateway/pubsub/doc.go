// Package pubsub is the hub of a node: who listens to which channels, and how
// messages come to them from any event loop.
//
// A message is encoded once. Publishing puts it into the queue of each listener,
// where its bytes are counted, and wakes the listener's loop at most once a turn;
// the loop writes the queue out. So nobody waits for a slow listener: one that
// falls behind client-output-buffer-limit is disconnected by whoever publishes
// to it. Messages of one publisher stay in their order, and so do those of
// different publishers where one has seen the other's answer.
//
// Keyspace events come from shards while these run. They are queued, and
// published by a goroutine that lives as long as there are some, or by the next
// command that publishes or subscribes: it comes after them.
package pubsub
