package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupedb/troupe/actors/membership"
)

const (
	// waitEvery is how often a node looks again for what it waits for.
	waitEvery = 100 * time.Millisecond
	// callEvery is between two rounds of calls, twice as long each time up to maxCallEvery.
	callEvery, maxCallEvery = 200 * time.Millisecond, 3 * time.Second
)

// meet finds other nodes, and tells whether this one is to found the cluster. A node
// that was a member before waits for nobody: it looks for the others until background
// ends.
func (c *Cluster) meet(ctx, background context.Context) (found bool, err error) {
	if c.clusterID() != "" {
		c.remeet(background)
		return false, nil
	}
	if len(c.o.Join) > 0 {
		return c.meetAt(ctx)
	}
	type outcome struct {
		found bool
		err   error
	}
	ended := make(chan outcome, 1)
	go func() { // not waited for: it may be in a call, which Stop does not cut short
		_, found, err := c.membership.Discover(ctx)
		ended <- outcome{found, err}
	}()
	for {
		select {
		case o := <-ended:
			if o.err != nil {
				return false, fmt.Errorf("look for other nodes on this machine: %w", o.err)
			}
			return o.found, nil
		case <-ctx.Done():
			return false, fmt.Errorf("look for other nodes on this machine: %w", ctx.Err())
		case <-time.After(waitEvery):
			c.say(c.lookingNews())
		}
	}
}

func (c *Cluster) lookingNews() string {
	others, _ := c.present()
	others = slices.DeleteFunc(others, func(name string) bool { return name == c.o.Name })
	if len(others) == 0 {
		return "looking for other nodes on this machine"
	}
	return "waiting for one of " + strings.Join(others, ", ") + " to found the cluster"
}

// remeet looks for the other members after a restart, until this node is one again:
// where the catalog has them, and on this machine, where they may have other ports.
func (c *Cluster) remeet(ctx context.Context) {
	c.calls = c.call(ctx, slices.Concat(c.known(), c.o.Join))
	if len(c.o.Join) == 0 {
		go func() { _, _, _ = c.membership.Discover(ctx) }() // what it finds, it joins
	}
}

// calls are to nodes at some addresses.
type calls struct {
	mu   sync.Mutex
	last error // why the last round has reached nobody, nil: it did
}

// call joins nodes at the addresses: again and again while this node is alone, until
// ctx ends. It is not waited for, as Stop does not cut a call short.
func (c *Cluster) call(ctx context.Context, addrs []string) *calls {
	k := &calls{}
	if len(addrs) == 0 {
		return k
	}
	go func() {
		pause := callEvery
		for ctx.Err() == nil {
			if names, _ := c.present(); len(names) < 2 {
				err := c.membership.Join(addrs)
				k.mu.Lock()
				k.last = err
				k.mu.Unlock()
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, maxCallEvery)
		}
	}()
	return k
}

func (k *calls) err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// meetAt joins nodes at the addresses that were given, until one of them knows a
// cluster, or as many are there as are to found one.
func (c *Cluster) meetAt(ctx context.Context) (found bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	calls := c.call(ctx, c.o.Join)
	for {
		alive, withCluster := c.present()
		switch why := calls.err(); {
		case withCluster:
			return false, nil
		case c.o.Expect > 0 && len(alive) >= c.o.Expect && alive[0] == c.o.Name:
			if c.elect(ctx) {
				return true, nil
			}
		case len(alive) < 2 && refused(why):
			return false, fmt.Errorf("no node to join takes this one: %w", words(why))
		default:
			c.say(c.meetingNews(alive, why))
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("join %s: %w", strings.Join(c.o.Join, ", "), ctx.Err())
		case <-time.After(waitEvery):
		}
	}
}

// refused tells whether everybody who was called has refused this node, for reasons
// that waiting does not mend.
func refused(err error) bool {
	some := false
	for _, e := range parts(err) {
		var refusal *membership.Refusal
		switch {
		case errors.As(e, &refusal), errors.Is(e, membership.ErrKey):
			some = true
		case errors.Is(e, membership.ErrSelf):
		default:
			return false
		}
	}
	return some
}

// parts returns the errors that were joined.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}

// words puts joined errors into one line, without what is no news.
func words(err error) error {
	var all []string
	for _, e := range parts(err) {
		if !errors.Is(e, membership.ErrSelf) {
			all = append(all, e.Error())
		}
	}
	return errors.New(strings.Join(all, "; "))
}

// meetingNews says what is being waited for.
func (c *Cluster) meetingNews(alive []string, why error) string {
	switch here := len(alive); {
	case here < 2 && why != nil:
		return "nobody to join yet: " + words(why).Error()
	case here < 2:
		return "calling " + strings.Join(c.o.Join, ", ")
	case c.o.Expect == 0:
		return fmt.Sprintf("%d nodes are here (%s), and none is in a cluster: start them with --bootstrap-expect %d to found one",
			here, strings.Join(alive, ", "), here)
	case here < c.o.Expect:
		return fmt.Sprintf("%d of %d nodes are here (%s)", here, c.o.Expect, strings.Join(alive, ", "))
	}
	return "waiting for " + alive[0] + " to found the cluster"
}

// present returns the names of the nodes that are there, sorted, this one too, and
// whether one of them has a cluster.
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

func (c *Cluster) say(what string) {
	if c.o.Progress != nil && what != "" {
		c.o.Progress(what)
	}
}
