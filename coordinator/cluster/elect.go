package cluster

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/troupedb/troupe/actors/membership"
	"github.com/troupedb/troupe/actors/transport"
)

const (
	// promiseFor is how long a node lets another one found the cluster, and nobody else.
	promiseFor = 3 * time.Second
	// electFor is how long after it began to ask a node may found. It is less by as
	// much as a clock may go wrong, or a process stand still unnoticed.
	electFor = time.Second
)

// errPromised: another node may found the cluster, or has.
var errPromised = errors.New("another node is to found the cluster")

// election decides who founds a cluster where a number of nodes is expected. If more
// are there, not all of them may see the same first one: so it asks all that it sees,
// and each says yes to one at a time.
type election struct {
	mu    sync.Mutex
	to    string // identity of who may found
	until time.Time
	mine  bool // this node founds
}

// promise lets a node found the cluster, for a while.
func (e *election) promise(id string, now time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mine || e.to != id && now.Before(e.until) {
		return errPromised
	}
	e.to, e.until = id, now.Add(promiseFor)
	return nil
}

// elected answers a node that wants to found the cluster.
func (c *Cluster) elected(_ context.Context, from transport.From, _ []byte) ([]byte, error) {
	if c.clusterID() != "" {
		return nil, errPromised
	}
	return nil, c.election.promise(from.ID, time.Now())
}

// elect tells whether this node founds the cluster: all nodes that it sees agree.
func (c *Cluster) elect(ctx context.Context) bool {
	began := time.Now()
	ctx, cancel := context.WithDeadline(ctx, began.Add(electFor))
	defer cancel()
	if c.election.promise(c.id.ID, began) != nil {
		return false
	}
	for _, m := range c.membership.Members() {
		if m.Status != membership.Alive || m.ID == c.id.ID {
			continue
		}
		addr := net.JoinHostPort(m.Addr, strconv.Itoa(m.ActorPort))
		if _, err := c.transport.Request(ctx, addr, kindElect, nil); err != nil {
			c.election.withdraw()
			select { // not in step with another who tries
			case <-ctx.Done():
			case <-time.After(rand.N(4 * waitEvery)):
			}
			return false
		}
	}
	c.election.mu.Lock()
	defer c.election.mu.Unlock()
	if time.Since(began) >= electFor {
		return false
	}
	c.election.mine = true
	return true
}

// withdraw takes back the promise to oneself.
func (e *election) withdraw() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until = time.Time{}
}
