package netloop

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// portableRead is what a connection reads at first; an idle one keeps it.
	portableRead = 1 << 10
	// readAhead is how much input of a paused connection is taken in order to
	// notice that its client hangs up. Who sends more while it waits for a reply
	// is noticed once the reply is there.
	readAhead = 1 << 20
	// writeStep is how much is written at once, so that what is unsent is known.
	writeStep = 256 << 10
	// closeGrace is how long the sockets may take to accept the last output when
	// the driver is closed.
	closeGrace = 100 * time.Millisecond
)

// Portable is the driver for every system: three goroutines for a connection
// at most. One owns it and is its loop, one reads, and one writes while there
// is something to write.
type Portable struct {
	handler   Handler
	keepAlive func() int // seconds, 0: off
	stop      chan struct{}
	done      sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
}

// NewPortable returns a driver without listeners. keepAlive gives the TCP
// keepalive of new connections in seconds, 0 for none.
func NewPortable(h Handler, keepAlive func() int) *Portable {
	return &Portable{handler: h, keepAlive: keepAlive, stop: make(chan struct{})}
}

// Serve implements Driver.
func (d *Portable) Serve(l *net.TCPListener, open Opener) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		l.Close()
		return net.ErrClosed
	}
	d.listeners = append(d.listeners, l)
	d.done.Go(func() { d.accept(l, open) })
	return nil
}

func (d *Portable) accept(l net.Listener, open Opener) {
	for {
		conn, err := l.Accept()
		if err == nil {
			d.start(conn, open)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select { // too many files, say: others may close theirs
		case <-d.stop:
			return
		case <-time.After(acceptRest):
		}
	}
}

// start serves a connection until it ends or the driver is closed.
func (d *Portable) start(conn net.Conn, open Opener) {
	c := &portableConn{driver: d, sock: conn, open: open, wake: make(chan struct{}, 1)}
	c.drv = c
	c.Remote, c.Local = conn.RemoteAddr().String(), conn.LocalAddr().String()
	if t, ok := conn.(*net.TCPConn); ok {
		s := d.keepAlive()
		idle := time.Duration(s) * time.Second
		// A hint: a socket that does not take it still works.
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: s > 0, Idle: idle, Interval: max(idle/keepAliveProbes, time.Second), Count: keepAliveProbes,
		})
	}
	d.done.Go(c.run)
}

// Adopt implements Driver.
func (d *Portable) Adopt(sock net.Conn, _ any, open Opener) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		sock.Close()
		return net.ErrClosed
	}
	d.start(sock, open)
	return nil
}

// Workers implements Driver.
func (d *Portable) Workers() []any { return nil }

// Close implements Driver.
func (d *Portable) Close() {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		close(d.stop)
		for _, l := range d.listeners {
			l.Close()
		}
	}
	d.mu.Unlock()
	d.done.Wait()
}

// portableConn is a connection with its own goroutines.
type portableConn struct {
	Conn
	driver *Portable
	sock   net.Conn
	open   Opener
	wake   chan struct{} // something is in box
	taken  chan struct{} // what was read has been taken
	sides  sync.WaitGroup
	chunk  []byte // what was read and is not taken, the reader's memory
	free   []byte // an output buffer that is not in use
	flying int    // bytes that the writer has, as of its last report

	mu  sync.Mutex
	box box
}

// box is what other goroutines have for the owner.
type box struct {
	posted []func()
	chunk  []byte
	eof    bool // no more input, or a failed socket
	failed bool
	wrote  int    // bytes written
	buf    []byte // the writer has ended and gives it back
}

// run is the owner: a turn after another.
func (c *portableConn) run() {
	h := c.driver.handler
	c.worker = h.NewWorker()
	c.taken = make(chan struct{}, 1)
	c.session = c.open(&c.Conn, c.worker)
	if c.session == nil {
		c.closing = true
	}
	c.settle()
	if !c.closed {
		c.sides.Go(c.reader)
	}
	for !c.closed {
		h.Turn(c.worker)
		select {
		case <-c.wake:
			c.turn()
		case <-c.driver.stop:
			c.lastOutput()
			c.shut()
		}
	}
	h.Turn(c.worker)
	c.sides.Wait()
}

// turn takes what is in the box and works on it.
func (c *portableConn) turn() {
	c.mu.Lock()
	got := c.box
	c.box = box{}
	c.mu.Unlock()
	c.flying -= got.wrote
	if got.buf != nil && cap(got.buf) <= portableRead {
		c.free = got.buf[:0]
	}
	if got.chunk != nil {
		c.chunk = got.chunk
	}
	c.hangup = c.hangup || got.eof
	if got.failed {
		c.shut()
	}
	for _, f := range got.posted {
		f()
	}
	if !c.closed {
		c.work()
	}
}

// work gives the session what it has not seen, until it has all or must stop.
func (c *portableConn) work() {
	c.settle()
	for !c.closed && !c.stopped(c.flying) && (c.unseen || c.chunk != nil) {
		if c.unseen {
			c.data(nil)
		} else {
			c.data(c.chunk)
			c.release()
		}
		c.settle()
	}
	switch {
	case c.closed:
	case c.closing:
		c.release() // a socket closed over unread input takes back the last reply
	case !c.hangup:
		c.lookAhead()
	case c.paused && c.EndOnHangup:
		c.shut()
	case !c.stopped(c.flying):
		c.closing = true
		c.settle()
	}
}

// lookAhead takes input of a paused connection out of the reader's way.
func (c *portableConn) lookAhead() {
	if c.paused && c.EndOnHangup && c.chunk != nil && len(c.in) < readAhead {
		c.in = append(c.in, c.chunk...)
		c.unseen = true
		c.release()
	}
}

// release lets the reader go on.
func (c *portableConn) release() {
	if c.chunk != nil {
		c.chunk = nil
		c.taken <- struct{}{}
	}
}

// reader reads as long as what it has read is taken. Its buffer grows for a
// client that fills it, and shrinks when that is over.
func (c *portableConn) reader() {
	buf := make([]byte, portableRead)
	for {
		n, err := c.sock.Read(buf)
		c.tell(func(b *box) {
			if n > 0 {
				b.chunk = buf[:n]
			}
			b.eof = b.eof || err != nil
			b.failed = b.failed || err != nil && err != io.EOF
		})
		if err != nil {
			return
		}
		if _, ok := <-c.taken; !ok {
			return
		}
		switch {
		case n == len(buf) && n < ReadBuffer:
			buf = make([]byte, min(4*n, ReadBuffer))
		case n <= portableRead && len(buf) > portableRead:
			buf = make([]byte, portableRead)
		}
	}
}

// tell puts something into the owner's box.
func (c *portableConn) tell(f func(b *box)) {
	c.mu.Lock()
	f(&c.box)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (c *portableConn) post(f func()) {
	c.postLoop(func() {
		if !c.closed {
			f()
		}
	})
}

func (c *portableConn) postLoop(f func()) {
	c.tell(func(b *box) { b.posted = append(b.posted, f) })
}

func (c *portableConn) lend() {}

// resume implements connDriver: the turn goes on with what is unread.
func (c *portableConn) resume() { c.tell(func(*box) {}) }

// settle sends what was written and ends a connection that has sent its last.
func (c *portableConn) settle() {
	c.flush()
	if !c.closed && c.closing && c.flying == 0 {
		c.shut()
	}
}

// flush implements connDriver: the writer gets all there is, unless it is busy.
func (c *portableConn) flush() {
	if c.closed {
		return
	}
	if c.flying == 0 && len(c.W.Buf) > 0 {
		out := c.W.Buf
		c.W.Buf, c.free, c.flying = c.free, nil, len(out)
		c.sides.Go(func() { c.write(out) })
	}
	c.left(len(c.W.Buf) + c.flying)
}

// write sends one buffer.
func (c *portableConn) write(out []byte) {
	for rest := out; len(rest) > 0; {
		step := rest[:min(len(rest), writeStep)]
		n, err := c.sock.Write(step)
		rest = rest[n:]
		c.tell(func(b *box) {
			b.wrote += n
			b.failed = b.failed || err != nil
			if len(rest) == 0 {
				b.buf = out
			}
		})
		if err != nil {
			return
		}
	}
}

// lastOutput does what was posted and lets the socket take what it still does.
func (c *portableConn) lastOutput() {
	_ = c.sock.SetWriteDeadline(time.Now().Add(closeGrace)) // if it cannot be set, the socket is gone
	c.closing = true
	for c.turn(); !c.closed; c.turn() {
		<-c.wake
	}
}

// shut implements connDriver.
func (c *portableConn) shut() {
	if c.closed {
		return
	}
	c.closed = true
	c.sock.Close()
	close(c.taken)
	c.left(0)
	c.W.Buf, c.in, c.chunk, c.free, c.unseen = nil, nil, nil, nil, false
	if c.session != nil {
		c.session.Closed()
	}
}

func (c *portableConn) fd() int {
	s, ok := c.sock.(syscall.Conn)
	if !ok {
		return -1
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return -1
	}
	fd := -1
	if raw.Control(func(n uintptr) { fd = int(n) }) != nil {
		return -1
	}
	return fd
}
