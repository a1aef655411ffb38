package drive

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// readBuffer is one loop's buffer for replies. It holds the answers to a
// pipeline of 64 MGETs of ten 64-byte values in one read.
const readBuffer = 64 << 10

// Builtin is the driver of this package. The zero value is ready.
type Builtin struct {
	loops func([]net.Conn, []*pipe) (loop, error) // nil takes the platform's best
}

// Name is "builtin".
func (Builtin) Name() string { return "builtin" }

// loop owns some connections and drives them through a round.
type loop interface {
	// run returns once the quota is spent and every reply is in, or with the
	// first error. It adds to done and records latencies in h.
	run(q *quota, stop *atomic.Bool, done *atomic.Int64, h *hdrhistogram.Histogram) error
	close()
}

// Open connects job.Clients connections and spreads them over job.Threads loops.
func (d Builtin) Open(ctx context.Context, job Job) (Session, error) {
	template := workload.Compile(job.Workload.Request, job.Pipeline)
	routes, err := newRoutes(&job, job.Workload.Key)
	if err != nil {
		return nil, err
	}
	return d.open(ctx, job, template, routes, func(loop int) *workload.Sources {
		return job.Shape.Sources(job.Skew, uint64(loop)+1)
	})
}

func (d Builtin) open(ctx context.Context, job Job, t *workload.Template, r *routes, sources func(int) *workload.Sources) (*session, error) {
	newLoop := d.loops
	if newLoop == nil {
		newLoop = platformLoop
	}
	s := &session{job: job}
	threads := min(job.Threads, job.Clients)
	for l := range threads {
		from := r.sources(sources(l))
		var conns []net.Conn
		var pipes []*pipe
		for range share(job.Clients, threads, l) {
			client := len(s.pipes) + len(conns)
			c, err := r.endpoint(client).Dial(ctx)
			if err != nil {
				closeAll(conns)
				s.Close()
				return nil, fmt.Errorf("connection %d of %d: %w", client+1, job.Clients, err)
			}
			conns = append(conns, c)
			pipes = append(pipes, newPipe(t, from[r.route(client)]))
		}
		made, err := newLoop(conns, pipes)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.loops = append(s.loops, made)
		s.pipes = append(s.pipes, pipes...)
	}
	return s, nil
}

// share is the part of n things that the i-th of parts gets.
func share(n, parts, i int) int {
	return (n + parts - 1 - i) / parts
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

type session struct {
	job   Job
	loops []loop
	pipes []*pipe
}

// Close ends all connections.
func (s *session) Close() {
	for _, l := range s.loops {
		l.close()
	}
}

// Round runs all loops until the limit.
func (s *session) Round(ctx context.Context, limit Limit) (Outcome, error) {
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()

	progress := s.job.Progress
	if progress == nil {
		progress = new(atomic.Int64)
	}
	before := progress.Load()
	hists := make([]*hdrhistogram.Histogram, len(s.loops))
	errs := make([]error, len(s.loops))
	begin := time.Now()
	q := newQuota(limit, begin)
	var running sync.WaitGroup
	for i, l := range s.loops {
		hists[i] = newHistogram()
		running.Go(func() {
			if errs[i] = l.run(q, &stop, progress, hists[i]); errs[i] != nil {
				stop.Store(true) // one broken loop ends the round for all
			}
		})
	}
	running.Wait()
	elapsed := time.Since(begin)
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	if err := errors.Join(errs...); err != nil {
		return Outcome{}, fmt.Errorf("%s at %s: %w", s.job.Workload.Name, s.job.where(), err)
	}
	for _, h := range hists[1:] {
		hists[0].Merge(h)
	}
	return Outcome{
		Requests: progress.Load() - before,
		Elapsed:  elapsed,
		Latency:  latencies(hists[0]),
		Nulls:    s.takeNulls(),
	}, nil
}

func (s *session) takeNulls() (n int64) {
	for _, p := range s.pipes {
		n += p.takeNulls()
	}
	return n
}

// prefillPipeline is deep enough that the system calls no longer count.
const prefillPipeline = 64

// prefillClients keep the server busy while the loop prepares the next requests.
const prefillClients = 8

// Prefill sends what a workload needs to be there, every number of its space in
// order and at least once. The job's Workload and Pipeline do not matter. One
// loop does it, since the numbers are handed out in one order. Slot-aware
// clients fill one owner after the other.
func (d Builtin) Prefill(ctx context.Context, job Job, fill workload.Prefill) (Outcome, error) {
	job.Threads = 1
	job.Clients = prefillClients
	job.Workload.Name = "prefill"
	size := job.Shape.SpaceSize(fill.Over)
	if job.Slots == nil {
		return d.prefill(ctx, job, fill, &routes{endpoints: job.Endpoints}, size, workload.NewSequence(size))
	}
	var all Outcome
	for node, owner := range job.owners() {
		own, err := newOwned(workload.NewSequence(size), fill.Key, job.Slots, node, endless)
		if err != nil {
			return Outcome{}, err
		}
		count := own.count(size)
		if count == 0 {
			continue
		}
		out, err := d.prefill(ctx, job, fill, &routes{endpoints: []target.Endpoint{owner}}, count, own)
		if err != nil {
			return Outcome{}, err
		}
		all.Requests += out.Requests
		all.Elapsed += out.Elapsed
		all.Latency.Max = max(all.Latency.Max, out.Latency.Max) // percentiles cannot be put together
	}
	return all, nil
}

// prefill sends so many requests with the numbers of a source.
func (d Builtin) prefill(ctx context.Context, job Job, fill workload.Prefill, r *routes, count uint64, numbers workload.Source) (Outcome, error) {
	template := workload.Compile(fill.Request, int(min(prefillPipeline, count)))
	s, err := d.open(ctx, job, template, r, func(int) *workload.Sources {
		sources := job.Shape.Sources(0, 1)
		sources[fill.Over] = numbers
		return sources
	})
	if err != nil {
		return Outcome{}, err
	}
	defer s.Close()
	return s.Round(ctx, Limit{Requests: int64(count)})
}
