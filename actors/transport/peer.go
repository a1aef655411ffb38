package transport

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// Why a message was not sent, or a request failed.
var (
	ErrDown        = errors.New("the peer is marked down")
	ErrUnreachable = errors.New("the peer cannot be reached")
	ErrOverloaded  = errors.New("too much is waiting already")
	ErrTooLarge    = errors.New("the message is too large")
	ErrStopped     = errors.New("the transport is stopped")
)

// peers are the addresses that were sent to.
type peers struct {
	mu    sync.Mutex
	known map[string]*peer
}

// peer is one address. Proto.Actor has at most one connection, its endpoint, to
// it at a time; messages wait in the endpoint's mailbox, which has no bound of its
// own, so what waits is counted here.
type peer struct {
	addr string
	pid  *actor.PID
	self bool // it is this node

	// mu is held while Proto.Actor takes a message, so that messages arrive in the
	// order of their sequences.
	mu     sync.Mutex
	down   bool
	stream *outbound // the connection, also while it is made; nil: none
	// What Proto.Actor has been given and has not written.
	queued, queuedBytes int
	// After a failure nothing is tried before the time until.
	pause time.Duration
	until time.Time
	why   error
	used  time.Time
}

// checkAddress tells whether addr is a host:port.
func checkAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n == 0 || host == "" || len(addr) > maxAddress {
		return fmt.Errorf("%.300q is no host:port", addr)
	}
	return nil
}

func (t *Transport) peer(addr string) (*peer, error) {
	t.peers.mu.Lock()
	defer t.peers.mu.Unlock()
	if p := t.peers.known[addr]; p != nil {
		return p, nil
	}
	if err := checkAddress(addr); err != nil {
		return nil, err
	}
	if len(t.peers.known) >= maxPeers && !t.peers.evict() {
		return nil, ErrOverloaded
	}
	p := &peer{addr: addr, pid: actor.NewPID(addr, controlName), self: addr == t.addr, used: time.Now()}
	t.peers.known[addr] = p
	return p, nil
}

// evict forgets the address that was used longest ago, of those without a
// connection, which nothing is known of that matters.
func (ps *peers) evict() bool {
	var oldest *peer
	for _, p := range ps.known {
		p.mu.Lock()
		idle := p.stream == nil && !p.down && p.queued == 0
		if idle && (oldest == nil || p.used.Before(oldest.used)) {
			oldest = p
		}
		p.mu.Unlock()
	}
	if oldest == nil {
		return false
	}
	delete(ps.known, oldest.addr)
	return true
}

// MarkDown says that the peer is silent: requests to it fail, those under way too,
// and messages are dropped, until MarkUp. It may still send, and gets answers.
func (t *Transport) MarkDown(addr string) {
	p, err := t.peer(addr)
	if err != nil || p.self {
		return
	}
	p.mu.Lock()
	p.down = true
	stream := p.stream
	p.mu.Unlock()
	if stream != nil {
		stream.cancel() // its writer may hang at a peer that does not read
	}
	t.calls.fail(p, ErrDown)
}

// MarkUp takes MarkDown back. The peer is tried at once.
func (t *Transport) MarkUp(addr string) {
	if p, err := t.peer(addr); err == nil {
		p.mu.Lock()
		p.down = false
		p.mu.Unlock()
		p.heard()
	}
}

// heard ends the pause after a failure: the peer has shown that it is there.
func (p *peer) heard() {
	p.mu.Lock()
	p.pause, p.until = 0, time.Time{}
	p.mu.Unlock()
}

// Send sends a message, which may be lost. It never blocks: what a peer does not
// take is dropped and counted. Messages to one address arrive in order. The
// payload is not changed any more.
func (t *Transport) Send(addr string, kind Kind, payload []byte) {
	p, err := t.peer(addr)
	if err == nil {
		_ = t.send(p, &troupev1.Envelope{Kind: uint32(kind), Payload: payload})
	} else {
		t.dropped.Add(1)
	}
}

// send completes the envelope and gives it to Proto.Actor.
func (t *Transport) send(p *peer, e *troupev1.Envelope) (err error) {
	defer func() {
		if err != nil {
			t.dropped.Add(1)
		}
	}()
	if len(e.Payload) > MaxPayload {
		return ErrTooLarge
	}
	if e.Error == "" { // who is told of another cluster must read it
		e.ClusterId = t.config.ClusterID()
	}
	e.FromId, e.FromIncarnation = t.config.Self()
	e.FromAddress, e.Epoch = t.addr, t.config.Epoch()
	t.stopping.RLock()
	defer t.stopping.RUnlock()
	if t.stopped {
		return ErrStopped
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ready(e.Reply); err != nil {
		return err
	}
	e.Sequence = t.sequence.Add(1)
	if p.self {
		if t.inbox.full() {
			return ErrOverloaded
		}
	} else if err := p.queue(e.Size()); err != nil {
		return err
	}
	t.system.Root.Send(p.pid, e)
	return nil
}

// ready tells why nothing is sent to the peer now. Who has just asked gets its
// answer even if it is marked down.
func (p *peer) ready(reply bool) error {
	p.used = time.Now()
	if p.down && !reply {
		return ErrDown
	}
	if p.used.Before(p.until) {
		return p.why
	}
	return nil
}

func (p *peer) queue(bytes int) error {
	if p.queued >= MaxQueued || p.queuedBytes+bytes > MaxQueuedBytes {
		return ErrOverloaded
	}
	p.queued++
	p.queuedBytes += bytes
	return nil
}

// written takes messages off the count.
func (p *peer) written(messages, bytes int) {
	p.mu.Lock()
	p.queued = max(p.queued-messages, 0)
	if p.queuedBytes = max(p.queuedBytes-bytes, 0); p.queued == 0 {
		p.queuedBytes = 0
	}
	p.mu.Unlock()
}

// lost ends the peer's connection. Proto.Actor forgets its endpoint first, with all
// that waits in it, so that nothing of the old endpoint is counted for the next.
// After Stop there is no next: an endpoint that is still being made would ask for
// one, of a supervisor that is gone.
func (t *Transport) lost(p *peer, o *outbound, err error) {
	stopped := t.ctx.Err() != nil
	if !stopped {
		t.system.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: p.addr})
	}
	err = fmt.Errorf("%w: %v", ErrUnreachable, err)
	p.mu.Lock()
	if p.stream == o {
		p.stream = nil
	}
	t.dropped.Add(uint64(p.queued))
	p.queued, p.queuedBytes = 0, 0
	first := p.pause == 0
	p.pause = min(max(2*p.pause, firstPause), lastPause)
	p.until, p.why = time.Now().Add(p.pause), err
	quiet := p.down || stopped
	p.mu.Unlock()
	t.calls.fail(p, err)
	if first && !quiet {
		t.config.Logger.Warn("no connection for control messages", "peer", p.addr, "why", err)
	}
}
