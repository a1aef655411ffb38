package replica

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
)

var (
	seeds = flag.Int("seeds", 200, "how many seeds to run")
	first = flag.Uint64("seed", 1, "the first of them")
)

func faultsOf(seed uint64) faults {
	switch seed % 4 {
	case 0:
		return faults{change: 0.02}
	case 1:
		return faults{drop: 0.05, double: 0.1, change: 0.02}
	case 2:
		return faults{crash: 0.004, part: 0.005, pause: 0.003, change: 0.02}
	}
	return faults{drop: 0.1, double: 0.1, crash: 0.003, part: 0.01, pause: 0.005, change: 0.03}
}

// step is one thing that happens.
func (w *world) step() {
	w.deliver()
	w.deliver()
	n := w.pick()
	if n.r == nil {
		if w.chance(0.03) {
			n.start(false)
		}
		return
	}
	if n.paused {
		n.paused = !w.chance(0.05)
		return
	}
	switch k := w.rnd.IntN(10); {
	case k < 4:
		n.r.Tick()
	case k < 6:
		n.propose()
	case k < 7:
		n.read()
	}
	n.work()
	w.damage()
	if w.chance(w.f.change) {
		w.change()
	}
}

func (n *node) propose() {
	data := fmt.Sprintf("p%d", n.w.proposed)
	ticket, err := n.r.Propose([]byte(data))
	var not *NotLeaderError
	switch {
	case err == nil:
		n.w.proposed++
		n.pending[ticket] = pending{data: data}
	case !errors.As(err, &not) && !errors.Is(err, ErrOverloaded):
		n.w.fail("node %d: %v", n.id, err)
	}
}

func (n *node) read() {
	if ticket, err := n.r.ReadIndex(); err == nil {
		n.pending[ticket] = pending{"read", n.w.highest}
	}
}

// damage crashes, pauses and cuts off nodes.
func (w *world) damage() {
	if n := w.pick(); n.r != nil && w.chance(w.f.crash) {
		n.crash()
	}
	if n := w.pick(); w.chance(w.f.pause) {
		n.paused = true
	}
	if w.chance(w.f.part) {
		clear(w.cut)
		if w.rnd.IntN(2) == 0 {
			return
		}
		alone := w.pick().id
		oneWay := w.rnd.IntN(3) == 0
		for _, id := range w.ids {
			w.cut[[2]uint64{alone, id}] = true
			w.cut[[2]uint64{id, alone}] = !oneWay
		}
	}
	if n := w.pick(); n.r != nil && w.chance(0.002) && n.r.Status().IsLeader {
		_ = n.r.TransferLeader(w.pick().id)
		n.work()
	}
}

// change makes the group grow to five voters and replaces members from then on.
func (w *world) change() {
	n := w.leader()
	if n == nil {
		return
	}
	c := n.r.Status().Conf
	voter := func() uint64 { return c.Voters[w.rnd.IntN(len(c.Voters))] }
	var changes []Change
	switch {
	case len(c.Learners) == 0 && len(w.ids) < 9:
		fresh := w.add()
		fresh.start(false)
		changes = []Change{{AddLearner, fresh.id}}
	case len(c.Learners) == 0:
		if len(c.Voters) > 3 {
			changes = []Change{{[]ChangeKind{Demote, Remove}[w.rnd.IntN(2)], voter()}}
		}
	case len(c.Voters) >= 5:
		changes = []Change{{Promote, c.Learners[0]}, {Remove, voter()}}
	default:
		changes = []Change{{Promote, c.Learners[0]}}
	}
	ticket, err := n.r.ProposeConf(changes...)
	switch {
	case err == nil:
		n.pending[ticket] = pending{data: "change"}
	case changes == nil && errors.Is(err, ErrChange), errors.Is(err, ErrChanging), errors.Is(err, ErrBehind), errors.Is(err, ErrOverloaded):
	default:
		w.fail("node %d: %v", n.id, err)
	}
	n.work()
}

// leader returns a node that takes itself for the leader, the one of the latest term.
func (w *world) leader() *node {
	var best *node
	var term uint64
	for _, id := range w.ids {
		if n := w.nodes[id]; n.r != nil {
			if s := n.r.Status(); s.IsLeader && s.Term > term {
				best, term = n, s.Term
			}
		}
	}
	return best
}

// settle ends all faults and waits until everybody has everything.
func (w *world) settle() {
	w.f = faults{}
	clear(w.cut)
	for _, id := range w.ids {
		if n := w.nodes[id]; n.r == nil {
			n.start(false)
		} else {
			n.paused = false
		}
	}
	last := ""
	for i := range 40000 {
		w.deliver()
		w.deliver()
		if i%2 == 0 {
			n := w.pick()
			n.r.Tick()
			n.work()
		}
		if i%200 != 0 {
			continue
		}
		l := w.leader()
		if l == nil {
			continue
		}
		if !w.acked[last] {
			last = fmt.Sprintf("p%d", w.proposed)
			l.propose()
			l.work()
		} else if w.settled(l) {
			return
		}
	}
	for _, id := range w.ids {
		w.t.Logf("%d: %+v", id, w.nodes[id].r.Status())
	}
	w.fail("does not settle")
}

// settled tells whether all members of the leader's group have what it has.
func (w *world) settled(l *node) bool {
	s := l.r.Status()
	if s.Conf.Joint() {
		return false
	}
	for _, id := range slices.Concat(s.Conf.Voters, s.Conf.Learners) {
		n := w.nodes[id]
		if n.m.last != w.highest || n.m.chain != w.chain[w.highest] || n.r.Status().Leader != l.id {
			return false
		}
		for _, p := range n.pending {
			if p.data == "read" {
				return false
			}
		}
	}
	return true
}

func (w *world) run(steps int) stats {
	for range steps {
		w.step()
	}
	w.settle()
	for data := range w.acked {
		if at := w.at[data]; at == 0 || at > w.highest {
			w.fail("%s was acknowledged and is lost", data)
		}
	}
	return w.stats
}

// TestSeeds runs a group that grows from one voter to five and goes on replacing
// members, under drops, doubles, reordering, partitions, pauses and crashes with
// torn logs.
func TestSeeds(t *testing.T) {
	var all stats
	for i := range uint64(*seeds) {
		seed := *first + i
		s := newWorld(t, seed, faultsOf(seed)).run(2500)
		all.Crashes += s.Crashes
		all.Torn += s.Torn
		all.Restored += s.Restored
		all.Changes += s.Changes
		all.Joint += s.Joint
		all.Acked += s.Acked
		all.Dropped += s.Dropped
		all.Unknown += s.Unknown
		all.Reads += s.Reads
		all.Terms += s.Terms
		all.Most = max(all.Most, s.Most)
	}
	t.Logf("%+v", all)
	if *seeds >= 200 && (all.Crashes < 200 || all.Torn == 0 || all.Restored < 500 || all.Changes < 1000 || all.Joint == 0 ||
		all.Dropped == 0 || all.Reads < 1000 || all.Terms < 500 || all.Most < 5) {
		t.Error("the seeds do not meet what they are for")
	}
}
