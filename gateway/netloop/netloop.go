package netloop

import (
	"net"

	"github.com/troupedb/troupe/shard/reply"
)

const (
	// ReadBuffer is what a loop reads at once: some hundred pipelined commands.
	ReadBuffer = 64 << 10
	// SoftOutput is how much unsent output a connection may have while its
	// input is still worked on: enough to keep a socket busy.
	SoftOutput = 1 << 20
	// keepScratch is the largest shared write buffer that is kept between turns.
	keepScratch = 4 << 20
)

// Session is the protocol side of a connection. All calls come from the
// connection's loop.
type Session interface {
	// Data is given everything not consumed so far and returns how much it has
	// consumed. It appends replies to the connection's W. It may leave input
	// unread on purpose while it is paused.
	Data(in []byte) (consumed int)
	// Closed is called once, after the connection has ended.
	Closed()
}

// Handler makes sessions.
type Handler interface {
	// Open makes the session of a new connection. worker is what the
	// connection's loop got from NewWorker. A nil session refuses: what was
	// written to c.W is sent and the connection is closed.
	Open(c *Conn, worker any) Session
	// NewWorker makes what all connections of a loop share; it is called once
	// for each loop, or for each connection where each has its own goroutine.
	NewWorker() any
	// Turn is called after a loop has worked on what was ready, before it
	// waits again.
	Turn(worker any)
}

// Driver serves connections until it is closed.
type Driver interface {
	// Serve takes over a listening socket.
	Serve(l *net.TCPListener) error
	// Close ends all connections, after what can be sent at once was sent, and
	// waits until all sessions are closed.
	Close()
}

// Conn is one connection. Its methods but Post and CloseSoon are for its loop only.
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
	paused  bool
	closing bool // end after the output is sent
	closed  bool
	in      []byte // unread input
	drv     connDriver
}

// connDriver is a driver's side of one connection.
type connDriver interface {
	post(f func())
	flush()
	shut()
	resume()
	fd() int
}

// Post makes the loop run f. It may be called from any goroutine and never
// blocks. f does not run if the connection has ended.
func (c *Conn) Post(f func()) { c.drv.post(f) }

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
