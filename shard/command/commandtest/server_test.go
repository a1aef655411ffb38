package commandtest

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "record testdata anew from an installed redis-server 7.0.15")

// server is a connection to a redis-server of the test's own.
type server struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func startServer(t *testing.T) *server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("recording needs a redis-server: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", t.TempDir())
	cmd.Stdout = io.Discard
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	return dial(t, fmt.Sprintf("127.0.0.1:%d", port))
}

func dial(t *testing.T, addr string) *server {
	t.Helper()
	for range 200 {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return &server{t: t, conn: conn, in: bufio.NewReader(conn)}
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("redis-server did not start")
	return nil
}

// raw sends a command and gives the bytes of the answer.
func (s *server) raw(words ...string) []byte {
	s.t.Helper()
	request := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		request += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(s.conn, request); err != nil {
		s.t.Fatal(err)
	}
	var answer bytes.Buffer
	s.read(&answer)
	return answer.Bytes()
}

func (s *server) read(into *bytes.Buffer) {
	s.t.Helper()
	line, err := s.in.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	into.WriteString(line)
	n, _ := strconv.Atoi(strings.TrimRight(line[1:], "\r\n"))
	switch line[0] {
	case '$':
		if n >= 0 {
			if _, err := io.CopyN(into, s.in, int64(n)+2); err != nil {
				s.t.Fatal(err)
			}
		}
	case '%':
		n *= 2
		fallthrough
	case '*', '~':
		for range n {
			s.read(into)
		}
	}
}

func (s *server) ask(words ...string) Value {
	s.t.Helper()
	v, err := ParseRESP(s.raw(words...))
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
