package robustness

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/target"
)

// program returns the path of one of Redis's own programs. Without it the test is
// skipped, or fails where Redis is required.
func program(t *testing.T, name string) string {
	t.Helper()
	bin, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("TROUPE_REQUIRE_REDIS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return bin
}

// tool runs one of Redis's own programs against the server at addr and returns
// what it printed.
func tool(t *testing.T, name, addr, stdin string, args ...string) string {
	t.Helper()
	bin := program(t, name)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, append([]string{"-h", host, "-p", port}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(4*limit, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out.String(), errs.String())
	}
	return out.String()
}

// TestRedisCLI: what redis-cli prints of a session is what it prints of
// redis-server.
func TestRedisCLI(t *testing.T) {
	oracle, addr := target.StartRedis(t).Addr, startNode(t).Addr
	const session = `SET greeting "hello\nworld"
GET greeting
INCR n
INCR n
LPUSH list a b c
LRANGE list 0 -1
HSET h f 1 g 2
HGETALL h
ZADD z 1.5 a 2 b
ZRANGE z 0 -1 WITHSCORES
SADD s one
SMEMBERS s
MSET a 1 b 2 c 3
MGET a none c
MULTI
INCR a
GET greeting
LPUSH greeting x
EXEC
EVAL "return {1,'two',{3.7,false},redis.status_reply('FINE')}" 0
TYPE z
OBJECT ENCODING n
LPUSH greeting x
NOSUCHCOMMAND x
GET
EXPIRE a 1000
SELECT 3
DBSIZE
SELECT 0
DBSIZE
MULTI
SELECT 4
SET here 4
EXEC
GET here
SELECT 0
GET here
`
	for _, args := range [][]string{{}, {"-3"}, {"-2"}, {"--csv"}, {"--json"}, {"--no-raw"}, {"-n", "5"}, {"-3", "--no-raw"}} {
		tool(t, "redis-cli", oracle, "", "FLUSHALL")
		tool(t, "redis-cli", addr, "", "FLUSHALL")
		want, got := tool(t, "redis-cli", oracle, session, args...), tool(t, "redis-cli", addr, session, args...)
		if got != want {
			t.Errorf("redis-cli %v:\n%s\nof redis-server:\n%s", args, got, want)
		}
	}
	for _, args := range [][]string{{"PING"}, {"-r", "3", "INCR", "again"}, {"-x", "SET", "from-stdin"}, {"GET", "from-stdin"}} {
		want, got := tool(t, "redis-cli", oracle, "some text", args...), tool(t, "redis-cli", addr, "some text", args...)
		if got != want {
			t.Errorf("redis-cli %v: %q, of redis-server: %q", args, got, want)
		}
	}
}

// TestRedisCLIModes: bulk loading and the scans that redis-cli brings.
func TestRedisCLIModes(t *testing.T) {
	addr := startNode(t).Addr
	const n = 5000
	var load strings.Builder
	for i := range n {
		load.Write(encode("SET", fmt.Sprintf("key:%05d", i), strings.Repeat("v", i%50)))
	}
	load.Write(encode("LPUSH", "key:00000", "an error"))
	load.Write(encode(slices.Concat([]string{"RPUSH", "long"}, strings.Fields(strings.Repeat("x ", 300)))...))
	load.Write(encode("SET", "huge", strings.Repeat("h", 70_000)))
	host, port, _ := net.SplitHostPort(addr)
	pipe := exec.Command(program(t, "redis-cli"), "-h", host, "-p", port, "--pipe")
	pipe.Stdin = strings.NewReader(load.String())
	out, err := pipe.CombinedOutput() // exits with 1, as there is an error reply
	if !strings.Contains(string(out), fmt.Sprintf("errors: 1, replies: %d", n+3)) {
		t.Errorf("--pipe: %v\n%s", err, out)
	}
	keys := strings.Fields(tool(t, "redis-cli", addr, "", "--scan", "--pattern", "key:*"))
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) != n {
		t.Errorf("--scan: %d keys of %d", len(keys), n)
	}
	for _, mode := range []struct{ flag, want string }{
		{"--bigkeys", `Biggest   list found '"long"' has 300 items`},
		{"--bigkeys", `Biggest string found '"huge"' has 70000 bytes`},
		{"--memkeys", `'"huge"'`},
	} {
		if out := tool(t, "redis-cli", addr, "", mode.flag); !strings.Contains(out, mode.want) {
			t.Errorf("%s does not find %s:\n%s", mode.flag, mode.want, out)
		}
	}
}

// TestRedisBenchmark: each of its usual tests runs and reports.
func TestRedisBenchmark(t *testing.T) {
	addr := startNode(t).Addr
	for _, args := range [][]string{
		{"--csv", "-n", "1000", "-c", "10"},
		{"--csv", "-n", "2000", "-c", "10", "-P", "16", "--threads", "2", "-r", "1000"},
	} {
		out := tool(t, "redis-benchmark", addr, "", args...)
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		var names []string
		for _, r := range rows[1:] {
			name, _, _ := strings.Cut(r[0], " ")
			names = append(names, name)
			if r[1] == "0.00" {
				t.Errorf("%v: %s ran nothing", args, r[0])
			}
		}
		for _, want := range []string{"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "LPUSH", "RPUSH", "LPOP", "RPOP", "SADD",
			"HSET", "SPOP", "ZADD", "ZPOPMIN", "LRANGE_100", "LRANGE_600", "MSET"} {
			if !slices.Contains(names, want) {
				t.Errorf("%v: %s is missing in %v", args, want, names)
			}
		}
		if strings.Contains(out, "rror") {
			t.Errorf("%v:\n%s", args, out)
		}
	}
}
