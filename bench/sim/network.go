package sim

import "github.com/troupedb/troupe/actors/directory"

// network is the links between nodes. Number 0 is the arbiter, which stands for the
// catalog.
type network struct {
	w    *World
	cuts [][]int // by sender and receiver: how many cuts are in the way
}

func (n *network) cut(from, to directory.Number) bool {
	return n.cuts != nil && n.cuts[from][to] > 0
}

// send brings a message to a process, perhaps. What is under way when a link is cut
// is lost, or comes late, as TCP would have it.
func (n *network) send(from, to directory.Number, deliver func()) {
	w := n.w
	w.Stats.Messages++
	if from != 0 && to != 0 && from != to {
		if w.crossed++; w.crossed == w.o.CutAt {
			w.Stats.Cuts++
			n.sever([][2]directory.Number{{from, to}, {to, from}}, linkTime)
		}
	}
	copies := 1
	if from != to || w.o.Faults.Local {
		if w.chance(w.o.Faults.Drop) {
			copies = 0
			w.Stats.Dropped++
		} else if w.chance(w.o.Faults.Double) {
			copies = 2
			w.Stats.Doubled++
		}
	}
	for range copies {
		ms := w.delay()
		if (from != to || w.o.Faults.Local) && w.chance(w.o.Faults.Slow) {
			ms = w.rng.Int64N(slowMost)
			w.Stats.Slowed++
		}
		w.after(ms, func() { n.arrive(from, to, deliver) })
	}
}

func (n *network) arrive(from, to directory.Number, deliver func()) {
	switch {
	case !n.cut(from, to):
		deliver()
	case n.w.rng.IntN(2) == 0: // it is sent again by the transport
		n.w.after(n.w.between(20, 200), func() { n.arrive(from, to, deliver) })
	}
}

// sever cuts directed links for a while.
func (n *network) sever(links [][2]directory.Number, ms int64) {
	if n.cuts == nil {
		n.cuts = make([][]int, len(n.w.nodes))
		for i := range n.cuts {
			n.cuts[i] = make([]int, len(n.w.nodes))
		}
	}
	cuts := n.cuts
	for _, l := range links {
		cuts[l[0]][l[1]]++
		n.w.trace("cut %d → %d", l[0], l[1])
		n.notice(l[0], l[1])
		n.notice(l[1], l[0])
	}
	n.w.after(ms, func() {
		for _, l := range links {
			n.w.trace("healed %d → %d", l[0], l[1])
			cuts[l[0]][l[1]]--
		}
	})
}

// notice has a node find out that its stream to another is broken, if it still is.
func (n *network) notice(at, about directory.Number) {
	if at == 0 || about == 0 {
		return
	}
	n.w.after(n.w.between(200, 1500), func() {
		if p := n.w.nodes[at].p; p != nil && (n.cut(at, about) || n.cut(about, at)) {
			p.broken(about, true)
		}
	})
}

func (n *network) heal() { n.cuts = nil }

// strike lets something happen to the nodes.
func (w *World) strike() {
	f := &w.o.Faults
	for _, n := range w.nodes[1:] {
		n.watch()
	}
	if w.chance(f.Cut) {
		w.cutSome()
	}
	if n := w.someNode(); w.chance(f.Pause) && n.mayFail() {
		w.Stats.Pauses++
		n.pause(w.between(50, pauseMost))
	}
	if n := w.someNode(); w.chance(f.Crash) && n.mayFail() {
		n.crash(w.between(50, downMost))
	}
	if w.chance(f.Move) {
		w.arbiter.move()
	}
}

func (w *World) someNode() *node { return w.nodes[1+w.rng.IntN(w.o.Nodes)] }

// cutSome cuts links. Those to and from the arbiter may take a node down.
func (w *World) cutSome() {
	links := w.someLinks()
	one := len(links) == 1
	for _, l := range links {
		if l[0] == l[1] || l[0] == 0 && !w.nodes[l[1]].mayFail() || l[1] == 0 && !w.nodes[l[0]].mayFail() {
			return
		}
	}
	w.Stats.Cuts++
	if one || w.net.oneWay(links) {
		w.Stats.OneWay++
	}
	w.net.sever(links, w.between(50, cutMost))
}

// oneWay tells that links are cut in one direction only.
func (n *network) oneWay(links [][2]directory.Number) bool {
	for _, l := range links {
		for _, o := range links {
			if l[0] == o[1] && l[1] == o[0] {
				return false
			}
		}
	}
	return true
}

// watch notes whether the node is in trouble, of which it, and what others know of it,
// recovers only after a while.
func (n *node) watch() {
	w := n.w
	if n.p == nil || !n.p.serving() || w.net.cut(n.number, 0) || w.net.cut(0, n.number) ||
		w.arbiter.d.Member(n.number).State != directory.Up {
		n.illUntil = w.now + convalescence
	}
}

// mayFail tells that no other node is in trouble. A cluster without replicas bears the
// loss of one node at a time: see limit.go.
func (n *node) mayFail() bool {
	for _, o := range n.w.nodes[1:] {
		if o != n && n.w.now < o.illUntil {
			return false
		}
	}
	n.illUntil = max(n.illUntil, n.w.now+convalescence)
	return true
}

// someLinks returns links to cut: one direction of one, all of a node in one
// direction or in both, and perhaps its way to the arbiter too.
func (w *World) someLinks() (links [][2]directory.Number) {
	a := w.someNode().number
	if w.rng.IntN(3) == 0 {
		b := directory.Number(w.rng.IntN(w.o.Nodes + 1))
		return [][2]directory.Number{{a, b}}
	}
	how, last := w.rng.IntN(3), directory.Number(w.o.Nodes)
	for b := directory.Number(w.rng.IntN(2)); b <= last; b++ {
		if b != a && how != 1 {
			links = append(links, [2]directory.Number{a, b})
		}
		if b != a && how != 0 {
			links = append(links, [2]directory.Number{b, a})
		}
	}
	return links
}

// once brings a message that has no answer and must not come twice.
func (n *network) once(from, to directory.Number, deliver func()) {
	if n.w.chance(n.w.o.Faults.Drop) {
		return
	}
	n.w.after(n.w.delay(), func() { n.arrive(from, to, deliver) })
}
