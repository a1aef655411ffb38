// Package peer is a node's streams to the other nodes of its cluster, on which
// everything of the data path travels: commands on one key and their replies, orders
// and answers of sagas, pieces of shards that move, messages of publish/subscribe.
//
// Each event loop has a connection of its own to each peer. What its sessions
// forward in one turn goes out as one write, and the replies come back to the same
// loop, so a forwarded command costs no switch of goroutines on either side. Whoever
// is not on a loop leaves frames in the stream's mail, which the loop takes along.
//
// A stream begins with a hello that names the cluster, the node, its process and
// the command table; who does not belong is refused, counted, and logged once a
// second at most. When a stream breaks, what was asked over it has an unknown
// outcome, and is answered so: nothing is ever sent twice.
package peer
