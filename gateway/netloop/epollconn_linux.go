package netloop

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// epollConn is a connection of a loop.
type epollConn struct {
	Conn
	loop     *loop
	sock     int
	at, mark int32  // its place in loop.conns, and what tells it from others that had it
	fresh    []byte // was read ahead, in loop.read: see arrivals
	readable bool   // the socket may have unread bytes
	queued   bool   // stands in loop.again
	own      bool   // W.Buf is the connection's own, with output still unsent
}

// discardBatch is how much unread input of a refused client is read before its
// connection is closed: a socket closed over unread input takes back the last
// reply. Who sends more than this has not listened anyway.
const discardBatch = 1 << 20

func (l *loop) accept(from listener) {
	for range acceptBatch {
		fd, sa, err := unix.Accept4(from.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			l.rest(from.fd)
			return
		default:
			return // nobody more, or one who has gone: the next turn tries again
		}
		d := l.driver
		to := d.loops[int(d.next.Add(1))%len(d.loops)]
		if to == l {
			l.open(fd, sa, from.open)
		} else if !to.post(func() { to.open(fd, sa, from.open) }) {
			unix.Close(fd)
		}
	}
}

// open begins a connection. sa is its other end, nil: the socket is to be asked.
func (l *loop) open(fd int, sa unix.Sockaddr, open Opener) {
	if l.ended {
		unix.Close(fd)
		return
	}
	// Both are hints for speed and for finding dead peers; a socket that does
	// not take them still works.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if s := l.driver.keepAlive(); s > 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, s)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, max(s/keepAliveProbes, 1))
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes)
	}
	l.opened = max(l.opened+1, 1) // 0 is for descriptors that are not connections
	c := &epollConn{loop: l, sock: fd, mark: l.opened}
	c.drv, c.worker = c, l.worker
	if sa == nil {
		sa, _ = unix.Getpeername(fd) // a text for logs only
	}
	c.Remote = addrText(sa)
	if local, err := unix.Getsockname(fd); err == nil {
		c.Local = addrText(local)
	}
	c.lend()
	c.session = open(&c.Conn, l.worker)
	l.enter(c)
	if c.session == nil {
		c.closing = true
	}
	c.settle()
	if !c.closed && l.register(fd, allEvents, c.at, c.mark) != nil {
		c.shut() // the system has no memory to watch it
	}
}

func addrText(sa unix.Sockaddr) string {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port)).String()
	}
	return "?:0"
}

func (c *epollConn) fd() int { return c.sock }

func (c *epollConn) post(f func()) {
	c.loop.post(func() {
		if !c.closed {
			c.lend()
			f()
			if !c.closed {
				c.settle()
			}
		}
	})
}

func (c *epollConn) postLoop(f func()) { c.loop.post(f) }

// ready takes what epoll says of the socket.
func (c *epollConn) ready(events uint32) {
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		c.shut()
		return
	}
	if events&unix.EPOLLRDHUP != 0 {
		c.hangup = true
	}
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
		c.readable = true
	}
	if events&unix.EPOLLOUT != 0 && c.own {
		c.flush()
		if c.closed {
			return
		}
	}
	c.work()
}

// work lets the session go on with what it has not seen, or reads once for it, and sends
// what it answers.
func (c *epollConn) work() {
	if c.feed() {
		c.settle()
	}
}

// feed is work that sends nothing. It tells whether the connection is still there.
func (c *epollConn) feed() bool {
	fresh := c.fresh
	c.fresh = nil
	switch {
	case !c.stopped(0):
		if len(fresh) == 0 && !c.unseen && c.readable {
			n, ok := c.receive()
			if !ok {
				return false
			}
			fresh = c.loop.read[:n]
		}
		if c.unseen || len(fresh) > 0 {
			c.lend()
			c.data(fresh)
		}
	case len(fresh) > 0: // somebody has stopped it since
		c.in, c.unseen = append(c.in, fresh...), true
	}
	return !c.closed
}

// receive reads into the loop's buffer. ok is false if there is no more.
func (c *epollConn) receive() (n int, ok bool) {
	n, errno := rawRead(c.sock, c.loop.read)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		c.readable = errno == unix.EINTR
		return 0, true
	case errno != 0:
		c.shut()
		return 0, false
	case n == 0:
		c.readable, c.closing = false, true
		c.flush()
		return 0, false
	}
	// A short read has emptied the socket; more to come raises a new event. The
	// end of the stream does not, if it was announced along with this.
	c.readable = n == len(c.loop.read) || c.hangup
	return n, true
}

// settle sends what was written and sees to what is left to do.
func (c *epollConn) settle() {
	c.flush()
	if c.closed {
		return
	}
	if c.hangup && c.paused && c.EndOnHangup {
		c.shut()
		return
	}
	if !c.stopped(0) {
		c.resume()
	}
}

// resume implements connDriver.
func (c *epollConn) resume() {
	if !c.queued && !c.closed && (c.unseen || c.readable) {
		c.queued = true
		c.loop.again = append(c.loop.again, c)
	}
}

// lend implements connDriver: one connection at a time has the shared buffer.
func (c *epollConn) lend() {
	if !c.own && cap(c.W.Buf) == 0 {
		c.W.Buf, c.loop.scratch = c.loop.scratch[:0], nil
	}
}

// flush implements connDriver.
func (c *epollConn) flush() {
	if c.closed {
		return
	}
	sent := 0
	for sent < len(c.W.Buf) {
		n, errno := rawWrite(c.sock, c.W.Buf[sent:])
		if errno == unix.EINTR {
			continue
		}
		if errno == unix.EAGAIN {
			break
		}
		if errno != 0 {
			c.shut()
			return
		}
		sent += n
	}
	wasFull := c.own && len(c.W.Buf) >= SoftOutput
	c.sent(sent)
	if len(c.W.Buf) == 0 && c.closing {
		c.discard()
		c.shut()
		return
	}
	if wasFull && !c.stopped(0) {
		c.resume()
	}
}

// sent drops n bytes of output; what remains moves to a buffer of its own. What
// was sent of that stays in front of it until it grows, so that a long queue is
// not moved at every step.
func (c *epollConn) sent(n int) {
	rest := c.W.Buf[n:]
	switch {
	case len(rest) == 0:
		c.giveBack()
	case !c.own:
		own := append([]byte(nil), rest...)
		c.giveBack()
		c.W.Buf, c.own = own, true
	default:
		c.W.Buf = rest
	}
	c.left(len(c.W.Buf))
}

// giveBack returns a borrowed buffer to the loop.
func (c *epollConn) giveBack() {
	if !c.own && cap(c.W.Buf) <= keepScratch && cap(c.W.Buf) > cap(c.loop.scratch) {
		c.loop.scratch = c.W.Buf[:0]
	}
	c.W.Buf, c.own = nil, false
}

// discard reads what is left in the socket.
func (c *epollConn) discard() {
	for left := discardBatch; left > 0 && c.readable; left -= len(c.loop.read) {
		n, errno := rawRead(c.sock, c.loop.read)
		c.readable = errno == 0 && n == len(c.loop.read)
	}
}

// shut implements connDriver.
func (c *epollConn) shut() {
	if c.closed {
		return
	}
	c.closed = true
	c.loop.leave(c)
	unix.Close(c.sock)
	c.giveBack()
	c.left(0)
	c.in, c.unseen = nil, false
	if c.session != nil {
		c.session.Closed()
	}
}

// rawRead and rawWrite do not tell the scheduler: the sockets never block.
func rawRead(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

func rawWrite(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}
