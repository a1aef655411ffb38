package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// errUnknownMember is for numbers that a directory has had a moment ago.
var errUnknownMember = errors.New("there is no such member any more")

// Leave hands this node's shards to the others and ends its membership, as far as
// ctx lets it. It returns catalog.NobodyLeft at once if there is nobody to take them.
func (c *Cluster) Leave(ctx context.Context) error {
	c.leaving.Store(true)
	if _, err := c.Propose(ctx, catalog.NewLeaving(c.id.ID, time.Now().UnixMilli())); err != nil {
		return err
	}
	for c.Owned() > 0 || c.runner.Status().Conf.Votes(c.id.RaftID) {
		if c.nobodyStays() {
			return catalog.NobodyLeft
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(waitEvery):
		}
	}
	if _, err := c.Propose(ctx, catalog.NewLeft(c.id.ID)); err != nil && !errors.Is(err, catalog.UnknownMember) {
		return err
	}
	return c.membership.Leave()
}

// nobodyStays tells whether all members that are up are leaving: then they need not
// wait for each other.
func (c *Cluster) nobodyStays() bool {
	d := c.store.directory()
	return !slices.ContainsFunc(d.Members, func(m directory.Member) bool { return m.State == directory.Up })
}

// Owned returns how many shards this node has.
func (c *Cluster) Owned() (n int) {
	c.store.with(func(s *catalog.State) {
		if m := s.ByID(c.id.ID); m != nil {
			n = s.Owned(m.Number)
		}
	})
	return n
}

// Drain makes a member hand its shards over to the others.
func (c *Cluster) Drain(ctx context.Context, n directory.Number) error {
	m, err := c.memberID(n)
	if err != nil {
		return err
	}
	_, err = c.Propose(ctx, catalog.NewLeaving(m, time.Now().UnixMilli()))
	return err
}

// Forget ends the membership of a member that is down. Its shards open elsewhere,
// empty.
func (c *Cluster) Forget(ctx context.Context, n directory.Number) error {
	id, err := c.memberID(n)
	if err != nil {
		return err
	}
	var e *catalog.Entry
	c.store.with(func(s *catalog.State) {
		c.loadsMu.Lock()
		defer c.loadsMu.Unlock()
		e, err = s.NewForget(id, c.loads.Keys(s, n), time.Now().UnixMilli())
	})
	if err != nil {
		return err
	}
	_, err = c.Propose(ctx, e)
	return err
}

// Move begins to move a shard.
func (c *Cluster) Move(ctx context.Context, shard int, to directory.Number) error {
	id, err := c.memberID(to)
	if err != nil {
		return err
	}
	var epoch uint64
	c.store.with(func(s *catalog.State) { epoch = s.Place(shard).Epoch })
	_, err = c.Propose(ctx, catalog.NewMoveBegin(shard, epoch, id))
	return err
}

// EndMove commits or aborts a move, and tells whether the catalog has it so.
func (c *Cluster) EndMove(ctx context.Context, shard int, move uint64, commit bool) error {
	e := catalog.NewMoveAbort(shard, move)
	if commit {
		e = catalog.NewMoveCommit(shard, move)
	}
	_, err := c.Propose(ctx, e)
	return err
}

// SetSettings sets settings of the whole cluster, pairs of name and value.
func (c *Cluster) SetSettings(ctx context.Context, pairs ...string) error {
	_, err := c.Propose(ctx, catalog.NewSettings(pairs...))
	return err
}

func (c *Cluster) memberID(n directory.Number) (id string, err error) {
	c.store.with(func(s *catalog.State) {
		if m := s.ByNumber(n); m != nil {
			id = m.ID
		}
	})
	if id == "" {
		return "", errUnknownMember
	}
	return id, nil
}

// Rebalance makes the leader spread the shards at once, without the pause after a
// change of members, and returns how many moves that takes as things stand.
func (c *Cluster) Rebalance(ctx context.Context) (moves int, err error) {
	c.store.with(func(s *catalog.State) { moves = len(s.Plan()) })
	if c.runner.Status().IsLeader {
		c.asked.Store(true)
		return moves, nil
	}
	addr := c.raftAddr(c.runner.Status().Leader)
	if addr == "" {
		return 0, errNoLeader
	}
	_, err = c.transport.Request(ctx, addr, kindRebalance, nil)
	return moves, err
}

// Loads calls f with what is known of the keys in each shard: of all if this node
// leads, else of its own.
func (c *Cluster) Loads(f func(shard int, keys int64)) {
	if hooks := c.hooks.Load(); hooks != nil {
		for _, l := range hooks.Loads() {
			f(l.Shard, l.Keys)
		}
	}
	if !c.runner.Status().IsLeader {
		return
	}
	c.store.with(func(s *catalog.State) {
		c.loadsMu.Lock()
		defer c.loadsMu.Unlock()
		for _, m := range s.Members() {
			for _, k := range c.loads.Keys(s, m.Number) {
				f(k.Shard, k.Keys)
			}
		}
	})
}
