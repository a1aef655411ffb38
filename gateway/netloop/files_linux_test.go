package netloop

import (
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openFiles returns how many descriptors the process has.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// Clients beyond the limit of open files wait until others have gone. The
// listener neither spins meanwhile nor is lost.
func TestOutOfFiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		h.addr = l.Addr().String()
		var clients []*client
		for range 30 {
			clients = append(clients, h.dial())
		}
		restore := limitFiles(t, 8)
		if err := h.driver.Serve(l, h.Open); err != nil {
			t.Fatal(err)
		}
		clients[0].session() // the first are taken
		before := h.turns.Load()
		const watched = 10 * acceptRest
		time.Sleep(watched)
		if turns := h.turns.Load() - before; turns > 10*int64(watched/acceptRest) {
			t.Errorf("%d turns while there was nothing to do", turns)
		}
		restore()
		for _, c := range clients {
			c.send("ehere\n")
			c.expect("here")
		}
	})
}

// limitFiles leaves the process n more descriptors than it has.
func limitFiles(t *testing.T, n uint64) (restore func()) {
	t.Helper()
	top, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(top)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(top) + n, Max: old.Max}); err != nil {
		t.Skip("cannot limit files here:", err)
	}
	restored := false
	restore = func() {
		if !restored {
			restored = true
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(restore)
	return restore
}

// An event of a connection that was closed in the same turn is not taken for
// one of the connection that has its place now, nor for a listener's.
func TestEventOfAClosedConnection(t *testing.T) {
	h := &house{t: t, sessions: map[string]*echo{}}
	d := drivers["epoll"](t, h).(*Epoll)
	defer d.Close()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	if err := d.Serve(l, h.Open); err != nil {
		t.Fatal(err)
	}
	c := h.dial()
	e := c.session()
	conn := e.c.drv.(*epollConn)
	done := make(chan struct{})
	e.c.PostLoop(func() {
		stale := &unix.EpollEvent{Events: unix.EPOLLHUP | unix.EPOLLIN, Fd: conn.at, Pad: conn.mark + 1}
		conn.loop.event(stale)
		conn.loop.leave(conn)
		conn.loop.event(stale)
		conn.loop.enter(conn)
		close(done)
	})
	<-done
	c.send("estill here\n")
	c.expect("still here")
}

// Replies that the sockets have not taken yet when the input ends are sent.
func TestEndOfInputDoesNotCutReplies(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		c.SetReadBuffer(16 << 10)
		e := c.session()
		const small = 16 << 10
		if err := unix.SetsockoptInt(e.c.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, small); err != nil {
			t.Fatal(err)
		}
		const size = SoftOutput / 2 // so little that input is still looked at
		c.send("b%d\n", size)
		h.await("some is unsent", func() bool { return e.c.Unsent() > 0 })
		c.CloseWrite()
		for range 3 {
			c.hold()() // turns in which the end is seen
		}
		c.expectEnd(size)
	})
}
