package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/membership"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
	"github.com/troupedb/troupe/shard/replica"
	"github.com/troupedb/troupe/shard/replica/runner"
	"github.com/troupedb/troupe/shard/wal"
)

// Cluster is this node's part in its cluster.
type Cluster struct {
	o           Options
	id          identity
	incarnation uint64
	started     time.Time
	log         *wal.Log
	store       *store
	runner      *runner.Runner
	transport   *transport.Transport
	membership  *membership.Membership

	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
	hooks  atomic.Pointer[Hooks]
	beats  chan beat
	join   chan struct{}
	asked  atomic.Bool // to rebalance at once
	// leaving: it must not come back by itself.
	leaving atomic.Bool
	// joining is the identity of the cluster that this node is becoming a member of.
	joining atomic.Pointer[string]

	addrMu sync.Mutex
	addrs  map[uint64]string // of replicas that the catalog may not have yet

	loadsMu sync.Mutex
	loads   catalog.Loads // if this node leads

	leaseMu    sync.Mutex
	lease      catalog.Lease
	leased     sync.Once
	firstLease chan struct{}

	suspectMu sync.Mutex
	suspected map[directory.Number]bool
}

// Start makes the node a member: it returns once it is one, and has a lease. It may
// take as long as nobody is there to join; ctx ends that.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Cluster{
		o: o, started: time.Now(), incarnation: uint64(time.Now().UnixNano()),
		beats: make(chan beat, maxBeats), join: make(chan struct{}, 1), firstLease: make(chan struct{}),
		addrs: map[uint64]string{}, suspected: map[directory.Number]bool{},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	var err error
	if c.id, c.log, err = open(&c.o); err != nil {
		return err
	}
	c.store = newStore(c.id.ID)
	if err := c.startTransport(); err != nil {
		return err
	}
	known := len(c.log.Groups()) > 0
	if known {
		if err := c.startRunner(false); err != nil {
			return err
		}
	}
	if err := c.startMembership(); err != nil {
		return err
	}
	found, err := c.meet(ctx, known)
	if err != nil {
		return err
	}
	if !known {
		if err := c.startRunner(found); err != nil {
			return err
		}
	}
	c.handle()
	if err := c.enter(ctx, found, known); err != nil {
		return err
	}
	if err := c.membership.SetClusterID(c.clusterID()); err != nil {
		return fmt.Errorf("tell others of the cluster: %w", err)
	}
	c.membership.SetKnown(c.known)
	c.done.Go(c.lead)
	c.done.Go(c.heart)
	select {
	case <-c.firstLease:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the catalog's leader: %w", ctx.Err())
	case <-c.runner.Done():
		return fmt.Errorf("the catalog has stopped: %w", c.runner.Err())
	}
}

// startTransport listens for control messages, on the port that was asked for or the
// next free one.
func (c *Cluster) startTransport() error {
	port, tries := c.o.ActorPort, 1
	if port == 0 {
		port, tries = DefaultActorPort, actorPortSpan
	}
	var err error
	for ; tries > 0; port, tries = port+1, tries-1 {
		// Proto.Actor cannot be asked twice, so the port is tried first.
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(c.o.Bind, strconv.Itoa(port))); err != nil {
			continue
		}
		l.Close()
		c.transport, err = transport.Start(c.o.System, transport.Config{
			Bind: c.o.Bind, Port: port, Advertise: c.o.Host, ClusterID: c.clusterID,
			Self:  func() (string, uint64) { return c.id.ID, c.incarnation },
			Epoch: c.epoch, TLS: c.o.TLS, Logger: c.o.Logger,
		})
		break
	}
	if err != nil {
		return fmt.Errorf("listen for control messages (--actor-port): %w", err)
	}
	c.transport.Handle(kindRaft, c.heardRaft)
	c.transport.Handle(kindHeartbeat, c.heard)
	c.transport.Handle(kindBeatAck, c.heardAck)
	return nil
}

// handle answers requests of others, once there is a replica.
func (c *Cluster) handle() {
	c.transport.HandleRequest(kindPropose, c.proposed)
	c.transport.HandleRequest(kindJoin, c.proposed)
	c.transport.HandleRequest(kindRebalance, func(context.Context, transport.From, []byte) ([]byte, error) {
		c.asked.Store(true)
		return nil, nil
	})
}

func (c *Cluster) startRunner(bootstrap bool) error {
	r, err := runner.Start(runner.Config{
		Log: c.log, Bootstrap: bootstrap,
		Replica: replica.Config{
			ID: c.id.RaftID, Machine: c.store, Seed: c.incarnation,
			Warn: func(format string, args ...any) { c.o.Logger.Warn("catalog: " + fmt.Sprintf(format, args...)) },
		},
		Send:    c.sendRaft,
		Observe: c.store.observe,
	})
	if err != nil {
		return fmt.Errorf("start the catalog: %w", err)
	}
	c.addrMu.Lock()
	c.runner = r
	c.addrMu.Unlock()
	return nil
}

func (c *Cluster) startMembership() error {
	var err error
	c.membership, err = membership.Start(membership.Config{
		Name: c.o.Name, Bind: c.o.Bind, Port: c.o.GossipPort, Advertise: c.o.Host, Key: c.o.GossipKey,
		Cluster: c.o.Cluster, ClusterID: c.clusterID(), ID: c.id.ID, Incarnation: c.incarnation,
		ClientPort: c.o.ClientPort, ActorPort: c.transport.Port(), StreamPort: c.o.StreamPort, Zone: c.o.Zone,
		Logger: c.o.Logger, OnChange: func([]membership.Member) { c.store.stir() },
	})
	if err != nil {
		return fmt.Errorf("listen for gossip (--gossip-port): %w", err)
	}
	return nil
}

// now is the node's monotonic time in milliseconds.
func (c *Cluster) now() int64 { return time.Since(c.started).Milliseconds() }

func (c *Cluster) clusterID() (id string) {
	c.store.with(func(s *catalog.State) { id, _ = s.Cluster() })
	if to := c.joining.Load(); id == "" && to != nil {
		return *to
	}
	return id
}

func (c *Cluster) epoch() (epoch uint64) {
	c.store.with(func(s *catalog.State) { epoch = s.Epoch() })
	return epoch
}

// me is this node as it joins.
func (c *Cluster) me() catalog.Member {
	return catalog.Member{RaftID: c.id.RaftID, Member: directory.Member{
		ID: c.id.ID, Name: c.o.Name, Zone: c.o.Zone, Host: c.o.Host, Incarnation: c.incarnation,
		ClientPort: c.o.ClientPort, GossipPort: c.membership.Self().GossipPort,
		ActorPort: c.transport.Port(), StreamPort: c.o.StreamPort,
	}}
}

func actorAddr(m *directory.Member) string {
	return net.JoinHostPort(m.Host, strconv.Itoa(m.ActorPort))
}

// raftAddr returns where a replica gets its messages, "": it is not known.
func (c *Cluster) raftAddr(id uint64) (addr string) {
	if id == 0 {
		return ""
	}
	c.store.with(func(s *catalog.State) {
		if m := s.ByRaftID(id); m != nil {
			addr = actorAddr(&m.Member)
		}
	})
	if addr == "" {
		c.addrMu.Lock()
		defer c.addrMu.Unlock()
		addr = c.addrs[id]
	}
	return addr
}

func (c *Cluster) sendRaft(to uint64, msg []byte) {
	if addr := c.raftAddr(to); addr != "" {
		c.transport.Send(addr, kindRaft, raftMessage(c.id.RaftID, to, msg))
	}
}

// maxAddrs bounds the addresses of replicas that the catalog does not have.
const maxAddrs = 256

func (c *Cluster) heardRaft(from transport.From, payload []byte) {
	sender, to, msg, err := parseRaft(payload)
	if err != nil {
		c.o.Logger.Warn("refused a message of the catalog", "from", from.Address, "error", err)
		return
	}
	c.addrMu.Lock()
	if len(c.addrs) >= maxAddrs {
		clear(c.addrs)
	}
	c.addrs[sender] = from.Address
	r := c.runner
	c.addrMu.Unlock()
	if r != nil && to == c.id.RaftID {
		r.Step(append([]byte(nil), msg...))
	}
}

// Directory returns the catalog as it is known here.
func (c *Cluster) Directory() *directory.Directory { return c.store.directory() }

// Name returns the node's name, Ports those that it has taken.
func (c *Cluster) Name() string { return c.o.Name }

// Ports returns the ports for gossip and control messages.
func (c *Cluster) Ports() (gossip, actor int) {
	return c.membership.Self().GossipPort, c.transport.Port()
}

// Run calls the hooks from now on, first with how things stand.
func (c *Cluster) Run(h Hooks) {
	c.hooks.Store(&h)
	c.leaseMu.Lock()
	until, ok := c.lease.Until()
	c.leaseMu.Unlock()
	if ok {
		h.Serve(c.started.Add(time.Duration(until) * time.Millisecond))
	}
	c.done.Go(c.follow)
}

// follow hands on what changes.
func (c *Cluster) follow() {
	h := c.hooks.Load()
	settings := ^uint64(0)
	for {
		if d := c.store.directory(); d != nil {
			h.Follow(d)
			c.judge()
		}
		if pairs, epoch := c.settings(); epoch != settings {
			settings = epoch
			h.Settings(pairs)
		}
		select {
		case <-c.ctx.Done():
			return
		case <-c.store.changed:
		}
	}
}

func (c *Cluster) settings() (pairs []string, epoch uint64) {
	c.store.with(func(s *catalog.State) {
		epoch = s.SettingsEpoch()
		s.EachSetting(func(name, value string) { pairs = append(pairs, name, value) })
	})
	return pairs, epoch
}

// judge tells the transport, and whoever asks members on the data path, which of
// them are taken not to answer: what serf says, or the catalog.
func (c *Cluster) judge() {
	d := c.store.directory()
	if d == nil || c.membership == nil {
		return
	}
	failed := map[string]bool{}
	for _, m := range c.membership.Members() {
		failed[m.ID] = m.Status != membership.Alive
	}
	hooks := c.hooks.Load()
	c.suspectMu.Lock()
	defer c.suspectMu.Unlock()
	for i := range d.Members {
		m := &d.Members[i]
		suspected := m.Number != d.Self && (failed[m.ID] || m.State == directory.Down)
		if was, known := c.suspected[m.Number]; known && was == suspected && hooks != nil {
			continue
		}
		if suspected {
			c.transport.MarkDown(actorAddr(m))
		} else {
			c.transport.MarkUp(actorAddr(m))
		}
		if hooks != nil {
			c.suspected[m.Number] = suspected
			hooks.Suspect(m.Number, suspected)
		}
	}
}

// known are the addresses of the members, for those that serf has forgotten.
func (c *Cluster) known() (addrs []string) {
	if d := c.store.directory(); d != nil {
		for i := range d.Members {
			m := &d.Members[i]
			if m.Number != d.Self {
				addrs = append(addrs, net.JoinHostPort(m.Host, strconv.Itoa(m.GossipPort)))
			}
		}
	}
	return addrs
}

// Stop ends the node's part. The cluster takes it for crashed, unless it has left.
func (c *Cluster) Stop() {
	c.cancel()
	if c.membership != nil {
		if err := c.membership.Shutdown(); err != nil {
			c.o.Logger.Debug("stop gossip", "error", err)
		}
	}
	if c.runner != nil {
		c.runner.Stop()
	}
	c.done.Wait()
	if c.transport != nil {
		c.transport.Stop()
	}
	if c.log != nil {
		if err := c.log.Close(); err != nil && !errors.Is(err, wal.ErrClosed) {
			c.o.Logger.Warn("close the node's log", "error", err)
		}
	}
}
