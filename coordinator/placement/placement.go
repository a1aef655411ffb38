package placement

import (
	"cmp"
	"slices"

	"github.com/troupedb/troupe/actors/directory"
)

// LoadSlack is the part of the mean load of a member, one in so many, by which two
// members may differ before shards are moved for it. Load changes all the time and
// a move costs more than a slight slope.
const LoadSlack = 4

// maxLoad bounds a shard's load, so that sums over all shards cannot overflow.
const maxLoad = 1 << 48

// Member is a member of the cluster, as far as shards are placed by it.
type Member struct {
	Number directory.Number
	Zone   string
	State  directory.State
}

// Shard is who owns a shard, or will when its move is over.
type Shard struct {
	Owner directory.Number // no member's number: nobody has it
	// Load is in any unit, keys, bytes or commands, or 0 if it is not known.
	Load int64
	// Pinned: it is moving already, and is not moved again.
	Pinned bool
}

// Reason tells why a shard is moved.
type Reason uint8

// The reasons, the most pressing first.
const (
	Orphan   Reason = iota // nobody has it
	Evacuate               // its owner is leaving
	Even                   // its owner has too many
	Load                   // its owner has too much to do
)

var reasonNames = [...]string{"orphan", "evacuate", "even", "load"}

func (r Reason) String() string { return reasonNames[r] }

// Move gives a shard to another member.
type Move struct {
	Shard    int
	From, To directory.Number
	Why      Reason
}

// node is a member that may be given shards.
type node struct {
	Member
	zone   *zone
	shards []int
	load   int64
	quota  int
}

type zone struct{ members, extras int }

func (n *node) deficit() int { return n.quota - len(n.shards) }

type planner struct {
	shards []Shard
	nodes  []*node // in the order of numbers
	moves  []Move
	moved  map[int]int // shard → where in moves
}

// Plan returns the moves that are due, the most pressing first. Two moves in a row
// for Load may be an exchange. There are none if nobody is up. least is by how much
// two members may differ before shards are moved for it, however much that is of the
// mean, in the unit of the shards' loads: what little there is is not worth a move.
func Plan(shards []Shard, members []Member, least int64) []Move {
	p := &planner{shards: slices.Clone(shards), moved: map[int]int{}}
	for i := range p.shards {
		p.shards[i].Load = min(max(p.shards[i].Load, 0), maxLoad)
	}
	p.admit(members)
	if len(p.nodes) == 0 {
		return nil
	}
	homeless := p.settle(members)
	p.share(len(homeless))
	for _, m := range homeless {
		p.house(m)
	}
	p.even()
	p.exchange(least)
	p.moves = slices.DeleteFunc(p.moves, func(m Move) bool { return m.From == m.To })
	slices.SortStableFunc(p.moves, func(a, b Move) int { return cmp.Compare(a.Why, b.Why) })
	return p.moves
}

// admit makes the nodes.
func (p *planner) admit(members []Member) {
	zones := map[string]*zone{}
	for _, m := range members {
		if m.State != directory.Up {
			continue
		}
		z := zones[m.Zone]
		if z == nil {
			z = &zone{}
			zones[m.Zone] = z
		}
		z.members++
		p.nodes = append(p.nodes, &node{Member: m, zone: z})
	}
	slices.SortFunc(p.nodes, func(a, b *node) int { return cmp.Compare(a.Number, b.Number) })
}

// settle gives nodes what they own, and returns the shards that need an owner, the
// heaviest first: the light ones then fill the gaps.
func (p *planner) settle(members []Member) (homeless []Move) {
	states := map[directory.Number]directory.State{}
	for _, m := range members {
		states[m.Number] = m.State
	}
	for i, s := range p.shards {
		state, known := states[s.Owner]
		switch {
		case known && state == directory.Up:
			p.node(s.Owner).add(i, s.Load)
		case known && (state == directory.Down || s.Pinned):
		case known:
			homeless = append(homeless, Move{Shard: i, From: s.Owner, Why: Evacuate})
		default:
			homeless = append(homeless, Move{Shard: i, From: s.Owner, Why: Orphan})
		}
	}
	slices.SortFunc(homeless, func(a, b Move) int {
		return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(p.shards[b.Shard].Load, p.shards[a.Shard].Load),
			cmp.Compare(a.Shard, b.Shard))
	})
	return homeless
}

func (p *planner) node(n directory.Number) *node {
	i, _ := slices.BinarySearchFunc(p.nodes, n, func(a *node, n directory.Number) int { return cmp.Compare(a.Number, n) })
	return p.nodes[i]
}

func (n *node) add(shard int, load int64) {
	n.shards = append(n.shards, shard)
	n.load += load
}

func (n *node) drop(shard int, load int64) {
	i := slices.Index(n.shards, shard)
	n.shards = slices.Delete(n.shards, i, i+1)
	n.load -= load
}

// share sets the quotas. What is left over by the division goes to those that have
// more than the others already, so that nothing moves for it; among equals to the
// zone that has the least of it for its members.
func (p *planner) share(homeless int) {
	total := homeless
	for _, n := range p.nodes {
		total += len(n.shards)
	}
	each, extras := total/len(p.nodes), total%len(p.nodes)
	for _, n := range p.nodes {
		n.quota = each
	}
	for range extras {
		var best *node
		for _, n := range p.nodes {
			if n.quota == each && (best == nil || n.before(best, each)) {
				best = n
			}
		}
		best.quota++
		best.zone.extras++
	}
}

// before orders nodes for one shard beyond each.
func (n *node) before(o *node, each int) bool {
	if a, b := len(n.shards) > each, len(o.shards) > each; a != b {
		return a
	}
	if a, b := (n.zone.extras+1)*o.zone.members, (o.zone.extras+1)*n.zone.members; a != b {
		return a < b
	}
	if len(n.shards) != len(o.shards) {
		return len(n.shards) > len(o.shards)
	}
	return n.load < o.load
}

// house gives a shard that needs an owner to the node with the least to do.
func (p *planner) house(m Move) {
	var best *node
	for _, n := range p.nodes {
		if n.deficit() > 0 && (best == nil || n.load < best.load || n.load == best.load && n.deficit() > best.deficit()) {
			best = n
		}
	}
	m.To = best.Number
	p.record(m)
	best.add(m.Shard, p.shards[m.Shard].Load)
}

// record keeps a move; a shard that is moved twice moves once.
func (p *planner) record(m Move) {
	if i, ok := p.moved[m.Shard]; ok {
		p.moves[i].To = m.To
		return
	}
	p.moved[m.Shard] = len(p.moves)
	p.moves = append(p.moves, m)
}

func (p *planner) move(shard int, from, to *node, why Reason) {
	load := p.shards[shard].Load
	from.drop(shard, load)
	to.add(shard, load)
	p.record(Move{Shard: shard, From: from.Number, To: to.Number, Why: why})
}

// even moves what is above quotas to where they are not reached, each time the
// shard whose load suits the taker best.
func (p *planner) even() {
	mean := p.total() / int64(len(p.nodes))
	for {
		var from, to *node
		for _, n := range p.nodes {
			if n.deficit() < 0 && p.free(n) && (from == nil || n.needier(from, -1)) {
				from = n
			}
			if n.deficit() > 0 && (to == nil || n.needier(to, 1)) {
				to = n
			}
		}
		if from == nil || to == nil {
			return
		}
		p.move(p.nearest(from, (mean-to.load)/int64(to.deficit())), from, to, Even)
	}
}

// needier compares deficits, or surpluses if sign is -1; among equals the load.
func (n *node) needier(o *node, sign int) bool {
	if a, b := sign*n.deficit(), sign*o.deficit(); a != b {
		return a > b
	}
	return int64(sign)*n.load < int64(sign)*o.load
}

func (p *planner) total() (load int64) {
	for _, n := range p.nodes {
		load += n.load
	}
	return load
}

// free tells whether n has a shard that may be moved.
func (p *planner) free(n *node) bool {
	return slices.ContainsFunc(n.shards, func(i int) bool { return !p.shards[i].Pinned })
}

// nearest returns n's shard with the load nearest to this one, among equals the
// first.
func (p *planner) nearest(n *node, load int64) int {
	best := -1
	for _, i := range n.shards {
		if p.shards[i].Pinned {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		a, b := distance(p.shards[i].Load, load), distance(p.shards[best].Load, load)
		if a < b || a == b && i < best {
			best = i
		}
	}
	return best
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
