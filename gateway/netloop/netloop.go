package netloop

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/shard/reply"
)

const (
	// ReadBuffer is what a loop reads at once: some hundred pipelined commands.
	ReadBuffer = 64 << 10
	// SoftOutput is how much unsent output a connection may have while its
	// input is still worked on: enough to keep a socket busy.
	SoftOutput = 1 << 20
	// writeBuffer is the size of the write buffer that the connections of a loop share,
	// until one needs more.
	writeBuffer = 64 << 10
	// keepScratch is the largest shared write buffer that is kept between turns.
	keepScratch = 4 << 20
	// acceptRest is how long a listener rests when the process or the system is
	// out of what a connection needs (files, memory): trying at once would spin.
	acceptRest = 50 * time.Millisecond
	// keepAliveProbes is how many unanswered keepalive probes end a connection.
	// They are sent so often that all of them take one more keepalive time.
	keepAliveProbes = 3
	// keptPosts is the longest list of posted functions whose memory is kept.
	keptPosts = 4096
)

// Session is the protocol side of a connection. All calls come from the
// connection's loop.
type Session interface {
	// Data is given everything not consumed so far and returns how much it has
	// consumed. It appends replies to the connection's W. It leaves off when
	// the rest is no whole command, or when the connection is paused, closing or
	// has SoftOutput bytes of output in W; it is called again once there is more
	// input, or once what has stopped it is over.
	Data(in []byte) (consumed int)
	// Closed is called once, after the connection has ended.
	Closed()
}

// Opener makes the session of a new connection. worker is what the connection's
// loop got from NewWorker. A nil session refuses: what was written to c.W is sent and
// the connection is closed.
type Opener func(c *Conn, worker any) Session

// Handler is what is behind the loops.
type Handler interface {
	// NewWorker makes what all connections of a loop share; it is called once
	// for each loop, or for each connection where each has its own goroutine.
	NewWorker() any
	// Turn is called after a loop has worked on what was ready, before it
	// waits again. It tells whether the loop has time: no client of it waits for what
	// others are doing, so that it may let a few more commands come first.
	Turn(worker any) (leisure bool)
	// Arrived is shown what has come on several connections of a loop, before the
	// first of them is given its own. List and input are not to be kept.
	Arrived(worker any, list []Arrival)
}

// Arrival is input of a session that has nothing else left. It is given to it in this
// turn, if what comes first does not end or pause its connection.
type Arrival struct {
	Session Session
	In      []byte
}

// Options tell how connections are driven.
type Options struct {
	Loops    int  // event loops
	Portable bool // the driver of every system, in place of them
	// OwnProcs tells that the runtime has a processor (GOMAXPROCS) for each loop beyond
	// those that the rest needs, so a loop may keep its own while it waits for clients.
	OwnProcs bool
}

// Driver serves connections until it is closed.
type Driver interface {
	// Serve takes over a listening socket, whose connections open opens.
	Serve(l *net.TCPListener, open Opener) error
	// Adopt makes a connection that is there already one of the loop whose worker
	// this is, as far as loops have several connections; open opens it. The socket is
	// the driver's from then on, also if there is an error.
	Adopt(sock net.Conn, worker any, open Opener) error
	// Workers returns the workers of the loops that have several connections; none
	// where each connection has a loop of its own.
	Workers() []any
	// Close ends all connections, after what can be sent at once was sent, and
	// waits until all sessions are closed.
	Close()
}

// Conn is one connection. Its methods are for its loop only, but for Post,
// PostLoop, Worker and Unsent.
type Conn struct {
	// W collects output. What a session appends during a call is sent when the
	// call returns; otherwise Flush sends it.
	W reply.Writer
	// Remote and Local are addresses as text, "ip:port".
	Remote, Local string
	// EndOnHangup makes a connection that is paused end as soon as its client
	// hangs up. Else that is noticed once it is resumed, when its last reply is sent.
	EndOnHangup bool

	session Session
	worker  any
	paused  bool
	closing bool // end after the output is sent
	closed  bool
	hangup  bool // the client sends no more, though some may be unread
	unseen  bool // in holds what the session has not been asked about
	in      []byte
	unsent  atomic.Int64
	drv     connDriver
}

// connDriver is a driver's side of one connection.
type connDriver interface {
	post(f func())
	postLoop(f func())
	lend()
	flush()
	shut()
	resume()
	fd() int
}

// Post makes the loop run f. It may be called from any goroutine and never
// blocks. f does not run if the connection has ended.
func (c *Conn) Post(f func()) { c.drv.post(f) }

// PostLoop makes the connection's loop run f, even if the connection has ended,
// unless the loop has too. f flushes the connections that it writes to. It may be
// called from any goroutine and never blocks.
func (c *Conn) PostLoop(f func()) { c.drv.postLoop(f) }

// Worker returns what the connection's loop got from NewWorker. Connections with
// the same one share a loop. It may be called from any goroutine.
func (c *Conn) Worker() any { return c.worker }

// Unsent returns how many bytes of output the socket has not taken, as of the
// last attempt. It may be called from any goroutine.
func (c *Conn) Unsent() int64 { return c.unsent.Load() }

// Pause stops calls of Data until Resume.
func (c *Conn) Pause() { c.paused = true }

// Resume goes on with what is unread.
func (c *Conn) Resume() {
	if c.paused {
		c.paused = false
		c.drv.resume()
	}
}

// Paused tells whether the connection is paused.
func (c *Conn) Paused() bool { return c.paused }

// Lend gives W the loop's buffer to append to, where it has none of its own.
// Before a Flush outside of calls of the session it saves an allocation.
func (c *Conn) Lend() { c.drv.lend() }

// Flush sends W as far as the socket takes it; the rest follows by itself.
func (c *Conn) Flush() { c.drv.flush() }

// CloseAfterReply ends the connection once its output is sent.
func (c *Conn) CloseAfterReply() { c.closing = true }

// Close ends the connection now.
func (c *Conn) Close() { c.drv.shut() }

// Closing tells whether the connection is about to end, or has.
func (c *Conn) Closing() bool { return c.closing || c.closed }

// FD is the number of the socket, for CLIENT LIST; -1 where there is none.
func (c *Conn) FD() int { return c.drv.fd() }

// Unread returns how many bytes of input wait for the session.
func (c *Conn) Unread() int { return len(c.in) }

// stopped tells that the session must not be given input now; queued is the
// unsent output beside W.
func (c *Conn) stopped(queued int) bool {
	return c.paused || c.closing || len(c.W.Buf)+queued >= SoftOutput
}

// data lets the session work on its input: what is kept, or else fresh, which
// is not kept itself.
func (c *Conn) data(fresh []byte) {
	all := fresh
	if len(c.in) > 0 {
		c.in = append(c.in, fresh...)
		all = c.in
	}
	c.unseen = false
	used := c.session.Data(all)
	if c.closed {
		return
	}
	c.keep(all[used:], used)
	c.unseen = len(c.in) > 0 && c.stopped(0)
}

// keep holds on to unread input: fresh bytes in a buffer of their own, those
// kept already where they are, unless a long command was before them.
func (c *Conn) keep(rest []byte, used int) {
	switch {
	case len(rest) == 0:
		c.in = nil
	case len(c.in) == 0 || used > ReadBuffer && len(rest) <= used:
		c.in = append(make([]byte, 0, len(rest)+len(rest)/4), rest...)
	default:
		c.in = rest
	}
}

// left notes what is unsent.
func (c *Conn) left(n int) {
	if c.unsent.Load() != int64(n) {
		c.unsent.Store(int64(n))
	}
}
