package resp

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "record testdata/redis-7.0.15.txt from a live redis-server")

const (
	recordedPath = "testdata/redis-7.0.15.txt"
	password     = "secret"
	// patience bounds a wait for redis-server; only a failing test reaches it.
	patience = 10 * time.Second
)

// exchange is what a server sent, and whether it closed the connection by itself.
type exchange struct {
	reply  string
	closed bool
}

func (x exchange) String() string { return fmt.Sprintf("%+.300q closed=%v", x.reply, x.closed) }

// answer is redis-server's reply to a command. known is false for commands whose reply
// the tests do not predict.
func answer(args []string, unauth bool) (reply string, closes, known bool) {
	name := strings.ToUpper(args[0])
	if IsCrossProtocol([]byte(args[0])) {
		return "", true, true
	}
	echo := name == "ECHO" && len(args) == 2
	eval := name == "EVAL" && len(args) >= 3 && args[1] == "return ARGV" && args[2] == "0"
	bare := name == "PING" && len(args) == 1
	switch {
	case name == "" || name == "$4":
		return "-ERR unknown command '" + args[0] + "', with args beginning with: \r\n", false, len(args) == 1
	case unauth:
		return "-NOAUTH Authentication required.\r\n", false, echo || eval || bare
	case bare:
		return "+PONG\r\n", false, true
	case echo:
		return fmt.Sprintf("$%d\r\n%s\r\n", len(args[1]), args[1]), false, true
	case eval:
		return enc(args[3:]...), false, true
	}
	return "", false, false
}

// expect is the exchange that the parser's outcome amounts to.
func expect(o outcome, unauth bool) (x exchange, known bool) {
	for _, c := range o.commands {
		reply, closes, known := answer(c, unauth)
		if !known {
			return x, false
		}
		x.reply += reply
		if closes {
			x.closed = true
			return x, true
		}
	}
	if o.err != "" {
		x.reply += "-ERR " + o.err + "\r\n"
		x.closed = true
	}
	return x, true
}

func readRecorded(t *testing.T) map[string]exchange {
	t.Helper()
	b, err := os.ReadFile(recordedPath)
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]exchange{}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("bad line %q", line)
		}
		reply, err := strconv.Unquote(f[2])
		if err != nil {
			t.Fatal(err)
		}
		recorded[f[0]] = exchange{unfold(reply), f[1] == "closed"}
	}
	return recorded
}

// Long runs of one letter are recorded as {letter*count}.
func fold(s string) string {
	for _, letter := range []string{"x", "a"} {
		for _, n := range []int{300_000, MaxInlineSize - 5, UnauthMaxBulk} {
			s = strings.ReplaceAll(s, strings.Repeat(letter, n), fmt.Sprintf("{%s*%d}", letter, n))
		}
	}
	return strings.ReplaceAll(s, strings.Repeat("$2\r\nab\r\n", 3000), "{$2ab*3000}")
}

func unfold(s string) string {
	for _, letter := range []string{"x", "a"} {
		for _, n := range []int{300_000, MaxInlineSize - 5, UnauthMaxBulk} {
			s = strings.ReplaceAll(s, fmt.Sprintf("{%s*%d}", letter, n), strings.Repeat(letter, n))
		}
	}
	return strings.ReplaceAll(s, "{$2ab*3000}", strings.Repeat("$2\r\nab\r\n", 3000))
}

func TestRecorded(t *testing.T) {
	recorded := readRecorded(t)
	if len(recorded) != len(streamCases) {
		t.Errorf("%d cases recorded, %d cases exist: run with -rewrite", len(recorded), len(streamCases))
	}
	for _, c := range streamCases {
		t.Run(c.name, func(t *testing.T) {
			lim := c.limits()
			o := feed([]byte(c.in), &lim)
			got, known := expect(o, c.unauth)
			if !known {
				t.Fatalf("no prediction for %v", o)
			}
			if want, ok := recorded[c.name]; !ok || got != want {
				t.Errorf("%v\n got %v\nwant %v (recorded %v)", c, got, want, ok)
			}
		})
	}
}

// redisServer is a live redis-server; locked has a password.
type redisServer struct{ open, locked string }

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("TROUPE_REQUIRE_REDIS") == "1" {
			t.Fatal(err)
		}
		t.Skip("redis-server is not installed")
	}
	return &redisServer{open: startOne(t, path), locked: startOne(t, path, "--requirepass", password)}
}

func startOne(t *testing.T, path string, args ...string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	args = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()}, args...)
	cmd := exec.Command(path, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go io.Copy(io.Discard, out)
			return addr
		}
	}
	t.Fatal("redis-server ended before it was ready")
	return ""
}

// send gives the stream to the server and collects what it says. A server that is
// expected to close must do so by itself; any other sees the end of the stream.
func (r *redisServer) send(t *testing.T, in string, unauth, expectClose bool) (x exchange) {
	t.Helper()
	addr := r.open
	if unauth {
		addr = r.locked
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	written := make(chan struct{})
	go func() {
		defer close(written)
		// A server that closes early makes this fail, which the reply tells.
		_, _ = io.WriteString(conn, in)
		if !expectClose {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	var b bytes.Buffer
	_, err = b.ReadFrom(conn)
	<-written
	timeout := errors.Is(err, os.ErrDeadlineExceeded)
	return exchange{b.String(), expectClose && !timeout}
}

func TestLiveRecorded(t *testing.T) {
	server := startRedis(t)
	var lines strings.Builder
	for _, c := range streamCases {
		lim := c.limits()
		want, known := expect(feed([]byte(c.in), &lim), c.unauth)
		if !known {
			t.Errorf("%v: no prediction", c)
		}
		got := server.send(t, c.in, c.unauth, want.closed)
		if got != want {
			t.Errorf("%v\nredis-server %v\n      parser %v", c, got, want)
		}
		state := map[bool]string{true: "closed", false: "open"}[got.closed]
		fmt.Fprintf(&lines, "%s\t%s\t%q\n", c.name, state, fold(got.reply))
	}
	if *rewrite {
		if err := os.WriteFile(recordedPath, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLiveMutated compares on streams with a few bytes changed at random.
func TestLiveMutated(t *testing.T) {
	const streams, leastCompared = 400, 150
	server := startRedis(t)
	rng := rand.New(rand.NewSource(1))
	compared := 0
	for range streams {
		c := streamCase{name: "mutated", in: mutated(rng)}
		lim := c.limits()
		want, known := expect(feed([]byte(c.in), &lim), false)
		if !known {
			continue
		}
		compared++
		if got := server.send(t, c.in, false, want.closed); got != want {
			t.Errorf("%q\nredis-server %v\n      parser %v", c.in, got, want)
		}
	}
	if compared < leastCompared {
		t.Errorf("only %d of %d streams could be compared", compared, streams)
	}
}

// mutated is a stream of commands that answer knows, slightly damaged.
func mutated(rng *rand.Rand) string {
	commands := []string{
		ping, "PING\r\n", "*0\r\n", "\r\n", enc("ECHO", "abc"), `ECHO "a\x41 \n"` + "\r\n",
		enc("EVAL", "return ARGV", "0", "a", "", "ccccccccccccc"), echoArgs + `"a b" 'c' d"e"` + "\n",
	}
	var b []byte
	for range 1 + rng.Intn(4) {
		b = append(b, commands[rng.Intn(len(commands))]...)
	}
	const damage = "*$\r\n\x00 '\"\\x-+019a\xff"
	for range rng.Intn(3) {
		i := rng.Intn(len(b))
		c := damage[rng.Intn(len(damage))]
		switch rng.Intn(3) {
		case 0:
			b[i] = c
		case 1:
			b = append(b[:i], append([]byte{c}, b[i:]...)...)
		case 2:
			b = append(b[:i], b[i+1:]...)
		}
		if len(b) == 0 {
			return "\n"
		}
	}
	return string(b)
}
