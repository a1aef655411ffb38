package membership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"
)

const (
	// discoverEvery is between two rounds of looking around on this machine.
	discoverEvery = 200 * time.Millisecond
	// strangerFor is how long a port that does not count is not asked again.
	strangerFor = 10 * time.Second
)

// Discover finds the other nodes on this machine, on the gossip ports of loopback,
// and settles who founds the cluster; doc.go says by what rule. It returns either
// where a cluster is that this node can be a member of, or that this node is to
// found one: then nobody else on this machine does until SetClusterID or Shutdown.
// A node that knows its cluster only looks around, and finds what it finds.
func (m *Membership) Discover(ctx context.Context) (addrs []string, bootstrap bool, err error) {
	if m.conf.Isolated {
		return nil, true, nil
	}
	look := &lookout{m: m, ports: map[int]*sighting{}}
	ticker := time.NewTicker(discoverEvery)
	defer ticker.Stop()
	said := ""
	for {
		undecided := look.round()
		if addrs = m.withCluster(); len(addrs) > 0 || m.admission.clusterID() != "" {
			return addrs, false, nil
		}
		waitFor := undecided
		if lower := m.lower(); lower != "" {
			waitFor = lower
		}
		if waitFor == "" {
			if look.found() {
				return nil, true, nil
			}
			waitFor = "a port that was just taken"
		}
		if said != waitFor {
			said = waitFor
			m.reporter.logger.Info("waiting for another node on this machine to found the cluster", "node", waitFor)
		}
		select {
		case <-ctx.Done():
			return nil, false, fmt.Errorf("waiting for %s: %w", waitFor, ctx.Err())
		case <-m.ctx.Done():
			return nil, false, errDown
		case <-ticker.C:
		}
	}
}

// withCluster returns where the living members are that know their cluster; of
// another one than this node's they cannot be.
func (m *Membership) withCluster() (addrs []string) {
	for _, member := range m.others() {
		if member.ClusterID != "" {
			addrs = append(addrs, member.GossipAddr())
		}
	}
	return addrs
}

// lower names a living member that comes before this node in founding a cluster.
func (m *Membership) lower() string {
	for _, member := range m.others() {
		if member.GossipPort < m.port {
			return member.Name + " at " + member.GossipAddr()
		}
	}
	return ""
}

func (m *Membership) others() (alive []Member) {
	for _, member := range m.Members() {
		if member.Status == Alive && member.Name != m.conf.Name {
			alive = append(alive, member)
		}
	}
	return alive
}

// lookout is one Discover's view of the gossip ports on this machine.
type lookout struct {
	m     *Membership
	ports map[int]*sighting
}

// sighting is what was last seen at a port.
type sighting struct {
	since    time.Time // when it first gave no sensible answer
	stranger time.Time // when it was found not to count; zero: it may
}

func (l *lookout) host() string {
	if ip := net.ParseIP(l.m.conf.Bind); ip.IsLoopback() {
		return l.m.conf.Bind
	}
	return "127.0.0.1"
}

// round asks at every port that is not known, in their order, and returns one that
// may yet turn out to be a node.
func (l *lookout) round() (undecided string) {
	for port := l.m.conf.BasePort; port < l.m.conf.BasePort+PortSpan; port++ {
		if l.m.ctx.Err() != nil || l.known(port) {
			continue
		}
		addr := net.JoinHostPort(l.host(), strconv.Itoa(port))
		if l.open(port, addr) && undecided == "" {
			undecided = "whoever is at " + addr
		}
	}
	return undecided
}

// known tells whether a port is this node's or a living member's on this machine,
// for gossip or anything else.
func (l *lookout) known(port int) bool {
	self := l.m.Self()
	for _, m := range append(l.m.others(), self) {
		here := m.Addr == self.Addr || net.ParseIP(m.Addr).IsLoopback()
		if here && slices.Contains([]int{m.GossipPort, m.ActorPort, m.StreamPort, m.ClientPort}, port) {
			return true
		}
	}
	return port == l.m.port
}

// open asks at a port and tells whether what is there may be a node that has not
// answered yet.
func (l *lookout) open(port int, addr string) bool {
	s := l.ports[port]
	now := time.Now()
	if s != nil && !s.stranger.IsZero() && now.Sub(s.stranger) < strangerFor {
		return false
	}
	err := l.m.callOne(addr)
	var refusal *Refusal
	switch {
	case err == nil, errors.Is(err, ErrNoNode), errors.Is(err, ErrSelf):
		delete(l.ports, port)
		return false
	case s == nil:
		s = &sighting{since: now}
		l.ports[port] = s
	}
	definite := errors.As(err, &refusal) || errors.Is(err, ErrKey)
	if !definite && time.Since(s.since) < l.m.conf.Timing.Patience {
		return true
	}
	if s.stranger.IsZero() {
		l.m.reporter.logger.Info("a program on this machine has a gossip port and is no node of this cluster", "address", addr, "reason", err)
	}
	s.stranger = time.Now()
	return false
}

// found makes this node the one that founds the cluster, if nobody comes before it.
// It holds every lower port that is free until there is a cluster: so whoever
// starts meanwhile comes after this node. A port that it can neither hold nor
// knows to be a stranger's was taken this moment, by somebody who comes first.
func (l *lookout) found() bool {
	m := l.m
	var held []net.Listener
	for port := m.conf.BasePort; port < min(m.port, m.conf.BasePort+PortSpan); port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort(m.conf.Bind, strconv.Itoa(port)))
		if err == nil {
			held = append(held, listener)
			continue
		}
		if s := l.ports[port]; (s == nil || s.stranger.IsZero()) && !l.known(port) {
			closeAll(held)
			return false
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// Who had a lower port before it could be held, or a cluster, has joined by now,
	// or was found by the round before.
	if m.down || m.lower() != "" || len(m.withCluster()) > 0 {
		closeAll(held)
		return false
	}
	m.release()
	m.held = held
	return true
}

func closeAll(held []net.Listener) {
	for _, listener := range held {
		_ = listener.Close()
	}
}
