package conn_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/gateway"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// node starts a node on a free port with changes to its configuration.
func node(t *testing.T, change ...func(*gateway.Config)) *gateway.Gateway {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.Port, cfg.PortGiven, cfg.Shards, cfg.Loops = 0, true, 4, 2
	cfg.EnableDebug = "yes"
	cfg.ColdKeys = -1 // so that few keys do to look ahead
	cfg.Logger = slog.New(slog.DiscardHandler)
	for _, f := range change {
		f(&cfg)
	}
	g, err := gateway.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	return g
}

// client is a connection that sends commands as they are written and shows
// replies compactly: +OK :1 "bulk" nil -ERR... [array elements].
type client struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, g *gateway.Gateway) *client {
	t.Helper()
	c, err := net.Dial("tcp", g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{t, c, bufio.NewReader(c)}
}

// send sends a command given as words; ” is an empty one.
func (c *client) send(line string) {
	c.t.Helper()
	words := strings.Fields(line)
	for i, w := range words {
		if w == "''" {
			words[i] = ""
		}
	}
	c.sendWords(words...)
}

func (c *client) sendWords(words ...string) {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c.c, b.String()); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *client) do(line string) string {
	c.t.Helper()
	c.send(line)
	return c.read()
}

// expect sends a command and compares its reply.
func (c *client) expect(line, want string) {
	c.t.Helper()
	if got := c.do(line); got != want {
		c.t.Errorf("%s: got %s, want %s", line, got, want)
	}
}

// match sends a command and matches its reply with a regular expression.
func (c *client) match(line, pattern string) {
	c.t.Helper()
	if got := c.do(line); !regexp.MustCompile(pattern).MatchString(got) {
		c.t.Errorf("%s: got %s, which does not match %s", line, got, pattern)
	}
}

// read reads one reply; "closed" is the end of the connection.
func (c *client) read() string {
	c.t.Helper()
	c.c.SetReadDeadline(time.Now().Add(patience))
	line, err := c.r.ReadString('\n')
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			c.t.Fatal("no reply")
		}
		return "closed"
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch n, _ := strconv.Atoi(line[1:]); line[0] {
	case '$', '=':
		if n < 0 {
			return "nil"
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, b); err != nil {
			return "closed"
		}
		return strconv.Quote(string(b[:n]))
	case '*', '~', '>', '%':
		if n < 0 {
			return "nil"
		}
		if line[0] == '%' {
			n *= 2
		}
		parts := make([]string, n)
		for i := range parts {
			parts[i] = c.read()
		}
		return "[" + strings.Join(parts, " ") + "]"
	case '_':
		return "nil"
	}
	return line
}
