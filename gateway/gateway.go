package gateway

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/troupedb/troupe/coordinator"
	"github.com/troupedb/troupe/gateway/conn"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/gateway/pubsub"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

// Config is what a node is started with.
type Config struct {
	Bind        string
	Port        int
	PortGiven   bool // the port was asked for: never take another
	Shards      int
	Loops       int // event loops, 0: as many as suit the machine
	Portable    bool
	RequirePass string
	MaxClients  int
	EnableDebug string // enable-debug-command: no, yes or local
	Logger      *slog.Logger
	// Streams is the listening socket for the streams of other nodes, nil: there are
	// none.
	Streams *net.TCPListener
	// StreamTLS is mutual TLS for them, nil: they are plain.
	StreamTLS *StreamTLS
}

// Bounds of what a node can be started with.
const (
	maxShards     = 1024
	maxMaxClients = 1 << 20
)

// DefaultConfig returns what a node is started with where nothing else is asked for.
func DefaultConfig() Config {
	return Config{Bind: "127.0.0.1", Port: 6379, Shards: DefaultShards, MaxClients: 10000, EnableDebug: "no"}
}

// Validate tells what a node cannot be started with.
func (c *Config) Validate() error {
	switch {
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("--port %d: a port is a number from 0 (any free one) to 65535", c.Port)
	case c.Shards < 1 || c.Shards > maxShards:
		return fmt.Errorf("--shards %d: give a number from 1 to %d", c.Shards, maxShards)
	case c.MaxClients < 1 || c.MaxClients > maxMaxClients:
		return fmt.Errorf("--maxclients %d: give a number from 1 to %d", c.MaxClients, maxMaxClients)
	case c.EnableDebug != "no" && c.EnableDebug != "yes" && c.EnableDebug != "local":
		return fmt.Errorf("--enable-debug-command %s: give no, yes or local", c.EnableDebug)
	}
	return nil
}

// DefaultShards is the number of shards where none is asked for: see the bench
// section of README for the measurement.
const DefaultShards = 16

// tickEvery is how often shards look for expired keys and memory to free.
const tickEvery = 100 * time.Millisecond

// reapEvery is after how many ticks clients are looked at that may have to go.
const reapEvery = 10

// Gateway is a running node.
type Gateway struct {
	Node   *coordinator.Node
	Server *session.Server

	sagas   *coordinator.Coordinators
	streams *peer.Net
	driver  netloop.Driver
	addr    *net.TCPAddr
	stop   chan struct{}
	done   chan struct{}
	asked  chan struct{} // closed by SHUTDOWN
}

// ShutdownAsked is closed when a client has asked the node to end.
func (g *Gateway) ShutdownAsked() <-chan struct{} { return g.asked }

// Start starts a node that serves clients when it returns.
func Start(cfg Config) (*Gateway, error) {
	locals := slices.Concat(session.Commands, conn.Commands, pubsub.Commands)
	g := &Gateway{stop: make(chan struct{}), done: make(chan struct{}), asked: make(chan struct{})}
	hub := pubsub.New()
	node, err := coordinator.Start(coordinator.Options{
		Shards: cfg.Shards, Seed: rand.Uint64(), Locals: localRows(locals), Programs: conn.Programs,
		Effects: hub, Config: engine.DefaultConfig(), Logger: cfg.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("start node: %w", err)
	}
	g.Node = node
	if g.sagas, err = coordinator.NewCoordinators(node.System, node.Env); err != nil {
		node.Stop()
		return nil, fmt.Errorf("start node: %w", err)
	}
	g.Server = session.NewServer(node.Env, g.sagas, locals)
	g.openStreams(&cfg)
	hub.Attach(g.Server)
	g.Server.Shutdown = sync.OnceFunc(func() { close(g.asked) })
	send, err := g.spawnHeart()
	if err != nil {
		node.Stop()
		return nil, err
	}
	if err := g.listen(&cfg); err != nil {
		node.Stop()
		return nil, err
	}
	go g.tick(send)
	return g, nil
}

func localRows(list []session.Command) []*command.Row {
	rows := make([]*command.Row, len(list))
	for i := range list {
		rows[i] = list[i].Row
	}
	return rows
}

// Addr returns the address that clients connect to.
func (g *Gateway) Addr() *net.TCPAddr { return g.addr }

func (g *Gateway) listen(cfg *Config) error {
	l, err := listenFrom(cfg)
	if err != nil {
		return err
	}
	g.addr = l.Addr().(*net.TCPAddr)
	g.Server.NonLoopback = !g.addr.IP.IsLoopback()
	loops := cfg.Loops
	if loops == 0 {
		loops = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if err := g.configure(cfg, loops); err != nil {
		l.Close()
		return err
	}
	keepAlive := func() int { return g.Server.Limits.Load().KeepAlive }
	if g.driver, err = netloop.New(loops, cfg.Portable, g.Server, keepAlive); err != nil {
		return err
	}
	g.streams.Attach(g.driver)
	if err := g.serveStreams(cfg); err != nil {
		l.Close()
		return err
	}
	return g.driver.Serve(l, g.Server.Open)
}

// portsToTry is how many ports are tried when the default one is taken.
const portsToTry = 100

func listenFrom(cfg *Config) (*net.TCPListener, error) {
	tries := portsToTry
	if cfg.PortGiven {
		tries = 1
	}
	var err error
	for port := cfg.Port; port < cfg.Port+tries; port++ {
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(cfg.Bind, strconv.Itoa(port))); err == nil {
			return l.(*net.TCPListener), nil
		}
	}
	return nil, fmt.Errorf("listen on %s:%d: %w", cfg.Bind, cfg.Port, err)
}

// tick sends beats until the node stops.
func (g *Gateway) tick(send func(beat)) {
	defer close(g.done)
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			send(beat{now})
		case <-g.stop:
			return
		}
	}
}

// beat is the n-th time that the node does what is due without being asked.
func (g *Gateway) beat(at time.Time, n int) {
	now := at.UnixMilli()
	g.Node.Tick(now)
	g.sagas.Tick(now)
	g.Server.Sample(now)
	g.Server.WatchScripts(now)
	if n%reapEvery == 0 {
		g.Server.ReapIdle(now)
	}
}

// Stop ends the node: connections are closed after their replies were sent.
func (g *Gateway) Stop() {
	close(g.stop)
	<-g.done
	g.Node.Env.Running.End()
	g.streams.Stop()
	g.driver.Close()
	g.streams.Wait()
	g.Node.Stop()
}
