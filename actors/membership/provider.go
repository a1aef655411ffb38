package membership

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"

	"github.com/troupedb/troupe/actors/directory"
)

// ShardKind is the kind of the shards' identities.
const ShardKind = "shard"

// actorGossip is how often Proto.Actor's members gossip among themselves. Nothing
// depends on it here.
const actorGossip = time.Second

// MemberID is a process's identity as a member of Proto.Actor's cluster. It is
// another for each incarnation: what Proto.Actor misses once it blocks for ever.
func MemberID(id string, incarnation uint64) string {
	return id + "-" + strconv.FormatUint(incarnation, 36)
}

// NewCluster returns Proto.Actor's cluster of this membership, with identities
// answered from the directory, to be started with StartMember. It gives the actor
// system the member's identity, by which Proto.Actor's parts know each other.
func NewCluster(system *actor.ActorSystem, m *Membership, store *directory.Store, transport *remote.Config) *cluster.Cluster {
	system.ID = MemberID(m.conf.ID, m.conf.Incarnation)
	config := cluster.Configure(m.conf.Cluster, NewProvider(m), NewLookup(store), transport)
	config.GossipInterval = actorGossip
	// Who is down the catalog says. Proto.Actor would block for good whoever was
	// away for 20 s.
	config.HeartbeatExpiration = math.MaxInt64
	return cluster.New(system, config)
}

// Provider tells Proto.Actor's cluster who is there. A member stays listed while it
// is failed, and after serf has forgotten it, until it leaves or comes back as
// another process; a member that has another address is another process, too.
type Provider struct {
	membership *Membership
	mu         sync.Mutex
	members    map[string]Member // by name, the last seen of each
	shut       bool
	stop       func()
}

// NewProvider returns a provider for this membership.
func NewProvider(m *Membership) *Provider {
	return &Provider{membership: m, members: map[string]Member{}}
}

// StartMember implements cluster.ClusterProvider.
func (p *Provider) StartMember(c *cluster.Cluster) error {
	if want := MemberID(p.membership.conf.ID, p.membership.conf.Incarnation); c.ActorSystem.ID != want {
		return fmt.Errorf("the actor system's identity is %s, the member's %s", c.ActorSystem.ID, want)
	}
	return p.start(c)
}

// StartClient implements cluster.ClusterProvider.
func (p *Provider) StartClient(c *cluster.Cluster) error { return p.start(c) }

func (p *Provider) start(c *cluster.Cluster) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil || p.shut {
		return fmt.Errorf("the provider was started before")
	}
	p.stop = p.membership.follow(func(list []Member) {
		p.mu.Lock()
		members := p.merge(list)
		shut := p.shut
		p.mu.Unlock()
		if !shut {
			c.MemberList.UpdateClusterTopology(members)
		}
	})
	return nil
}

// Shutdown implements cluster.ClusterProvider. The membership goes on.
func (p *Provider) Shutdown(bool) error {
	p.mu.Lock()
	stop := p.stop
	p.shut, p.stop = true, nil
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
	return nil
}

// merge brings the members up to date and returns them as Proto.Actor's.
func (p *Provider) merge(list []Member) cluster.Members {
	for _, m := range list {
		if m.Status == Left {
			delete(p.members, m.Name)
			continue
		}
		if _, known := p.members[m.Name]; !known && len(p.members) >= directory.MaxMembers {
			p.membership.reporter.logger.Warn("more members than a cluster may have", slog.String("member", m.Name))
			continue
		}
		p.members[m.Name] = m
	}
	members := make(cluster.Members, 0, len(p.members))
	for _, m := range p.members {
		members = append(members, &cluster.Member{
			Id: MemberID(m.ID, m.Incarnation), Host: m.Addr, Port: int32(m.ActorPort), Kinds: []string{ShardKind},
		})
	}
	return members // in no order: Proto.Actor sorts them
}
