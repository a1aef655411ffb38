package drive

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/load/resptest"
	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

var shape = workload.Shape{Keys: 500, Collections: 10, ValueSize: 20, Seed: 1}

// everyLoop runs a test with the portable loop and with the platform's own.
func everyLoop(t *testing.T, test func(t *testing.T, d Builtin)) {
	t.Run("platform", func(t *testing.T) { test(t, Builtin{}) })
	t.Run("goroutines", func(t *testing.T) { test(t, Builtin{loops: newGoroutineLoop}) })
}

func jobFor(t *testing.T, addr, name string, pipeline, clients, threads int) Job {
	t.Helper()
	w, err := workload.ByName(name, shape)
	if err != nil {
		t.Fatal(err)
	}
	return Job{
		Endpoints: []target.Endpoint{{Addr: addr}}, Workload: w, Shape: shape,
		Pipeline: pipeline, Clients: clients, Threads: threads, Progress: new(atomic.Int64),
	}
}

func open(t *testing.T, d Driver, job Job) Session {
	t.Helper()
	s, err := d.Open(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func ok([]string) string { return "+OK\r\n" }

func TestRoundSendsWhatItCounts(t *testing.T) {
	everyLoop(t, func(t *testing.T, d Builtin) {
		for _, chunk := range []int{0, 1} {
			server := resptest.Start(t, chunk, ok)
			job := jobFor(t, server.Addr, "SET", 4, 5, 2)
			s := open(t, d, job)
			total := int64(0)
			for range 3 {
				out, err := s.Round(context.Background(), Limit{Requests: 202})
				if err != nil {
					t.Fatal(err)
				}
				if out.Requests != 204 {
					t.Fatalf("%d requests, want 202 rounded up to whole pipelines", out.Requests)
				}
				if l := out.Latency; l.P50 <= 0 || l.P99 < l.P50 || l.P999 < l.P99 || l.Max < l.P999 {
					t.Fatalf("latencies %+v", l)
				}
				total += out.Requests
			}
			if got := int64(len(server.Commands("SET"))); got != total || job.Progress.Load() != total {
				t.Fatalf("server saw %d, progress %d, outcomes %d", got, job.Progress.Load(), total)
			}
		}
	})
}

func TestKeysDiffer(t *testing.T) {
	server := resptest.Start(t, 0, ok)
	s := open(t, Builtin{}, jobFor(t, server.Addr, "SET", 8, 2, 1))
	if _, err := s.Round(context.Background(), Limit{Requests: 400}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, words := range server.Commands("SET") {
		if len(words[1]) != 16 || words[1] >= "key:000000000500" || words[2] != shape.Value() {
			t.Fatalf("%q", words)
		}
		seen[words[1]] = true
	}
	if len(seen) < 200 {
		t.Fatalf("only %d different keys in 400 draws of 500", len(seen))
	}
}

func TestTimedRoundEnds(t *testing.T) {
	everyLoop(t, func(t *testing.T, d Builtin) {
		server := resptest.Start(t, 0, ok)
		s := open(t, d, jobFor(t, server.Addr, "SET", 2, 2, 1))
		out, err := s.Round(context.Background(), Limit{Duration: 10 * time.Millisecond})
		if err != nil || out.Requests == 0 || out.Elapsed < 10*time.Millisecond {
			t.Fatalf("%+v, %v", out, err)
		}
	})
}

func TestTransactionIsOneRequest(t *testing.T) {
	everyLoop(t, func(t *testing.T, d Builtin) {
		server := resptest.Start(t, 3, func(words []string) string {
			switch words[0] {
			case "MULTI":
				return "+OK\r\n"
			case "EXEC":
				return "*4\r\n+OK\r\n:1\r\n$-1\r\n+OK\r\n"
			}
			return "+QUEUED\r\n"
		})
		s := open(t, d, jobFor(t, server.Addr, "EXEC", 3, 2, 1))
		out, err := s.Round(context.Background(), Limit{Requests: 30})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(server.Commands("EXEC")); out.Requests != 30 || n != 30 || out.Nulls != 30 {
			t.Fatalf("%+v, %d EXECs", out, n)
		}
	})
}

func TestBadServersFailTheRound(t *testing.T) {
	for name, c := range map[string]struct {
		answer func([]string) string
		want   string
	}{
		"error":        {func([]string) string { return "-OOM no room\r\n" }, "OOM no room"},
		"nested error": {func([]string) string { return "*2\r\n+OK\r\n-WRONGTYPE x\r\n" }, "WRONGTYPE"},
		"hang up":      {func([]string) string { return resptest.HangUp }, "the server"},
		"no RESP":      {func([]string) string { return "HTTP/1.1 400\r\n" }, "not a RESP2 reply"},
		"too many":     {func([]string) string { return "+OK\r\n+OK\r\n" }, "were owed"},
	} {
		t.Run(name, func(t *testing.T) {
			everyLoop(t, func(t *testing.T, d Builtin) {
				server := resptest.Start(t, 0, c.answer)
				s := open(t, d, jobFor(t, server.Addr, "SET", 1, 3, 2))
				_, err := s.Round(context.Background(), Limit{Requests: 100})
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("%v", err)
				}
			})
		})
	}
}

func TestCancelEndsARoundThatWaits(t *testing.T) {
	everyLoop(t, func(t *testing.T, d Builtin) {
		ctx, cancel := context.WithCancel(context.Background())
		server := resptest.Start(t, 0, func([]string) string { cancel(); return "" })
		s := open(t, d, jobFor(t, server.Addr, "SET", 1, 2, 1))
		if _, err := s.Round(ctx, Limit{Requests: 100}); !errors.Is(err, context.Canceled) {
			t.Fatalf("%v", err)
		}
	})
}

// TestPipelineBeyondTheSocketBuffers sends more at once than the kernel holds,
// to a server that answers before it has read everything.
func TestPipelineBeyondTheSocketBuffers(t *testing.T) {
	everyLoop(t, func(t *testing.T, d Builtin) {
		server := resptest.Start(t, 0, ok)
		job := jobFor(t, server.Addr, "SET", 200, 1, 1)
		job.Shape.ValueSize = 100_000
		var err error
		if job.Workload, err = workload.ByName("SET", job.Shape); err != nil {
			t.Fatal(err)
		}
		s := open(t, d, job)
		out, err := s.Round(context.Background(), Limit{Requests: 400})
		if err != nil || out.Requests != 400 {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, words := range server.Commands("SET") {
			if len(words[1]) != 16 || words[2] != job.Shape.Value() {
				t.Fatal("a request arrived damaged")
			}
		}
	})
}

func TestPrefillWritesEveryKey(t *testing.T) {
	everyLoop(t, func(t *testing.T, d Builtin) {
		server := resptest.Start(t, 0, ok)
		job := jobFor(t, server.Addr, "GET", 1, 3, 2)
		if _, err := d.Prefill(context.Background(), job, *job.Workload.Prefill); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, words := range server.Commands("SET") {
			seen[words[1]] = true
		}
		if len(seen) != int(shape.Keys) {
			t.Fatalf("%d keys, want %d", len(seen), shape.Keys)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = Builtin{}.Open(context.Background(), jobFor(t, l.Addr().String(), "SET", 1, 2, 1))
	if err == nil || !strings.Contains(err.Error(), "nothing answers at") {
		t.Fatalf("%v", err)
	}
}

func TestQuotaGivesNoMoreThanAsked(t *testing.T) {
	q := newQuota(Limit{Requests: 10}, time.Now())
	given := 0
	for q.take(4, time.Now()) {
		given += 4
	}
	if given != 12 || q.take(4, time.Now()) {
		t.Fatalf("gave %d of 10 in fours", given)
	}
	now := time.Now()
	q = newQuota(Limit{Duration: time.Second}, now)
	if !q.take(1, now) || q.take(1, now.Add(time.Second)) {
		t.Fatal("the deadline is not kept")
	}
}

func TestShareSplitsAll(t *testing.T) {
	for n := 1; n < 20; n++ {
		for parts := 1; parts <= n; parts++ {
			sum := 0
			for i := range parts {
				got := share(n, parts, i)
				if got < n/parts || got > n/parts+1 {
					t.Fatalf("share(%d,%d,%d) = %d", n, parts, i, got)
				}
				sum += got
			}
			if sum != n {
				t.Fatalf("%d in %d parts add up to %d", n, parts, sum)
			}
		}
	}
}
