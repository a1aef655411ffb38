package robustness

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// A node that is told to stop answers what it has taken, closes every connection
// whatever its client is doing, gives the port back and ends with 0.
func TestStopsCleanly(t *testing.T) {
	for _, way := range []struct {
		name string
		stop func(t *testing.T, p *process)
	}{
		{"SIGTERM", func(t *testing.T, p *process) { signal(t, p, syscall.SIGTERM) }},
		{"SIGINT", func(t *testing.T, p *process) { signal(t, p, syscall.SIGINT) }},
		{"SHUTDOWN", func(t *testing.T, p *process) {
			c := dial(t, p.addr(t))
			if err := c.Send([]byte("SHUTDOWN"), []byte("NOSAVE")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			p := launch(t, nil, "--port", "0")
			addr := p.addr(t)
			open := clientsInEveryState(t, addr)
			way.stop(t, p)
			if code := p.exitCode(t); code != 0 {
				t.Errorf("exit code %d:\n%s", code, p.stderr.String())
			}
			for state, c := range open {
				expectClosed(t, state, c)
			}
			if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
				_ = c.Close()
				t.Error("the port still answers")
			}
			if out := p.stderr.String(); out != "" {
				t.Errorf("standard error: %s", out)
			}
		})
	}
}

func signal(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func clientsInEveryState(t *testing.T, addr string) map[string]*wire.Conn {
	t.Helper()
	open := map[string]*wire.Conn{}
	for _, state := range []string{"idle", "in MULTI", "subscribed", "blocked", "half a command"} {
		open[state] = dial(t, addr)
		do(t, open[state], "PING")
	}
	do(t, open["in MULTI"], "MULTI")
	if got := do(t, open["subscribed"], "SUBSCRIBE", "news"); got[0] == wire.Error {
		t.Errorf("SUBSCRIBE: %s", got)
	}
	send(t, open["blocked"], "BLPOP", "nothing-here", "0")
	if err := open["half a command"].SendRaw([]byte("*2\r\n$3\r\nGE")); err != nil {
		t.Fatal(err)
	}
	awaitBlocked(t, addr, 1)
	return open
}

func expectClosed(t *testing.T, state string, c *wire.Conn) {
	t.Helper()
	v, err := c.Read(limit)
	if err == nil && state == "blocked" && v.Kind == wire.Error && strings.HasPrefix(string(v.Text), "UNBLOCKED") {
		_, err = c.Read(limit)
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%s: the connection was not closed: %s %v", state, v.Format(), err)
	}
}

// Replies that a client has received when the node stops are whole: the stream
// ends between two replies.
func TestStopsCleanlyUnderLoad(t *testing.T) {
	p := launch(t, manyLoops, "--port", "0")
	addr := p.addr(t)
	var group sync.WaitGroup
	started := make(chan struct{}, 8)
	for i := range cap(started) {
		c := dial(t, addr)
		group.Go(func() {
			for n := 0; ; n++ {
				v, err := c.Do(limit, "INCR", "load"+strconv.Itoa(i))
				if err != nil {
					if !endOfStream(err) {
						t.Errorf("after %d replies: %v", n, err)
					}
					return
				}
				if v.Kind != wire.Int || string(v.Text) != strconv.Itoa(n+1) {
					t.Errorf("reply %d is %s", n+1, v.Format())
				}
				if n == 100 {
					started <- struct{}{}
				}
			}
		})
	}
	for range cap(started) {
		<-started
	}
	signal(t, p, syscall.SIGTERM)
	if code := p.exitCode(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.stderr.String())
	}
	group.Wait()
}

// endOfStream tells a connection that was closed between replies from one that
// stopped in the middle of one (io.ErrUnexpectedEOF).
func endOfStream(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// expectRefusal runs troupe with what it must not accept: exit code 1, nothing on
// standard output, and one line that names what is wrong.
func expectRefusal(t *testing.T, env, args []string, mentions ...string) {
	t.Helper()
	p := launch(t, env, args...)
	code := p.exitCode(t)
	out, errs := p.stdout.String(), p.stderr.String()
	if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasSuffix(errs, "\n") {
		t.Errorf("%v %v: exit code %d, standard output %q, standard error %q; want 1, nothing, and one line",
			env, args, code, out, errs)
	}
	for _, m := range mentions {
		if !strings.Contains(errs, m) {
			t.Errorf("%v %v: the error does not say %q: %s", env, args, m, errs)
		}
	}
}

func TestTakenPort(t *testing.T) {
	first := launch(t, nil, "--port", "0")
	_, port, err := net.SplitHostPort(first.addr(t))
	if err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, nil, []string{"--port", port}, port)
	expectRefusal(t, nil, []string{"node", "--port", port}, port)
	expectRefusal(t, []string{"TROUPE_PORT=" + port}, nil, port)

	c := dial(t, first.addr(t))
	if got := do(t, c, "PING"); got != "+PONG" {
		t.Errorf("the first node answers %s", got)
	}
}

func TestNextFreePort(t *testing.T) {
	const usual = 6379
	takePort(t, usual)
	p := launch(t, nil)
	addr := p.addr(t)
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil || port <= usual || port > usual+100 {
		t.Errorf("listens on port %s, where %d is taken", text, usual)
	}
	eventually(t, "the node says which port was taken", func() bool {
		return strings.Contains(p.stdout.String(), strconv.Itoa(usual))
	})
	do(t, dial(t, addr), "PING")
}

func TestSettingsFromEnvironment(t *testing.T) {
	free, _ := takePort(t, 0)
	p := launch(t, []string{"TROUPE_PORT=0", "TROUPE_SHARDS=3", "TROUPE_REQUIREPASS=secret", "TROUPE_MAXCLIENTS=7"})
	c := dial(t, p.addr(t))
	if got := do(t, c, "GET", "x"); !strings.Contains(got, "NOAUTH") {
		t.Errorf("TROUPE_REQUIREPASS: GET answers %s", got)
	}
	do(t, c, "AUTH", "secret")
	if got := do(t, c, "CONFIG", "GET", "maxclients"); !strings.Contains(got, "7") {
		t.Errorf("TROUPE_MAXCLIENTS: %s", got)
	}
	if !strings.Contains(p.stdout.String(), "3 shards") {
		t.Errorf("TROUPE_SHARDS:\n%s", p.stdout.String())
	}
	// A flag that is given wins over the environment: the taken port is not tried.
	second := launch(t, []string{"TROUPE_PORT=" + strconv.Itoa(free)}, "--port", "0")
	do(t, dial(t, second.addr(t)), "PING")
}

func TestHelp(t *testing.T) {
	flags := []string{"--bind", "--port", "--shards", "--requirepass", "--maxclients", "--log-level", "--enable-debug-command"}
	for _, args := range [][]string{{"--help"}, {"node", "--help"}} {
		p := launch(t, nil, args...)
		if code := p.exitCode(t); code != 0 {
			t.Errorf("%v: exit code %d", args, code)
		}
		out := p.stdout.String()
		for _, want := range flags {
			if !strings.Contains(out, want) {
				t.Errorf("%v does not tell of %s:\n%s", args, want, out)
			}
		}
	}
}

func TestBadSettings(t *testing.T) {
	for _, bad := range []struct{ flag, value string }{
		{"port", "65536"},
		{"port", "-1"},
		{"port", "http"},
		{"port", "99999999999999999999"},
		{"shards", "0"},
		{"shards", "-3"},
		{"shards", "1000000"},
		{"shards", "many"},
		{"maxclients", "0"},
		{"maxclients", "1e9"},
		{"log-level", "loud"},
		{"bind", "192.0.2.1"}, // an address for documents, of no machine
		{"enable-debug-command", "maybe"},
	} {
		t.Run(bad.flag+"="+bad.value, func(t *testing.T) {
			t.Parallel()
			args := []string{"--" + bad.flag + "=" + bad.value}
			if bad.flag != "port" {
				args = append(args, "--port=0")
			}
			expectRefusal(t, nil, args, bad.value)
			variable := "TROUPE_" + strings.ToUpper(strings.ReplaceAll(bad.flag, "-", "_"))
			expectRefusal(t, []string{variable + "=" + bad.value}, args[1:], bad.value)
		})
	}
	t.Run("arguments", func(t *testing.T) {
		expectRefusal(t, nil, []string{"--nosuch"}, "--nosuch")
		expectRefusal(t, nil, []string{"nosuch"}, "nosuch")
		expectRefusal(t, nil, []string{"node", "extra"}, "extra")
		expectRefusal(t, nil, []string{"--port"}, "--port")
	})
}
