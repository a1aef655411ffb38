package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/membership"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// startTransport listens for control messages, on the port that was asked for or the
// next free one.
func (c *Cluster) startTransport() error {
	first, tries := c.o.ActorPort, 1
	if first == 0 {
		first, tries = DefaultActorPort, actorPortSpan
	}
	id := c.id.ID
	for port := first; port < first+tries; port++ {
		// Proto.Actor is slow to say that a port is taken, so that is tried first.
		l, err := net.Listen("tcp", net.JoinHostPort(c.o.Bind, strconv.Itoa(port)))
		if err == nil {
			l.Close()
			c.transport, err = transport.Start(c.o.System, transport.Config{
				Bind: c.o.Bind, Port: port, Advertise: c.o.Host, ClusterID: c.clusterID,
				Self:  func() (string, uint64) { return id, c.incarnation },
				Epoch: c.epoch, TLS: c.o.TLS, Logger: c.o.Logger,
			})
		}
		switch {
		case err == nil:
			c.transport.Handle(kindRaft, c.heardRaft)
			c.transport.Handle(kindHeartbeat, c.heard)
			c.transport.Handle(kindBeatAck, c.heardAck)
			return nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("listen for control messages on %s: %w", net.JoinHostPort(c.o.Bind, strconv.Itoa(port)), err)
		}
	}
	if tries == 1 {
		return fmt.Errorf("port %d is taken: give another one with --actor-port, or none for the next that is free", first)
	}
	return fmt.Errorf("none of the ports %d to %d is free: give one that is with --actor-port", first, first+tries-1)
}

// handle answers requests of others.
func (c *Cluster) handle() {
	c.transport.HandleRequest(kindPropose, c.proposed)
	c.transport.HandleRequest(kindJoin, c.proposed)
	c.transport.HandleRequest(kindDecide, c.decided)
	c.transport.HandleRequest(kindElect, c.elected)
	c.transport.HandleRequest(kindReport, c.reported)
	c.transport.HandleRequest(kindWho, func(context.Context, transport.From, []byte) ([]byte, error) {
		return binary.AppendUvarint(nil, c.incarnation), nil
	})
	c.transport.HandleRequest(kindRebalance, func(context.Context, transport.From, []byte) ([]byte, error) {
		if r := c.raft(); r == nil || !r.Status().IsLeader {
			return nil, errNoLeader
		}
		c.asked.Store(true)
		return nil, nil
	})
}

func (c *Cluster) startMembership() error {
	var err error
	c.membership, err = membership.Start(membership.Config{
		Name: c.o.Name, Bind: c.o.Bind, Port: c.o.GossipPort, BasePort: c.o.basePort, Advertise: c.o.Host, Key: c.o.GossipKey,
		Cluster: c.o.Cluster, ClusterID: c.clusterID(), ID: c.id.ID, Incarnation: c.incarnation,
		ClientPort: c.o.ClientPort, ActorPort: c.transport.Port(), StreamPort: c.o.StreamPort, Zone: c.o.Zone,
		Logger: c.o.Logger, OnChange: func(all []membership.Member) {
			c.phone.update(all)
			c.store.stir()
		},
	})
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) && c.o.GossipPort != 0: // serf keeps the text only
		return fmt.Errorf("port %d is taken: give another one with --gossip-port, or none for the next that is free", c.o.GossipPort)
	}
	return fmt.Errorf("listen for gossip (--gossip-port): %w", err)
}

// phone is what serf says of the nodes: where they are, and whether they answer.
type phone struct {
	mu      sync.Mutex
	entries map[string]membership.Member // by identity
	// addrs are of replicas that no member has, as their messages came from there.
	addrs map[uint64]string
}

// maxAddrs bounds the addresses of replicas that are of no member.
const maxAddrs = 256

func (p *phone) update(all []membership.Member) {
	entries := make(map[string]membership.Member, len(all))
	for _, m := range all {
		// Of two with one identity the one that answers counts.
		if was, ok := entries[m.ID]; !ok || was.Status != membership.Alive {
			entries[m.ID] = m
		}
	}
	p.mu.Lock()
	p.entries = entries
	p.mu.Unlock()
}

// of returns what is known of a node.
func (p *phone) of(id string) (m membership.Member, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok = p.entries[id]
	return m, ok
}

// alive tells whether a node answers.
func (p *phone) alive(id string) bool {
	m, ok := p.of(id)
	return ok && m.Status == membership.Alive
}

// gone tells whether a node does not answer any more, or has said goodbye. One that
// was never heard of is not gone.
func (p *phone) gone(id string) bool {
	m, ok := p.of(id)
	return ok && m.Status != membership.Alive
}

// left tells whether a node has said goodbye.
func (p *phone) left(id string) bool {
	m, ok := p.of(id)
	return ok && m.Status == membership.Left
}

func (p *phone) note(replica uint64, addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.addrs[replica]; p.addrs == nil || !known && len(p.addrs) >= maxAddrs {
		p.addrs = map[uint64]string{}
	}
	p.addrs[replica] = addr
}

func (p *phone) noted(replica uint64) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addrs[replica]
}

// actorAddr returns where a member gets its control messages. The catalog may have
// that of an earlier process, while this one needs the catalog to say so.
func (c *Cluster) actorAddr(m *directory.Member) string {
	host, port := m.Host, m.ActorPort
	if now, ok := c.phone.of(m.ID); ok && now.Status == membership.Alive && now.Incarnation != m.Incarnation {
		port = now.ActorPort
		if net.ParseIP(host) != nil {
			host = now.Addr
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// raftAddr returns where a replica gets its messages, "": it is not known.
func (c *Cluster) raftAddr(id uint64) (addr string) {
	if id == 0 {
		return ""
	}
	c.store.with(func(s *catalog.State) {
		if m := s.ByRaftID(id); m != nil {
			addr = c.actorAddr(&m.Member)
		}
	})
	if addr == "" {
		addr = c.phone.noted(id)
	}
	return addr
}

// leaderAddr returns where the catalog's leader is, "": nobody knows, or it is here.
func (c *Cluster) leaderAddr() string {
	r := c.raft()
	if r == nil {
		return ""
	}
	if st := r.Status(); !st.IsLeader {
		return c.raftAddr(st.Leader)
	}
	return ""
}

func (c *Cluster) sendRaft(from, to uint64, msg []byte) {
	if addr := c.raftAddr(to); addr != "" {
		c.transport.Send(addr, kindRaft, raftMessage(from, to, msg))
	}
}

func (c *Cluster) heardRaft(from transport.From, payload []byte) {
	sender, to, msg, err := parseRaft(payload)
	if err != nil {
		c.o.Logger.Warn("refused a message of the catalog", "from", from.Address, "error", err)
		return
	}
	c.phone.note(sender, from.Address)
	if r := c.raft(); r != nil && to == r.Status().ID {
		r.Step(append([]byte(nil), msg...))
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
