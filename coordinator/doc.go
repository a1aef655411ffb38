// Package coordinator carries out what spans shards, and holds a node's actors
// together. The logic is in its packages (saga, script); here are the shells.
//
// Coordinators runs calls by messages: a supervisor actor with a child for each
// saga. A child feeds the saga's state machine, a saga.Coordinator, from its
// mailbox: answers of shards, posted functions that have come back, and ticks. When
// a child fails, the supervisor gives its saga to another child that runs a
// saga.Recovery, so no lock, no half and no waiting client is left behind.
// Answers find their coordinator by the saga's identity, which names its node; what
// belongs to no saga that lives is ended at its shard, and what belongs to a node that
// is down is recovered by the node of the shard.
package coordinator
