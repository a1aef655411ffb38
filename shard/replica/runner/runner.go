package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/shard/replica"
	"github.com/troupedb/troupe/shard/wal"
)

const (
	// DefaultTick is the time between ticks: with 10 to 20 ticks to an election and
	// 3 to a heartbeat, a lost leader is replaced after 0.5 to 1 s.
	DefaultTick = 50 * time.Millisecond
	// inboxSize is how many messages and requests wait. More messages are lost, as
	// on a network; more requests wait outside.
	inboxSize = 1024
	// batchSize is how many of them are taken in before what they led to is saved.
	batchSize = 256
)

// ErrStopped means that the runner has stopped, by Stop or by an error of the log
// or the machine. What it was asked before may or may not have been carried out.
var ErrStopped = errors.New("runner: stopped")

// Config of a runner.
type Config struct {
	Group uint64
	Log   *wal.Log
	// Replica is the replica's, without State, which comes from the log.
	Replica replica.Config
	// Bootstrap makes this the first replica of a new group, if the log has nothing
	// of the group.
	Bootstrap bool
	Tick      time.Duration // 0: DefaultTick
	// Send takes a message along, or loses it. It must not wait. The bytes are its.
	Send func(to uint64, msg []byte)
	// Observe, if set, is told of changes of leader, role, term and configuration.
	// Like the machine, it is called on the runner's goroutine and must not wait.
	Observe func(replica.Status)
}

// Runner runs one replica. Its methods may be called from any goroutine.
type Runner struct {
	cfg    Config
	r      *replica.Replica
	inbox  chan event
	stop   chan struct{}
	done   chan struct{}
	err    error // why it stopped; read after done
	status atomic.Pointer[replica.Status]
	waits  map[uint64]chan<- error

	stopping atomic.Bool
	lost     atomic.Int64
	refused  atomic.Int64
}

// event is a message, or a request.
type event struct {
	msg []byte
	do  func(*replica.Replica) (ticket uint64, err error)
	// end is told the outcome: do's error, or that of its ticket. nil: nobody waits.
	end chan<- error
}

// Start starts the replica that the log has, or a new one.
func Start(cfg Config) (*Runner, error) {
	if cfg.Tick == 0 {
		cfg.Tick = DefaultTick
	}
	state, err := cfg.Log.Load(cfg.Group)
	if err != nil {
		return nil, err
	}
	if cfg.Bootstrap && state.Empty() {
		var first wal.Update
		if state, first, err = replica.Bootstrap(cfg.Replica.ID, cfg.Replica.Machine.Snapshot()); err == nil {
			err = cfg.Log.Save(cfg.Group, first)
		}
		if err != nil {
			return nil, err
		}
	}
	cfg.Replica.State = state
	r, err := replica.New(cfg.Replica)
	if err != nil {
		return nil, err
	}
	cfg.Replica.State = wal.State{}
	n := &Runner{
		cfg: cfg, r: r, inbox: make(chan event, inboxSize), stop: make(chan struct{}), done: make(chan struct{}),
		waits: map[uint64]chan<- error{},
	}
	n.publish()
	go n.run()
	return n, nil
}

// Step takes in a message from another replica; it is lost if too much waits. The
// bytes must not be changed any more.
func (n *Runner) Step(msg []byte) {
	select {
	case n.inbox <- event{msg: msg}:
	default:
		n.lost.Add(1)
	}
}

// Propose returns when the entry is applied here. The data must not be changed any
// more. Errors: *replica.NotLeaderError,
// replica.ErrOverloaded and replica.ErrTooLarge when nothing was proposed;
// replica.ErrDropped when it surely was not and will not be carried out;
// replica.ErrUnknown, with the context's error if that ended first, when nobody can
// tell.
func (n *Runner) Propose(ctx context.Context, data []byte) error {
	return n.ask(ctx, replica.ErrUnknown, func(r *replica.Replica) (uint64, error) { return r.Propose(data) })
}

// ReadIndex returns when the machine has applied all that was agreed on before the
// call. It may be called at any replica.
func (n *Runner) ReadIndex(ctx context.Context) error {
	return n.ask(ctx, nil, func(r *replica.Replica) (uint64, error) { return r.ReadIndex() })
}

// ChangeConf changes the configuration, at the leader, and returns when the change
// is complete. Errors are Propose's, replica.ErrChanging, ErrChange and ErrBehind.
func (n *Runner) ChangeConf(ctx context.Context, changes ...replica.Change) error {
	return n.ask(ctx, replica.ErrUnknown, func(r *replica.Replica) (uint64, error) { return r.ProposeConf(changes...) })
}

// TransferLeader asks another voter to take over, at the leader; Status tells
// whether it has.
func (n *Runner) TransferLeader(ctx context.Context, to uint64) error {
	return n.ask(ctx, nil, func(r *replica.Replica) (uint64, error) { return 0, r.TransferLeader(to) })
}

// ReportUnreachable tells that a message to the replica could not be delivered.
func (n *Runner) ReportUnreachable(id uint64) {
	select {
	case n.inbox <- event{do: func(r *replica.Replica) (uint64, error) { r.ReportUnreachable(id); return 0, nil }}:
	default:
	}
}

// ask has the runner do something and waits for its outcome. late is what it means
// that the context ends, or the runner, after it was asked.
func (n *Runner) ask(ctx context.Context, late error, do func(*replica.Replica) (uint64, error)) error {
	end := make(chan error, 1)
	select {
	case n.inbox <- event{do: do, end: end}:
	case <-n.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-end:
		return err
	case <-n.done:
		select {
		case err := <-end:
			return err
		default:
			return errors.Join(late, ErrStopped)
		}
	case <-ctx.Done():
		return errors.Join(late, ctx.Err())
	}
}

// Status returns the replica's newest status.
func (n *Runner) Status() replica.Status { return *n.status.Load() }

// Lost counts messages that found the inbox full.
func (n *Runner) Lost() int64 { return n.lost.Load() }

// Refused counts messages that made no sense.
func (n *Runner) Refused() int64 { return n.refused.Load() }

// Stop stops the runner and waits for it. The log stays open.
func (n *Runner) Stop() {
	if n.stopping.CompareAndSwap(false, true) {
		close(n.stop)
	}
	<-n.done
}

// Done is closed when the runner has stopped; Err then tells why, nil: by Stop.
func (n *Runner) Done() <-chan struct{} { return n.done }

// Err returns why the runner has stopped, nil if it has not.
func (n *Runner) Err() error {
	select {
	case <-n.done:
		return n.err
	default:
		return nil
	}
}

// run is the goroutine. A replica that fails, or panics, is not used any more:
// what it has promised is in the log, and nothing else is.
func (n *Runner) run() {
	defer close(n.done)
	defer func() {
		if p := recover(); p != nil {
			n.err = fmt.Errorf("runner: panic: %v\n%s", p, debug.Stack())
		}
	}()
	ticker := time.NewTicker(n.cfg.Tick)
	defer ticker.Stop()
	for n.err == nil {
		select {
		case <-n.stop:
			return
		case <-ticker.C:
			n.r.Tick()
			n.publish()
		case e := <-n.inbox:
			n.take(e)
			for range min(len(n.inbox), batchSize) {
				n.take(<-n.inbox)
			}
		}
		n.err = n.work()
	}
}

func (n *Runner) take(e event) {
	if e.do == nil {
		if err := n.r.Step(e.msg); err != nil {
			// Told at the first, second, fourth, eighth …: a flood is not told as one.
			if c := n.refused.Add(1); c&(c-1) == 0 && n.cfg.Replica.Warn != nil {
				n.cfg.Replica.Warn("%v (refused so far: %d)", err, c)
			}
		}
		return
	}
	ticket, err := e.do(n.r)
	switch {
	case e.end == nil:
	case err != nil || ticket == 0:
		e.end <- err
	default:
		n.waits[ticket] = e.end
	}
}

// work saves, sends and applies all that is ready.
func (n *Runner) work() error {
	for n.r.HasReady() {
		rd := n.r.Ready()
		n.send(rd.Now)
		if rd.Saves {
			if err := n.cfg.Log.Save(n.cfg.Group, rd.Save); err != nil {
				return err
			}
		}
		n.send(rd.Later)
		done, err := n.r.Advance()
		if err != nil {
			return err
		}
		n.publish()
		if done.Changed && n.cfg.Observe != nil {
			n.cfg.Observe(n.Status())
		}
		for _, o := range done.Outcomes {
			n.waits[o.Ticket] <- o.Err
			delete(n.waits, o.Ticket)
		}
	}
	return nil
}

func (n *Runner) send(msgs []replica.Message) {
	for _, m := range msgs {
		n.cfg.Send(m.To, m.Data)
	}
}

func (n *Runner) publish() {
	s := n.r.Status()
	n.status.Store(&s)
}
