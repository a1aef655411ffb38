package drive

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// longOutput is the shape of what redis-benchmark 7.0 prints without --csv.
const longOutput = "SET: rps=0.0 (overall: 0.0) avg_msec=-nan (overall: -nan)\r          \r" +
	`====== SET ======
  1000 requests completed in 0.04 seconds
  50 parallel clients

Latency by percentile distribution:
0.000% <= 0.100 milliseconds (cumulative count 16)
50.000% <= 0.200 milliseconds (cumulative count 510)
99.219% <= 0.400 milliseconds (cumulative count 992)
99.902% <= 0.800 milliseconds (cumulative count 999)
100.000% <= 0.900 milliseconds (cumulative count 1000)
100.000% <= 0.900 milliseconds (cumulative count 1000)

Cumulative distribution of latencies:
99.900% <= 0.103 milliseconds (cumulative count 999)

Summary:
  throughput summary: 25000.00 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.210     0.096     0.199     0.300     0.390     0.903
`

func TestParseBenchmark(t *testing.T) {
	out, err := parseBenchmark(longOutput)
	if err != nil {
		t.Fatal(err)
	}
	want := Outcome{
		Elapsed: 40 * time.Millisecond,
		Latency: Latency{P50: 199 * time.Microsecond, P99: 390 * time.Microsecond, P999: 800 * time.Microsecond, Max: 903 * time.Microsecond},
	}
	if out != want {
		t.Fatalf("%+v", out)
	}
}

// TestParseBenchmarkNeedsEverything cuts the output after each line: only the
// whole of it is a result.
func TestParseBenchmarkNeedsEverything(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSpace(longOutput), "\n")
	for n := range lines {
		if out, err := parseBenchmark(strings.Join(lines[:n], "")); err == nil {
			t.Fatalf("%d lines of %d gave %+v", n, len(lines), out)
		}
	}
}

func TestParseBenchmarkOfNoTime(t *testing.T) {
	_, err := parseBenchmark(strings.Replace(longOutput, "25000.00 req", "inf req", 1))
	if err == nil || !strings.Contains(err.Error(), "give more --requests") {
		t.Fatalf("%v", err)
	}
}

// fakeBinary writes an executable shell script.
func fakeBinary(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "redis-benchmark")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBenchmarkArguments(t *testing.T) {
	job := jobFor(t, "127.0.0.1:7000", "SUNION", 16, 7, 1)
	job.Endpoints[0].Username, job.Endpoints[0].Password = "me", "secret"
	args, err := benchmarkSession{job: job}.args(320)
	want := []string{
		"-h", "127.0.0.1", "-p", "7000", "-c", "7", "-n", "320", "-P", "16", "-a", "secret", "--user", "me",
		"-r", "10", "SUNION", "set:__rand_int__", "set:__rand_int__",
	}
	if err != nil || !slices.Equal(args, want) {
		t.Fatalf("%q, %v", args, err)
	}
	args, err = benchmarkSession{job: jobFor(t, "[::1]:7000", "SADD", 1, 7, 1)}.args(5)
	want = []string{"-h", "::1", "-p", "7000", "-c", "7", "-n", "5", "-P", "1", "-r", "500", "-d", "20", "-t", "sadd"}
	if err != nil || !slices.Equal(args, want) {
		t.Fatalf("%q, %v", args, err)
	}
}

func TestBenchmarkFailuresAreTold(t *testing.T) {
	job := jobFor(t, "127.0.0.1:1", "SET", 1, 1, 1)
	s := open(t, RedisBenchmark{Path: fakeBinary(t, "echo Error from server: OOM >&2; exit 1")}, job)
	if _, err := s.Round(context.Background(), Limit{Requests: 10}); err == nil || !strings.Contains(err.Error(), "Error from server: OOM") {
		t.Fatalf("%v", err)
	}
	if _, err := s.Round(context.Background(), Limit{Duration: time.Second}); err == nil || !strings.Contains(err.Error(), "--requests") {
		t.Fatalf("%v", err)
	}
	_, err := RedisBenchmark{Path: "no-such-benchmark"}.Open(context.Background(), job)
	if err == nil || !strings.Contains(err.Error(), "install redis-tools") {
		t.Fatalf("%v", err)
	}
	_, err = RedisBenchmark{Path: "sh"}.Open(context.Background(), jobFor(t, "127.0.0.1:1", "EXEC", 1, 1, 1))
	if err == nil || !strings.Contains(err.Error(), "--driver builtin") {
		t.Fatalf("%v", err)
	}
}

// TestBenchmarkIsEndedWithItsServer: nothing listens at the job's address, and
// redis-benchmark would wait for ever.
func TestBenchmarkIsEndedWithItsServer(t *testing.T) {
	s := open(t, RedisBenchmark{Path: fakeBinary(t, "exec sleep 600")}, jobFor(t, "127.0.0.1:1", "SET", 1, 1, 1))
	_, err := s.Round(context.Background(), Limit{Requests: 10})
	if err == nil || !strings.Contains(err.Error(), "went away") {
		t.Fatalf("%v", err)
	}
}
