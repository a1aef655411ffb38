package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
)

// controlName is the actor that receives everything; nothing else of a node can
// be reached from outside.
const controlName = "control"

// portAttempts is how often another free port is looked for, if somebody takes
// the one that was found.
const portAttempts = 16

// Kind says what a message's payload is.
type Kind uint32

// Joining marks kinds that nodes of no cluster may send.
const Joining Kind = 1 << 16

// From is who sent a message.
type From struct {
	ID          string
	Incarnation uint64
	Address     string // of its control messages
	ClusterID   string // empty: it is in none
	Epoch       uint64 // of the catalog as it knows it, maybe an old one
}

// Config says who this node is. The functions may be called from any goroutine at
// any time.
type Config struct {
	// Bind is the address to listen at, empty: all of them. Port 0: any free one.
	Bind string
	Port int
	// Advertise is the name or address that others reach this node at, empty: Bind.
	Advertise string
	// ClusterID is empty as long as the node is in no cluster.
	ClusterID func() string
	// Self is this node's identity, never empty, at most 64 bytes, and which start of its process
	// this is.
	Self  func() (id string, incarnation uint64)
	Epoch func() uint64
	// TLS nil: everything is sent in the clear, and everybody who reaches the port
	// is trusted. The caller knows whether that is allowed.
	TLS    *TLS
	Logger *slog.Logger
}

// Transport sends and receives control messages. Its methods may be called from
// any goroutine.
type Transport struct {
	config  Config
	addr    string
	port    int
	system  *actor.ActorSystem
	remote  *remote.Remote
	gate    *gate
	control *actor.PID

	ctx    context.Context // ends with Stop
	cancel context.CancelFunc
	// stopping is held for reading while Proto.Actor is given a message: its remote
	// panics if it is used after it was stopped.
	stopping sync.RWMutex
	stopped  bool
	done     chan struct{} // closed when Stop has ended
	running  sync.WaitGroup
	slots    chan struct{} // one for each request that may be answered at a time

	peers                    peers
	calls                    calls
	handlers                 handlers
	senders                  senders // the control actor's own
	inbox                    inbox
	sequence                 atomic.Uint64
	refused, dropped, panics atomic.Uint64
	reported                 atomic.Int64 // when a refusal was logged last
	epoch                    time.Time    // reported counts from it
}

// Start opens the port and receives what comes; kinds are refused until they have
// a handler. It gives the system its address, so the system should have no actors yet.
func Start(system *actor.ActorSystem, config Config) (*Transport, error) {
	host := config.Advertise
	if host == "" {
		host = config.Bind
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return nil, errors.New("transport: no address that others can reach this node at")
	}
	if id, _ := config.Self(); id == "" || len(id) > maxName {
		return nil, fmt.Errorf("transport: an identity of %d bytes", len(id))
	}
	for attempt := 1; ; attempt++ {
		port, err := config.Port, error(nil)
		if port == 0 {
			if port, err = freePort(config.Bind); err != nil {
				return nil, fmt.Errorf("transport: %w", err)
			}
		}
		t := newTransport(system, config, host, port)
		if err = t.start(); err == nil {
			return t, nil
		}
		if config.Port != 0 || attempt == portAttempts {
			return nil, fmt.Errorf("transport: %w", err)
		}
	}
}

func newTransport(system *actor.ActorSystem, config Config, host string, port int) *Transport {
	t := &Transport{
		config: config, addr: net.JoinHostPort(host, strconv.Itoa(port)), port: port, system: system,
		done:  make(chan struct{}),
		slots: make(chan struct{}, MaxRunning),
		epoch: time.Now(),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.gate = newGate(config.TLS, t.refuse)
	t.peers.known = map[string]*peer{}
	t.calls.open = map[uint64]*call{}
	// A transport that takes the place of another goes on where time is, so that
	// what it sends is never taken for copies.
	t.sequence.Store(uint64(t.epoch.UnixNano()))
	t.calls.next = uint64(t.epoch.UnixNano())
	t.reported.Store(-int64(reportEvery))
	return t
}

// freePort returns a port that was free just now.
func freePort(bind string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(bind, "0"))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// start starts Proto.Actor's remote and the actor that everything is for.
func (t *Transport) start() (err error) {
	defer func() {
		if r := recover(); r != nil {
			t.cancel()
			err = failure(r)
		}
	}()
	bind := t.config.Bind
	if strings.Contains(bind, ":") {
		bind = "[" + bind + "]"
	}
	config := remote.Configure(bind, t.port,
		remote.WithAdvertisedHost(t.addr),
		remote.WithServerOptions(t.serverOptions()...),
		remote.WithDialOptions(t.dialOptions()...),
		remote.WithEndpointWriterBatchSize(maxBatch),
		remote.WithEndpointWriterQueueSize(maxBatch), // it grows
		func(c *remote.Config) { c.MaxRetryCount = 1 })
	r := remote.NewRemote(t.system, config)
	startRemote(r, t.system, config)
	t.remote = r
	props := actor.PropsFromFunc(t.receive, actor.WithMailbox(actor.Unbounded(&t.inbox)))
	if t.control, err = t.system.Root.SpawnNamed(props, controlName); err != nil {
		t.shut()
	}
	return err
}

// failure is what Proto.Actor panicked with, which wraps no cause: that the port is
// taken is all that somebody can do something about.
func failure(panicked any) error {
	text := fmt.Sprint(panicked)
	if taken := syscall.EADDRINUSE; strings.HasSuffix(text, taken.Error()) {
		return fmt.Errorf("%s%w", strings.TrimSuffix(text, taken.Error()), taken)
	}
	return errors.New(text)
}

// Addr returns the host:port that others reach this node at.
func (t *Transport) Addr() string { return t.addr }

// Port returns the port.
func (t *Transport) Port() int { return t.port }

// Refused returns how many connections, frames and messages were refused.
func (t *Transport) Refused() uint64 { return t.refused.Load() }

// Dropped returns how many messages were lost at this node: to peers that are down,
// cannot be reached or do not keep up, and as this node's handlers did not.
func (t *Transport) Dropped() uint64 { return t.dropped.Load() }

// Panics returns how many handlers have panicked.
func (t *Transport) Panics() uint64 { return t.panics.Load() }

// Stop closes the port and all connections. Requests under way fail; it returns
// when the handlers of others' requests have. No handler may call it.
func (t *Transport) Stop() {
	t.stopping.Lock()
	first := !t.stopped
	t.stopped = true
	t.stopping.Unlock()
	if first {
		t.shut()
		close(t.done)
	}
	<-t.done
}

// shut ends what start has started. Proto.Actor's own graceful shutdown is not
// asked: it may send on a closed channel and waits ten seconds for streams that
// never end.
func (t *Transport) shut() {
	t.cancel()
	t.calls.fail(nil, ErrStopped)
	t.gate.close()
	t.remote.Shutdown(false)
	for _, id := range []string{controlName, "activator", "EndpointSupervisor"} {
		if _, alive := t.system.ProcessRegistry.GetLocal(id); alive {
			_ = t.system.Root.StopFuture(t.system.NewLocalPID(id)).Wait()
		}
	}
	t.running.Wait()
}

// refuse counts what was not let in, and says so once a while.
func (t *Transport) refuse(what, from string, err error) {
	if t.ctx.Err() != nil {
		return // connections that end with the port
	}
	total := t.refused.Add(1)
	now := int64(time.Since(t.epoch))
	last := t.reported.Load()
	if now-last >= int64(reportEvery) && t.reported.CompareAndSwap(last, now) {
		t.config.Logger.Warn("refused on the port of control messages",
			"what", what, "from", from, "why", err, "refused so far", total)
	}
}
