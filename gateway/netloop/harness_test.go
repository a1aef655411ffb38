package netloop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen at last.
const patience = 60 * time.Second

func keepAlive() int { return 300 }

func newPortable(t *testing.T, h Handler) Driver {
	d, err := New(Options{Portable: true}, h, keepAlive)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// house is a Handler whose sessions obey one-letter commands, a line each:
//
//	eTEXT  answers TEXT           bN  answers N bytes
//	s      pauses, and is resumed by a posted function that answers "s"
//	p, P   pause for good, P with EndOnHangup
//	q      answers "bye", then closes        k  closes now
//	oADDR  pauses, or resumes, the session of that client, if it is of the same loop
//	cADDR  closes it, likewise
type house struct {
	t      *testing.T
	driver Driver
	addr   string
	turns  atomic.Int64
	// together is the most arrivals that were shown at once.
	together atomic.Int64

	mu       sync.Mutex
	sessions map[string]*echo // by the client's address
	clients  []net.Conn
	refuse   bool
	opened   int
	closed   int
	output   int // most bytes of W ever seen
	done     int // commands done
}

type echo struct {
	h      *house
	c      *Conn
	inside atomic.Int32
	ended  atomic.Bool
	shown  []byte // what is to come next, as Arrived has it
}

func (h *house) NewWorker() any { return new(int) }

func (h *house) Turn(any) (leisure bool) {
	h.turns.Add(1)
	return true
}

func (h *house) Arrived(_ any, list []Arrival) {
	h.together.Store(max(h.together.Load(), int64(len(list))))
	for _, a := range list {
		e := a.Session.(*echo)
		if len(e.shown) > 0 {
			h.t.Error("shown again before it came")
		}
		e.shown = append(e.shown, a.In...)
	}
}

func (h *house) Open(c *Conn, worker any) Session {
	if c.Worker() != worker {
		h.t.Error("Open is given another worker than the connection has")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse {
		c.W.Raw([]byte("no\n"))
		return nil
	}
	e := &echo{h: h, c: c}
	h.sessions[c.Remote] = e
	h.opened++
	return e
}

// enter checks that nothing else runs for the session at the moment.
func (e *echo) enter() func() {
	if e.inside.Add(1) != 1 {
		e.h.t.Error("two calls at once")
	}
	if e.ended.Load() {
		e.h.t.Error("a call after Closed")
	}
	return func() { e.inside.Add(-1) }
}

func (e *echo) Closed() {
	// Data may be under way: a command closes.
	if !e.ended.CompareAndSwap(false, true) {
		e.h.t.Error("Closed was called twice")
	}
	e.h.mu.Lock()
	defer e.h.mu.Unlock()
	e.h.closed++
	delete(e.h.sessions, e.c.Remote)
}

func (e *echo) Data(in []byte) (consumed int) {
	defer e.enter()()
	if e.c.Paused() || e.c.Closing() || len(e.c.W.Buf) >= SoftOutput {
		e.h.t.Error("Data was called on a connection that must wait")
	}
	if !bytes.HasPrefix(in, e.shown) {
		e.h.t.Errorf("shown %.20q, given %.20q", e.shown, in)
	}
	e.shown = nil
	for !e.c.Paused() && !e.c.Closing() && len(e.c.W.Buf) < SoftOutput {
		n := bytes.IndexByte(in[consumed:], '\n')
		if n < 0 {
			break
		}
		e.do(string(in[consumed : consumed+n]))
		consumed += n + 1
	}
	e.h.mu.Lock()
	e.h.output = max(e.h.output, len(e.c.W.Buf))
	e.h.mu.Unlock()
	return consumed
}

func (e *echo) do(line string) {
	e.h.mu.Lock()
	e.h.done++
	e.h.mu.Unlock()
	switch line[0] {
	case 'e':
		e.c.W.Raw([]byte(line[1:] + "\n"))
	case 'b':
		n, _ := strconv.Atoi(line[1:])
		for piece := bytes.Repeat([]byte{'x'}, 64<<10); n > 0; n -= len(piece) {
			piece = piece[:min(n, len(piece))]
			e.c.W.Raw(piece)
		}
	case 's':
		e.c.Pause()
		go e.c.Post(func() {
			e.c.Resume()
			e.c.W.Raw([]byte("s\n"))
		})
	case 'p', 'P':
		e.c.EndOnHangup = line[0] == 'P'
		e.c.Pause()
	case 'q':
		e.c.W.Raw([]byte("bye\n"))
		e.c.CloseAfterReply()
	case 'k':
		e.c.Close()
	case 'o', 'c':
		e.beside(line[1:], line[0] == 'c')
	}
}

// beside does something to another session of the loop.
func (e *echo) beside(addr string, closes bool) {
	e.h.mu.Lock()
	o := e.h.sessions[addr]
	e.h.mu.Unlock()
	switch {
	case o == nil || o.c.Worker() != e.c.Worker():
	case closes:
		o.c.Close()
	case o.c.Paused():
		o.c.Resume()
	default:
		o.c.Pause()
	}
}

// each runs a test against every driver, and sees to it that nothing is left
// of it: no session, goroutine or file.
func each(t *testing.T, f func(t *testing.T, h *house)) {
	for name, make := range drivers {
		t.Run(name, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), openFiles()
			h := &house{t: t, sessions: map[string]*echo{}}
			h.driver = make(t, h)
			l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			h.addr = l.Addr().String()
			if err := h.driver.Serve(l, h.Open); err != nil {
				t.Fatal(err)
			}
			f(t, h)
			h.driver.Close()
			if h.opened != h.closed || len(h.sessions) != 0 {
				t.Errorf("%d sessions were opened, %d closed", h.opened, h.closed)
			}
			for _, c := range h.clients {
				c.Close()
			}
			h.await("goroutines and files are given back", func() bool {
				return runtime.NumGoroutine() <= goroutines && openFiles() <= files
			})
		})
	}
}

// await waits until a condition holds.
func (h *house) await(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("not in time: %s", what)
		}
	}
}

// client is one that a test plays.
type client struct {
	*net.TCPConn
	h  *house
	in *bufio.Reader
}

func (h *house) dial() *client {
	h.t.Helper()
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	h.clients = append(h.clients, c)
	h.mu.Unlock()
	c.SetDeadline(time.Now().Add(patience))
	return &client{TCPConn: c.(*net.TCPConn), h: h, in: bufio.NewReader(c)}
}

func (c *client) send(format string, args ...any) {
	c.h.t.Helper()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		c.h.t.Fatal(err)
	}
}

func (c *client) expect(lines ...string) {
	c.h.t.Helper()
	for _, want := range lines {
		got, err := c.in.ReadString('\n')
		if err != nil || got != want+"\n" {
			c.h.t.Fatalf("got %q (%v), want %q", got, err, want)
		}
	}
}

// expectEnd reads to the end of the stream and wants n bytes before it.
func (c *client) expectEnd(n int) {
	c.h.t.Helper()
	got, err := io.Copy(io.Discard, c.in)
	if err != nil || got != int64(n) {
		c.h.t.Fatalf("got %d bytes (%v), want %d and the end", got, err, n)
	}
}

// session returns the server's side of a client.
func (c *client) session() *echo {
	c.h.t.Helper()
	var e *echo
	c.h.await("the session is open", func() bool {
		c.h.mu.Lock()
		defer c.h.mu.Unlock()
		e = c.h.sessions[c.LocalAddr().String()]
		return e != nil
	})
	return e
}

// hold stops the client's loop until the function it returns is called.
func (c *client) hold() (release func()) {
	held, free := make(chan struct{}), make(chan struct{})
	c.session().c.PostLoop(func() {
		close(held)
		<-free
	})
	<-held
	return func() { close(free) }
}

func (h *house) closedCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

func (h *house) doneCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.done
}

func (h *house) mostOutput() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.output
}
