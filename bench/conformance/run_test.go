package conformance

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeServer answers each command by its name with the given bytes, and what it does not know with +OK. It understands
// just the encoding that wire.Conn sends.
func fakeServer(t *testing.T, replies map[string]string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveFake(c, replies)
		}
	}()
	return l.Addr().String()
}

func serveFake(c net.Conn, replies map[string]string) {
	defer c.Close()
	in := bufio.NewScanner(c)
	var args []string
	left := 0
	for in.Scan() {
		line := in.Text()
		switch {
		case left == 0 && line[0] == '*':
			left = int(line[1] - '0')
			args = nil
		case line[0] == '$' && in.Scan():
			args = append(args, in.Text())
			left--
		}
		if left > 0 {
			continue
		}
		reply, ok := replies[args[0]]
		switch {
		case args[0] == "PING" && !ok:
			reply = "+" + args[len(args)-1] + "\r\n"
		case args[0] == "INFO":
			reply = "$19\r\nconnected_clients:1\r\n"
		case !ok:
			reply = "+OK\r\n"
		}
		if _, err := c.Write([]byte(reply)); err != nil {
			return
		}
	}
}

func oneCase(t *testing.T, src string) *Case {
	t.Helper()
	f, err := parseFile("g/x.case", "=== c\nresp 2\n"+src)
	if err != nil {
		t.Fatal(err)
	}
	return f.Cases[0]
}

func TestDifferencesAreFound(t *testing.T) {
	good := map[string]string{"GET": "$1\r\nv\r\n", "SMEMBERS": "*2\r\n$1\r\na\r\n$1\r\nb\r\n"}
	c := oneCase(t, "GET k\nunordered SMEMBERS s")
	want := &transcript{answers: map[int][]string{2: {`"v"`, `*2 ["a" "b"]`}}}
	for name, x := range map[string]struct {
		command, reply string
		differs        int
	}{
		"equal":             {"GET", good["GET"], 0},
		"another order":     {"SMEMBERS", "*2\r\n$1\r\nb\r\n$1\r\na\r\n", 0},
		"another value":     {"GET", "$1\r\nw\r\n", 1},
		"another type":      {"GET", "+v\r\n", 1},
		"a nil":             {"GET", "$-1\r\n", 1},
		"a set":             {"SMEMBERS", "~2\r\n$1\r\na\r\n$1\r\nb\r\n", 1},
		"a missing element": {"SMEMBERS", "*1\r\n$1\r\na\r\n", 1},
		"an unread reply":   {"SMEMBERS", good["SMEMBERS"] + "+OK\r\n", 1},
		"rubbish":           {"GET", "?\r\n", 1},
	} {
		replies := map[string]string{}
		for k, v := range good {
			replies[k] = v
		}
		replies[x.command] = x.reply
		found, err := differences(fakeServer(t, replies), 2, c, want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(found) != x.differs {
			t.Errorf("%s: %d differences: %+v", name, len(found), found)
		}
	}
}

func TestScanAllUnitesCalls(t *testing.T) {
	addr := fakeServer(t, map[string]string{"SSCAN": "*2\r\n$1\r\n0\r\n*3\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nb\r\n"})
	got, err := runCase(addr, 2, oneCase(t, "scanall SSCAN s 0"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "scanned 2\n  \"a\"\n  \"b\""; got[0] != want {
		t.Errorf("got %s, want %s", got[0], want)
	}
}

func TestGoldenRoundTrip(t *testing.T) {
	dir := t.TempDir()
	f, err := parseFile(filepath.Join(dir, "x.case"), "=== one\nGET k\nsend PING\nHGETALL h\n=== two\nresp 3\nGET k\n")
	if err != nil {
		t.Fatal(err)
	}
	one := &transcript{
		steps:   []string{"GET k", "send PING", "HGETALL h"},
		answers: map[int][]string{2: {`"a\nb"`, "", "*2\n  \"f\"\n  \"> v\""}, 3: {`"a\nb"`, "", "%1\n  \"f\"\n  \"> v\""}},
	}
	two := &transcript{steps: []string{"GET k"}, answers: map[int][]string{3: {"_"}}}
	if err := writeGolden(f, map[string]*transcript{"one": one, "two": two}); err != nil {
		t.Fatal(err)
	}
	got, err := readGolden(f)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range one.answers {
		if strings.Join(got["one"].answers[p], "|") != strings.Join(want, "|") {
			t.Errorf("RESP%d: got %q, want %q", p, got["one"].answers[p], want)
		}
	}
	if got["two"].answers[3][0] != "_" {
		t.Errorf("case two: %v", got["two"].answers)
	}
	if why := got["one"].stale(f.Cases[0]); why != "" {
		t.Errorf("a fresh golden is stale: %s", why)
	}
	if got["two"].stale(f.Cases[0]) == "" || got["none"].stale(f.Cases[0]) == "" {
		t.Error("a golden of another case is not stale")
	}
	f.Cases[0].Steps[0].Source = "GET other"
	if got["one"].stale(f.Cases[0]) == "" {
		t.Error("a changed step is not stale")
	}
}

func TestRecordRefusesWhatIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	addr := fakeServer(t, map[string]string{"GET": "+a\r\n+b\r\n"})
	f, err := parseFile(filepath.Join(dir, "x.case"), "=== one\nresp 2\nGET k\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := Record(addr, []*File{f}); err == nil || !strings.Contains(err.Error(), "unread reply") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(goldenPath(f)); err == nil {
		t.Error("a golden was written")
	}
}
