package target

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/load/resptest"
)

func requireRedis(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	if os.Getenv("TROUPE_REQUIRE_REDIS") == "1" {
		t.Fatal("TROUPE_REQUIRE_REDIS=1 and there is no redis-server")
	}
	t.Skip("there is no redis-server to test against")
}

// infoServer answers INFO with the given text.
func infoServer(t *testing.T, info string) *resptest.Server {
	return resptest.Start(t, 0, func(words []string) string {
		switch words[0] {
		case "PING":
			return "+PONG\r\n"
		case "INFO":
			return "$" + strconv.Itoa(len(info)) + "\r\n" + info + "\r\n"
		case "DBSIZE":
			return ":42\r\n"
		}
		return "-ERR no\r\n"
	})
}

func attach(t *testing.T, addr string, pid int) *Server {
	t.Helper()
	s, err := Attach(context.Background(), "target", Endpoint{Addr: addr}, pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestPeerIsMeasuredAndEnds(t *testing.T) {
	requireRedis(t)
	p, err := StartPeer(context.Background(), "peer", "redis-server", 50)
	if err != nil {
		t.Fatal(err)
	}
	addr, dir := p.Addr(), p.programs[0].dir
	found := attach(t, addr, 0)
	if found.PID != p.programs[0].cmd.Process.Pid || found.Source != SourceKernel {
		t.Errorf("found pid %d by %s, want %d", found.PID, found.Source, p.programs[0].cmd.Process.Pid)
	}
	before, err := p.Meter()
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := p.Servers[0].info(); err != nil {
			t.Fatal(err)
		}
	}
	after, err := p.Meter()
	if used := p.CPU(before, after); err != nil || used <= 0 {
		t.Errorf("200 INFOs took %v of CPU, %v", used, err)
	}
	if m, err := p.Memory(); err != nil || m.RSS < 1<<20 || m.Peak < m.RSS {
		t.Errorf("%+v %v", m, err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("the peer still answers")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the peer's directory is left: %v", err)
	}
}

func TestPeerThatEndsAtOnceShowsItsOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis-server")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho bad luck\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := StartPeer(context.Background(), "peer", path, 1); err == nil || !strings.Contains(err.Error(), "bad luck") {
		t.Fatalf("%v", err)
	}
	_, err := StartPeer(context.Background(), "peer", "no-such-redis-server", 1)
	if err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Fatalf("%v", err)
	}
}

// TestPIDOfAnotherProcessIsNotBelieved: INFO names a process that lives but
// does not hold the port, as a server in a container would.
func TestPIDOfAnotherProcessIsNotBelieved(t *testing.T) {
	server := infoServer(t, "# Server\r\nredis_version:9\r\nprocess_id:1\r\nused_cpu_sys:1.5\r\nused_cpu_user:2.25\r\nused_memory_rss:4096\r\n")
	s := attach(t, server.Addr, 0)
	if s.PID != 0 || s.Source != SourceInfo || s.Version != "9" {
		t.Fatalf("%+v", s)
	}
	m, err := s.Meter()
	if err != nil || s.CPU(Meter{}, m) != 3750*time.Millisecond {
		t.Fatalf("%+v %v", m, err)
	}
	if mem, err := s.Memory(); err != nil || mem.RSS != 4096 {
		t.Fatalf("%+v %v", mem, err)
	}
	if n, err := s.Keys(); err != nil || n != 42 {
		t.Fatalf("%d %v", n, err)
	}
	if err := s.Flush(); err == nil || !strings.Contains(err.Error(), "ERR no") {
		t.Fatalf("%v", err)
	}
}

func TestOwnProcessIsFound(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system keeps no /proc")
	}
	server := infoServer(t, "process_id:"+strconv.Itoa(os.Getpid())+"\r\n")
	if s := attach(t, server.Addr, 0); s.PID != os.Getpid() || s.Source != SourceKernel {
		t.Fatalf("pid %d by %s", s.PID, s.Source)
	}
}

func TestServerThatTellsNothing(t *testing.T) {
	s := attach(t, infoServer(t, "").Addr, 0)
	m, err := s.Meter()
	if s.Source != SourceNone || err != nil || s.CPU(m, m) != 0 {
		t.Fatalf("%+v %v", s, err)
	}
	if mem, err := s.Memory(); err != nil || mem != (Memory{}) {
		t.Fatalf("%+v %v", mem, err)
	}
}

func TestAttachErrors(t *testing.T) {
	http := resptest.Start(t, 0, func([]string) string { return "HTTP/1.1 400 Bad Request\r\n" })
	locked := resptest.Start(t, 0, func([]string) string { return "-WRONGPASS invalid\r\n" })
	empty := resptest.Start(t, 0, func([]string) string { return "\r\n" })
	for name, c := range map[string]struct {
		endpoint Endpoint
		pid      int
		want     string
	}{
		"nobody":   {Endpoint{Addr: "127.0.0.1:1"}, 0, "nothing answers at 127.0.0.1:1"},
		"http":     {Endpoint{Addr: http.Addr}, 0, "is this a Redis server?"},
		"empty":    {Endpoint{Addr: empty.Addr}, 0, "no RESP reply"},
		"password": {Endpoint{Addr: locked.Addr, Username: "a", Password: "b"}, 0, "check the user name and password"},
		"pid":      {Endpoint{Addr: infoServer(t, "").Addr}, 1 << 30, "--target-pid"},
	} {
		_, err := Attach(context.Background(), "target", c.endpoint, c.pid)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := locked.Commands("AUTH"); len(got) != 1 || strings.Join(got[0], " ") != "AUTH a b" {
		t.Errorf("%q", got)
	}
}

func TestCPUBetweenSamples(t *testing.T) {
	at := func(stat time.Duration, threads map[string]time.Duration) cpuSample {
		return cpuSample{stat: stat, threads: threads}
	}
	type m = map[string]time.Duration
	for name, c := range map[string]struct {
		before, after cpuSample
		want          time.Duration
	}{
		"same threads":  {at(0, m{"1": 5, "2": 7}), at(100, m{"1": 8, "2": 11}), 7},
		"a new thread":  {at(0, m{"1": 5}), at(100, m{"1": 6, "3": 10}), 11},
		"a dead thread": {at(40, m{"1": 5, "2": 7}), at(100, m{"1": 8}), 60},
		"no threads":    {at(40, nil), at(100, nil), 60},
	} {
		if got := c.after.since(c.before); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestParseStat(t *testing.T) {
	const line = "4081 (a b) c) S 4078 4078 2281 0 -1 4194560 1038 0 0 0 71 61 0 0 20 0 5 0 82296\n"
	if d, err := parseStat([]byte(line)); err != nil || d != 1320*time.Millisecond {
		t.Fatalf("%v %v", d, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", strings.Replace(line, "71", "x", 1)} {
		if d, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q gave %v", bad, d)
		}
	}
}

func TestListeners(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:18EB 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:18EC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1
`
	if got := listeners(table, 6379); len(got) != 1 || got[0] != "111" {
		t.Fatalf("%q", got)
	}
}

func TestStatusKiB(t *testing.T) {
	const status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n"
	if a, b, c := statusKiB([]byte(status), "VmRSS:"), statusKiB([]byte(status), "VmHWM:"), statusKiB(nil, "VmRSS:"); a != 1024 || b != 2048 || c != 0 {
		t.Fatal(a, b, c)
	}
}
