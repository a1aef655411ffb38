package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"github.com/troupedb/troupe/shard/replica"
)

const (
	// proposeAgain is how long a proposal waits that finds no leader.
	proposeAgain = 100 * time.Millisecond
	// proposePatience bounds one attempt.
	proposePatience = 2 * time.Second
)

// errNoLeader: the catalog has no leader just now, or none that can be reached.
var errNoLeader = errors.New("the catalog has no leader: most of the nodes that vote must be up")

var errStopped = errors.New("the node is stopping")

// Propose has the catalog carry out an entry, wherever its leader is. Entries name
// what they know, so one that is sent twice does no harm: attempts go on until ctx
// ends. A refusal is an error.
func (c *Cluster) Propose(ctx context.Context, e *catalog.Entry) (catalog.Result, error) {
	if len(e.Encode()) > catalog.MaxEntry {
		return catalog.Result{}, catalog.TooLarge
	}
	for {
		r, err := c.proposeOnce(ctx, e)
		if err == nil {
			return r, r.Err()
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-c.ctx.Done():
			return r, errStopped
		case <-time.After(proposeAgain):
		}
	}
}

func (c *Cluster) proposeOnce(ctx context.Context, e *catalog.Entry) (catalog.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, proposePatience)
	defer cancel()
	if c.raft().Status().IsLeader {
		return c.proposeHere(ctx, e)
	}
	addr := c.leaderAddr()
	if addr == "" {
		return catalog.Result{}, errNoLeader
	}
	return c.proposeAt(ctx, addr, kindDecide, e)
}

func (c *Cluster) proposeAt(ctx context.Context, addr string, kind transport.Kind, e *catalog.Entry) (catalog.Result, error) {
	b, err := c.transport.Request(ctx, addr, kind, e.Encode())
	if err != nil {
		return catalog.Result{}, err
	}
	return parseResult(b)
}

// proposeHere proposes at this replica, which leads.
func (c *Cluster) proposeHere(ctx context.Context, e *catalog.Entry) (catalog.Result, error) {
	e.Request = rand.Uint64()
	wait := c.store.await(e.Request)
	defer c.store.giveUp(e.Request)
	if err := c.raft().Propose(ctx, e.Encode()); err != nil {
		return catalog.Result{}, err
	}
	select {
	case r := <-wait:
		return r, nil
	default:
		return catalog.Result{}, replica.ErrUnknown // a snapshot has brought it
	}
}

// proposed answers a proposal of a node that need not know the leader.
func (c *Cluster) proposed(ctx context.Context, from transport.From, payload []byte) ([]byte, error) {
	if addr := c.leaderAddr(); addr != "" && addr != from.Address {
		return c.transport.Request(ctx, addr, kindDecide, payload)
	}
	return c.decided(ctx, from, payload)
}

// decided answers a proposal that is for the leader.
func (c *Cluster) decided(ctx context.Context, _ transport.From, payload []byte) ([]byte, error) {
	if r := c.raft(); r == nil || !r.Status().IsLeader {
		return nil, errNoLeader
	}
	e, err := troupev1.DecodeCatalogEntry(payload)
	if err != nil {
		return nil, err
	}
	switch e.GetChange().(type) {
	case *troupev1.CatalogEntry_Bootstrap, *troupev1.CatalogEntry_Lead, *troupev1.CatalogEntry_Down, *troupev1.CatalogEntry_Up:
		return nil, errMessage // only a leader's own
	}
	if join := e.GetJoin(); join != nil {
		if err := c.double(ctx, join.GetMember()); err != nil {
			return nil, err
		}
		// The leader knows what is lost with the process before, as a rule better than
		// the node itself: the last count is taken.
		join.At = time.Now().UnixMilli()
		c.addKeys(join)
	}
	r, err := c.proposeHere(ctx, e)
	if err != nil {
		return nil, err
	}
	return encodeResult(r), nil
}

// doublePatience is how long a process may take to show that it is still there: longer
// than a busy machine makes it wait, as it would lose its place and its data.
const doublePatience = time.Second

// double refuses a node that has the identity of one which still runs elsewhere. Who
// is where the other was, is started again.
func (c *Cluster) double(ctx context.Context, now *troupev1.CatalogMember) error {
	var was directory.Member
	c.store.with(func(s *catalog.State) {
		if m := s.ByID(string(now.GetId())); m != nil {
			was = m.Member
		}
	})
	same := was.Host == string(now.GetHost()) && was.ActorPort == int(now.GetActorPort())
	if was.ID == "" || was.Incarnation == now.GetIncarnation() || same {
		return nil
	}
	if was.ID != c.id.ID {
		ctx, cancel := context.WithTimeout(ctx, doublePatience)
		defer cancel()
		b, err := c.transport.Request(ctx, net.JoinHostPort(was.Host, strconv.Itoa(was.ActorPort)), kindWho, nil)
		d := decoder{b: b}
		if err != nil || d.uint() != was.Incarnation {
			return nil
		}
	} else if was.Incarnation != c.incarnation {
		return nil
	}
	return fmt.Errorf("node %s runs already, at %s: give this one another --name, and its own --dir if it has any",
		was.Name, net.JoinHostPort(was.Host, strconv.Itoa(was.ClientPort)))
}

// addKeys says of a node that comes back how many keys its shards had.
func (c *Cluster) addKeys(join *troupev1.CatalogJoin) {
	c.store.with(func(s *catalog.State) {
		m := s.ByID(string(join.GetMember().GetId()))
		if m == nil {
			return
		}
		c.loadsMu.Lock()
		defer c.loadsMu.Unlock()
		for _, k := range c.loads.Keys(s, m.Number) {
			join.Keys = append(join.Keys, &troupev1.CatalogKeys{Shard: uint32(k.Shard), Keys: k.Keys})
		}
	})
}
