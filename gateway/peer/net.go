package peer

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/wire"
)

// Sagas take the answers of participants on other nodes.
type Sagas interface {
	// TakeOn is called on the event loop that has these streams. The answer is valid
	// during the call.
	TakeOn(loop any, a *engine.Answer)
}

// Options make a Net.
type Options struct {
	Env   *saga.Env
	Sagas Sagas
	// LoopOf returns the Loop of what a netloop connection calls its worker.
	LoopOf func(worker any) *Loop
	// Gate tells why a command with these flags must not run here now, "" if it may.
	Gate func(command.Flag) reply.Error
	// Fenced tells that the node may not serve its shards just now.
	Fenced func() bool
	// Recovered is told of a panic that one connection has survived.
	Recovered func(p any)
	// Client and Server are the two sides of mutual TLS, nil: streams are plain.
	Client func(host string) *tls.Config
	Server *tls.Config
	Logger *slog.Logger
}

// Net is a node's streams to all its peers.
type Net struct {
	Options
	env         *saga.Env
	sagas       Sagas
	fingerprint uint64
	steps       []bool // by command: it can be a step of an order
	driver      netloop.Driver
	shared      bool // loops of single connections share the streams of all
	refusals    refusals

	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	dialled map[directory.Number]*dialled
	ready   [directory.MaxMembers + 1]atomic.Pointer[[]*stream]

	suspected [directory.MaxMembers + 1]atomic.Bool

	topics map[Topic]Listener // set before streams are opened
	asks   asks
	speech speech
}

// New returns a Net without streams.
func New(o Options) *Net {
	n := &Net{
		Options: o, env: o.Env, sagas: o.Sagas, fingerprint: wire.Fingerprint(o.Env.Table),
		steps:   stepsOf(o.Env.Table),
		dialled: map[directory.Number]*dialled{}, topics: map[Topic]Listener{},
	}
	n.refusals.logger = o.Logger
	n.speech.heard, n.speech.others = map[directory.Number]*lanes{}, newLoop(n)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// Attach gives the net the driver whose loops its streams belong to, before Update.
func (n *Net) Attach(d netloop.Driver) {
	n.driver = d
	n.shared = len(d.Workers()) == 0
}

// Stop ends all dialling. The driver ends the streams, and after that Wait waits for
// what is left.
func (n *Net) Stop() { n.cancel() }

// Wait waits for the end of what Stop has stopped.
func (n *Net) Wait() { n.done.Wait() }

// Reachable tells whether there is a stream to the node.
func (n *Net) Reachable(to directory.Number) bool { return n.any(to, 0) != nil }

// Refused returns how many connections and frames were refused.
func (n *Net) Refused() uint64 { return n.refusals.count.Load() }

func (n *Net) recovered(p any) { n.Recovered(p) }

func (n *Net) gate(flags command.Flag) reply.Error { return n.Gate(flags) }

func (n *Net) refuse(remote string, why error) {
	if errors.Is(why, errEarly) {
		return // it is dialled again
	}
	n.refusals.add(remote, why)
}

// any returns one of the streams to a peer, nil if there is none.
func (n *Net) any(to directory.Number, spread uint64) *stream {
	list := n.ready[to].Load()
	if list == nil || len(*list) == 0 {
		return nil
	}
	return (*list)[spread%uint64(len(*list))]
}

// opened and broken keep the list of streams. A stream that came when its peer had
// just been dropped is not wanted any more: ctx has ended, under n.mu.
func (n *Net) opened(ctx context.Context, s *stream) bool {
	n.mu.Lock()
	if ctx.Err() != nil {
		n.mu.Unlock()
		return false
	}
	list := []*stream{s}
	if was := n.ready[s.to].Load(); was != nil {
		list = append(list, *was...)
	}
	n.ready[s.to].Store(&list)
	n.mu.Unlock()
	s.loop.streams[s.to] = s
	if n.speech.onOpen != nil && len(list) == 1 {
		n.speech.onOpen(s.to)
	}
	return true
}

func (n *Net) broken(s *stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []*stream
	for _, o := range *n.ready[s.to].Load() {
		if o != s {
			list = append(list, o)
		}
	}
	n.ready[s.to].Store(&list)
	n.asks.fail(s)
}

// Update dials the peers that are new in the directory, or whose process is, and
// drops those that are gone or down. It is to be called after each change.
func (n *Net) Update(d *directory.Directory) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for number, was := range n.dialled {
		switch m := d.Member(number); {
		case m == nil: // it has handed everything over, and answers what was asked before
			was.retire()
			delete(n.dialled, number)
		case m.State == directory.Down || m.Incarnation != was.member.Incarnation:
			was.stop()
			delete(n.dialled, number)
		}
	}
	if n.ctx.Err() != nil {
		return
	}
	for i := range d.Members {
		m := &d.Members[i]
		if m.Number != d.Self && m.State != directory.Down && n.dialled[m.Number] == nil {
			n.dialled[m.Number] = n.dial(*m)
		}
	}
}

// Suspect says whether a peer is taken not to answer any more. If so its streams end:
// what was asked of it is not waited for. They are dialled again.
func (n *Net) Suspect(number directory.Number, suspected bool) {
	n.suspected[number].Store(suspected)
	if suspected {
		n.sever(number)
	}
}

// Suspected tells whether the peer is taken not to answer.
func (n *Net) Suspected(number directory.Number) bool { return n.suspected[number].Load() }

// sever ends the streams to a peer.
func (n *Net) sever(number directory.Number) {
	if list := n.ready[number].Load(); list != nil {
		for _, s := range *list {
			s.conn.Post(s.conn.Close)
		}
	}
}

// dialled is a peer that this node keeps streams to.
type dialled struct {
	member directory.Member
	cancel context.CancelFunc
	net    *Net
}

func (d *dialled) stop() {
	d.cancel()
	d.net.sever(d.member.Number)
}

// retire is stop of a peer that has left: its streams end when they have brought the
// answers that are under way.
func (d *dialled) retire() {
	d.cancel()
	if list := d.net.ready[d.member.Number].Load(); list != nil {
		for _, s := range *list {
			s.conn.Post(s.retire)
		}
	}
}

// Waiting times between two attempts to dial. A stream that did not live for
// shortLife counts as a failed one: its peer, or this node, finds fault with it.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
	shortLife  = time.Second
)

func (n *Net) dial(m directory.Member) *dialled {
	ctx, cancel := context.WithCancel(n.ctx)
	d := &dialled{m, cancel, n}
	workers := n.driver.Workers()
	if len(workers) == 0 {
		workers = []any{nil}
	}
	for _, w := range workers {
		n.done.Go(func() { n.keep(ctx, &d.member, w) })
	}
	return d
}

// keep keeps one stream to a peer until ctx ends.
func (n *Net) keep(ctx context.Context, m *directory.Member, worker any) {
	wait := firstRetry
	for ctx.Err() == nil {
		over, err := n.open(ctx, m, worker)
		if err == nil {
			since := time.Now()
			select {
			case <-over:
			case <-ctx.Done():
				return
			}
			if time.Since(since) >= shortLife {
				wait = firstRetry
			}
		} else {
			n.Logger.Debug("no stream to a peer yet", "peer", m.Name, "error", err)
		}
		pause(ctx, wait)
		wait = min(2*wait, lastRetry)
	}
}

// pause waits, until ctx ends at the longest.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// open opens a stream and returns what is closed at its end.
func (n *Net) open(ctx context.Context, m *directory.Member, worker any) (over chan struct{}, err error) {
	dialer := net.Dialer{Timeout: helloPatience}
	c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(m.Host, strconv.Itoa(m.StreamPort)))
	if err != nil {
		return nil, err
	}
	if n.Client != nil {
		c = tls.Client(c, n.Client(m.Host))
	}
	d := n.env.Where.Load()
	me := d.Me()
	if me == nil {
		c.Close()
		return nil, errFrame
	}
	h := hello{d.ClusterID, me.ID, d.Self, me.Incarnation, m.Number, n.fingerprint}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	err = greet(c, &h)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	if c, err = n.plain(c); err != nil {
		return nil, err
	}
	over = make(chan struct{})
	err = n.driver.Adopt(c, worker, func(c *netloop.Conn, worker any) netloop.Session {
		s := &stream{net: n, loop: n.LoopOf(worker), to: m.Number, conn: c, since: time.Now().UnixMilli()}
		if !n.opened(ctx, s) {
			return nil
		}
		return closing{s, over}
	})
	return over, err
}

// closing is a stream that tells of its end.
type closing struct {
	*stream
	over chan struct{}
}

// Closed implements netloop.Session.
func (c closing) Closed() {
	c.stream.Closed()
	close(c.over)
}

func appendOrder(dst []byte, shard int, o *engine.Order) []byte {
	return wire.AppendOrder(binary.AppendUvarint(dst, uint64(shard)), o)
}

func appendAnswer(dst []byte, a *engine.Answer) []byte { return wire.AppendAnswer(dst, a) }
