// Package drive puts load on a server and measures how fast the answers come.
//
// A Driver opens a Session, a set of connections that sends one kind of request,
// and a Session runs rounds. Two drivers exist. Builtin sends prebuilt pipelines
// from a few event loops: it overwrites the digits of the keys, writes, counts the
// replies, and so leaves nearly all of a small machine to the server. Its loops
// are epoll loops on Linux and a goroutine a connection elsewhere; both feed the
// same pipe, which holds all there is to decide. RedisBenchmark runs the
// installed redis-benchmark instead, for figures that others can repeat.
//
// Clients are plain, spread over all addresses, or slot-aware: routes says who is
// connected where and which keys it draws.
//
// Any error reply, lost connection or silent server fails the round: a figure is
// only given for work that was done. Steady is the opposite: a load that goes on
// whatever happens, counts what failed, and connects anew; it is driven by a
// goroutine a connection, as it is about latency at a rate, not about the most
// that a server can do.
package drive
