package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupedb/troupe/actors/membership"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// waitEvery is how often a node looks again for what it waits for.
const waitEvery = 100 * time.Millisecond

// meet finds other nodes, and tells whether this one is to found the cluster. A node
// that was a member before waits for nobody.
func (c *Cluster) meet(ctx context.Context, known bool) (found bool, err error) {
	switch {
	case known:
		c.done.Go(func() { c.remeet() })
		return false, nil
	case len(c.o.Join) > 0:
		return c.meetAt(ctx)
	default:
		c.say("looking for other nodes on this machine")
		_, found, err = c.membership.Discover(ctx)
		return found, err
	}
}

// remeet looks for the other members after a restart.
func (c *Cluster) remeet() {
	addrs := append(c.known(), c.o.Join...)
	if len(addrs) == 0 {
		return
	}
	if err := c.membership.JoinLoop(c.ctx, addrs); err != nil && c.ctx.Err() == nil {
		c.o.Logger.Warn("cannot find the other members yet", "error", err)
	}
}

// meetAt joins nodes at the addresses that were given, until one of them knows a
// cluster, or as many are there as are to found one.
func (c *Cluster) meetAt(ctx context.Context) (found bool, err error) {
	c.say("calling " + strings.Join(c.o.Join, ", "))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	c.done.Go(func() { failed <- c.membership.JoinLoop(ctx, c.o.Join) })
	said := 0
	for {
		alive, withCluster := c.present()
		switch {
		case withCluster:
			return false, nil
		case c.o.Expect > 0 && len(alive) >= c.o.Expect:
			// All of those that are expected see each other; the first by name founds.
			if alive[0] == c.o.Name {
				return true, nil
			}
		case len(alive) > 1 && len(alive) != said:
			said = len(alive)
			c.say(fmt.Sprintf("%d of %d nodes are there; nobody has founded a cluster yet", len(alive), c.o.Expect))
		}
		select {
		case err := <-failed:
			if err != nil && ctx.Err() == nil {
				return false, err
			}
			failed = nil
		case <-ctx.Done():
			return false, fmt.Errorf("join %s: %w", strings.Join(c.o.Join, ", "), ctx.Err())
		case <-time.After(waitEvery):
		}
	}
}

// present returns the names of the nodes that are there, sorted, and whether one of
// them has a cluster.
func (c *Cluster) present() (names []string, withCluster bool) {
	for _, m := range c.membership.Members() {
		if m.Status == membership.Alive {
			names = append(names, m.Name)
			withCluster = withCluster || m.ClusterID != ""
		}
	}
	slices.Sort(names)
	return names, withCluster
}

// enter makes this node a member in the catalog, and waits until it knows that.
func (c *Cluster) enter(ctx context.Context, found, known bool) error {
	for {
		err := c.tryEnter(ctx, found, known)
		if m, ok := c.store.member(); ok && m.Incarnation == c.incarnation {
			return nil
		}
		var refusal catalog.Refusal
		if errors.As(err, &refusal) {
			return fmt.Errorf("the cluster does not take this node: %w", refusal)
		}
		if err != nil {
			c.say("waiting for the cluster: " + err.Error())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("join the cluster: %w", ctx.Err())
		case <-c.runner.Done():
			return fmt.Errorf("the catalog has stopped: %w", c.runner.Err())
		case <-time.After(waitEvery):
		}
	}
}

func (c *Cluster) tryEnter(ctx context.Context, found, known bool) error {
	at := time.Now().UnixMilli()
	ctx, cancel := context.WithTimeout(ctx, proposePatience)
	defer cancel()
	if found {
		if c.clusterID() != "" {
			return nil // it is carried out
		}
		r, err := c.proposeOnce(ctx, catalog.NewBootstrap(newID(), c.o.Cluster, c.o.Shards, c.me(), at))
		if err != nil {
			return err
		}
		return r.Err()
	}
	join := catalog.NewJoin(c.me(), nil, at)
	if known {
		if r, err := c.proposeOnce(ctx, join); err == nil {
			return r.Err()
		}
	}
	last := errors.New("no member answers yet")
	for _, m := range c.membership.Members() {
		if m.Status != membership.Alive || m.ClusterID == "" || m.ID == c.id.ID {
			continue
		}
		c.joining.Store(&m.ClusterID)
		r, err := c.proposeAt(ctx, net.JoinHostPort(m.Addr, strconv.Itoa(m.ActorPort)), kindJoin, join)
		if err == nil {
			return r.Err()
		}
		last = err
	}
	return last
}

func (c *Cluster) say(what string) {
	if c.o.Progress != nil {
		c.o.Progress(what)
	}
}
