package sim

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/catalog"
	"github.com/troupedb/troupe/coordinator/saga"
)

// node is a machine: it outlives its processes, one after the other.
type node struct {
	w            *World
	number       directory.Number
	skew         int64 // of its clock
	incarnations uint64
	pausedUntil  int64
	illUntil     int64    // it is in trouble, or was a short while ago
	p            *process // nil while none runs
}

// process is what runs on a node: a gateway for clients, coordinators, and shards,
// most of which are elsewhere and closed.
type process struct {
	w           *World
	node        *node
	number      directory.Number
	incarnation uint64
	dead        bool
	leaseUntil  int64 // by the clock that all agree on, as it only measures times
	env         *saga.Env
	router      *router
	gatherer    gatherer
	shards      []*shardNode // nil: it was never here
	streams     []*stream    // by number, nil: none just now
	moves       []*move      // by shard, of which it is the source
	suspected   []bool       // by number: the node is taken not to answer
}

// start starts a process.
func (n *node) start() {
	n.incarnations++
	w := n.w
	if n.incarnations > 1 {
		w.Stats.Restarts++
	}
	p := &process{
		w: w, node: n, number: n.number, incarnation: n.incarnations, env: n.w.o.Setup.newEnv(n.number, !n.w.o.Plain),
		shards:    make([]*shardNode, w.o.Setup.shards),
		streams:   make([]*stream, len(w.nodes)),
		moves:     make([]*move, w.o.Setup.shards),
		suspected: make([]bool, len(w.nodes)),
	}
	p.env.Pulse.Clock = func() int64 { return w.now }
	p.router, p.gatherer.p = newRouter(p), p
	n.p = p
	w.trace("node %d starts process %d", n.number, p.incarnation)
	w.after(w.delay(), func() { p.every(catalog.HeartbeatEvery, p.heartbeat) })
	p.every(machineTick, func() {
		if p.router.tick(); !p.serving() {
			p.fence()
		}
	})
	p.every(shardTick, func() {
		for _, s := range p.shards {
			if s != nil {
				s.tick()
			}
		}
	})
	p.every(moveTick, p.tickMoves)
}

// crash ends the process with all that is in its memory.
func (n *node) crash(ms int64) {
	p := n.p
	if p == nil {
		return
	}
	n.w.Stats.Crashes++
	n.w.trace("node %d crashes", n.number)
	p.close()
	n.p, n.pausedUntil = nil, 0
	for _, o := range n.w.nodes[1:] {
		if o.p != nil {
			peer := o.p
			n.w.after(n.w.between(0, 30), func() {
				if s := peer.streams[n.number]; s != nil && s.to == p {
					peer.broken(n.number, false)
				}
			})
		}
	}
	for _, c := range n.w.clients {
		c.disconnected(p)
	}
	if n.w.calm { // it was the last that goes wrong
		ms, n.w.calmedAt = min(ms, downMost), 0
	}
	n.w.after(ms, func() {
		if n.p == nil {
			n.start()
		}
	})
}

// crashOf is the crash of the node, if this process is what it runs.
func (n *node) crashOf(p *process) {
	if n.p == p {
		n.crash(n.w.o.DownFor)
	}
}

func (p *process) close() {
	p.dead = true
	p.router.close()
	for _, s := range p.shards {
		if s != nil {
			s.engine.KS.Close()
		}
	}
}

// pause stops the process as SIGSTOP does: what comes waits.
func (n *node) pause(ms int64) {
	n.w.trace("node %d pauses for %d ms", n.number, ms)
	n.pausedUntil = max(n.pausedUntil, n.w.now+ms)
	for _, o := range n.w.nodes[1:] {
		if peer := o.p; peer != nil && o != n && ms > 1000 { // they suspect it
			n.w.after(n.w.between(700, 1500), func() {
				if n.w.now < n.pausedUntil {
					peer.broken(n.number, true)
				}
			})
		}
	}
}

// run runs f in the process, after its pause; not if the process is gone by then.
func (p *process) run(f func()) {
	switch {
	case p.dead:
	case p.w.now < p.node.pausedUntil:
		p.w.after(p.node.pausedUntil-p.w.now, func() { p.run(f) })
	default:
		f()
	}
}

func (p *process) after(ms int64, f func()) { p.w.after(ms, func() { p.run(f) }) }

// every runs f again and again. What a pause has delayed is not made up for.
func (p *process) every(ms int64, f func()) {
	p.after(ms, func() {
		f()
		p.every(ms, f)
	})
}

// local brings a message from one actor of the process to another. Nothing is lost on
// that way, unless the world says so.
func (p *process) local(deliver func()) {
	p.w.net.send(p.number, p.number, func() { p.run(deliver) })
}

// clock is the time as the node has it, Unix milliseconds.
func (p *process) clock() int64 { return p.w.now + p.node.skew }

// serving tells whether the lease is valid: the process runs nothing on its shards
// without it.
func (p *process) serving() bool {
	return !p.dead && p.joined() && p.w.now < p.leaseUntil && p.w.now >= p.node.pausedUntil
}

// fence ends what is waited for, as gateway.beat does once the lease has run out.
func (p *process) fence() {
	p.router.fence()
	for _, s := range p.shards {
		if s != nil {
			s.engine.Expel()
		}
	}
}

// renewed is when a heartbeat of this time has been acknowledged.
func (p *process) renewed(sent int64) {
	if p.w.now >= p.leaseUntil {
		p.env.Pulse.Lapsed()
	}
	p.leaseUntil = max(p.leaseUntil, sent+catalog.LeaseTime)
}

// down tells whether a node is known not to answer.
func (p *process) down(n directory.Number) bool {
	m := p.env.Where.Load().Member(n)
	return m == nil || m.State == directory.Down || p.suspected[n]
}

// joined tells whether the cluster knows this process.
func (p *process) joined() bool {
	m := p.env.Where.Load().Me()
	return m != nil && m.Incarnation == p.incarnation
}

func (p *process) heartbeat() {
	sent := p.w.now
	p.w.net.send(p.number, 0, func() { p.w.arbiter.heartbeat(p, sent) })
}

// place follows a directory, as coordinator.Node does.
func (p *process) place(d *directory.Directory) {
	before := p.env.Where.Load()
	if !p.env.Where.Advance(d) {
		return
	}
	if !p.joined() {
		return // it tells of the process before this one
	}
	for i := range d.Places {
		switch place := d.Places[i]; {
		case place.Owner != p.number:
			if s := p.shards[i]; s != nil {
				s.leave()
			}
		case before.Places[i] != place:
			p.shard(i).enter(&place)
		}
		p.followMove(i, &d.Places[i])
	}
	p.updateStreams(d)
	for _, c := range p.w.clients {
		if c.at == p {
			c.replaced(before, d)
		}
	}
}

// shard returns the shard's actor, which is closed at first.
func (p *process) shard(i int) *shardNode {
	if p.shards[i] == nil {
		p.shards[i] = newShardNode(p, i)
	}
	return p.shards[i]
}

// stream is a connection to a process of another node, over which everything of the
// data path goes. It breaks, and is dialled again.
type stream struct {
	to    *process
	asked map[*forwarded]bool // requests that have no answer yet
	order []*forwarded
}

// stream returns what leads to a node just now, nil if there is nothing.
func (p *process) stream(to directory.Number) *stream {
	if s := p.streams[to]; s != nil && !s.to.dead {
		return s
	}
	return nil
}

// broken ends the stream to a node. What was asked of it has an unknown outcome.
func (p *process) broken(to directory.Number, suspected bool) {
	s := p.streams[to]
	if p.dead {
		return
	}
	p.suspected[to] = p.suspected[to] || suspected
	if s == nil {
		return
	}
	p.streams[to] = nil
	p.w.trace("node %d: the stream to %d is broken", p.number, to)
	for _, f := range s.order {
		if s.asked[f] {
			f.unknown()
		}
	}
	p.dial(to)
}

// updateStreams drops the streams to nodes that are down or have another process,
// and dials the others.
func (p *process) updateStreams(d *directory.Directory) {
	for i := range d.Members {
		m := &d.Members[i]
		if m.Number == p.number {
			continue
		}
		if s := p.streams[m.Number]; s != nil && (m.State == directory.Down || s.to.incarnation != m.Incarnation) {
			p.broken(m.Number, false)
		}
		p.dial(m.Number)
	}
}

// connect opens a stream at once.
func (p *process) connect(to *process) {
	p.suspected[to.number] = false
	p.streams[to.number] = &stream{to: to, asked: map[*forwarded]bool{}}
}

// dial tries to open a stream, again and again while the directory says that the node
// is there.
func (p *process) dial(to directory.Number) {
	p.after(p.w.between(5, 300), func() {
		m, other := p.env.Where.Load().Member(to), p.w.nodes[to].p
		if p.streams[to] != nil || m == nil || m.State == directory.Down {
			return
		}
		if other == nil || other.incarnation != m.Incarnation || p.w.now < other.node.pausedUntil ||
			p.w.net.cut(p.number, to) || p.w.net.cut(to, p.number) {
			p.dial(to)
			return
		}
		p.connect(other)
	})
}
