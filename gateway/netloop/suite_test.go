package netloop

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestPipelines(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, depth := range []int{1, 16, 1000, 50000} {
			c := h.dial()
			go func() {
				var b bytes.Buffer
				for i := range depth {
					fmt.Fprintf(&b, "e%d\n", i)
				}
				c.Write(b.Bytes())
			}()
			for i := range depth {
				c.expect(fmt.Sprint(i))
			}
		}
	})
}

func TestOneByteARead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		for _, b := range []byte("ehello\nb3\ne\ns\neworld\n") {
			c.send("%c", b)
		}
		c.expect("hello", "xxx", "s", "world")
	})
}

// A pipeline whose replies exceed SoftOutput is in the connection's own memory
// when the session stops; nothing more comes from the socket then.
func TestSessionGoesOnOnceOutputIsSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		const n, size = 5000, 5000
		c.send("%s", strings.Repeat(fmt.Sprintf("b%d\n", size), n)+"q\n")
		c.expectEnd(n*size + len("bye\n"))
		if limit := SoftOutput + 2*size; h.mostOutput() > limit {
			t.Errorf("%d bytes of output were gathered, more than %d", h.mostOutput(), limit)
		}
	})
}

// A client that sends and never reads is not worked for beyond what its sockets
// and SoftOutput take.
func TestUnreadRepliesStopTheSession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		c.SetReadBuffer(16 << 10)
		const n, size = 200, 1 << 20
		c.send("%s", strings.Repeat(fmt.Sprintf("b%d\n", size), n)+"q\n")
		e := c.session()
		h.await("output is stuck", func() bool { return e.c.Unsent() > 0 })
		time.Sleep(50 * time.Millisecond) // for what must not happen: more makes the test no weaker
		if done := h.doneCount(); done > n/4 {
			t.Errorf("%d of %d replies were made for a client that does not read", done, n)
		}
		c.expectEnd(n*size + len("bye\n"))
		if limit := SoftOutput + size; h.mostOutput() > limit {
			t.Errorf("%d bytes of output were gathered, more than %d", h.mostOutput(), limit)
		}
	})
}

// Each command of a long pipeline pauses; what is not yet worked on stays in
// the sockets, but for some reads.
func TestPausingCommandsDoNotReadAhead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		const n = 10000
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			io.WriteString(c, strings.Repeat("s"+strings.Repeat(" ", 200)+"\n", n))
		}()
		most := 0
		e := c.session()
		for i := range n {
			c.expect("s")
			if i%100 == 0 {
				unread := make(chan int, 1)
				e.c.Post(func() { unread <- e.c.Unread() })
				most = max(most, <-unread)
			}
		}
		<-sent
		if most > 3*ReadBuffer {
			t.Errorf("%d bytes were read ahead", most)
		}
	})
}

func TestPausedClientThatHangsUp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		c.send("P\n")
		e := c.session()
		h.await("the session pauses", func() bool { return h.doneCount() == 1 })
		c.send("%s", strings.Repeat("emore\n", 1000)) // input that is not read does not hide the end
		c.CloseWrite()
		h.await("the session is closed", e.ended.Load)
	})
}

// The end of the stream is there before the command that pauses is read.
func TestHangupAlongWithTheCommand(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		e := c.session()
		release := c.hold()
		c.send("P\nemore\n")
		c.Close()
		release()
		h.await("the session is closed", e.ended.Load)
	})
}

func TestPausedClientIsNotEndedUnlessAsked(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		c.send("p\nelast\n")
		e := c.session()
		h.await("the session pauses", func() bool { return h.doneCount() == 1 })
		c.CloseWrite()
		for range 3 {
			c.hold()() // turns in which the end could be noticed
		}
		e.c.Post(func() {
			e.c.W.Raw([]byte("first\n"))
			e.c.Resume()
		})
		c.expect("first", "last")
		c.expectEnd(0)
	})
}

func TestHalfClose(t *testing.T) {
	const size = 12 << 20 // more than sockets take
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		c.SetReadBuffer(16 << 10)
		c.send("b%d\n", size)
		c.CloseWrite()
		c.expectEnd(size)

		c = h.dial()
		release := c.hold()
		c.send("eone\n")
		c.CloseWrite()
		release()
		c.expect("one")
		c.expectEnd(0)
	})
}

func TestKilledClients(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 50 {
			c := h.dial()
			c.send("%s", []string{"e1\n", "b4000000\n", "p\n", "P\n", "s\n", "ehalf"}[i%6])
			if i%2 == 0 {
				c.SetLinger(0) // a reset
			}
			if i%3 == 0 {
				c.session()
			}
			c.Close()
		}
		h.await("sessions end, but for those that are paused and keep still", func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, e := range h.sessions {
				e.c.Post(e.c.Resume)
			}
			return len(h.sessions) == 0
		})
		c := h.dial()
		c.send("estill here\n")
		c.expect("still here")
	})
}

func TestManyConnectionsComeAndGo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const rounds, burst = 4, 250
		for range rounds {
			var all sync.WaitGroup
			for i := range burst {
				all.Go(func() {
					c := h.dial()
					defer c.Close()
					c.send("e%d\nq\n", i)
					if _, err := io.ReadAll(c.in); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		h.await("all sessions are closed", func() bool { return h.closedCount() == rounds*burst })
	})
}

func TestRefusedConnection(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.mu.Lock()
		h.refuse = true
		h.mu.Unlock()
		c := h.dial()
		c.expect("no")
		c.expectEnd(0)
	})
}

func TestPostsFromManyGoroutines(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const conns, posters, posts = 4, 8, 2000
		var sessions []*echo
		for range conns {
			sessions = append(sessions, h.dial().session())
		}
		var ran atomic.Int64
		var all sync.WaitGroup
		for range posters {
			all.Go(func() {
				var next [conns]int // touched by one loop each
				for i := range posts * conns {
					at := i % conns
					e := sessions[at]
					e.c.Post(func() {
						defer e.enter()()
						if next[at] != i/conns {
							t.Errorf("function %d of one goroutine ran as number %d", i/conns, next[at])
						}
						next[at]++
						ran.Add(1)
					})
				}
			})
		}
		all.Wait()
		h.await("all have run", func() bool { return ran.Load() == conns*posters*posts })
	})
}

func TestPostToAClosedConnection(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		e := c.session()
		c.send("k\n")
		c.expectEnd(0)
		h.await("the session is closed", e.ended.Load)
		for range 1000 {
			e.c.Post(func() { t.Error("ran after the end") })
		}
		h.dial().hold()()
	})
}

func TestPostedOutputIsSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		e := c.session()
		for i := range 100 {
			e.c.Post(func() { e.c.W.Raw([]byte("posted\n")) })
			e.c.PostLoop(func() {
				e.c.Lend()
				e.c.W.Raw([]byte("in the loop\n"))
				e.c.Flush()
			})
			c.send("e%d\n", i)
			got := map[string]bool{}
			for range 3 {
				line, err := c.in.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				got[strings.TrimSpace(line)] = true
			}
			if !got["posted"] || !got["in the loop"] || !got[fmt.Sprint(i)] {
				t.Fatalf("got %v", got)
			}
		}
	})
}

// What is posted before a client sends goes out before the answer.
func TestPostedOutputComesBeforeLaterCommands(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		e := c.session()
		for range 200 {
			release := c.hold()
			e.c.Post(func() { e.c.W.Raw([]byte("posted\n")) })
			c.send("eanswer\n")
			release()
			c.expect("posted", "answer")
		}
	})
}

func TestUnsentIsTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		c.SetReadBuffer(16 << 10)
		const size = 30 << 20
		c.send("b%d\n", size)
		e := c.session()
		h.await("much is unsent", func() bool { return e.c.Unsent() > size/2 })
		io.CopyN(io.Discard, c.in, size)
		h.await("nothing is unsent", func() bool { return e.c.Unsent() == 0 })
	})
}

func TestCloseWhileClientsSendAndOutputIsPending(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var all sync.WaitGroup
		for i := range 20 {
			c := h.dial()
			c.session()
			if i%4 == 0 {
				c.send("b8000000\n") // never read
				continue
			}
			all.Go(func() {
				for {
					if _, err := io.WriteString(c, "e1\ns\nb100\n"); err != nil {
						return
					}
				}
			})
			all.Go(func() { io.Copy(io.Discard, c) })
		}
		h.await("some work is done", func() bool { return h.doneCount() > 200 })
		h.driver.Close()
		all.Wait()
		if l, err := net.Listen("tcp", h.addr); err != nil {
			t.Errorf("the port is still taken: %v", err)
		} else {
			l.Close()
		}
	})
}

func TestCloseSendsWhatWasPosted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.dial()
		e := c.session()
		release := c.hold()
		e.c.Post(func() { e.c.W.Raw([]byte("last words\n")) })
		closed := make(chan struct{})
		go func() {
			h.driver.Close()
			close(closed)
		}()
		release()
		c.expect("last words")
		c.expectEnd(0)
		<-closed
		e.c.Post(func() { t.Error("ran after the end") })
	})
}
