// Package membership is the phone book and the smoke detector of a cluster, on
// serf: it tells which nodes are there, at what addresses, and within about a
// second which of them no longer answer. It is never the judge: who is a member,
// is down, or owns a shard, the catalog decides.
//
// Nodes of different clusters never get into one list: every exchange of a join, on
// both sides, and every message that presents a node is checked for the cluster's
// name and identity (admission.go). A node that knows no identity yet takes part,
// and is bound to the first that it hears of. A node that comes back, under another
// incarnation and maybe at another address, is taken back: its name is free as soon
// as it is failed, and members that the catalog knows are called again and again
// (SetKnown), also after serf has forgotten them.
//
// # Who founds the cluster on one machine
//
// Nodes that are told nothing take the lowest free gossip port from 7946 on and
// look at all the other ones, up to 7993, on loopback. That order decides, by these
// rules, which Discover looks at again and again:
//
//  1. If a living member knows its cluster's identity, that is the cluster.
//  2. Otherwise the node with the lowest gossip port founds it; the others wait until
//     somebody has an identity, or until those before them are gone (about a second).
//  3. A port counts for nothing if nobody listens there, if who is there refuses
//     (another cluster's name or identity, another gossip key, --isolated, no Troupe),
//     or if it gave no proper answer for two seconds (Timing.Patience).
//     Until one of these is known nobody founds a cluster, whatever the port.
//  4. Who founds holds all free ports below its own until SetClusterID, so a node
//     that starts in this moment comes after it.
//
// So two clusters arise only if a node cannot answer for two seconds just then, or
// if a stranger leaves a port to a node in that moment; they refuse each other, and
// both logs say so.
//
// Whatever comes in at the gossip port is memberlist's to parse; what it cannot use
// is counted, and logged once a second at most (log.go).
package membership
