// Package cluster makes a node a member: it finds the other nodes, founds a cluster
// or joins one, runs this node's replica of the catalog, renews the node's lease, and
// at the catalog's leader runs what decides about members, voters and moves. What it
// knows of the cluster leaves it as directories.
//
// The logic is elsewhere, in pure engines: catalog (state, leases, arbiter,
// controller), replica (raft). Here are the goroutines that feed them: one follows
// the catalog and hands directories on, one sends heartbeats, one leads if this node
// is the leader.
package cluster
