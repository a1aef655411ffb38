package netloop

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxEvents is how many ready sockets one wait reports.
	maxEvents = 512
	// acceptBatch bounds the connections accepted in one turn, so that a rush
	// of new ones does not starve those that are there.
	acceptBatch = 64
	allEvents   = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
)

// Epoll is the event-loop driver.
type Epoll struct {
	handler   Handler
	loops     []*loop
	next      atomic.Uint32
	keepAlive func() int // seconds, 0: off
	done      sync.WaitGroup
}

// NewEpoll starts n event loops. keepAlive gives the TCP keepalive of new
// connections in seconds, 0 for none.
func NewEpoll(n int, h Handler, keepAlive func() int) (*Epoll, error) {
	d := &Epoll{handler: h, keepAlive: keepAlive}
	for range n {
		l, err := newLoop(d)
		if err != nil {
			return nil, err
		}
		d.loops = append(d.loops, l)
	}
	for _, l := range d.loops {
		d.done.Add(1)
		go l.run()
	}
	return d, nil
}

// Serve implements Driver. The listener itself is closed; its socket lives on.
func (d *Epoll) Serve(l *net.TCPListener) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return fmt.Errorf("take over listener: %w", err)
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(s uintptr) { fd, dupErr = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return fmt.Errorf("take over listener: %w", err)
	}
	if dupErr != nil {
		return fmt.Errorf("take over listener: %w", dupErr)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("take over listener: %w", err)
	}
	l.Close()
	first := d.loops[0]
	first.post(func() {
		first.listeners = append(first.listeners, fd)
		first.register(fd, unix.EPOLLIN)
	})
	return nil
}

// Close implements Driver.
func (d *Epoll) Close() {
	for _, l := range d.loops {
		l.post(func() { l.stopping = true })
	}
	d.done.Wait()
}

// loop is one event loop: the goroutine that runs it owns everything but posted.
type loop struct {
	driver    *Epoll
	worker    any
	epfd      int
	wakefd    int
	listeners []int
	conns     map[int]*epollConn
	events    [maxEvents]unix.EpollEvent
	again     []*epollConn // have unread bytes in their socket or buffer
	read      []byte
	scratch   []byte // the shared write buffer, while no connection uses it
	stopping  bool

	mu     sync.Mutex
	posted []func()
	awake  atomic.Bool // a wake-up is under way
}

func newLoop(d *Epoll) (*loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create event loop: %w", err)
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epfd)
		return nil, fmt.Errorf("create event loop: %w", err)
	}
	l := &loop{
		driver: d, worker: d.handler.NewWorker(), epfd: epfd, wakefd: wakefd,
		conns: map[int]*epollConn{}, read: make([]byte, ReadBuffer),
	}
	l.register(wakefd, unix.EPOLLIN|unix.EPOLLET)
	return l, nil
}

func (l *loop) register(fd int, events uint32) {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		panic(fmt.Sprintf("netloop: epoll_ctl: %v", err)) // a wrong descriptor: a defect
	}
}

func (l *loop) post(f func()) {
	l.mu.Lock()
	l.posted = append(l.posted, f)
	l.mu.Unlock()
	if l.awake.CompareAndSwap(false, true) {
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		// The counter cannot overflow with one write a wake-up.
		_, _ = unix.Write(l.wakefd, one[:])
	}
}

func (l *loop) run() {
	defer l.driver.done.Done()
	runtime.LockOSThread() // the thread's caches and its epoll wait stay together
	for !l.stopping {
		n := l.wait()
		for i := range n {
			l.event(&l.events[i])
		}
		l.runAgain()
		l.runPosted()
		l.driver.handler.Turn(l.worker)
	}
	l.shutdown()
}

// wait blocks until something is ready, unless there is work left.
func (l *loop) wait() int {
	timeout := -1
	if len(l.again) > 0 {
		timeout = 0
	}
	n, err := unix.EpollWait(l.epfd, l.events[:], timeout)
	if err != nil && err != unix.EINTR {
		panic(fmt.Sprintf("netloop: epoll_wait: %v", err))
	}
	return max(n, 0)
}

func (l *loop) event(ev *unix.EpollEvent) {
	fd := int(ev.Fd)
	c := l.conns[fd]
	switch {
	case c != nil:
		c.ready(ev.Events)
	case fd == l.wakefd:
		var b [8]byte
		_, _ = unix.Read(fd, b[:])
	default:
		l.accept(fd)
	}
}

func (l *loop) runAgain() {
	if len(l.again) == 0 {
		return
	}
	list := l.again
	l.again = nil
	for _, c := range list {
		c.queued = false
		if !c.closed {
			c.work()
		}
	}
}

func (l *loop) runPosted() {
	if !l.awake.Load() {
		return
	}
	l.awake.Store(false)
	l.mu.Lock()
	list := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range list {
		f()
	}
}

func (l *loop) accept(listener int) {
	for range acceptBatch {
		fd, sa, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // nothing more, or too many files: the next turn tries again
		}
		d := l.driver
		to := d.loops[int(d.next.Add(1))%len(d.loops)]
		if to == l {
			l.open(fd, sa)
		} else {
			to.post(func() { to.open(fd, sa) })
		}
	}
}

func (l *loop) open(fd int, sa unix.Sockaddr) {
	// Both are hints for speed and for finding dead peers; a socket that does
	// not take them still works.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if s := l.driver.keepAlive(); s > 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, s)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, max(s/3, 1))
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
	}
	c := &epollConn{loop: l, sock: fd}
	c.drv = c
	c.Remote = addrText(sa)
	if local, err := unix.Getsockname(fd); err == nil {
		c.Local = addrText(local)
	}
	c.borrow()
	c.session = l.driver.handler.Open(&c.Conn, l.worker)
	l.conns[fd] = c
	if c.session == nil {
		c.closing = true
	}
	c.settle()
	if !c.closed {
		l.register(fd, allEvents)
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

func (l *loop) shutdown() {
	for _, fd := range l.listeners {
		unix.Close(fd)
	}
	l.runPosted()
	for _, c := range l.conns {
		c.shut()
	}
	l.driver.handler.Turn(l.worker)
	unix.Close(l.epfd)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted = nil
	unix.Close(l.wakefd)
	l.awake.Store(true) // nobody wakes a loop that is gone
}

// epollConn is a connection of a loop.
type epollConn struct {
	Conn
	loop     *loop
	sock     int
	readable bool // the socket may have unread bytes
	queued   bool // stands in loop.again
	own      bool // W.Buf is the connection's own, with output still unsent
}

func (c *epollConn) fd() int { return c.sock }

func (c *epollConn) post(f func()) {
	c.loop.post(func() {
		if !c.closed {
			c.borrow()
			f()
			if !c.closed {
				c.settle()
			}
		}
	})
}

// ready takes what epoll says of the socket.
func (c *epollConn) ready(events uint32) {
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 || events&unix.EPOLLRDHUP != 0 && c.paused && c.EndOnHangup {
		c.shut()
		return
	}
	if events&unix.EPOLLOUT != 0 && c.own {
		c.flush()
		if c.closed {
			return
		}
	}
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
		c.readable = true
	}
	c.work()
}

// stuck tells that the session must not be given input now.
func (c *epollConn) stuck() bool {
	return c.paused || c.closing || len(c.W.Buf) >= SoftOutput
}

// work reads once and lets the session work on it.
func (c *epollConn) work() {
	if c.stuck() {
		return
	}
	data := c.in
	if c.readable {
		n, ok := c.receive()
		if !ok {
			return
		}
		if len(c.in) == 0 {
			data = c.loop.read[:n]
		} else {
			c.in = append(c.in, c.loop.read[:n]...)
			data = c.in
		}
	}
	if len(data) > 0 {
		c.borrow()
		used := c.session.Data(data)
		if c.closed {
			return
		}
		c.keep(data[used:], used)
	}
	c.settle()
}

// receive reads into the loop's buffer. ok is false if the connection ended.
func (c *epollConn) receive() (n int, ok bool) {
	n, errno := rawRead(c.sock, c.loop.read)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		c.readable = errno == unix.EINTR
		return 0, true
	case errno != 0 || n == 0:
		c.shut()
		return 0, false
	}
	// A short read has emptied the socket; more to come raises a new event.
	c.readable = n == len(c.loop.read)
	return n, true
}

// keep holds on to unread input.
func (c *epollConn) keep(rest []byte, used int) {
	switch {
	case len(rest) == 0:
		c.in = nil
	case len(c.in) == 0:
		c.in = append(make([]byte, 0, len(rest)+len(rest)/4), rest...)
	case used > 0:
		n := copy(c.in, rest)
		c.in = c.in[:n]
		if cap(c.in) > ReadBuffer && n < cap(c.in)/4 {
			c.in = append([]byte(nil), c.in...)
		}
	}
}

// settle sends what was written and sees to what is left to do.
func (c *epollConn) settle() {
	c.flush()
	if c.closed || c.stuck() || c.queued {
		return
	}
	if c.readable {
		c.queued = true
		c.loop.again = append(c.loop.again, c)
	}
}

func (c *epollConn) resume() {
	if !c.queued && !c.closed && (len(c.in) > 0 || c.readable) {
		c.queued = true
		c.loop.again = append(c.loop.again, c)
	}
}

// borrow lends the shared write buffer to a connection without one.
func (c *epollConn) borrow() {
	if !c.own && cap(c.W.Buf) == 0 {
		c.W.Buf, c.loop.scratch = c.loop.scratch[:0], nil
	}
}

// flush implements connDriver.
func (c *epollConn) flush() {
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
			c.giveBack()
			c.shut()
			return
		}
		sent += n
	}
	wasStuck := c.own && len(c.W.Buf) >= SoftOutput
	c.sent(sent)
	if len(c.W.Buf) == 0 && c.closing {
		c.shut()
		return
	}
	if wasStuck && len(c.W.Buf) < SoftOutput {
		c.resume()
	}
}

// sent drops n bytes of output; what remains moves to a buffer of its own.
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
		c.W.Buf = c.W.Buf[:copy(c.W.Buf, rest)]
	}
}

// giveBack returns a borrowed buffer to the loop.
func (c *epollConn) giveBack() {
	if !c.own && cap(c.W.Buf) <= keepScratch && cap(c.W.Buf) > cap(c.loop.scratch) {
		c.loop.scratch = c.W.Buf[:0]
	}
	c.W.Buf, c.own = nil, false
}

// shut implements connDriver.
func (c *epollConn) shut() {
	if c.closed {
		return
	}
	c.closed = true
	delete(c.loop.conns, c.sock)
	unix.Close(c.sock)
	c.giveBack()
	c.in = nil
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
