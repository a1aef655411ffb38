// Package catalog is what the cluster agrees on: who its members are, which of them
// has which shard, settings and scripts that hold everywhere. It is four pure
// engines; a shell feeds them time, messages and the log.
//
// State is the state machine of the catalog's raft group. Every member applies the
// same entries in the same order. An entry changes something, and then the epoch
// grows by one; or it is refused and changes nothing: entries name the epoch,
// incarnation, term or move that their proposer knew, so that what is late, doubled
// or beaten by another does no harm.
//
// Lease, on every node, tells whether the node may serve. Arbiter, at the leader,
// keeps the other end of the leases, and judges who is down. A node serves while
// less than LeaseTime has passed, by its own monotonic clock, since it sent the
// newest heartbeat that was acknowledged; the leader says Down after DownAfter by
// its own without acknowledging one. An acknowledgement is never earlier than its
// heartbeat was sent, so a node has stopped before others act on its silence, as
// long as no clock runs by a quarter faster than another, DownAfter/LeaseTime. Those
// clocks must go on while a machine is suspended. For a heartbeat to be acknowledged
// the leader must have made sure, after it came, that it still leads, by asking a
// quorum and not by a lease of its own, and have applied what was committed by then.
//
// Controller, at the leader, decides what to do next: which members vote in the
// catalog's group, and which shards move, so that the cluster ends up even, with
// nothing on members that leave. It only looks at the state and proposes, so it can
// be thrown away with its leader at any time.
package catalog
