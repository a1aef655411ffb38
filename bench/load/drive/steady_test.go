package drive

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/load/resptest"
)

// steadyFor is a short load on a job.
func steadyFor(d time.Duration, rate int, jobs ...Job) *Steady {
	for i := range jobs {
		jobs[i].Clients, jobs[i].Pipeline = 6, 1
	}
	return &Steady{Jobs: jobs, Rate: rate, Duration: d}
}

func runSteady(t *testing.T, s *Steady) (Second, []Second, string) {
	t.Helper()
	var seconds []Second
	total, texts, err := s.Run(context.Background(), func(s Second) { seconds = append(seconds, s) })
	if err != nil {
		t.Fatal(err)
	}
	var sum Second
	for _, s := range seconds {
		sum.Requests += s.Requests
		sum.Errors += s.Errors
		sum.Misses += s.Misses
	}
	if sum.Requests != total.Requests || sum.Errors != total.Errors || sum.Misses != total.Misses {
		t.Fatalf("the seconds %+v are not the total %+v", sum, total)
	}
	return total, seconds, strings.Join(texts, "\n")
}

// TestSteadySendsWhatIsDue: each request is sent, or told to be unsent.
func TestSteadySendsWhatIsDue(t *testing.T) {
	server := resptest.Start(t, 0, ok)
	set, incr := jobFor(t, server.Addr, "SET", 1, 6, 1), jobFor(t, server.Addr, "INCR", 1, 6, 1)
	total, seconds, texts := runSteady(t, steadyFor(1200*time.Millisecond, 500, set, incr))
	if total.Requests+total.Unsent != 600 || total.Errors != 0 || texts != "" {
		t.Fatalf("%+v of 600, %s", total, texts)
	}
	if len(seconds) < 1 || total.Latency.P50 <= 0 || total.Latency.Max < total.Latency.P99 {
		t.Fatalf("%+v in %d seconds", total, len(seconds))
	}
	if a, b := len(server.Commands("SET")), len(server.Commands("INCR")); a == 0 || b == 0 || int64(a+b) != total.Requests {
		t.Fatalf("%d SET and %d INCR of %d", a, b, total.Requests)
	}
}

func TestSteadyWithoutARateIsAnsweredAndGoesOn(t *testing.T) {
	f := startCluster(t, okEverywhere)
	total, _, _ := runSteady(t, steadyFor(100*time.Millisecond, 0, f.job(t, "SET", false)))
	for i, server := range f.servers {
		if n := len(server.Commands("SET")); n < 2 {
			t.Errorf("%d requests at node %d of %+v", n, i, total)
		}
	}
}

// TestSteadyChargesWhatAStallKeptWaiting: the server stops answering for a while,
// and the requests that were due meanwhile count with their waiting.
func TestSteadyChargesWhatAStallKeptWaiting(t *testing.T) {
	var once sync.Once
	server := resptest.Start(t, 0, func([]string) string {
		once.Do(func() { time.Sleep(400 * time.Millisecond) })
		return "+OK\r\n"
	})
	s := steadyFor(500*time.Millisecond, 100, jobFor(t, server.Addr, "SET", 1, 1, 1))
	s.Jobs[0].Clients = 1
	total, _, _ := runSteady(t, s)
	// One was due every 10 ms: of 50 in all, 30 had waited for over 100 ms when
	// they were sent, though all but the first were answered at once then.
	if total.Latency.P50 < 100*time.Millisecond || total.Latency.Max < 400*time.Millisecond || total.Requests < 2 {
		t.Fatalf("%+v", total)
	}
}

func TestSteadyCountsErrorsAndMissesAndGoesOn(t *testing.T) {
	var n atomic.Int64
	server := resptest.Start(t, 0, func(words []string) string {
		switch n.Add(1) % 3 {
		case 0:
			return "-CLUSTERDOWN gone\r\n"
		case 1:
			return "$-1\r\n"
		}
		return "$1\r\nx\r\n"
	})
	total, _, texts := runSteady(t, steadyFor(300*time.Millisecond, 300, jobFor(t, server.Addr, "GET", 1, 1, 1)))
	third := total.Requests / 3
	if total.Requests < 6 || total.Errors < third || total.Errors > third+1 || total.Misses < third || total.Misses > third+1 {
		t.Fatalf("%+v", total)
	}
	if !strings.Contains(texts, "CLUSTERDOWN gone") || strings.Contains(texts, "\n") {
		t.Fatalf("one error, again and again:\n%s", texts)
	}
}

// TestSteadyMovesOnFromALostServer: what was under way there is lost and counted,
// and its clients go on at the other addresses.
func TestSteadyMovesOnFromALostServer(t *testing.T) {
	f := startCluster(t, func(node int, _ []string) string {
		if node == 0 {
			return resptest.HangUp
		}
		return "+OK\r\n"
	})
	total, _, texts := runSteady(t, steadyFor(300*time.Millisecond, 200, f.job(t, "SET", false)))
	if total.Errors == 0 || total.Requests == 0 || !strings.Contains(texts, "1 requests lost at "+f.servers[0].Addr) {
		t.Fatalf("%+v %s", total, texts)
	}
}

// TestSteadyFollowsMovedSlots: the first node's slots go to the second, and it
// says so to who asks it still.
func TestSteadyFollowsMovedSlots(t *testing.T) {
	var f *fakeCluster
	f = startCluster(t, func(node int, words []string) string {
		if f.owner(words[1]) != node {
			return "-MOVED 0 elsewhere\r\n"
		}
		if len(f.servers[0].Commands("SET")) > 20 {
			f.bounds[0].Store(0)
		}
		return "+OK\r\n"
	})
	s := steadyFor(1500*time.Millisecond, 400, f.job(t, "SET", true))
	total, _, texts := runSteady(t, s)
	if total.Errors == 0 || total.Errors > total.Requests/4 || !strings.Contains(texts, "MOVED") {
		t.Fatalf("%+v %s", total, texts)
	}
	if n := len(f.servers[0].Commands("SET")); n > 60 {
		t.Errorf("%d requests at the node that has no slots any more", n)
	}
}

func TestSteadyThatCannotBeginIsAnError(t *testing.T) {
	s := steadyFor(time.Second, 0, jobFor(t, "127.0.0.1:1", "SET", 1, 1, 1))
	_, _, err := s.Run(context.Background(), func(Second) {})
	if err == nil || !strings.Contains(err.Error(), "connection 1 of 6: nothing answers at 127.0.0.1:1") {
		t.Fatalf("%v", err)
	}
}

func TestSteadyEndsWhenCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	server := resptest.Start(t, 0, func([]string) string { cancel(); return "" })
	s := steadyFor(time.Hour, 10, jobFor(t, server.Addr, "SET", 1, 1, 1))
	total, _, err := s.Run(ctx, func(Second) {})
	if err == nil || total.Errors != 0 || total.Unsent != 0 {
		t.Fatalf("%+v %v", total, err)
	}
}
