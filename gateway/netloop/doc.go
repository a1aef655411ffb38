// Package netloop moves bytes between sockets and sessions. Two drivers stand
// behind one interface: event loops over epoll for plain TCP on Linux, and a
// portable one with goroutines for each connection. A session is called on its
// connection's loop only, one call at a time, so it needs no locks.
//
// In the event loop all connections share one read buffer and one write buffer:
// an idle connection holds no buffer at all. What a session leaves unread is kept
// for it; what a slow client does not take is kept too, and beyond SoftOutput the
// session is not given more to read until it did. Nobody waits for a slow client.
package netloop
