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

	r := &run{cfg: cfg, progress: newProgress(stderr), stdout: stdout}
	defer func() { err = errors.Join(err, r.detach()) }()
	if err := r.attach(ctx); err != nil {
		return err
	}

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
	sides    []*side           // the target first
	started  []*target.Started // those of them that this run started
	stdout   io.Writer
	report   report.Report
}

// side is one store under load, and how its clients talk to it.
type side struct {
	*target.Group
	slotAware bool
	hashTags  bool
}

func (r *run) attach(ctx context.Context) error {
	c := r.cfg
	t, err := r.attachTarget(ctx)
	if err != nil {
		return err
	}
	r.sides = []*side{{Group: t, slotAware: c.SlotAware, hashTags: c.HashTags}}
	if err := readyForLoad(t, c.Flush); err != nil {
		return err
	}
	for _, kind := range c.Peers {
		if err := r.startPeer(ctx, kind); err != nil {
			return err
		}
	}
	r.report = report.Report{
		Format:   report.FormatVersion,
		Started:  time.Now(),
		Machine:  report.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
		Settings: c.shown(),
		Target:   describe(r.sides[0]),
	}
	for _, p := range r.sides[1:] {
		r.report.Peers = append(r.report.Peers, describe(p))
	}
	for _, s := range r.sides {
		if len(s.Silent) > 0 {
			r.note("the CPU and memory of %v, which the %s names as members but which do not answer here, are not counted", s.Silent, s.Name)
		}
	}
	return nil
}

func (r *run) attachTarget(ctx context.Context) (*target.Group, error) {
	c := r.cfg
	if c.TargetNodes > 0 {
		s, err := target.StartNodes(ctx, "target", c.Launch, c.TargetNodes)
		if err != nil {
			return nil, err
		}
		r.started = append(r.started, s)
		return s.Group, nil
	}
	var endpoints []target.Endpoint
	for _, addr := range c.Addrs {
		endpoints = append(endpoints, target.Endpoint{Addr: addr, Username: c.Username, Password: c.Password})
	}
	return target.AttachGroup(ctx, "target", endpoints, c.TargetPID)
}

// startPeer starts one of the peers. A sole one is called the peer.
func (r *run) startPeer(ctx context.Context, kind string) error {
	name, start := kind, target.StartPeer
	if len(r.cfg.Peers) == 1 {
		name = "peer"
	}
	cluster := kind == PeerCluster
	if cluster {
		start = target.StartCluster
	}
	p, err := start(ctx, name, r.cfg.PeerServer, max(r.cfg.Clients, r.cfg.IdleClients)+spareClients)
	if err != nil {
		return err
	}
	r.started = append(r.started, p)
	r.sides = append(r.sides, &side{Group: p.Group, slotAware: cluster, hashTags: cluster || r.cfg.HashTags})
	return nil
}

// readyForLoad refuses to mix the load's keys with somebody's data.
func readyForLoad(t *target.Group, flush bool) error {
	if flush {
		return nil
	}
	keys, err := t.Keys()
	if err != nil {
		return err
	}
	if n := slices.Max(keys); n > 0 {
		return fmt.Errorf("the server at %s holds %d keys, and the load would write among them: name an empty server, or give --flush, which deletes everything there", t.Addr(), n)
	}
	return nil
}

func describe(s *side) report.Server {
	return report.Server{
		Name: s.Name, Addr: s.Addr(), Version: s.Version(), PIDs: s.PIDs(), CPUSource: s.Source(), SlotAware: s.slotAware,
	}
}

// shown is the configuration for the report.
func (c Config) shown() Config {
	if c.Password != "" {
		c.Password = "(given)"
	}
	return c
}

// detach ends what attach began, also when that failed half-way.
func (r *run) detach() error {
	for _, s := range r.sides {
		s.Close()
	}
	var errs []error
	for _, s := range r.started {
		errs = append(errs, s.Stop())
	}
	return errors.Join(errs...)
}

func (r *run) all(ctx context.Context) error {
	if r.cfg.WatchLatency {
		return r.watch(ctx)
	}
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
