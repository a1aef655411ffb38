package script

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/freeport"
	"github.com/troupedb/troupe/shard/reply"
)

// server is a redis-server that a test started.
type server struct {
	t    testing.TB
	addr string
}

func startRedis(t testing.TB) *server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("TROUPE_REQUIRE_REDIS") == "1" {
			t.Fatal("no redis-server, and TROUPE_REQUIRE_REDIS=1")
		}
		t.Skip("no redis-server to compare with")
	}
	ports, err := freeport.Find(1)
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(ports[0])
	addr := net.JoinHostPort("127.0.0.1", port)
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return &server{t, addr}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("redis-server did not come up")
	return nil
}

// conn is one connection to it, in one protocol version.
type conn struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func (s *server) dial(proto uint8) *conn {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	k := &conn{s.t, c, bufio.NewReader(c)}
	if proto == reply.RESP3 {
		k.do([]byte("HELLO"), []byte("3"))
	}
	return k
}

// do runs one command and returns the raw reply.
func (k *conn) do(args ...[]byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	k.c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := k.c.Write(b.Bytes()); err != nil {
		k.t.Fatalf("redis-server: %v, running %q", err, args)
	}
	out, err := readReply(nil, k.r)
	if err != nil {
		k.t.Fatalf("redis-server: %v, running %q", err, args)
	}
	return out
}

func readReply(out []byte, r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	out = append(out, line...)
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	switch line[0] {
	case '$', '=':
		if n < 0 {
			return out, nil
		}
		body := make([]byte, n+2)
		_, err = io.ReadFull(r, body)
		return append(out, body...), err
	case '%', '|':
		n *= 2
	case '*', '~', '>':
	default:
		return out, nil
	}
	for range n {
		if out, err = readReply(out, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// forwarder is a Caller that has a redis-server run the commands.
type forwarder struct{ conns map[uint8]*conn }

func (s *server) forwarder() *forwarder {
	return &forwarder{map[uint8]*conn{2: s.dial(2), 3: s.dial(3)}}
}

func (f *forwarder) Call(args [][]byte, w *reply.Writer) {
	if name := string(args[0]); name == "eval" || name == "blpop" {
		w.Error("ERR This Redis command is not allowed from script")
		return
	}
	out := f.conns[w.Proto].do(args...)
	switch {
	case bytes.HasPrefix(out, []byte("-ERR unknown command")):
		w.Error("ERR Unknown Redis command called from script")
	case bytes.HasPrefix(out, []byte("-ERR wrong number of arguments")):
		w.Error("ERR Wrong number of args calling Redis command from script")
	default:
		w.Raw(out)
	}
}

func (f *forwarder) CheckACL(args [][]byte) (known, allowed bool) {
	out := f.conns[2].do([]byte("COMMAND"), []byte("INFO"), args[0])
	return string(out) != "*1\r\n*-1\r\n" && string(out) != "*1\r\n$-1\r\n", true
}
