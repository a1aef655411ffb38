package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/system"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
	"github.com/troupedb/troupe/coordinator/cluster"
	"github.com/troupedb/troupe/gateway/session"
)

// ClusterConfig is how a node takes part in a cluster.
type ClusterConfig struct {
	Name, Cluster, Zone string
	// Host is the address at which other nodes, and clients, reach this one.
	Host                              string
	StreamPort, GossipPort, ActorPort int
	Dir                               string
	Join                              []string
	Expect                            int
	GossipKey                         []byte
	TLS                               *transport.TLS
	Progress                          func(string)
}

// member is the part of a gateway that is in a cluster.
type member struct {
	g *Gateway
	*cluster.Cluster
	streams *net.TCPListener
}

// joinCluster makes the node a member, before it has shards: how many there are, the
// cluster decides.
func (g *Gateway) joinCluster(ctx context.Context, cfg *Config) error {
	c := cfg.Cluster
	bind := cfg.Bind
	if ip := net.ParseIP(bind); ip != nil && ip.IsLoopback() != isLoopback(c.Host) {
		bind = c.Host // clients are served elsewhere than where the nodes speak
	}
	l, err := net.Listen("tcp", net.JoinHostPort(bind, strconv.Itoa(c.StreamPort)))
	if err != nil {
		return listenError(bind, c, err)
	}
	g.system = system.New(cfg.Logger)
	m, err := cluster.Start(ctx, cluster.Options{
		Name: c.Name, Cluster: c.Cluster, Zone: c.Zone, Bind: bind, Host: c.Host,
		ClientPort: g.addr.Port, StreamPort: l.Addr().(*net.TCPAddr).Port, GossipPort: c.GossipPort, ActorPort: c.ActorPort,
		Dir: c.Dir, Join: c.Join, Expect: c.Expect, GossipKey: c.GossipKey, TLS: c.TLS,
		Shards: cfg.Shards, System: g.system, Logger: cfg.Logger, Progress: c.Progress,
	})
	if err != nil {
		l.Close()
		return err
	}
	g.member = &member{g: g, Cluster: m, streams: l.(*net.TCPListener)}
	cfg.Shards = m.Directory().Shards()
	return nil
}

// listenError says what to do about an address that cannot be had.
func listenError(bind string, c *ClusterConfig, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("port %d is taken: give another one with --stream-port, or none for any that is free", c.StreamPort)
	case errors.Is(err, syscall.EADDRNOTAVAIL) && bind == c.Host:
		return fmt.Errorf("%s is no address of this machine: if others reach it at that one, give its own with --bind, or --bind 0.0.0.0", bind)
	}
	return fmt.Errorf("listen for other nodes on %s: %w", net.JoinHostPort(bind, strconv.Itoa(c.StreamPort)), err)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// run makes the node follow the cluster.
func (m *member) run() {
	g := m.g
	g.Server.Cluster = m
	m.Run(cluster.Hooks{
		Follow: g.Follow, Suspect: g.streams.Suspect, Serve: g.Server.Serve, Loads: m.loads, Moves: m.moves,
		Flushed: g.Node.Env.Scripts.Flush,
		Settings: func(pairs []string) {
			if err := g.Server.Config.Adopt(pairs); err != nil {
				g.log.Warn("the cluster has settings that this node does not take", "error", err)
			}
		},
	})
}

// loads says what is in the shards that this node has, and of which it has counted
// the keys: of one that is about to come its last owner's word counts.
func (m *member) loads() (loads []catalog.ShardLoad) {
	d := m.g.Node.Env.Where.Load()
	for i, h := range m.g.Node.Env.Shards {
		if d.Mine(i) && h.Owner() == 0 {
			resident := h.Engine.Resident.Load()
			loads = append(loads, catalog.ShardLoad{Shard: i, Keys: h.Engine.Keys.Load(), Load: resident / catalog.LoadUnit})
		}
	}
	return loads
}

// moves says how far the shards are that this node moves to others.
func (m *member) moves() (all []cluster.Move) {
	now := time.Now().UnixMilli()
	for _, v := range m.g.Moves() {
		all = append(all, cluster.Move{
			Shard: v.Shard, ID: v.ID, Phase: v.Phase, Age: now - v.Started, Keys: v.KeysSent, Bytes: v.Bytes, KeysLeft: v.KeysLeft,
		})
	}
	return all
}

// leavePatience is how long a node that is told to end tries to hand its shards over.
const leavePatience = 5 * time.Minute

// Leave hands the node's shards to the others, if it is in a cluster, and says how
// far that is. ctx ends it.
func (g *Gateway) Leave(ctx context.Context, progress func(shards int)) error {
	if g.member == nil {
		return catalog.NobodyLeft
	}
	ctx, cancel := context.WithTimeout(ctx, leavePatience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- g.member.Cluster.Leave(ctx) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ticker.C:
			progress(g.member.Owned())
		}
	}
}

// Status implements session.Cluster. What members say of themselves the catalog's
// leader knows, and if it does not answer, nobody.
func (m *member) Status(ctx context.Context) (*session.ClusterStatus, error) {
	r, _ := m.Report(ctx)
	st := session.StatusOf(m.Directory())
	fill(st, &r, time.Now().UnixMilli())
	st.Links = m.Links()
	return st, nil
}

// fill puts a report into a status.
func fill(st *session.ClusterStatus, r *cluster.Report, now int64) {
	for i := range st.Shards {
		if i < len(r.Keys) && r.Keys[i] != cluster.Unknown {
			st.Shards[i].Keys = r.Keys[i]
		}
	}
	for _, h := range r.Heard {
		if n := st.Node(h.Member); n != nil {
			n.Heard = now - h.Ago
		}
	}
	for i := range st.Nodes {
		st.Nodes[i].Keys = keysOf(st, st.Nodes[i].Number)
	}
	for _, v := range r.Moves {
		for i := range st.Moves {
			if to := &st.Moves[i]; to.ID == v.ID {
				to.Phase, to.Started = v.Phase, now-v.Age
				to.Bytes, to.KeysSent, to.KeysLeft = v.Bytes, v.Keys, v.KeysLeft
			}
		}
	}
}

// keysOf returns how many keys the shards of a node have.
func keysOf(st *session.ClusterStatus, n directory.Number) (keys int64) {
	for i := range st.Shards {
		switch s := &st.Shards[i]; {
		case s.Owner != n:
		case s.Keys == session.Unknown:
			return session.Unknown
		default:
			keys += s.Keys
		}
	}
	return keys
}

// Rebalance implements session.Cluster.
func (m *member) Rebalance(ctx context.Context) (int, error) { return m.Cluster.Rebalance(ctx) }

// Links implements session.Cluster.
func (m *member) Links() []session.Link {
	var links []session.Link
	for _, l := range m.g.streams.Links() {
		links = append(links, session.Link{
			Peer: l.Peer, Inbound: l.Inbound, Up: l.Up, Since: l.Since, Unsent: l.Unsent, Allocated: l.Unsent,
		})
	}
	return links
}

// SetSettings sets settings of the whole cluster.
func (m *member) SetSettings(ctx context.Context, pairs ...string) error {
	return m.Cluster.SetSettings(ctx, pairs...)
}

// Membership says in a few words which cluster the node is in, "" if in none.
func (g *Gateway) Membership() string {
	if g.member == nil {
		return ""
	}
	d := g.member.Directory()
	gossip, _ := g.member.Ports()
	nodes := "the first node"
	if n := len(d.Members); n > 1 {
		nodes = fmt.Sprintf("%d nodes", n)
	}
	return fmt.Sprintf("%s, %s; this one is %s (gossip port %d)", d.Cluster, nodes, g.member.Name(), gossip)
}
