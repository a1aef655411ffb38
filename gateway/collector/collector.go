package collector

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// lookEvery is how often the heap is looked at: a heap that grows by a gigabyte a
// second is collected at a percentage which is at most this old.
const lookEvery = 100 * time.Millisecond

// Collector watches the heap of this process until it is stopped.
type Collector struct {
	policy   policy
	activity func() uint64
	stop     chan struct{}
	done     chan struct{}
}

// Start starts watching. activity returns the number of commands served so far;
// while it stands still no collection is started. It returns a Collector that
// does nothing where the environment sets GOGC.
func Start(activity func() uint64) *Collector {
	c := &Collector{activity: activity, stop: make(chan struct{}), done: make(chan struct{})}
	if _, ok := os.LookupEnv("GOGC"); ok {
		close(c.done)
		return c
	}
	go c.run()
	return c
}

// Stop ends the watching; the percentage stays as it is.
func (c *Collector) Stop() {
	close(c.stop)
	<-c.done
}

func (c *Collector) run() {
	defer close(c.done)
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	read := [...]metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	}
	for {
		select {
		case <-t.C:
		case <-c.stop:
			return
		}
		metrics.Read(read[:])
		c.act(&sample{
			now: time.Now(), activity: c.activity(),
			cycles: read[0].Value.Uint64(), live: read[1].Value.Uint64(), heap: read[2].Value.Uint64(),
		})
	}
}

func (c *Collector) act(s *sample) {
	percent, collect := c.policy.step(s)
	if percent != 0 {
		debug.SetGCPercent(percent)
	}
	if collect {
		runtime.GC()
		c.policy.price = time.Since(s.now)
	}
}

// LongestPause returns the longest time for which a collection has stopped all
// of the process, rounded up to the grain of Go's histogram.
func LongestPause() time.Duration {
	read := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(read)
	return longest(read[0].Value.Float64Histogram())
}

func longest(h *metrics.Float64Histogram) time.Duration {
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if h.Counts[i] == 0 {
			continue
		}
		bound := h.Buckets[i+1]
		if math.IsInf(bound, 1) {
			bound = h.Buckets[i]
		}
		return time.Duration(bound * float64(time.Second))
	}
	return 0
}
