package drive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/troupedb/troupe/bench/load/target"
)

const (
	// slotsEvery is how often slot-aware clients of a steady load ask who owns
	// what. A server that forwards never tells them that they are wrong.
	slotsEvery = 5 * time.Second
	// maxErrorTexts is how many different errors are kept to be shown.
	maxErrorTexts = 8
)

// Steady is a load that goes on whatever the servers do: errors are counted, lost
// connections are made anew at the next address, and each second is reported.
type Steady struct {
	// Jobs are what is sent. Client i does Jobs[i mod len(Jobs)], Clients,
	// Pipeline and Endpoints are those of the first.
	Jobs []Job
	// Rate is how many requests are due a second, from all clients together. Each
	// is sent when it is due, however slow others are, and its latency runs from
	// then. 0: each client sends when it has been answered.
	Rate     int
	Duration time.Duration
}

// Second is what one second of a steady load saw, or all of it.
type Second struct {
	At       time.Duration // its end, since the load began
	Requests int64         // answered, with whatever
	Errors   int64         // requests answered with an error or lost, and failed dials
	Misses   int64         // nulls where a key had been written
	Unsent   int64         // of the whole load: due, but never sent for want of answers
	Latency  Latency
}

// Run keeps the load up until Duration has passed or ctx is done, and calls each
// once a second. It returns the sum, and the first different errors.
func (s *Steady) Run(ctx context.Context, each func(Second)) (Second, []string, error) {
	r := &steady{Steady: s, second: newHistogram(), total: newHistogram()}
	routing, err := r.newRouting(s.Jobs[0].Slots)
	if err != nil {
		return Second{}, nil, err
	}
	r.routing.Store(routing)
	clients, err := r.connect(ctx)
	if err != nil {
		return Second{}, nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	r.begin = time.Now()
	go func() {
		defer close(ended)
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(func() { c.run(ctx) })
		}
		all.Wait()
	}()
	r.report(running, each, ended)
	cancel()
	r.refreshing.Wait()
	return r.sum(), r.texts, ctx.Err()
}

// connect makes all clients. A load that cannot even begin is an error.
func (r *steady) connect(ctx context.Context) ([]*steadyClient, error) {
	var all []*steadyClient
	for i := range r.Jobs[0].Clients {
		c := r.client(i)
		c.reroute(r.routing.Load())
		if err := c.dial(ctx); err != nil {
			for _, c := range all {
				c.hangUp()
			}
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, r.Jobs[0].Clients, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// steady is a Steady under way.
type steady struct {
	*Steady
	begin   time.Time
	routing atomic.Pointer[routing]

	asking     sync.Mutex // held while CLUSTER SLOTS is asked for
	refreshing sync.WaitGroup

	mu            sync.Mutex // guards what follows
	now, all      Second     // counts of this second and of those before it
	second, total *hdrhistogram.Histogram
	texts         []string
}

// routing is where all clients are connected, by one answer of CLUSTER SLOTS.
type routing struct {
	slots *target.SlotMap // nil: plain clients
	jobs  []*routes       // as Steady.Jobs
	asked time.Time
}

func (r *steady) newRouting(slots *target.SlotMap) (*routing, error) {
	made := &routing{slots: slots, asked: time.Now()}
	for _, job := range r.Jobs {
		job.Slots = slots
		routes, err := newRoutes(&job, job.Workload.Key)
		if err != nil {
			return nil, err
		}
		made.jobs = append(made.jobs, routes)
	}
	return made, nil
}

// refresh asks for the owners of slots, unless that was done since a moment. When
// nobody answers, what was known stays.
func (r *steady) refresh(ctx context.Context, since time.Time) {
	r.asking.Lock()
	defer r.asking.Unlock()
	old := r.routing.Load()
	if old.slots == nil || old.asked.After(since) {
		return
	}
	job := r.Jobs[0]
	job.Slots = old.slots
	slots, err := target.AskSlots(ctx, append(slices.Clone(job.Endpoints), job.owners()...))
	if err == nil {
		var made *routing
		if made, err = r.newRouting(slots); err == nil {
			r.routing.Store(made)
		}
	}
	if err != nil && ctx.Err() == nil {
		r.failed(0, err)
	}
}

// report calls each once a second until the clients have ended.
func (r *steady) report(ctx context.Context, each func(Second), ended <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	asked := r.begin
	for {
		select {
		case <-ended:
			if last := r.takeSecond(); last.Requests > 0 || last.Errors > 0 {
				each(last)
			}
			return
		case now := <-tick.C:
			each(r.takeSecond())
			if now.Sub(asked) >= slotsEvery {
				asked = now
				// Beside the ticks, since a server may not answer.
				r.refreshing.Go(func() { r.refresh(ctx, now) })
			}
		}
	}
}

// takeSecond closes the second that runs.
func (r *steady) takeSecond() Second {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.now
	s.At = time.Since(r.begin)
	s.Latency = latencies(r.second)
	r.all.Requests += s.Requests
	r.all.Errors += s.Errors
	r.all.Misses += s.Misses
	r.total.Merge(r.second)
	r.second.Reset()
	r.now = Second{}
	return s
}

func (r *steady) sum() Second {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.all
	s.At = time.Since(r.begin)
	s.Latency = latencies(r.total)
	return s
}

// answered counts the requests of one read of replies.
func (r *steady) answered(requests, failed, misses int64, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Requests += requests
	r.now.Errors += failed
	r.now.Misses += misses
	took = max(1, min(took, highestLatency))
	_ = r.second.RecordValues(int64(took), requests) // the bounds are the histogram's own
}

// unsent counts requests that were due when the load ended.
func (r *steady) unsent(requests int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Unsent += requests
}

// failed counts requests that were not answered and keeps what went wrong.
func (r *steady) failed(requests int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Errors += requests
	what := err.Error()
	known := func(text string) bool { return strings.HasSuffix(text, what) }
	if len(r.texts) < maxErrorTexts && !slices.ContainsFunc(r.texts, known) {
		r.texts = append(r.texts, fmt.Sprintf("after %.1f s: %s", time.Since(r.begin).Seconds(), what))
	}
}
