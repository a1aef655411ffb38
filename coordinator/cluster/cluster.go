package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/membership"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
	"github.com/troupedb/troupe/shard/replica"
	"github.com/troupedb/troupe/shard/replica/runner"
)

// Cluster is this node's part in its cluster.
type Cluster struct {
	o           Options
	id          identity
	incarnation uint64
	started     time.Time
	home        *home
	had         []catalog.Keys // in the process before, as far as it is known here
	store       *store
	replica     atomic.Pointer[runner.Runner] // nil: there is none yet
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

	phone    phone
	calls    *calls // to other members, after a restart
	election election

	loadsMu sync.Mutex // taken with the store's held, never the other way round
	// What was told with heartbeats, if this node leads.
	loads catalog.Loads
	signs map[string]sign // by member's identity

	leaseMu    sync.Mutex
	lease      catalog.Lease
	beaten     uint64       // the newest heartbeat
	beating    *time.Ticker // to the next one
	leased     sync.Once
	firstLease chan struct{}
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
		signs: map[string]sign{}, beating: time.NewTicker(heartbeatEvery),
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
	if c.id, c.home, err = open(&c.o); err != nil {
		return err
	}
	c.store = newStore(c.id.ID)
	if c.o.Dir != "" {
		c.had = c.home.readKeys()
	}
	if err := c.startTransport(); err != nil {
		return err
	}
	if err := c.recover(ctx); err != nil {
		return err
	}
	if err := c.startMembership(); err != nil {
		return err
	}
	c.handle()
	meeting, met := context.WithCancel(c.ctx)
	defer met()
	found, err := c.meet(ctx, meeting)
	if err != nil {
		return err
	}
	if c.raft() == nil {
		if err := c.startReplica(found); err != nil {
			return err
		}
	}
	if err := c.enter(ctx, found); err != nil {
		return err
	}
	if err := c.membership.SetClusterID(c.clusterID()); err != nil {
		return fmt.Errorf("tell others of the cluster: %w", err)
	}
	c.membership.SetKnown(c.known)
	c.done.Go(c.lead)
	c.done.Go(c.heart)
	if c.o.Dir != "" {
		c.done.Go(c.noteKeys)
	}
	return c.awaitLease(ctx)
}

// recover starts the replica that the log is of, if there is one, and returns when
// that has carried out what the log knows to be agreed on. A log in which nothing is
// said of a cluster is given up: the node ended before it was a member.
func (c *Cluster) recover(ctx context.Context) error {
	if len(c.home.log.Groups()) == 0 {
		return nil
	}
	if err := c.startReplica(false); err != nil {
		return err
	}
	r := c.raft()
	commit := r.Status().Commit
	for st := r.Status(); st.Applied < commit || alone(&st) && !st.Settled; st = r.Status() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("read the node's log: %w", ctx.Err())
		case <-r.Done():
			return fmt.Errorf("the catalog's log in --dir %s: %w", c.o.Dir, r.Err())
		case <-time.After(recoverEvery):
		}
	}
	id, name := c.store.cluster()
	if id != "" && name != c.o.Cluster {
		return fmt.Errorf("--dir %s is of a node of cluster %q: give --cluster %[2]s, or another --dir for cluster %q",
			c.o.Dir, name, c.o.Cluster)
	}
	if id != "" {
		return nil
	}
	r.Stop()
	c.replica.Store(nil)
	c.store.reset()
	renewed, err := c.home.renew(c.id)
	c.id.RaftID = renewed.RaftID // others read the rest already
	return err
}

// alone tells whether the replica is the only voter: what its log has is agreed on
// once it leads.
func alone(st *replica.Status) bool {
	return len(st.Conf.Voters) == 1 && !st.Conf.Joint() && st.Conf.Votes(st.ID)
}

// recoverEvery is how often is looked at how far a log is read.
const recoverEvery = 5 * time.Millisecond

func (c *Cluster) startReplica(bootstrap bool) error {
	id := c.id.RaftID
	r, err := runner.Start(runner.Config{
		Log: c.home.log, Bootstrap: bootstrap,
		Replica: replica.Config{
			ID: id, Machine: c.store, Seed: c.incarnation,
			Warn: func(format string, args ...any) { c.o.Logger.Warn("catalog: " + fmt.Sprintf(format, args...)) },
		},
		Send:    func(to uint64, msg []byte) { c.sendRaft(id, to, msg) },
		Observe: c.store.observe,
	})
	if err != nil {
		return fmt.Errorf("start the catalog: %w", err)
	}
	c.store.begin(r.Status())
	c.replica.Store(r)
	return nil
}

// raft returns the node's replica, nil before there is one.
func (c *Cluster) raft() *runner.Runner { return c.replica.Load() }

func (c *Cluster) awaitLease(ctx context.Context) error {
	for {
		select {
		case <-c.firstLease:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("wait for the catalog's leader: %w", ctx.Err())
		case <-c.raft().Done():
			return fmt.Errorf("the catalog has stopped: %w", c.raft().Err())
		case <-time.After(waitEvery):
			c.say(c.quorumNews())
		}
	}
}

// now is the node's monotonic time in milliseconds.
func (c *Cluster) now() int64 { return time.Since(c.started).Milliseconds() }

func (c *Cluster) clusterID() (id string) {
	id, _ = c.store.cluster()
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

// Directory returns the catalog as it is known here, with the leader and the voters
// of this moment.
func (c *Cluster) Directory() *directory.Directory { return c.store.directory() }

// Name returns the node's name.
func (c *Cluster) Name() string { return c.o.Name }

// Ports returns the ports for gossip and control messages.
func (c *Cluster) Ports() (gossip, actor int) {
	return c.membership.Self().GossipPort, c.transport.Port()
}

// TurnedAway counts what the ports for gossip and control messages have not let in.
type TurnedAway struct {
	GossipInput  uint64 // packets and streams of gossip that were not understood
	GossipNodes  uint64 // nodes that do not belong here, each time they tried
	Control      uint64 // connections, frames and messages of control
	ControlLost  uint64 // control messages lost at this node
	ControlPanic uint64 // defects that control messages have met
}

// TurnedAway returns what was turned away since the start.
func (c *Cluster) TurnedAway() TurnedAway {
	gossip := c.membership.Stats()
	return TurnedAway{
		GossipInput: gossip.BadInput, GossipNodes: gossip.Refused,
		Control: c.transport.Refused(), ControlLost: c.transport.Dropped(), ControlPanic: c.transport.Panics(),
	}
}

// Stop ends the node's part. The cluster takes it for crashed, unless it has left.
func (c *Cluster) Stop() {
	c.cancel()
	var errs []error
	if c.membership != nil {
		errs = append(errs, c.membership.Shutdown())
	}
	if r := c.raft(); r != nil {
		r.Stop()
	}
	c.done.Wait()
	if c.transport != nil {
		c.transport.Stop()
	}
	if c.home != nil {
		errs = append(errs, c.home.close())
	}
	if err := errors.Join(errs...); err != nil {
		c.o.Logger.Warn("the node's part in the cluster has not ended well", "error", err)
	}
}
