package target

import (
	"bytes"
	"errors"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/wire"
	"github.com/troupedb/troupe/bench/freeport"
)

const (
	startLimit = 20 * time.Second // far above a start on a loaded machine; only a server that never comes meets it
	stopLimit  = 5 * time.Second  // how long SIGTERM has before SIGKILL
	pollEvery  = 5 * time.Millisecond
	logTail    = 8 << 10 // bytes of a failed server's output that the test shows
)

// Server is one running server process.
type Server struct {
	Addr string // "127.0.0.1:port"
	PID  int

	cmd  *exec.Cmd
	log  syncBuffer
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; valid once done is closed
}

// Log returns what the process has written to stdout and stderr so far.
func (s *Server) Log() string { return s.log.String() }

// Done is closed when the process has ended, by itself or by Stop.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends the process and waits for it. It returns how the process ended (nil for exit code 0), also when it had
// ended before, and may be called again.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(stopLimit):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	return s.err
}

// Kill ends the process at once with SIGKILL and waits for it.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

func run(t testing.TB, cmd *exec.Cmd, port int) *Server {
	t.Helper()
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	s.PID = cmd.Process.Pid
	go func() {
		s.err = cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		_ = s.Stop()
		if t.Failed() {
			t.Logf("output of %s:\n%s", cmd.Path, s.log.tail(logTail))
		}
	})
	if err := s.awaitPing(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, s.log.tail(logTail))
	}
	return s
}

func (s *Server) awaitPing() error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(pollEvery) {
		select {
		case <-s.done:
			return errors.New("ended before it answered PING")
		default:
		}
		c, err := wire.Dial(s.Addr, time.Second)
		if err != nil {
			continue
		}
		v, err := c.Do(time.Second, "PING")
		_ = c.Close()
		// An error reply (NOAUTH, say) is an answer too: the server is up.
		if err == nil && (v.Kind == wire.Simple || v.Kind == wire.Error) {
			return nil
		}
	}
	return errors.New("did not answer PING in time")
}

func freePort(t testing.TB) int {
	t.Helper()
	ports, err := freeport.Find(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}

// syncBuffer collects a process's output while the test may read it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *syncBuffer) tail(n int) string {
	s := b.String()
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}
