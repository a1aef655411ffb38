// Package target looks at a RESP server from outside.
//
// A Server is one side of a comparison: an endpoint with a control connection
// (INFO, DBSIZE, FLUSHALL) and, where its process runs on this machine, that
// process's CPU time and memory as the kernel accounts for them. The process id
// comes from the caller or from INFO; one that INFO names is believed only when
// that process really holds the listening socket, since the server may sit in
// another container or machine. A server out of reach of the kernel's books is
// measured by what its own INFO says, and a report names the source.
//
// A Group is all servers of one side, also those that its members name but that
// get no load themselves; what it costs is their sum. SlotMap is what they say of
// who owns which keys.
//
// StartPeer and StartCluster start a real redis-server and a real Redis Cluster for
// the other side of the comparison, StartNodes a cluster of any program that is
// told ports, and all end those very processes again.
package target
