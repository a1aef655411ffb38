// Package target starts the servers that tests drive from outside: the module's own cmd/troupe, and redis-server as its
// peer.
//
// Each server is a process of its own on a free loopback port, is waited for until it answers PING, and is ended by its
// process id when the test ends (SIGTERM, and SIGKILL if that is not heeded). The troupe binary is built at most once
// per test binary, at a fixed place in the temporary folder, so an unchanged tree is not linked again.
package target
