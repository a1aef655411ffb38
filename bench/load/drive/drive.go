package drive

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// Job is what a session sends and where.
type Job struct {
	Endpoints []target.Endpoint // clients are spread evenly over them
	// Slots makes the clients slot-aware: each is connected to one owner and asks
	// it for its own keys only. nil leaves them plain.
	Slots    *target.SlotMap
	Workload workload.Workload
	Shape    workload.Shape
	Skew     float64
	Pipeline int // requests a connection sends before it reads
	Clients  int // connections
	Threads  int // event loops of the built-in driver
	// Progress counts the replied requests while a round runs.
	Progress *atomic.Int64
}

// where names the job's addresses for errors.
func (j *Job) where() string {
	all := make([]string, len(j.Endpoints))
	for i, e := range j.Endpoints {
		all[i] = e.Addr
	}
	return strings.Join(all, ",")
}

// Limit ends a round after Requests, or after Duration when Requests is 0.
// Rounds end at whole pipelines, so they may run up to one pipeline over.
type Limit struct {
	Requests int64
	Duration time.Duration
}

// Outcome is what a round did.
type Outcome struct {
	Requests int64
	Elapsed  time.Duration
	Latency  Latency
	Nulls    int64 // null replies, nested ones included; not known to RedisBenchmark
}

// Latency are percentiles over the requests of a round. With a pipeline, a
// request's latency runs from the writing of its pipeline to its reply.
type Latency struct {
	P50, P99, P999, Max time.Duration
}

// Driver opens sessions.
type Driver interface {
	// Name is what --driver and the report call it.
	Name() string
	// Open connects. The session must be closed.
	Open(ctx context.Context, job Job) (Session, error)
}

// Session runs rounds of one job, one at a time.
type Session interface {
	Round(ctx context.Context, limit Limit) (Outcome, error)
	Close()
}

const (
	// highestLatency is where the histogram is cut off; a server that takes
	// longer is stalled and fails the round long before.
	highestLatency = 2 * time.Minute
	// significantDigits gives percentiles to 0.1 %.
	significantDigits = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(highestLatency), significantDigits)
}

func latencies(h *hdrhistogram.Histogram) Latency {
	at := func(percent float64) time.Duration { return time.Duration(h.ValueAtPercentile(percent)) }
	return Latency{P50: at(50), P99: at(99), P999: at(99.9), Max: time.Duration(h.Max())}
}

// quota hands out the requests of a round to the connections.
type quota struct {
	left     atomic.Int64
	deadline time.Time // zero when the round is limited by requests
}

func newQuota(l Limit, now time.Time) *quota {
	q := &quota{}
	if l.Requests > 0 {
		q.left.Store(l.Requests)
	} else {
		q.deadline = now.Add(l.Duration)
	}
	return q
}

// take asks for n more requests. It gives all or none.
func (q *quota) take(n int, now time.Time) bool {
	if q.deadline.IsZero() {
		return q.left.Add(-int64(n)) > -int64(n)
	}
	return now.Before(q.deadline)
}

// stallTimeout is far above any pause a live server makes under load.
const stallTimeout = 30 * time.Second

// errQuiet says that nothing came for stallTimeout.
var errQuiet = fmt.Errorf("not a byte for %v with requests outstanding: look at the server, or lower --clients or --pipelines", stallTimeout)
