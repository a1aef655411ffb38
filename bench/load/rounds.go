package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupedb/troupe/bench/load/drive"
	"github.com/troupedb/troupe/bench/load/report"
	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

const (
	// calibration is how long the rounds last that find out how many requests
	// redis-benchmark is to send, and calibrationRequests how many they begin with.
	calibration         = 500 * time.Millisecond
	calibrationRequests = 1000
	calibrationGrowth   = 8
	// busyCore is the share of a core above which a driver's thread is probably
	// what limits the rate.
	busyCore = 0.95
)

// workload runs one workload at every pipeline.
func (r *run) workload(ctx context.Context, w workload.Workload) error {
	if err := r.flush(); err != nil {
		return err
	}
	for _, s := range r.sides {
		if err := r.prefill(ctx, s, w); err != nil {
			return err
		}
	}
	for _, pipeline := range r.cfg.Pipelines {
		if err := r.row(ctx, w, pipeline); err != nil {
			return err
		}
	}
	return nil
}

// prefill writes what a workload reads.
func (r *run) prefill(ctx context.Context, s *side, w workload.Workload) error {
	job, err := r.job(ctx, s, w, 1)
	if err != nil {
		return err
	}
	fill := job.Workload.Prefill
	if fill == nil {
		return nil
	}
	what := fmt.Sprintf("%s: prefilling the %s", w.Name, s.Name)
	err = r.progress.during(what, func() error {
		_, err := drive.Builtin{}.Prefill(ctx, job, *fill)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	r.progress.finished("%s: done", what)
	return nil
}

// job is what is sent to a side. Slot-aware clients ask for the owners anew.
func (r *run) job(ctx context.Context, s *side, w workload.Workload, pipeline int) (drive.Job, error) {
	job := drive.Job{
		Endpoints: s.Endpoints,
		Workload:  w,
		Shape:     r.cfg.shape(),
		Skew:      r.cfg.Skew,
		Pipeline:  pipeline,
		Clients:   r.cfg.Clients,
		Threads:   r.cfg.Threads,
		Progress:  &r.progress.requests,
	}
	if s.hashTags {
		job.Workload = w.WithTags(job.Shape)
		if job.Workload.Tagged && !r.cfg.HashTags {
			r.note("%s: all keys of a request have one hash tag at the %s, a Redis Cluster, which refuses others; at the target they lie anywhere", w.Name, s.Name)
		}
	}
	var err error
	if s.slotAware {
		job.Slots, err = s.Slots(ctx)
	}
	return job, err
}

// driver picks the driver of some jobs: the one that was asked for, if it can do
// all of them, since figures of two drivers do not compare.
func (r *run) driver(jobs []drive.Job) drive.Driver {
	external := drive.RedisBenchmark{Path: r.cfg.RedisBenchmark}
	if r.cfg.Driver != DriverRedisBenchmark {
		return drive.Builtin{}
	}
	for _, job := range jobs {
		if !external.Supports(job) {
			r.note("%s was driven by the built-in driver: redis-benchmark cannot send it", job.Workload.Name)
			return drive.Builtin{}
		}
	}
	return external
}

// open opens a session on every side. The sessions must be closed.
func (r *run) open(ctx context.Context, w workload.Workload, pipeline int) (drive.Driver, []drive.Session, error) {
	var jobs []drive.Job
	for _, s := range r.sides {
		job, err := r.job(ctx, s, w, pipeline)
		if err != nil {
			return nil, nil, err
		}
		jobs = append(jobs, job)
	}
	driver := r.driver(jobs)
	var sessions []drive.Session
	for _, job := range jobs {
		session, err := driver.Open(ctx, job)
		if err != nil {
			closeAll(sessions)
			return nil, nil, err
		}
		sessions = append(sessions, session)
	}
	return driver, sessions, nil
}

func closeAll(sessions []drive.Session) {
	for _, s := range sessions {
		s.Close()
	}
}

// row measures one workload at one pipeline, the sides taking turns.
func (r *run) row(ctx context.Context, w workload.Workload, pipeline int) error {
	driver, sessions, err := r.open(ctx, w, pipeline)
	if err != nil {
		return err
	}
	defer closeAll(sessions)
	name := fmt.Sprintf("%s P=%d", w.Name, pipeline)
	limit, err := r.limit(ctx, driver, sessions[0], name, pipeline)
	if err != nil {
		return err
	}
	rounds := make([][]report.Round, len(r.sides))
	for n := range r.cfg.Warmup + r.cfg.Rounds {
		label := fmt.Sprintf("%s round %d/%d", name, n-r.cfg.Warmup+1, r.cfg.Rounds)
		if n < r.cfg.Warmup {
			label = name + " warming up"
		}
		for i, s := range r.sides {
			round, err := r.round(ctx, s, sessions[i], w, limit, label)
			if err != nil {
				return err
			}
			if n >= r.cfg.Warmup {
				rounds[i] = append(rounds[i], round)
			}
		}
	}
	row := report.NewRow(w.Name, pipeline, driver.Name(), rounds[0])
	for i, s := range r.sides[1:] {
		row.Add(s.Name, rounds[i+1])
	}
	r.report.Rows = append(r.report.Rows, row)
	r.noteBusyDriver(row)
	return nil
}

// round measures one round of one side.
func (r *run) round(ctx context.Context, s *side, session drive.Session, w workload.Workload, limit drive.Limit, label string) (report.Round, error) {
	what := label + " " + s.Name
	var out drive.Outcome
	var cpu, own time.Duration
	err := r.progress.during(what, func() error {
		before, err := s.Meter()
		if err != nil {
			return err
		}
		ownBefore := target.OwnCPU()
		if out, err = session.Round(ctx, limit); err != nil {
			return err
		}
		own = target.OwnCPU() - ownBefore
		after, err := s.Meter()
		cpu = s.CPU(before, after)
		return err
	})
	if err != nil {
		return report.Round{}, fmt.Errorf("%s: %w", what, err)
	}
	if w.MustHit && out.Nulls > 0 {
		return report.Round{}, fmt.Errorf("%s: %d reads found nothing although every key was written before: does the server evict (maxmemory)?", what, out.Nulls)
	}
	memory, err := s.Memory()
	if err != nil {
		return report.Round{}, err
	}
	round := measured(out, cpu, own, memory)
	r.progress.finished("%s: %.0f ops/s, p99 %.3f ms, CPU %.2f µs/cmd", what, round.OpsPerSecond, round.P99Micros/1000, round.CPUMicros)
	return round, nil
}

func measured(out drive.Outcome, cpu, own time.Duration, memory target.Memory) report.Round {
	return report.Round{
		Requests:     out.Requests,
		Seconds:      out.Elapsed.Seconds(),
		OpsPerSecond: float64(out.Requests) / out.Elapsed.Seconds(),
		CPUMicros:    micros(cpu) / float64(out.Requests),
		P50Micros:    micros(out.Latency.P50),
		P99Micros:    micros(out.Latency.P99),
		P999Micros:   micros(out.Latency.P999),
		MaxMicros:    micros(out.Latency.Max),
		RSSBytes:     float64(memory.RSS),
		DriverCores:  own.Seconds() / out.Elapsed.Seconds(),
	}
}

// limit is what ends each round. redis-benchmark cannot be told a time, so the
// number of requests that fill it is found by rounds of growing size on the target.
func (r *run) limit(ctx context.Context, driver drive.Driver, session drive.Session, name string, pipeline int) (drive.Limit, error) {
	limit := drive.Limit{Requests: int64(r.cfg.Requests), Duration: r.cfg.Duration}
	if limit.Requests > 0 || driver.Name() != DriverRedisBenchmark {
		return limit, nil
	}
	requests := int64(calibrationRequests * pipeline)
	err := r.progress.during(name+" calibrating", func() error {
		for {
			out, err := session.Round(ctx, drive.Limit{Requests: requests})
			if err != nil {
				return err
			}
			if out.Elapsed <= 0 {
				return errors.New("redis-benchmark reported a round of no time: give --requests")
			}
			if out.Elapsed >= min(calibration, r.cfg.Duration) {
				limit.Requests = max(1, int64(float64(out.Requests)*r.cfg.Duration.Seconds()/out.Elapsed.Seconds()))
				return nil
			}
			requests *= calibrationGrowth
		}
	})
	if err != nil {
		return limit, fmt.Errorf("%s: finding the number of requests: %w", name, err)
	}
	return limit, nil
}

func (r *run) noteBusyDriver(row report.Row) {
	if row.Driver != DriverBuiltin {
		return
	}
	sides := []report.Side{row.Target}
	for _, p := range row.Peers {
		sides = append(sides, p.Side)
	}
	for _, side := range sides {
		if side.Median.DriverCores >= busyCore*float64(r.cfg.Threads) {
			r.note("%s P=%d: the load driver used %.2f cores with %d threads and may be the limit of ops/s; CPU per command is not touched by that",
				row.Workload, row.Pipeline, side.Median.DriverCores, r.cfg.Threads)
			return
		}
	}
}
