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

// hope is how long a node that leaves waits for a leader of the catalog, or for others
// that are down, one of which must come back to take its shards: an election takes a
// second, a machine that does not keep up gives no other signs than one that is gone.
const hope = 10 * time.Second

// Leave hands this node's shards to the others and ends its membership, as far as
// ctx lets it. It returns catalog.NobodyLeft if there is nobody to take them: at once
// if all others leave, too; they are told in any case that this node ends.
func (c *Cluster) Leave(ctx context.Context) error {
	c.leaving.Store(true)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.done.Go(func() { c.watchLeave(ctx, cancel) })
	err := c.handOver(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, catalog.NobodyLeft) {
		err = cause
	}
	if err != nil && !errors.Is(err, catalog.NobodyLeft) {
		return err
	}
	if others, _ := c.present(); len(others) < 2 {
		return err // nobody is there to hear it
	}
	return errors.Join(err, c.membership.Leave())
}

func (c *Cluster) handOver(ctx context.Context) error {
	for {
		_, err := c.Propose(ctx, catalog.NewLeaving(c.id.ID, time.Now().UnixMilli()))
		if err == nil {
			break
		}
		if !errors.Is(err, catalog.NobodyLeft) {
			return err
		}
		select { // until the others are back, or ctx knows that they are not
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(waitEvery):
		}
	}
	for c.Owned() > 0 || c.raft().Status().Conf.Votes(c.id.RaftID) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(waitEvery):
		}
	}
	// A proposal that is repeated may have been carried out.
	_, err := c.Propose(ctx, catalog.NewLeft(c.id.ID))
	if errors.Is(err, catalog.UnknownMember) {
		return nil
	}
	return err
}

// watchLeave ends a node's leaving when it cannot come to its end.
func (c *Cluster) watchLeave(ctx context.Context, cancel context.CancelCauseFunc) {
	began := time.Now()
	led := began
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.ctx.Done():
			cancel(errStopped)
		case <-time.After(waitEvery):
		}
		if c.raft().Status().Leader != 0 {
			led = time.Now()
		}
		switch {
		case c.nobodyStays(time.Since(began) < hope):
			cancel(catalog.NobodyLeft)
		case time.Since(led) > hope:
			cancel(errNoLeader)
		}
	}
}

// nobodyStays tells whether all other members are leaving or have said goodbye: then
// they need not wait for each other. There may be hope for those that are down.
func (c *Cluster) nobodyStays(hope bool) bool {
	d := c.store.directory()
	return !slices.ContainsFunc(d.Members, func(m directory.Member) bool {
		return m.Number != d.Self && !c.phone.left(m.ID) && (m.State == directory.Up || m.State == directory.Down && hope)
	})
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
	for {
		var e *catalog.Entry
		c.store.with(func(s *catalog.State) {
			c.loadsMu.Lock()
			defer c.loadsMu.Unlock()
			e, err = s.NewForget(id, c.loads.Keys(s, n), time.Now().UnixMilli())
		})
		if err == nil {
			_, err = c.Propose(ctx, e)
		}
		switch {
		case errors.Is(err, catalog.UnknownMember):
			return nil // a proposal that is repeated may have been carried out
		case !errors.Is(err, catalog.StalePlan):
			return err
		}
		select { // for what others know already
		case <-ctx.Done():
			return err
		case <-time.After(waitEvery):
		}
	}
}

// Move begins to move a shard.
func (c *Cluster) Move(ctx context.Context, shard int, to directory.Number) error {
	id, err := c.memberID(to)
	if err != nil {
		return err
	}
	var epoch uint64
	c.store.with(func(s *catalog.State) {
		if shard >= 0 && shard < s.Shards() {
			epoch = s.Place(shard).Epoch
		} else {
			err = catalog.UnknownShard
		}
	})
	if err != nil {
		return err
	}
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

// LoadScript keeps a script in the catalog.
func (c *Cluster) LoadScript(ctx context.Context, body []byte) error {
	_, err := c.Propose(ctx, catalog.NewScriptLoad(body))
	return err
}

// FlushScripts forgets all scripts, and returns the epoch since which that is so.
func (c *Cluster) FlushScripts(ctx context.Context) (epoch uint64, err error) {
	r, err := c.Propose(ctx, catalog.NewScriptFlush())
	return r.Epoch, err
}

// Script returns the text of a script that the catalog has.
func (c *Cluster) Script(sha string) (body string, ok bool) {
	c.store.with(func(s *catalog.State) { body, ok = s.Script(sha) })
	return body, ok
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
	if c.raft().Status().IsLeader {
		c.asked.Store(true)
		return moves, nil
	}
	addr := c.leaderAddr()
	if addr == "" {
		return 0, errNoLeader
	}
	_, err = c.transport.Request(ctx, addr, kindRebalance, nil)
	return moves, err
}
