package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

const (
	// alivePoll is how often a running redis-benchmark's server is looked at:
	// redis-benchmark itself waits for ever when its server is gone.
	alivePoll = 2 * time.Second
	// benchmarkGrace is how long a cancelled redis-benchmark has to end.
	benchmarkGrace = 2 * time.Second
)

// RedisBenchmark runs the redis-benchmark binary at Path for each round.
type RedisBenchmark struct {
	Path string
}

// Name is "redis-benchmark".
func (RedisBenchmark) Name() string { return "redis-benchmark" }

// Supports tells whether redis-benchmark can do a job: it sends single commands
// to one address, and draws each number in them by itself.
func (RedisBenchmark) Supports(job Job) bool {
	return len(job.Workload.Request) == 1 && !job.Workload.Tagged && len(job.Endpoints) == 1 && job.Slots == nil
}

// Open finds the binary; redis-benchmark connects anew in every round.
func (d RedisBenchmark) Open(_ context.Context, job Job) (Session, error) {
	path, err := exec.LookPath(d.Path)
	if err != nil {
		return nil, fmt.Errorf("no %s for --driver redis-benchmark: install redis-tools (apt-get install redis-tools) or use --driver builtin (%w)", d.Path, err)
	}
	if !d.Supports(job) {
		return nil, fmt.Errorf("redis-benchmark cannot send %s to %s, which takes several commands, addresses, or a hash tag: use --driver builtin", job.Workload.Name, job.where())
	}
	return benchmarkSession{path: path, job: job}, nil
}

type benchmarkSession struct {
	path string
	job  Job
}

func (benchmarkSession) Close() {}

// Round runs redis-benchmark once. The limit must give requests; they are
// rounded up to whole pipelines, so that exactly as many are sent as counted.
func (s benchmarkSession) Round(ctx context.Context, limit Limit) (Outcome, error) {
	if limit.Requests <= 0 {
		return Outcome{}, errors.New("redis-benchmark counts requests: give --requests")
	}
	p := int64(s.job.Pipeline)
	requests := (limit.Requests + p - 1) / p * p
	args, err := s.args(requests)
	if err != nil {
		return Outcome{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(ctx, cancel, s.job.Endpoints[0])
	}()
	defer func() { cancel(nil); <-watched }()

	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, s.path, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, benchmarkGrace
	err = cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		return Outcome{}, cause
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("redis-benchmark for %s at %s: %w: %s", s.job.Workload.Name, s.job.Endpoints[0].Addr, err, bytes.TrimSpace(stderr.Bytes()))
	}
	out, err := parseBenchmark(stdout.String())
	if err != nil {
		return Outcome{}, fmt.Errorf("redis-benchmark for %s: %w", s.job.Workload.Name, err)
	}
	out.Requests = requests
	if s.job.Progress != nil {
		s.job.Progress.Add(requests)
	}
	return out, nil
}

// watch ends a round whose server no longer takes connections.
func watch(ctx context.Context, end context.CancelCauseFunc, e target.Endpoint) {
	tick := time.NewTicker(alivePoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c, err := e.Dial(ctx)
		if err == nil {
			c.Close()
			continue
		}
		end(fmt.Errorf("the server went away under redis-benchmark: %w", err))
		return
	}
}

// args is the command line. Where redis-benchmark has the very test it is named,
// else it gets the words of the command. No --csv: that output has no p99.9.
func (s benchmarkSession) args(requests int64) ([]string, error) {
	host, port, err := net.SplitHostPort(s.job.Endpoints[0].Addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", s.job.Endpoints[0].Addr, err)
	}
	w := s.job.Workload
	args := []string{
		"-h", host, "-p", port,
		"-c", strconv.Itoa(s.job.Clients),
		"-n", strconv.FormatInt(requests, 10),
		"-P", strconv.Itoa(s.job.Pipeline),
	}
	if s.job.Endpoints[0].Password != "" {
		args = append(args, "-a", s.job.Endpoints[0].Password)
	}
	if s.job.Endpoints[0].Username != "" {
		args = append(args, "--user", s.job.Endpoints[0].Username)
	}
	if w.Standard != "" {
		return append(args,
			"-r", strconv.FormatUint(s.job.Shape.Keys, 10),
			"-d", strconv.Itoa(s.job.Shape.ValueSize),
			"-t", w.Standard), nil
	}
	args = append(args, "-r", strconv.FormatUint(s.job.Shape.SpaceSize(w.Draws), 10))
	for _, word := range w.Request[0] {
		args = append(args, strings.ReplaceAll(word, workload.CollectionPlaceholder, workload.KeyPlaceholder))
	}
	return args, nil
}

var (
	percentileLine = regexp.MustCompile(`^[\d.]+% <= ([\d.]+) milliseconds \(cumulative count (\d+)\)$`)
	throughputLine = regexp.MustCompile(`^throughput summary: ([\d.]+|inf) requests per second$`)
	completedLine  = regexp.MustCompile(`^(\d+) requests completed in [\d.]+ seconds$`)
	// summaryLine holds avg, min, p50, p95, p99 and max in milliseconds.
	summaryLine = regexp.MustCompile(`^[\d.]+ +[\d.]+ +([\d.]+) +[\d.]+ +([\d.]+) +([\d.]+)$`)
)

// point is one line of redis-benchmark's percentile distribution: so many
// requests took no longer than this.
type point struct {
	count   int64
	latency time.Duration
}

// summary is what parseBenchmark has found so far.
type summary struct {
	completed      float64
	rate           float64
	latency        Latency // without P999, which only points tell
	points         []point
	inCumulative   bool // the second distribution repeats the first on a linear scale
	foundLatencies bool
}

// parseBenchmark reads redis-benchmark's long output. Its progress lines end in
// a carriage return only.
func parseBenchmark(text string) (Outcome, error) {
	var s summary
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		if err := s.line(strings.TrimSpace(line)); err != nil {
			return Outcome{}, err
		}
	}
	if s.rate <= 0 || s.completed <= 0 || len(s.points) == 0 || !s.foundLatencies {
		return Outcome{}, fmt.Errorf("its output lacks the summary: %.400q", text)
	}
	if math.IsInf(s.rate, 1) {
		return Outcome{}, errors.New("the round was shorter than the millisecond that it counts in: give more --requests")
	}
	s.latency.P999 = atShare(s.points, 0.999)
	return Outcome{
		Elapsed: time.Duration(s.completed / s.rate * float64(time.Second)),
		Latency: s.latency,
	}, nil
}

func (s *summary) line(line string) error {
	if strings.HasPrefix(line, "Cumulative distribution") {
		s.inCumulative = true
	}
	if m := completedLine.FindStringSubmatch(line); m != nil {
		return numbers(line, m[1:], &s.completed)
	}
	if m := throughputLine.FindStringSubmatch(line); m != nil {
		return numbers(line, m[1:], &s.rate)
	}
	if m := summaryLine.FindStringSubmatch(line); m != nil {
		var p50, p99, highest float64
		err := numbers(line, m[1:], &p50, &p99, &highest)
		s.latency = Latency{P50: millis(p50), P99: millis(p99), Max: millis(highest)}
		s.foundLatencies = err == nil
		return err
	}
	if m := percentileLine.FindStringSubmatch(line); m != nil && !s.inCumulative {
		var took, count float64
		err := numbers(line, m[1:], &took, &count)
		s.points = append(s.points, point{count: int64(count), latency: millis(took)})
		return err
	}
	return nil
}

func numbers(line string, texts []string, into ...*float64) error {
	for i, text := range texts {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("its line %q: %w", line, err)
		}
		*into[i] = n
	}
	return nil
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// atShare returns the first latency that covers a share of the requests. The
// lines stand at fixed percentiles, so this is an upper bound within one line.
func atShare(points []point, share float64) time.Duration {
	total := points[len(points)-1].count
	for _, p := range points {
		if float64(p.count) >= share*float64(total) {
			return p.latency
		}
	}
	return points[len(points)-1].latency
}
