package load

import (
	"context"
	"fmt"
	"time"

	"github.com/troupedb/troupe/bench/load/drive"
	"github.com/troupedb/troupe/bench/load/report"
	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// watched are the workloads of a steady load when all were asked for: a read that
// notices lost keys, and a write.
var watched = []string{"GET", "SET"}

// watch keeps a steady load up at the target and tells each second of it.
func (r *run) watch(ctx context.Context) error {
	if err := r.flush(); err != nil {
		return err
	}
	steady, err := r.steady(ctx)
	if err != nil {
		return err
	}
	w := &report.Watch{Clients: r.cfg.Clients, Pipeline: steady.Jobs[0].Pipeline, Rate: r.cfg.Rate}
	for _, job := range steady.Jobs {
		w.Workloads = append(w.Workloads, job.Workload.Name)
	}
	r.report.Watch = w
	r.progress.clear()
	fmt.Fprintln(r.stdout, report.WatchHead())
	own, begin := target.OwnCPU(), time.Now()
	total, texts, err := steady.Run(ctx, func(s drive.Second) {
		second := watchSecond(s)
		w.Seconds = append(w.Seconds, second)
		fmt.Fprintln(r.stdout, second.Line())
	})
	w.Total, w.ErrorTexts = watchSecond(total), texts
	w.DriverCores = (target.OwnCPU() - own).Seconds() / time.Since(begin).Seconds()
	return err
}

// steady prepares the load: each workload's keys are written before it begins.
func (r *run) steady(ctx context.Context) (*drive.Steady, error) {
	timed, err := r.cfg.watched()
	if err != nil {
		return nil, err
	}
	s := &drive.Steady{Rate: r.cfg.Rate, Duration: r.cfg.Duration}
	filled := map[string]bool{}
	for _, w := range timed {
		job, err := r.job(ctx, r.sides[0], w, r.cfg.Pipelines[0])
		if err != nil {
			return nil, err
		}
		s.Jobs = append(s.Jobs, job)
		fill := job.Workload.Prefill
		if fill == nil || filled[fill.Key] {
			continue // GET and MGET read the same keys
		}
		filled[fill.Key] = true
		if err := r.prefill(ctx, r.sides[0], w); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// watched are the workloads of a steady load, which its clients take in turns.
func (c Config) watched() ([]workload.Workload, error) {
	for _, name := range c.Workloads {
		if name == "all" {
			c.Workloads = watched
			break
		}
	}
	timed, _, _, err := c.plan(c.shape())
	return timed, err
}

func watchSecond(s drive.Second) report.WatchSecond {
	return report.WatchSecond{
		At:        s.At.Seconds(),
		Requests:  s.Requests,
		P50Micros: micros(s.Latency.P50),
		P99Micros: micros(s.Latency.P99),
		MaxMicros: micros(s.Latency.Max),
		Errors:    s.Errors,
		Misses:    s.Misses,
		Unsent:    s.Unsent,
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
