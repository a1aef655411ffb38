// Package mailbox is the lease mailbox: a Proto.Actor mailbox whose actor may
// also be run on the caller's own goroutine. Whoever holds the lease runs the
// actor; taking it is one compare-and-swap, so a command for an idle shard costs
// no queue, no goroutine switch and no future. Messages that are posted wait in
// a queue, and whoever releases the lease sees to it that they are run.
//
// Panics escalate to the supervisor, and suspend, resume and stop work, as with
// Proto.Actor's own mailbox.
package mailbox
