// Package cluster makes a node a member: it finds the other nodes, founds a cluster
// or joins one, runs this node's replica of the catalog, renews the node's lease, and
// at the catalog's leader runs what decides about members, voters and moves. What it
// knows of the cluster leaves it as directories.
//
// The logic is elsewhere, in pure engines: catalog (state, leases, arbiter,
// controller), replica (raft). Here are the goroutines that feed them:
//
//	follow.go  hands on what the catalog says: directories, settings, who is silent
//	heart.go   sends heartbeats to the leader, whose answers are the lease
//	lead.go    answers them, judges and decides, if this node leads
//	keys.go    notes what would be lost with the process
//
// A node starts in this order: its identity and log (identity.go), its port for
// control messages (net.go), what its log knows, gossip, then others are met
// (join.go, elect.go) and asked to take it in (enter.go). Whoever has a log that says
// it is a member asks at once, under the same raft id; all others take a new one.
//
// Where nodes are, gossip knows first. The catalog is asked who they are: it may have
// the address of an earlier process, and needs that node's vote to learn the new one.
package cluster
