package listpack

import (
	"bufio"
	"bytes"
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
)

// oracle is a live redis-server on a unix socket, spoken to in RESP2.
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
	cmd := exec.Command(bin, "--port", "0", "--unixsocket", sock, "--dir", dir, "--save", "", "--appendonly", "no", "--rdbcompression", "no")
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

// send writes commands in one pipeline; read their replies with reply.
func (o *oracle) send(cmds ...[]string) {
	var b bytes.Buffer
	for _, args := range cmds {
		fmt.Fprintf(&b, "*%d\r\n", len(args))
		for _, a := range args {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
		}
	}
	if _, err := o.conn.Write(b.Bytes()); err != nil {
		o.t.Fatal(err)
	}
}

// reply reads one scalar reply; an error reply keeps its leading '-'.
func (o *oracle) reply() string {
	line, err := o.r.ReadString('\n')
	if err != nil {
		o.t.Fatal(err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch line[0] {
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil {
			o.t.Fatal(err)
		}
		if n < 0 {
			return "(nil)"
		}
		buf := make([]byte, n+2)
		if _, err := io.ReadFull(o.r, buf); err != nil {
			o.t.Fatal(err)
		}
		return string(buf[:n])
	case '-':
		return line
	}
	return line[1:]
}
