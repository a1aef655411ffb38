package placement

import (
	"cmp"
	"slices"
)

// exchange levels the load between nodes, without a change of who has how many. Each
// step lowers the sum of the squares of loads, so it ends; the bound only keeps a
// plan from costing more than it is worth.
func (p *planner) exchange(least int64) {
	slack := max(least, p.total()/int64(len(p.nodes))/LoadSlack)
	for range p.shards {
		if !p.relieve(slack) {
			return
		}
	}
}

// relieve makes one exchange, for the node with the most load that it can help.
func (p *planner) relieve(slack int64) bool {
	order := slices.Clone(p.nodes)
	slices.SortFunc(order, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.load, b.load), cmp.Compare(a.Number, b.Number))
	})
	for _, hi := range slices.Backward(order) {
		for _, lo := range order {
			if hi.load-lo.load <= slack {
				break
			}
			if give, take, ok := p.pair(hi, lo, max(1, slack/4)); ok {
				p.move(give, hi, lo, Load)
				if take >= 0 {
					p.move(take, lo, hi, Load)
				}
				return true
			}
		}
	}
	return false
}

// pair finds what hi gives lo, and takes for it, so that their loads come as near
// to each other as they can, and by no less than gain. Nothing is taken, -1, where
// hi has one shard more: then lo has it.
func (p *planner) pair(hi, lo *node, gain int64) (give, take int, ok bool) {
	takes := p.byLoad(lo)
	alone := len(hi.shards) == len(lo.shards)+1
	gap := hi.load - lo.load
	best := gap - 2*gain
	try := func(g, t int, shift int64) {
		if d := distance(gap, 2*shift); d < best || d == best && !ok {
			best, give, take, ok = d, g, t, true
		}
	}
	for _, g := range p.byLoad(hi) {
		load := p.shards[g].Load
		if alone {
			try(g, -1, load)
		}
		at, _ := slices.BinarySearchFunc(takes, load-gap/2, func(t int, want int64) int {
			return cmp.Compare(p.shards[t].Load, want)
		})
		for _, t := range takes[max(0, at-1):min(len(takes), at+1)] {
			try(g, t, load-p.shards[t].Load)
		}
	}
	return give, take, ok
}

// byLoad returns n's shards that may be moved, the lightest first.
func (p *planner) byLoad(n *node) []int {
	free := slices.DeleteFunc(slices.Clone(n.shards), func(i int) bool { return p.shards[i].Pinned })
	slices.SortFunc(free, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.shards[a].Load, p.shards[b].Load), cmp.Compare(a, b))
	})
	return free
}
