package sim

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// arbiter stands for the catalog: it never fails, hears the heartbeats of nodes over
// the network, says who is down, and where shards are. Its directories reach nodes
// late, and each at its own time.
type arbiter struct {
	w     *World
	d     directory.Directory
	acked []int64 // by number: when a heartbeat was acknowledged last
	moves uint64
}

// found makes the cluster of all nodes, with the shards spread evenly.
func (a *arbiter) found() {
	a.d = directory.Directory{Slots: a.w.o.Setup.slots, Epoch: 1, Places: make([]directory.Place, a.w.o.Setup.shards)}
	a.acked = make([]int64, len(a.w.nodes))
	for _, n := range a.w.nodes[1:] {
		a.d.Members = append(a.d.Members, directory.Member{Number: n.number, Incarnation: n.p.incarnation})
		a.acked[n.number] = a.w.now
		n.p.leaseUntil = a.w.now + catalog.LeaseTime
	}
	for i := range a.d.Places {
		a.d.Places[i] = directory.Place{Owner: directory.Number(1 + i%a.w.o.Nodes), Epoch: 1}
	}
	for _, n := range a.w.nodes[1:] {
		for _, o := range a.w.nodes[1:] {
			if n != o {
				n.p.connect(o.p)
			}
		}
		n.p.place(a.copyFor(n.number))
	}
}

// copyFor returns the directory as a node gets it.
func (a *arbiter) copyFor(n directory.Number) *directory.Directory {
	d := a.d
	d.Self, d.Members, d.Places = n, slices.Clone(d.Members), slices.Clone(d.Places)
	return &d
}

// changed makes a new directory known.
func (a *arbiter) changed() {
	a.d.Epoch++
	for _, n := range a.w.nodes[1:] {
		if n.p != nil {
			a.tell(n.p, a.copyFor(n.number), a.lag())
		}
	}
}

// lag is how late a directory reaches a node.
func (a *arbiter) lag() int64 {
	if a.w.chance(a.w.o.Faults.Lag) {
		a.w.Stats.Late++
		return a.w.between(0, 2000)
	}
	return a.w.between(1, 100)
}

func (a *arbiter) tell(p *process, d *directory.Directory, ms int64) {
	a.w.after(ms, func() {
		switch {
		case p.dead:
		case a.w.net.cut(0, p.number):
			a.tell(p, d, a.w.between(20, 200))
		default:
			p.run(func() { p.place(d) })
		}
	})
}

// heartbeat takes one of a process, and answers it.
func (a *arbiter) heartbeat(p *process, sent int64) {
	m := a.d.Member(p.number)
	switch {
	case p.incarnation < m.Incarnation:
		return // a process that is gone
	case p.incarnation > m.Incarnation:
		a.join(m, p)
		return
	case m.State == directory.Down:
		a.w.Stats.Ups++
		a.w.trace("node %d is up", p.number)
		m.State, m.Since, a.acked[p.number] = directory.Up, a.w.now, a.w.now
		a.changed()
		return
	}
	a.acked[p.number] = a.w.now
	a.w.net.send(0, p.number, func() {
		p.run(func() { p.renewed(sent) })
	})
}

// join takes a node back whose process was started again: its shards are empty.
func (a *arbiter) join(m *directory.Member, p *process) {
	a.w.trace("node %d joins again", p.number)
	m.Incarnation, m.State, m.Since = p.incarnation, directory.Up, a.w.now
	a.acked[p.number] = a.w.now
	for i := range a.d.Places {
		place := &a.d.Places[i]
		if place.Owner == p.number || place.To == p.number {
			place.To, place.MoveID = 0, 0
		}
		if place.Owner == p.number {
			place.Epoch++
			place.LostAt = a.w.now
		}
	}
	a.changed()
}

// tick finds out who is down.
func (a *arbiter) tick() {
	for i := range a.d.Members {
		m := &a.d.Members[i]
		if m.State == directory.Up && a.w.now-a.acked[m.Number] >= catalog.DownAfter {
			a.w.Stats.Downs++
			a.w.trace("node %d is down", m.Number)
			m.State, m.Since = directory.Down, a.w.now
			a.changed()
		}
	}
}

// unsettled tells that a shard moves, or a node is not up or not in its newest
// incarnation.
func (a *arbiter) unsettled() bool {
	for i := range a.d.Places {
		if a.d.Places[i].To != 0 {
			return true
		}
	}
	for _, m := range a.d.Members {
		if n := a.w.nodes[m.Number]; m.State != directory.Up || n.p == nil || n.p.incarnation != m.Incarnation {
			return true
		}
	}
	return false
}

// move begins to move a shard.
func (a *arbiter) move() {
	i := a.w.rng.IntN(len(a.d.Places))
	to := a.w.someNode().number
	place := &a.d.Places[i]
	from := a.d.Member(place.Owner)
	if to == place.Owner || place.To != 0 || a.d.Member(to).State != directory.Up || from.State != directory.Up {
		return
	}
	a.w.Stats.Moves++
	a.moves++
	place.To, place.MoveID = to, a.moves
	a.changed()
}

// endMove is the switch to the target of a move, or gives the move up.
func (a *arbiter) endMove(shard int, move uint64, commit bool) bool {
	place := &a.d.Places[shard]
	if place.To == 0 || place.MoveID != move || commit && a.d.Member(place.To).State == directory.Down {
		return false
	}
	if commit {
		a.w.Stats.Moved++
		place.Owner = place.To
		place.Epoch++
	}
	place.To, place.MoveID = 0, 0
	a.changed()
	return true
}
