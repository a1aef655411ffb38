package conn_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/gateway"
	"pgregory.net/rapid"
)

// words writes a line as a client does.
func words(line string) string {
	var b strings.Builder
	list := strings.Fields(line)
	fmt.Fprintf(&b, "*%d\r\n", len(list))
	for _, w := range list {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

// stream writes the pieces, then something to know the end by, and returns the bytes of
// all replies before that.
func (c *client) stream(pieces []string) string {
	c.t.Helper()
	const mark = "$8\r\nthat_all\r\n"
	go func() { // the node may not read all before it has written
		for _, p := range append(pieces, words("DISCARD"), words("CLIENT REPLY ON"), words("ECHO that_all")) {
			if _, err := io.WriteString(c.c, p); err != nil {
				return // the reader says so
			}
		}
	}()
	var got []byte
	buf := make([]byte, 64<<10)
	for !strings.HasSuffix(string(got), mark) {
		c.c.SetReadDeadline(time.Now().Add(patience))
		n, err := c.r.Read(buf)
		if err != nil {
			c.t.Fatalf("%v after %q", err, got)
		}
		got = append(got, buf[:n]...)
	}
	return string(got)
}

// TestLookAheadIsNotSeen: a client whose commands are read ahead gets the replies of one
// whose are not, whatever it sends and however that arrives.
func TestLookAheadIsNotSeen(t *testing.T) {
	plain := dial(t, node(t, func(cfg *gateway.Config) { cfg.ColdKeys = 0 }))
	ahead := dial(t, node(t, func(cfg *gateway.Config) { cfg.ColdKeys = -1 }))
	lines := []string{
		"SET KEY " + strings.Repeat("v", 100), "GET KEY", "GET KEY", "APPEND KEY x", "DEL KEY", "INCR KEY", "LPUSH l:KEY a b",
		"LRANGE l:KEY 0 -1", "GETRANGE KEY 0", "GET", "NOSUCH KEY", "MGET KEY k1 k2", "MSET KEY 1 k3 2", "MULTI", "EXEC", "DISCARD",
		"WATCH KEY", "SELECT 1", "SELECT 0", "PING", "CLIENT REPLY SKIP", "CLIENT REPLY ON", "OBJECT ENCODING KEY", "ECHO KEY",
		"EVAL return{redis.call('incr',KEYS[1])} 1 n:KEY", "HELLO 3", "HELLO 2", "RESET",
	}
	rapid.Check(t, func(t *rapid.T) {
		var in strings.Builder
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			line := strings.ReplaceAll(rapid.SampledFrom(lines).Draw(t, "line"), "KEY", fmt.Sprint("k", rapid.IntRange(0, 9).Draw(t, "key")))
			if rapid.IntRange(0, 9).Draw(t, "form") == 0 && !strings.Contains(line, "'") {
				in.WriteString(line + "\r\n") // inline
			} else {
				in.WriteString(words(line))
			}
		}
		var pieces []string
		for rest := in.String(); rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		for _, c := range []*client{plain, ahead} {
			c.stream([]string{words("RESET"), words("FLUSHALL")})
		}
		if want, got := plain.stream(pieces), ahead.stream(pieces); got != want {
			t.Fatalf("%q\nanswers %q\nwant    %q", pieces, got, want)
		}
	})
}

// TestLookAheadReadsAsItWasTold: what a command changes about how those behind it are
// read holds for them.
func TestLookAheadReadsAsItWasTold(t *testing.T) {
	c := dial(t, node(t, func(cfg *gateway.Config) { cfg.RequirePass = "sesame" }))
	long := strings.Repeat("x", 20000) // more than who has not logged in may send
	in := words("GET a") + words("AUTH sesame") + words("SET a "+long) + words("STRLEN a") + words("GET b") + words("RESET") +
		words("GET a") + words("SET a "+long)
	if _, err := io.WriteString(c.c, in); err != nil {
		t.Fatal(err)
	}
	c.c.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(c.r)
	const refused = "-NOAUTH Authentication required.\r\n"
	want := refused + "+OK\r\n+OK\r\n:20000\r\n$-1\r\n+RESET\r\n" + refused + "-ERR Protocol error: unauthenticated bulk length\r\n"
	if string(got) != want {
		t.Errorf("answers %q, want %q; %v", got, want, err)
	}
}
