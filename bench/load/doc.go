// Package load is `troupe bench`: it puts load on any RESP server from outside
// and says what that costs the server.
//
// A run goes through workloads and pipelines. With peers, each round of the
// target is followed at once by the same round on a real redis-server, a Redis
// Cluster, or both, on this machine (A B C A B C …), so that whatever else the
// machine does touches all; the figures are medians over the rounds, and their
// ratios are the result. The CPU time per command is the servers' own, taken from
// the kernel's books and summed over all processes of a cluster.
//
// A watch is the other kind of run: one steady load, told second by second, for
// looking at a cluster while something happens to it.
//
// The parts: workload (what is sent), drive (how), reply (what comes back),
// target (the servers and their processes), report (what is shown). This package
// checks the configuration and conducts. It knows nothing of how Troupe is made.
package load
