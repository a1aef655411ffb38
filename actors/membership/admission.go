package membership

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/serf/serf"
)

// Refusal says why two nodes do not belong together.
type Refusal struct{ reason string }

func (r *Refusal) Error() string { return r.reason }

// admission decides who may be in one list with this node. serf asks it of every
// node in every exchange of a join, on both sides, and of every message that
// presents a node, so two clusters cannot grow together through a third node.
type admission struct {
	conf *Config
	log  *reporter

	mu sync.Mutex
	// own is the cluster's identity, "": this node has none yet. Then heard is that
	// of the first member that has one: a node without a cluster cannot join two.
	own, heard string
	// refused counts nodes that were not let in.
	refused atomic.Uint64
	// last is the newest refusal; memberlist hands back only its text.
	last atomic.Pointer[Refusal]
	// namesake is set when somebody else, or this node's past, has its name at
	// another address.
	namesake atomic.Bool
	here     atomic.Pointer[Member] // this node as others see it
}

// NotifyMerge implements serf.MergeDelegate.
func (a *admission) NotifyMerge(nodes []*serf.Member) error {
	err := a.admit(nodes)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		a.last.Store(refusal)
		a.refused.Add(1)
		a.log.warn("a node was refused", refusal.reason)
	}
	return err
}

func (a *admission) admit(nodes []*serf.Member) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	heard := a.heard
	for _, node := range nodes {
		m, err := parseMember(node)
		if err != nil {
			return &Refusal{err.Error()}
		}
		if m.Name == a.conf.Name {
			if here := a.here.Load(); here != nil && (m.Addr != here.Addr || m.GossipPort != here.GossipPort) {
				a.namesake.Store(true)
				if m.ID != a.conf.ID {
					a.log.warn("another node has this node's name, or had it: a name is one node's",
						fmt.Sprintf("%s is node %s at %s", m.Name, m.ID, m.GossipAddr()))
				}
			}
			continue
		}
		if err := a.check(&m, heard); err != nil {
			return err
		}
		if heard == "" {
			heard = m.ClusterID
		}
	}
	a.heard = heard
	return nil
}

// check says whether m belongs with this node, which has heard of a cluster.
func (a *admission) check(m *Member, heard string) error {
	mine := a.own
	if mine == "" {
		mine = heard
	}
	switch {
	case m.Isolated:
		return &Refusal{fmt.Sprintf("the node %s at %s was started to be alone (--isolated)", m.Name, m.GossipAddr())}
	case a.conf.Isolated:
		return &Refusal{fmt.Sprintf("this node was started to be alone (--isolated), and does not join %s at %s", m.Name, m.GossipAddr())}
	case m.Cluster != a.conf.Cluster || m.ClusterID != "" && mine != "" && m.ClusterID != mine:
		return &Refusal{fmt.Sprintf("that node (%s at %s) belongs to cluster %s, this one to %s: two clusters never merge",
			m.Name, m.GossipAddr(), clusterName(m.Cluster, m.ClusterID), clusterName(a.conf.Cluster, mine))}
	}
	return nil
}

func clusterName(name, id string) string {
	if id == "" {
		return fmt.Sprintf("%q (no id yet)", name)
	}
	return fmt.Sprintf("%q (id %s)", name, id)
}

// become makes id the identity of this node's cluster.
func (a *admission) become(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, other := range []string{a.own, a.heard} {
		if other != "" && other != id {
			return fmt.Errorf("this node is with members of the cluster with id %s already, and cannot be of the one with id %s", other, id)
		}
	}
	a.own = id
	return nil
}

func (a *admission) clusterID() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.own
}
