package netloop

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
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
	ownProcs  bool       // see Options
	done      sync.WaitGroup
}

// NewEpoll starts event loops. keepAlive gives the TCP keepalive of new connections in
// seconds, 0 for none.
func NewEpoll(o Options, h Handler, keepAlive func() int) (*Epoll, error) {
	d := &Epoll{handler: h, keepAlive: keepAlive, ownProcs: o.OwnProcs}
	for range o.Loops {
		l, err := newLoop(d)
		if err != nil {
			for _, made := range d.loops {
				made.end()
			}
			return nil, fmt.Errorf("create event loop: %w", err)
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
func (d *Epoll) Serve(l *net.TCPListener, open Opener) error {
	fd, err := takeOver(l)
	l.Close()
	if err != nil {
		return fmt.Errorf("take over listener: %w", err)
	}
	first := d.loops[0]
	done := make(chan error, 1)
	if !first.post(func() { done <- first.listen(listener{fd, open}) }) {
		unix.Close(fd)
		return net.ErrClosed
	}
	if err := <-done; err != nil {
		return fmt.Errorf("take over listener: %w", err)
	}
	return nil
}

// Adopt implements Driver.
func (d *Epoll) Adopt(sock net.Conn, worker any, open Opener) error {
	s, ok := sock.(syscall.Conn)
	if !ok {
		sock.Close()
		return fmt.Errorf("adopt connection: %T is no socket", sock)
	}
	fd, err := takeOver(s)
	sock.Close()
	if err != nil {
		return fmt.Errorf("adopt connection: %w", err)
	}
	for _, l := range d.loops {
		if l.worker != worker {
			continue
		}
		if l.post(func() { l.open(fd, nil, open) }) {
			return nil
		}
	}
	unix.Close(fd)
	return net.ErrClosed
}

// Workers implements Driver.
func (d *Epoll) Workers() []any {
	workers := make([]any, len(d.loops))
	for i, l := range d.loops {
		workers[i] = l.worker
	}
	return workers
}

// takeOver returns a descriptor of the socket that does not block.
func takeOver(s syscall.Conn) (fd int, err error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return -1, err
	}
	var dupErr error
	if err := raw.Control(func(s uintptr) { fd, dupErr = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return -1, err
	}
	if dupErr != nil {
		return -1, dupErr
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// listener is a listening socket and who opens its connections.
type listener struct {
	fd   int
	open Opener
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
	listeners []listener
	conns     []*epollConn // nil: a vacant place
	vacant    []int32      // places in conns
	opened    int32        // counts connections, to tell those with the same descriptor apart
	events    [maxEvents]unix.EpollEvent
	again     []*epollConn // have unread bytes in their socket or buffer
	againOld  []*epollConn // the memory of the last turn's
	read      []byte
	scratch   []byte // the shared write buffer, while no connection uses it
	stopping  bool
	company   company
	arrivals  arrivals

	mu        sync.Mutex
	posted    []func()
	postedOld []func() // the memory of the last turn's
	ended     bool
	awake     atomic.Bool // a wake-up is under way
}

func newLoop(d *Epoll) (*loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epfd)
		return nil, err
	}
	l := &loop{
		driver: d, worker: d.handler.NewWorker(), epfd: epfd, wakefd: wakefd,
		read: make([]byte, ReadBuffer), scratch: make([]byte, 0, writeBuffer),
		company: company{next: 1},
	}
	if err := l.register(wakefd, unix.EPOLLIN|unix.EPOLLET, int32(wakefd), 0); err != nil {
		l.end()
		return nil, err
	}
	return l, nil
}

// register makes the loop wait for a descriptor. What it is comes with its events: its
// number, if it is no connection and mark is 0, or the connection's place and mark.
func (l *loop) register(fd int, events uint32, at, mark int32) error {
	ev := unix.EpollEvent{Events: events, Fd: at, Pad: mark}
	return unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &ev)
}

// post makes the loop run f, unless it has ended. The wake-up is written under
// the mutex: after the end its descriptor may be somebody else's.
func (l *loop) post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.posted = append(l.posted, f)
	if l.awake.CompareAndSwap(false, true) {
		// Any write is an edge, so nobody need read the counter. One write a
		// turn does not fill it in the life of a machine.
		one := uint64(1)
		_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(l.wakefd), uintptr(unsafe.Pointer(&one)), 8)
	}
	return true
}

// run is a turn after another. What was posted comes first: a message that was
// posted before a client sent its next command goes out before that is answered.
func (l *loop) run() {
	defer l.driver.done.Done()
	for !l.stopping {
		n := l.wait()
		l.runPosted()
		for i := 0; i < n; {
			if together := l.arrived(l.events[i:n]); together > 0 {
				i += together
				continue
			}
			l.event(&l.events[i])
			i++
		}
		l.runAgain()
		l.runPosted()
		l.company.leisure = l.driver.handler.Turn(l.worker)
	}
	l.shutdown()
}

// wait blocks until something is ready, unless there is work left.
func (l *loop) wait() int {
	switch {
	case len(l.again) > 0:
		return l.poll(0, 0)
	case l.driver.ownProcs:
		if n := l.poll(0, ownedWait); n != 0 {
			return n + l.company.join(l, n)
		}
	}
	n, err := unix.EpollWait(l.epfd, l.events[:], -1)
	if err != nil && err != unix.EINTR {
		panic(fmt.Sprintf("netloop: epoll_wait: %v", err)) // a wrong descriptor: a defect
	}
	return max(n, 0)
}

// ownedWait is how long a loop waits, in milliseconds, before it tells the runtime that
// it is idle. A wait that the runtime knows of costs more than itself: its monitor looks
// for such waits every 20 µs while it finds any, which was a tenth of a loaded node's CPU.
// When the runtime wants the goroutine to stop, it sends a signal, which ends the wait.
const ownedWait = 10

// poll waits for milliseconds, without the runtime's knowledge. What is ready stands in
// events behind the first have, which are fewer than maxEvents.
func (l *loop) poll(have, timeout int) int {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epfd),
		uintptr(unsafe.Pointer(&l.events[have])), uintptr(maxEvents-have), uintptr(timeout), 0, 0)
	switch err {
	case 0:
		return int(n)
	case unix.EINTR:
		return 0
	}
	panic(fmt.Sprintf("netloop: epoll_wait: %v", err)) // a wrong descriptor: a defect
}

// event sees to one ready descriptor.
func (l *loop) event(ev *unix.EpollEvent) {
	if ev.Pad != 0 {
		if c := l.conn(ev); c != nil {
			c.ready(ev.Events)
		}
		return
	}
	for _, from := range l.listeners {
		if from.fd == int(ev.Fd) {
			l.accept(from)
		}
	}
}

// conn returns the connection of an event, or nil. One that was closed in this turn may
// have an event left, and its place may be a new connection's by now.
func (l *loop) conn(ev *unix.EpollEvent) *epollConn {
	if ev.Pad == 0 {
		return nil
	}
	if c := l.conns[ev.Fd]; c != nil && c.mark == ev.Pad {
		return c
	}
	return nil
}

// enter gives a connection a place.
func (l *loop) enter(c *epollConn) {
	if n := len(l.vacant) - 1; n >= 0 {
		c.at, l.vacant = l.vacant[n], l.vacant[:n]
		l.conns[c.at] = c
		return
	}
	c.at = int32(len(l.conns))
	l.conns = append(l.conns, c)
}

func (l *loop) leave(c *epollConn) {
	l.conns[c.at] = nil
	l.vacant = append(l.vacant, c.at)
}

func (l *loop) runAgain() {
	if len(l.again) == 0 {
		return
	}
	list := l.again
	l.again = l.againOld[:0]
	for _, c := range list {
		c.queued = false
		if !c.closed {
			c.work()
		}
	}
	clear(list)
	l.againOld = list
}

func (l *loop) runPosted() {
	if !l.awake.Load() {
		return
	}
	l.awake.Store(false)
	l.mu.Lock()
	list := l.posted
	l.posted, l.postedOld = l.postedOld[:0], nil
	l.mu.Unlock()
	for _, f := range list {
		f()
	}
	clear(list)
	if cap(list) <= keptPosts {
		l.postedOld = list
	}
}

// shutdown ends the loop. Connections get what was posted for them, and their
// clients what their sockets still take.
func (l *loop) shutdown() {
	for _, from := range l.listeners {
		unix.Close(from.fd)
	}
	l.listeners = nil
	l.runPosted()
	l.closeAll()
	l.driver.handler.Turn(l.worker)
	l.end()
	// Connections that the accepting loop handed over meanwhile.
	for _, f := range l.posted {
		f()
	}
	l.posted = nil
	l.closeAll()
}

func (l *loop) closeAll() {
	for _, c := range l.conns {
		if c != nil {
			c.flush()
			c.shut()
		}
	}
}

// end gives the descriptors back. Nothing is posted from now on.
func (l *loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	unix.Close(l.epfd)
	unix.Close(l.wakefd)
}

// listen adds a listening socket.
func (l *loop) listen(from listener) error {
	if err := l.register(from.fd, unix.EPOLLIN, int32(from.fd), 0); err != nil {
		unix.Close(from.fd)
		return err
	}
	l.listeners = append(l.listeners, from)
	return nil
}

// rest takes a listener out of the loop for a moment.
func (l *loop) rest(listener int) {
	ev := unix.EpollEvent{Fd: int32(listener)}
	if unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, listener, &ev) != nil {
		return // then it is tried again at once
	}
	time.AfterFunc(acceptRest, func() {
		l.post(func() {
			ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(listener)}
			_ = unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, listener, &ev) // needs no memory, so it cannot fail
		})
	})
}
