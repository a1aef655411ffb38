// Package load is `troupe bench`: it puts load on any RESP server from outside
// and says what that costs the server.
//
// A run goes through workloads and pipelines. With a peer, each round of the
// target is followed at once by the same round on a real redis-server on this
// machine (A B A B …), so that whatever else the machine does touches both; the
// figures are medians over the rounds, and their ratio is the result. The CPU
// time per command is the server's own, taken from the kernel's books.
//
// The parts: workload (what is sent), drive (how), reply (what comes back),
// target (the servers and their processes), report (what is shown). This package
// checks the configuration and conducts. It knows nothing of how Troupe is made.
package load
