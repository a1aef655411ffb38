package resptest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// HangUp is the answer that closes the connection.
const HangUp = "hang up"

// Server listens on a free port of the loopback until the test ends.
type Server struct {
	// Addr is its host:port.
	Addr string

	answer   func(words []string) string
	chunk    int
	mu       sync.Mutex
	commands [][]string
	conns    map[net.Conn]bool
	serving  sync.WaitGroup
}

// Start serves with the given answers: whole RESP replies, "" for silence, or
// HangUp. Answers leave in writes of at most chunk bytes; 0 sends them whole.
func Start(t *testing.T, chunk int, answer func(words []string) string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), answer: answer, chunk: chunk, conns: map[net.Conn]bool{}}
	s.serving.Go(func() { s.accept(l) })
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.serving.Wait()
	})
	return s
}

// Commands returns the words of every command received so far with that name,
// in upper case, or of all commands for "".
func (s *Server) Commands(name string) [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found [][]string
	for _, words := range s.commands {
		if name == "" || strings.EqualFold(words[0], name) {
			found = append(found, words)
		}
	}
	return found
}

func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.serving.Go(func() {
			defer c.Close()
			s.serve(c)
		})
	}
}

// serve ends at the first error: the client has gone or talks nonsense, and
// either way the test sees it at its own end.
func (s *Server) serve(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		words, err := readCommand(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.commands = append(s.commands, words)
		s.mu.Unlock()
		text := s.answer(words)
		if text == HangUp {
			return
		}
		if s.send(c, text) != nil {
			return
		}
	}
}

func (s *Server) send(c net.Conn, text string) error {
	for len(text) > 0 {
		n := len(text)
		if s.chunk > 0 {
			n = min(n, s.chunk)
		}
		if _, err := io.WriteString(c, text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

func readCommand(r *bufio.Reader) ([]string, error) {
	count, err := readLength(r, '*')
	if err != nil {
		return nil, err
	}
	words := make([]string, count)
	for i := range words {
		n, err := readLength(r, '$')
		if err != nil {
			return nil, err
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		words[i] = string(b[:n])
	}
	return words, nil
}

func readLength(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimRight(line[1:], "\r\n"))
	if err != nil || line[0] != kind || n < 1 && kind == '*' || n < 0 {
		return 0, fmt.Errorf("%q is no %c line", line, kind)
	}
	return n, nil
}
