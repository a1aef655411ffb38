package list

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/shard/enginetest"
	"pgregory.net/rapid"
)

// oracle is a live redis-server on a unix socket.
type oracle struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// startOracle starts redis-server, or skips; TROUPE_REQUIRE_REDIS=1 turns the
// skip into a failure.
func startOracle(t *testing.T) *oracle {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("TROUPE_REQUIRE_REDIS") == "1" {
			t.Fatal("redis-server is required and not installed")
		}
		t.Skip("redis-server is not installed")
	}
	dir, err := os.MkdirTemp("", "troupe")
	if err != nil {
		t.Fatal(err)
	}
	sock := filepath.Join(dir, "s")
	cmd := exec.Command(bin, "--port", "0", "--unixsocket", sock, "--dir", dir, "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	for range 200 {
		if conn, err := net.Dial("unix", sock); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return &oracle{t: t, conn: conn, r: bufio.NewReader(conn)}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("redis-server did not open its socket")
	return nil
}

// do returns the reply as Harness.Do writes it.
func (o *oracle) do(words ...string) string {
	o.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(o.conn, b.String()); err != nil {
		o.t.Fatal(err)
	}
	return strings.TrimSuffix(o.reply(), " ")
}

func (o *oracle) reply() string {
	o.t.Helper()
	line, err := o.r.ReadString('\n')
	if err != nil {
		o.t.Fatal(err)
	}
	out := strings.TrimSuffix(line, "\r\n") + " "
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch {
	case line[0] == '$' && n >= 0 && err == nil:
		text := make([]byte, n+2)
		if _, err := io.ReadFull(o.r, text); err != nil {
			o.t.Fatal(err)
		}
		out += string(text[:n]) + " "
	case line[0] == '*' && err == nil:
		for range n {
			out += o.reply()
		}
	case line[0] == '%' && err == nil:
		for range 2 * n {
			out += o.reply()
		}
	}
	return out
}

// Random commands, errors included, answer as redis-server does.
func TestAnswersEqualRedis(t *testing.T) {
	o := startOracle(t)
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		h := enginetest.New(outer, Commands)
		h.Proto = rapid.SampledFrom([]uint8{2, 3}).Draw(t, "protocol")
		o.do("HELLO", strconv.Itoa(int(h.Proto)))
		o.do("DEL", "a", "b")
		for range rapid.IntRange(1, 40).Draw(t, "commands") {
			words := drawCommand(t)
			if words[0][0] == '~' {
				continue
			}
			if rapid.IntRange(0, 20).Draw(t, "odd") == 0 {
				at := rapid.IntRange(2, len(words)).Draw(t, "at")
				odd := rapid.SampledFrom([]string{"", "1.5", "9223372036854775808", "COUNT", "RANK", "x y"}).Draw(t, "word")
				words = append(words[:at:at], append([]string{odd}, words[at:]...)...)
			}
			want := o.do(words...)
			if got := h.DoArgs(words...); got != want {
				t.Fatalf("%.300q\n got %.300q\nwant %.300q", words, got, want)
			}
		}
	})
}
