package netloop

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// eachLoop is each for the drivers whose loops have several connections.
func eachLoop(t *testing.T, f func(t *testing.T, h *house)) {
	each(t, func(t *testing.T, h *house) {
		if len(h.driver.Workers()) > 0 {
			f(t, h)
		}
	})
}

// sameLoop dials until n clients share a loop.
func (h *house) sameLoop(n int) []*client {
	of := map[any][]*client{}
	for {
		c := h.dial()
		w := c.session().c.Worker()
		if of[w] = append(of[w], c); len(of[w]) == n {
			return of[w]
		}
	}
}

// sharedBuffer returns the size of the write buffer of the client's loop.
func (c *client) sharedBuffer() int {
	size := make(chan int)
	e := c.session().c.drv.(*epollConn)
	e.PostLoop(func() { size <- cap(e.loop.scratch) })
	return <-size
}

// bufferStays looks at the shared write buffer; check tells whether it is as large again.
func (c *client) bufferStays() (check func()) {
	before := c.sharedBuffer()
	return func() {
		c.h.t.Helper()
		if after := c.sharedBuffer(); after != before {
			c.h.t.Errorf("the shared write buffer has %d bytes, had %d", after, before)
		}
	}
}

// What many clients have sent while their loop was busy is shown before it is given, and
// each of them gets its own answers, whatever those before it did.
func TestArrivalsTogether(t *testing.T) {
	eachLoop(t, func(t *testing.T, h *house) {
		clients := h.sameLoop(3 * maxTogether)
		release := clients[0].hold()
		for i, c := range clients {
			long := strings.Repeat("e\n", i%3*leastRead/2) // some fill the buffer
			c.send("e%d\nb%d\n%se%d again\n", i, i%5*writeBuffer/4, long, i)
		}
		release()
		for i, c := range clients {
			c.expect(fmt.Sprint(i))
			many := strings.Repeat("x", i%5*writeBuffer/4)
			for range i % 3 * leastRead / 2 {
				c.expect(many)
				many = ""
			}
			c.expect(many + fmt.Sprint(i, " again"))
		}
		if got := h.together.Load(); got < 2 || got > maxTogether {
			t.Errorf("%d clients were shown together, want 2 to %d", got, maxTogether)
		}
	})
}

// A client that another one pauses, or closes, after its input was read ahead.
func TestArrivalsStopped(t *testing.T) {
	eachLoop(t, func(t *testing.T, h *house) {
		c := h.sameLoop(4)
		check := c[0].bufferStays()
		release := c[0].hold()
		c[0].send("o%s\nc%s\n", c[1].LocalAddr(), c[2].LocalAddr())
		c[1].send("eone\n")
		c[2].send("etwo\n")
		c[3].send("ethree\n")
		release()
		c[3].expect("three")
		c[2].TCPConn.CloseWrite()
		c[2].expectEnd(0)
		c[1].send("emore\n")
		c[3].send("o%s\nefour\n", c[1].LocalAddr())
		c[3].expect("four")
		c[1].expect("one", "more")
		check()
	})
}

// The memory of a large reply is not kept.
func TestArrivalsLargeReply(t *testing.T) {
	eachLoop(t, func(t *testing.T, h *house) {
		c := h.sameLoop(2)
		check := c[0].bufferStays()
		release := c[0].hold()
		for _, c := range c {
			c.send("b%d\ne\n", 2*keepScratch)
		}
		release()
		for _, c := range c {
			c.expect(strings.Repeat("x", 2*keepScratch))
		}
		check()
	})
}

// Polls of one turn may find a connection twice, and more of its input the second time.
func TestArrivalsOfOneConnection(t *testing.T) {
	eachLoop(t, func(t *testing.T, h *house) {
		c := h.dial()
		e := c.session().c.drv.(*epollConn)
		held, free := make(chan struct{}), make(chan struct{})
		e.PostLoop(func() {
			close(held)
			<-free
			again := unix.EpollEvent{Events: unix.EPOLLIN, Fd: e.at, Pad: e.mark}
			e.fresh = []byte("ehello\n") // as it is when the first event has been seen to
			if n := e.loop.arrived([]unix.EpollEvent{again, again}); n != 0 {
				t.Errorf("%d events of a connection were seen to whose input waits", n)
			}
			e.ready(again.Events)
		})
		<-held
		c.send("eworld\n")
		close(free)
		c.expect("hello", "world")
	})
}
