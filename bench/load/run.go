package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/troupedb/troupe/bench/load/report"
	"github.com/troupedb/troupe/bench/load/target"
)

// spareClients is what a peer admits beyond the connections of the load: the
// control connections, the prefill's, and the checks beside redis-benchmark.
const spareClients = 100

// Run measures as cfg says. The table goes to stdout, progress to stderr, the
// JSON report and the chart to their files. A run that ctx ends early still
// shows what it finished and returns ctx's error.
func Run(ctx context.Context, cfg Config, stdout, stderr io.Writer) (err error) {
	if err := cfg.Validate(); err != nil {
		return err
	}
	files, err := openOutputs(cfg)
	if err != nil {
		return err
	}
	defer files.discard()

	r := &run{cfg: cfg, progress: newProgress(stderr)}
	if err := r.attach(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.detach()) }()

	runErr := r.all(ctx)
	r.progress.clear()
	if runErr != nil && ctx.Err() == nil {
		return runErr
	}
	r.report.Interrupted = ctx.Err() != nil
	if err := r.report.WriteTable(stdout); err != nil {
		return err
	}
	if err := files.write(&r.report); err != nil {
		return err
	}
	return runErr
}

// run is one run under way.
type run struct {
	cfg      Config
	progress *progress
	target   *target.Server
	peer     *target.Peer     // nil without --peer
	sides    []*target.Server // the target and, with --peer, the peer
	report   report.Report
}

func (r *run) attach(ctx context.Context) error {
	c := r.cfg
	endpoint := target.Endpoint{Addr: c.Addr, Username: c.Username, Password: c.Password}
	t, err := target.Attach(ctx, "target", endpoint, c.TargetPID)
	if err != nil {
		return err
	}
	if err := readyForLoad(t, c.Flush); err != nil {
		t.Close()
		return err
	}
	r.target, r.sides = t, []*target.Server{t}
	r.report = report.Report{
		Format:   report.FormatVersion,
		Started:  time.Now(),
		Machine:  report.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
		Settings: c.shown(),
		Target:   describe(t),
	}
	if !c.Peer {
		return nil
	}
	if r.peer, err = target.StartPeer(ctx, c.PeerServer, max(c.Clients, c.IdleClients)+spareClients); err != nil {
		t.Close()
		return err
	}
	r.sides = append(r.sides, r.peer.Server)
	p := describe(r.peer.Server)
	r.report.Peer = &p
	return nil
}

// readyForLoad refuses to mix the load's keys with somebody's data.
func readyForLoad(t *target.Server, flush bool) error {
	if flush {
		return nil
	}
	n, err := t.Keys()
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("the server at %s holds %d keys, and the load would write among them: name an empty server, or give --flush, which deletes everything there", t.Addr, n)
	}
	return nil
}

func describe(s *target.Server) report.Server {
	return report.Server{Addr: s.Addr, Version: s.Version, PID: s.PID, CPUSource: s.Source}
}

// shown is the configuration for the report.
func (c Config) shown() Config {
	if c.Password != "" {
		c.Password = "(given)"
	}
	return c
}

func (r *run) detach() error {
	r.target.Close()
	if r.peer == nil {
		return nil
	}
	return r.peer.Stop()
}

func (r *run) all(ctx context.Context) error {
	timed, fill, idle, err := r.cfg.plan(r.cfg.shape())
	if err != nil {
		return err
	}
	if idle { // before anything has grown the servers' memory
		if err := r.idle(ctx); err != nil {
			return err
		}
	}
	if fill {
		if err := r.fill(ctx); err != nil {
			return err
		}
	}
	for _, w := range timed {
		if err := r.workload(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// note adds a remark to the report once.
func (r *run) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.report.Notes, text) {
		r.report.Notes = append(r.report.Notes, text)
	}
}

// flush empties all sides if the target may be emptied, else none.
func (r *run) flush() error {
	if !r.cfg.Flush {
		return nil
	}
	for _, s := range r.sides {
		if err := s.Flush(); err != nil {
			return err
		}
	}
	return nil
}
