package catalog

import (
	"fmt"
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/placement"
)

// begun is a move that was proposed, and that the state may not show yet.
type begun struct {
	shard int
	epoch uint64
	to    directory.Number
	at    int64
}

// aborts ends moves that cannot go on.
func (c *Controller) aborts(s *State, v View) (actions []Action) {
	for i := range s.shards {
		p := &s.shards[i]
		if p.To == 0 {
			continue
		}
		from, to := s.ByNumber(p.Owner), s.ByNumber(p.To)
		if from.State == directory.Down || to.State != directory.Up {
			actions = append(actions, Propose{NewMoveAbort(i, p.MoveID), fmt.Sprint("abort move ", p.MoveID, " of shard ", i)})
		}
	}
	return actions
}

// traffic is the moves under way.
type traffic struct {
	total int
	pairs map[[2]directory.Number]bool
}

func (t *traffic) add(from, to directory.Number) {
	t.total++
	t.pairs[[2]directory.Number{from, to}] = true
}

// begins starts moves: what must leave a member at once, what makes shards even when
// the members have settled, what levels the load when all is quiet and it has been
// uneven for long.
func (c *Controller) begins(s *State, v View) (actions []Action) {
	shards, under := c.assigned(s, v)
	quiet := under.total == 0
	plan := placement.Plan(shards, s.placeable(), leastSlope)
	c.slope(plan, v.Now)
	for _, m := range plan {
		if under.total >= MaxMoves {
			break
		}
		from, to := s.ByNumber(m.From), s.ByNumber(m.To)
		if !c.due(m.Why, s, v, quiet) || under.pairs[[2]directory.Number{m.From, m.To}] || !v.alive(from) || !v.alive(to) {
			continue
		}
		if m.Why == placement.Load {
			c.loaded, c.loadedAt = true, v.Now
		}
		under.add(m.From, m.To)
		epoch := s.shards[m.Shard].Epoch
		c.begun = append(c.begun, begun{m.Shard, epoch, m.To, v.Now})
		actions = append(actions, Propose{NewMoveBegin(m.Shard, epoch, to.ID),
			fmt.Sprintf("move shard %d of epoch %d from %d to %d: %s", m.Shard, epoch, m.From, m.To, m.Why)})
	}
	return actions
}

// slope notes whether the load is uneven, and since when it has been at every look.
func (c *Controller) slope(plan []placement.Move, now int64) {
	is := slices.ContainsFunc(plan, func(m placement.Move) bool { return m.Why == placement.Load })
	if is && !c.sloped {
		c.slopedAt = now
	}
	c.sloped = is
}

// due tells whether moves for this reason may begin.
func (c *Controller) due(why placement.Reason, s *State, v View, quiet bool) bool {
	switch settled := !s.paused && v.Now-c.changedAt >= settleTime; why {
	case placement.Evacuate:
		return true
	case placement.Even:
		return settled
	case placement.Load:
		lasting := v.Now-c.slopedAt >= slopeTime // the plan wants them now
		// Moves for load come in pairs, and are not to be mixed with others. Those of
		// one round begin at the same time.
		return settled && quiet && lasting && (!c.loaded || c.loadedAt == v.Now || v.Now-c.loadedAt >= loadTime)
	}
	return false // a shard without an owner is none that the catalog has
}

// assigned returns who has each shard, or will when its move is over, and the moves
// under way. A move that is to be ended counts as one, and not for its target.
func (c *Controller) assigned(s *State, v View) ([]placement.Shard, *traffic) {
	shards, under := make([]placement.Shard, len(s.shards)), &traffic{pairs: map[[2]directory.Number]bool{}}
	for i := range s.shards {
		p := &s.shards[i]
		shards[i] = placement.Shard{Owner: p.Owner, Load: v.Loads.Load(i)}
		if p.To == 0 {
			continue
		}
		under.add(p.Owner, p.To)
		shards[i].Pinned = true
		if s.ByNumber(p.To).State == directory.Up && s.ByNumber(p.Owner).State != directory.Down {
			shards[i].Owner = p.To
		}
	}
	for _, b := range c.begun {
		under.add(s.shards[b.shard].Owner, b.to)
		shards[b.shard].Pinned = true
		if s.ByNumber(b.to) != nil {
			shards[b.shard].Owner = b.to
		}
	}
	return shards, under
}

// Plan returns the moves that would make the shards even as things stand, load aside.
func (s *State) Plan() []placement.Move {
	shards := make([]placement.Shard, len(s.shards))
	for i := range s.shards {
		p := &s.shards[i]
		shards[i].Owner = p.Owner
		if p.To != 0 {
			shards[i].Owner = p.To
		}
	}
	return placement.Plan(shards, s.placeable(), 0)
}
