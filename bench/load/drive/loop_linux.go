package drive

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

const (
	// epollEvents is how many ready connections one wait returns.
	epollEvents = 128
	// epollTimeoutMillis is how often a quiet loop looks whether the round is off.
	epollTimeoutMillis = 100
)

func platformLoop(conns []net.Conn, pipes []*pipe) (loop, error) {
	return newEpollLoop(conns, pipes)
}

// epollLoop drives all its connections from one goroutine. The sockets are out
// of the Go runtime's own poller, so no byte that arrives wakes anything else.
type epollLoop struct {
	epoll   int
	sockets []int
	pipes   []*pipe
	byFD    map[int32]int
	events  [epollEvents]unix.EpollEvent
	buf     []byte
	active  int // connections with replies outstanding
}

func newEpollLoop(conns []net.Conn, pipes []*pipe) (loop, error) {
	defer closeAll(conns) // the loop keeps duplicates
	l := &epollLoop{epoll: -1, pipes: pipes, byFD: map[int32]int{}, buf: make([]byte, readBuffer)}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("creating the event loop: %w", err)
	}
	for i, c := range conns {
		fd, err := duplicate(c)
		if err == nil {
			l.sockets = append(l.sockets, fd)
			l.byFD[int32(fd)] = i
			err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
		}
		if err != nil {
			l.close()
			return nil, fmt.Errorf("adding connection %d to the event loop: %w", i+1, err)
		}
	}
	return l, nil
}

// duplicate returns a descriptor of the same socket that the Go runtime does
// not know. It is non-blocking, as the original is.
func duplicate(c net.Conn) (int, error) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return -1, fmt.Errorf("a %T has no socket", c)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(old uintptr) {
		fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return -1, err
	}
	return fd, dupErr
}

func (l *epollLoop) close() {
	for _, fd := range l.sockets {
		unix.Close(fd)
	}
	unix.Close(l.epoll)
}

func (l *epollLoop) run(q *quota, stop *atomic.Bool, done *atomic.Int64, h *hdrhistogram.Histogram) error {
	l.active = 0
	for i := range l.pipes {
		if err := l.next(i, q); err != nil {
			return err
		}
	}
	quietSince := time.Now()
	for l.active > 0 && !stop.Load() {
		n, err := unix.EpollWait(l.epoll, l.events[:], epollTimeoutMillis)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for replies: %w", err)
		}
		if n <= 0 {
			if time.Since(quietSince) > stallTimeout {
				return errQuiet
			}
			continue
		}
		quietSince = time.Now()
		for _, e := range l.events[:n] {
			if err := l.event(e, q, done, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// event serves one ready connection. Replies come first: a server whose output
// is full may not read, and then the rest of a pipeline cannot be sent either.
func (l *epollLoop) event(e unix.EpollEvent, q *quota, done *atomic.Int64, h *hdrhistogram.Histogram) error {
	i := l.byFD[e.Fd]
	if e.Events&^unix.EPOLLOUT != 0 {
		requests, answered, err := l.read(i, h)
		done.Add(int64(requests))
		if err != nil {
			return err
		}
		if answered {
			l.active--
			return l.next(i, q)
		}
	}
	if len(l.pipes[i].unsent) > 0 {
		return l.write(i)
	}
	return nil
}

// next starts the connection's next pipeline if the quota has one left.
func (l *epollLoop) next(i int, q *quota) error {
	now := time.Now()
	p := l.pipes[i]
	if !q.take(p.template.Requests, now) {
		return nil
	}
	l.active++
	p.begin(now)
	return l.write(i)
}

// write sends what the socket takes and asks to be told when it takes the rest.
func (l *epollLoop) write(i int) error {
	p, fd := l.pipes[i], l.sockets[i]
	n, err := unix.Write(fd, p.unsent)
	if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("sending requests: %w", err)
	}
	whole := len(p.unsent) == len(p.buf)
	p.unsent = p.unsent[max(n, 0):]
	if len(p.unsent) == 0 && whole {
		return nil // the usual case: nothing was armed, nothing is to be disarmed
	}
	wanted := uint32(unix.EPOLLIN)
	if len(p.unsent) > 0 {
		wanted |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: wanted, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("arming a connection: %w", err)
	}
	return nil
}

func (l *epollLoop) read(i int, h *hdrhistogram.Histogram) (requests int, answered bool, err error) {
	n, err := unix.Read(l.sockets[i], l.buf)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("reading replies: %w", err)
	}
	if n == 0 {
		return 0, false, fmt.Errorf("the server closed the connection: %w", io.EOF)
	}
	return l.pipes[i].received(l.buf[:n], time.Now(), h)
}
