package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/troupedb/troupe/bench/load/drive"
	"github.com/troupedb/troupe/bench/load/report"
	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// fill writes FillKeys keys to each side and takes its memory.
func (r *run) fill(ctx context.Context) error {
	if err := r.flush(); err != nil {
		return err
	}
	shape := r.cfg.shape()
	shape.Keys, shape.ValueSize = uint64(r.cfg.FillKeys), r.cfg.FillValueSize
	return r.each(MemoryFill, r.cfg.FillKeys, func(s *side, what string) (report.Footprint, error) {
		var f report.Footprint
		held, err := s.Keys()
		if err != nil {
			return f, err
		}
		if err := r.before(ctx, s, &f, what); err != nil {
			return f, err
		}
		job, err := r.job(ctx, s, workload.Workload{}, 1)
		if err != nil {
			return f, err
		}
		job.Shape = shape
		err = r.progress.during(what, func() error {
			from, err := s.Meter()
			if err != nil {
				return err
			}
			out, err := drive.Builtin{}.Prefill(ctx, job, workload.Fill(shape))
			if err != nil {
				return err
			}
			to, err := s.Meter()
			f.CPUShare = s.CPU(from, to).Seconds() / out.Elapsed.Seconds()
			f.MaxMicros = float64(out.Latency.Max) / float64(time.Microsecond)
			return err
		})
		if err != nil {
			return f, err
		}
		now, err := s.Keys()
		if err != nil {
			return f, err
		}
		if err := wrote(held, now, int64(r.cfg.FillKeys)); err != nil {
			return f, err
		}
		return f, r.after(ctx, s, &f, what)
	})
}

// wrote checks that so many keys have come. Each server counts either its own, as
// in a Redis Cluster, or all there are, as a Troupe node does.
func wrote(before, after []int64, want int64) error {
	sum, same := int64(0), true
	for i := range after {
		n := after[i] - before[i]
		sum += n
		same = same && n == want
	}
	if sum != want && !same {
		return fmt.Errorf("%d keys were written, but the server holds %d more: does it evict (maxmemory)?", want, sum)
	}
	return nil
}

// idle opens IdleClients connections to each side, lets each say one PING, and
// watches what they cost while nothing happens.
func (r *run) idle(ctx context.Context) error {
	if err := r.flush(); err != nil {
		return err
	}
	return r.each(MemoryIdle, r.cfg.IdleClients, func(s *side, what string) (report.Footprint, error) {
		var f report.Footprint
		if err := r.before(ctx, s, &f, what); err != nil {
			return f, err
		}
		var conns []net.Conn
		defer func() {
			for _, c := range conns {
				c.Close()
			}
		}()
		err := r.progress.during(what+": connecting", func() error {
			var err error
			conns, err = connect(ctx, s.Endpoints, r.cfg.IdleClients)
			return err
		})
		if err != nil {
			return f, err
		}
		if err := r.after(ctx, s, &f, what); err != nil {
			return f, err
		}
		from, err := s.Meter()
		if err != nil {
			return f, err
		}
		begin := time.Now()
		if err := r.wait(ctx, what+": watching", r.cfg.IdleDuration); err != nil {
			return f, err
		}
		to, err := s.Meter()
		f.CPUShare = s.CPU(from, to).Seconds() / time.Since(begin).Seconds()
		return f, err
	})
}

// each takes a footprint of every side and adds the comparison to the report.
func (r *run) each(kind string, count int, take func(*side, string) (report.Footprint, error)) error {
	prints := make([]report.Footprint, len(r.sides))
	for i, s := range r.sides {
		what := fmt.Sprintf("%s %d %s", kind, count, s.Name)
		var err error
		if prints[i], err = take(s, what); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		r.progress.finished("%s: RSS %.1f MiB", what, prints[i].AfterBytes/(1<<20))
	}
	m := report.NewMemory(kind, count, prints[0])
	for i, p := range prints[1:] {
		m.Add(r.sides[i+1].Name, p)
	}
	r.report.Memory = append(r.report.Memory, m)
	return nil
}

func (r *run) before(ctx context.Context, s *side, f *report.Footprint, what string) error {
	if err := r.wait(ctx, what+": settling", r.cfg.Settle); err != nil {
		return err
	}
	m, err := s.Memory()
	f.BeforeBytes = float64(m.RSS)
	return err
}

func (r *run) after(ctx context.Context, s *side, f *report.Footprint, what string) error {
	if err := r.wait(ctx, what+": settling", r.cfg.Settle); err != nil {
		return err
	}
	m, err := s.Memory()
	f.AfterBytes, f.PeakBytes = float64(m.RSS), float64(m.Peak)
	return err
}

func (r *run) wait(ctx context.Context, what string, d time.Duration) error {
	return r.progress.during(what, func() error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	})
}

// connect opens n connections that have each been served once.
func connect(ctx context.Context, to []target.Endpoint, n int) ([]net.Conn, error) {
	conns := make([]net.Conn, 0, n)
	for len(conns) < n {
		c, err := to[len(conns)%len(to)].Dial(ctx)
		if errors.Is(err, syscall.EMFILE) {
			return conns, fmt.Errorf("connection %d of %d: this process may not open more files: raise ulimit -n, or lower --idle-clients (%w)", len(conns)+1, n, err)
		}
		if err != nil {
			return conns, fmt.Errorf("connection %d of %d: %w", len(conns)+1, n, err)
		}
		conns = append(conns, c)
		if err := ping(c); err != nil {
			return conns, fmt.Errorf("connection %d of %d was not served: raise the server's maxclients and ulimit -n, or lower --idle-clients (%w)", len(conns), n, err)
		}
	}
	return conns, nil
}

// pingTimeout is ample for one PING of a server without load.
const pingTimeout = 10 * time.Second

func ping(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(pingTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReaderSize(c, 64).ReadString('\n')
	if err != nil {
		return err
	}
	if answer != "+PONG\r\n" {
		return fmt.Errorf("PING was answered %q", answer)
	}
	return nil
}
