package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/troupedb/troupe/actors/system"
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
	Loops       int // event loops, 0: as many as DefaultLoops says
	Portable    bool
	ColdKeys    int  // see coordinator.Options
	OwnProcs    bool // see netloop.Options
	RequirePass string
	MaxClients  int
	EnableDebug string // enable-debug-command: no, yes or local
	Logger      *slog.Logger
	// Streams is the listening socket for the streams of other nodes, nil: there are
	// none, or Cluster has them.
	Streams *net.TCPListener
	// StreamTLS is mutual TLS for them, nil: they are plain.
	StreamTLS *StreamTLS
	// Cluster is how the node takes part in a cluster, nil: it does not.
	Cluster *ClusterConfig
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
	hub     *pubsub.Hub
	driver  netloop.Driver
	system  *system.System
	movers  *movers
	member  *member // nil: it is in no cluster
	addr    *net.TCPAddr
	log     *slog.Logger
	stop    chan struct{}
	done    chan struct{}
	asked   chan struct{} // closed by SHUTDOWN
}

// ShutdownAsked is closed when a client has asked the node to end.
func (g *Gateway) ShutdownAsked() <-chan struct{} { return g.asked }

// Start starts a node that serves clients when it returns.
func Start(cfg Config) (*Gateway, error) { return Join(context.Background(), cfg) }

// Join is Start for a node that is to be in a cluster: it is a member when Join
// returns. ctx ends the waiting for others.
func Join(ctx context.Context, cfg Config) (*Gateway, error) {
	g := &Gateway{stop: make(chan struct{}), done: make(chan struct{}), asked: make(chan struct{}), log: cfg.Logger}
	l, err := listenFrom(&cfg)
	if err != nil {
		return nil, err
	}
	g.addr = l.Addr().(*net.TCPAddr)
	if cfg.Cluster != nil {
		if err := g.joinCluster(ctx, &cfg); err != nil {
			l.Close()
			return nil, err
		}
		cfg.Streams = g.member.streams
	}
	if err := g.start(&cfg, l); err != nil {
		l.Close()
		g.end()
		return nil, err
	}
	return g, nil
}

// start puts the node together and serves clients on l.
func (g *Gateway) start(cfg *Config, l *net.TCPListener) error {
	locals := slices.Concat(session.Commands, conn.Commands, pubsub.Commands)
	g.hub = pubsub.New()
	node, err := coordinator.Start(coordinator.Options{
		Shards: cfg.Shards, Seed: rand.Uint64(), Locals: localRows(locals), Programs: conn.Programs,
		Effects: g.hub, Config: engine.DefaultConfig(), Logger: cfg.Logger, System: g.system,
		ColdKeys: cfg.ColdKeys,
	})
	if err != nil {
		return fmt.Errorf("start node: %w", err)
	}
	g.Node = node
	if g.sagas, err = coordinator.NewCoordinators(node.System, node.Env); err != nil {
		return fmt.Errorf("start node: %w", err)
	}
	g.Server = session.NewServer(node.Env, g.sagas, locals)
	g.openStreams(cfg)
	g.hub.Attach(g.Server)
	g.Server.Shutdown = sync.OnceFunc(func() { close(g.asked) })
	send, err := g.spawnHeart()
	if err != nil {
		return err
	}
	if err := g.listen(cfg); err != nil {
		return err
	}
	if g.member != nil {
		g.member.run()
	}
	if err := g.driver.Serve(l, g.Server.Open); err != nil {
		return err
	}
	go g.tick(send)
	return nil
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

// DefaultLoops returns how many event loops suit the machine: with one for every other
// processor, each has more to do when it wakes up.
func DefaultLoops() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// listen starts the event loops, and serves the streams of other nodes.
func (g *Gateway) listen(cfg *Config) error {
	g.Server.NonLoopback = !g.addr.IP.IsLoopback()
	loops := cfg.Loops
	if loops == 0 {
		loops = DefaultLoops()
	}
	if err := g.configure(cfg, loops); err != nil {
		return err
	}
	keepAlive := func() int { return g.Server.Limits.Load().KeepAlive }
	var err error
	if g.driver, err = netloop.New(netloop.Options{Loops: loops, Portable: cfg.Portable, OwnProcs: cfg.OwnProcs}, g.Server, keepAlive); err != nil {
		return err
	}
	g.streams.Attach(g.driver)
	return g.serveStreams(cfg)
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
	if g.Server.Fenced() {
		g.sagas.Fence()
		g.Server.EachShard((*engine.Engine).Expel)
	}
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
	g.end()
}

// end ends what has been started.
func (g *Gateway) end() {
	if g.Node != nil {
		g.Node.Env.Running.End()
	}
	if g.movers != nil {
		g.movers.stop()
	}
	if g.streams != nil {
		g.streams.Stop()
	}
	if g.driver != nil {
		g.driver.Close()
	}
	if g.streams != nil {
		g.streams.Wait()
	}
	if g.member != nil {
		g.member.Stop()
	}
	if g.Node != nil {
		g.Node.Stop()
	}
}
