package badinput

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
)

const (
	// patience is how long what must happen may take on a loaded machine.
	patience = 30 * time.Second
	// maxGrowth is how much memory the attacks may make the node hold, in bytes:
	// a script may have 256 MB live, and Go's collector lets the heap double. What
	// is attacked here would take gigabytes if it were not bounded.
	maxGrowth = 640 << 20
)

// node is the process under attack.
type node struct {
	*target.Server
	watch *wire.Conn // the client that must not notice
	rss   int64      // before any attack
}

func start(t *testing.T) *node {
	t.Helper()
	n := &node{Server: target.Start(t, target.Options{})}
	c, err := wire.Dial(n.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	n.watch = c
	n.rss = n.resident(t)
	return n
}

// check is made after each attack.
func (n *node) check(t *testing.T) {
	t.Helper()
	if v := n.do(t, "PING"); v.Kind != wire.Simple {
		t.Errorf("PING was answered with %s", v.Format())
		n.do(t, "SCRIPT", "KILL") // so that what follows has a node to attack
	}
	if got := n.info(t, "troupe_recovered_panics"); got != "0" {
		t.Errorf("%s panics were recovered from:\n%s", got, n.panics())
	}
	if now := n.resident(t); now-n.rss > maxGrowth {
		t.Errorf("resident memory is %d MB, was %d MB", now>>20, n.rss>>20)
	}
	n.do(t, "FLUSHALL")
}

// panics returns what the node's log says of panics, with the first lines of
// each trace.
func (n *node) panics() string {
	var out strings.Builder
	for line := range strings.Lines(n.Log()) {
		if strings.Contains(line, "panic") {
			fmt.Fprintf(&out, "%.3000s\n", line)
		}
	}
	return out.String()
}

func (n *node) do(t *testing.T, words ...string) wire.Value {
	t.Helper()
	v, err := n.watch.Do(patience, words...)
	if err != nil {
		t.Fatalf("%s: %v", words[0], err)
	}
	return v
}

// info returns one field of INFO.
func (n *node) info(t *testing.T, field string) string {
	t.Helper()
	for line := range bytes.Lines(n.do(t, "INFO", "everything").Text) {
		if value, ok := bytes.CutPrefix(line, []byte(field+":")); ok {
			return string(bytes.TrimSpace(value))
		}
	}
	t.Fatalf("INFO has no field %s", field)
	return ""
}

// resident returns the process's memory in bytes, or 0 where that is not told.
func (n *node) resident(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n.PID))
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// await waits until a condition holds.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// attacker is a client that misbehaves.
type attacker struct {
	*net.TCPConn
	t    *testing.T
	in   *bufio.Reader
	gone bool // the node has closed the connection, as it may
}

func (n *node) attack(t *testing.T) *attacker {
	t.Helper()
	c, err := net.Dial("tcp", n.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &attacker{TCPConn: c.(*net.TCPConn), t: t, in: bufio.NewReader(c)}
}

// send writes bytes. A node that has closed the connection ends the attack.
func (a *attacker) send(b []byte) {
	if a.gone {
		return
	}
	if _, err := a.Write(b); err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			a.t.Error("the node neither reads nor closes")
		}
		a.gone = true
	}
}

// drain reads and drops what the node sends until it closes, or until marker,
// if there is one.
func (a *attacker) drain(marker string) {
	a.t.Helper()
	for {
		line, err := a.in.ReadSlice('\n')
		switch {
		case err == nil && marker != "" && bytes.Contains(line, []byte(marker)):
			return
		case err == nil, err == bufio.ErrBufferFull:
			continue
		}
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			a.t.Error("the node neither answers nor closes")
		}
		a.gone = true
		return
	}
}

// reset closes the connection without a farewell.
func (a *attacker) reset() {
	a.SetLinger(0)
	a.Close()
	a.gone = true
}
