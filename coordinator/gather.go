package coordinator

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/reply"
)

// Gatherer collects the calls that clients of one event loop make while others are
// under way, and carries them out together, as one saga: what it costs to tell every
// shard, to lock and to decide is for all of them once. It belongs to the loop's
// goroutine.
type Gatherer struct {
	n             *Coordinators
	reads, writes gathering
	spare         []*cell
}

// gathering is the calls of one kind: those that only read, or the others, which take
// keys for themselves, and more time.
type gathering struct {
	next    *cell // that collects, nil: there is nothing
	running int   // groups under way, but for those that wait at locks
	most    int   // how many calls the next group may have
}

const (
	// maxGroup is how many calls a group has at most, and maxGroupBytes how many bytes
	// their words, or their replies, should have. One with maxGroupCall bytes of words
	// gains nothing by company.
	maxGroup      = 64
	maxGroupBytes = 256 << 10
	maxGroupCall  = 16 << 10
	// maxRunning is how many groups of a kind are under way in a loop while the next
	// one collects.
	maxRunning = 2
	// maxSpareGroups is how many groups' memory is kept, and keptGroupBytes of how much.
	maxSpareGroups = 4
	keptGroupBytes = 2 << 20
)

// member is whose call is a part of a group.
type member struct {
	driver Driver
	ticket uint64
}

// group is the part of a cell that carries out several calls.
type group struct {
	of      *gathering // nil: it carries out one
	g       *Gatherer
	members []member
	calls   saga.Group
	stuck   bool // it does not count as running
}

// NewGatherer returns the gatherer of an event loop.
func (n *Coordinators) NewGatherer() *Gatherer {
	return &Gatherer{n: n, reads: gathering{most: 1}, writes: gathering{most: 1}}
}

// Gather is Coordinators.Drive for a call that may be carried out with others; false: it
// is to be by itself. Begin begins it.
func (g *Gatherer) Gather(d Driver, ticket uint64, call *saga.Call) bool {
	ok, reads := g.n.env.Gathers(call)
	if !ok || size(call) > maxGroupCall || !g.n.whole() {
		return false
	}
	of := &g.writes
	if reads {
		of = &g.reads
	}
	c := of.next
	if c != nil && !c.fits(call) {
		g.begin(of)
		c = nil
	}
	if c == nil {
		c = g.cell(of)
		c.out.Proto = call.Out.Proto
		c.own = c.calls.Begin(g.n.env, call.DB, call.Now, &c.out)
		c.call, of.next = &c.own, c
	}
	c.members = append(c.members, member{d, ticket})
	c.join(call)
	return true
}

// fits tells whether the group may have the call, too.
func (c *cell) fits(call *saga.Call) bool {
	return len(c.members) < c.of.most && c.words.Size() < maxGroupBytes && c.own.DB == call.DB && c.out.Proto == call.Out.Proto
}

// size returns how many bytes the words of a call have.
func size(call *saga.Call) (n int) {
	for _, w := range call.Args {
		n += len(w)
	}
	for i := range call.Queue {
		for _, w := range call.Queue[i].Args {
			n += len(w)
		}
	}
	return n
}

// whole tells whether all nodes are there, as far as is known: else a call that needs
// one that is not would be the end of those beside it.
func (n *Coordinators) whole() bool {
	d := n.env.Where.Load()
	for i := range d.Members {
		m := &d.Members[i]
		if m.State == directory.Down || n.peers != nil && m.Number != d.Self && n.peers.Suspected(m.Number) {
			return false
		}
	}
	return true
}

// join adds a copy of the call to the group.
func (c *cell) join(call *saga.Call) {
	n := len(c.calls.Calls)
	if n < cap(c.calls.Calls) {
		c.calls.Calls = c.calls.Calls[:n+1] // whose queue is used again
	} else {
		c.calls.Calls = append(c.calls.Calls, saga.Call{})
	}
	out := c.out // its protocol is that of all
	call.OwnInto(&c.calls.Calls[n], &c.words, &out)
	c.calls.Calls[n].Out = &c.out
}

func (g *Gatherer) cell(of *gathering) *cell {
	var c *cell
	if n := len(g.spare); n > 0 {
		c, g.spare = g.spare[n-1], g.spare[:n-1]
	} else {
		c = &cell{}
	}
	c.n, c.of, c.g = g.n, of, g
	return c
}

// Waits tells whether there is something for Begin, or Refuse.
func (g *Gatherer) Waits() bool { return g.reads.next != nil || g.writes.next != nil }

// Begin begins what was gathered, unless enough is under way. It is to be called at
// the end of each turn of the loop, with the time in Unix milliseconds.
func (g *Gatherer) Begin(now int64) {
	for _, of := range []*gathering{&g.reads, &g.writes} {
		if of.next != nil && of.running < maxRunning {
			of.next.own.Now = now
			g.begin(of)
		}
	}
}

// Refuse answers all that was gathered, where the node may not serve any more.
func (g *Gatherer) Refuse(why reply.Error) {
	for _, of := range []*gathering{&g.reads, &g.writes} {
		if c := of.next; c != nil {
			of.next = nil
			c.out.Error(why)
			for _, m := range c.members {
				m.driver.Done(m.ticket, c.out.Buf)
			}
		}
	}
}

func (g *Gatherer) begin(of *gathering) {
	c := of.next
	of.next = nil
	of.running++
	c.id, c.driver = g.n.env.NewID(c.call.Now), c.members[0].driver
	g.n.launch(c)
}

// notice counts a group that waits at locks, or does not any more.
func (c *cell) notice() {
	if stuck := c.coordinator.Stuck(); stuck != c.stuck {
		if c.stuck = stuck; stuck {
			c.of.running--
		} else {
			c.of.running++
		}
	}
}

// hand gives all members their replies.
func (c *cell) hand(out []byte) {
	if saga.Failed(out) || reply.Is(out, errUnknown) {
		c.apart(out)
		return
	}
	from := 0
	for i, m := range c.members {
		to := c.calls.Ends[i]
		m.driver.Done(m.ticket, out[from:to:to])
		from = to
	}
	c.of.most = max(1, min(2*c.of.most, maxGroup, maxGroupBytes*len(c.members)/max(1, len(out))))
}

// apart is where the saga has failed. What is known not to have been done is done call
// by call, as the failure may be another's matter; else all members are told, and so they
// are if it is the node that may not serve: it must begin nothing then.
func (c *cell) apart(out []byte) {
	c.n.mu.Lock()
	c.named++ // the calls are its memory
	c.n.mu.Unlock()
	for i, m := range c.members {
		if call := &c.calls.Calls[i]; saga.Undone(out) && !c.fenced {
			m.driver.Post(func() { c.n.Drive(m.driver, m.ticket, call, m.driver.Post) })
		} else {
			m.driver.Done(m.ticket, out)
		}
	}
}

// dismiss takes back the memory of a group that has ended.
func (c *cell) dismiss(named bool) {
	if !c.stuck {
		c.of.running--
	}
	memory := cap(c.bytes) + c.coordinator.Memory() + c.calls.Memory() + c.words.Size()
	if named || len(c.g.spare) >= maxSpareGroups || memory > keptGroupBytes {
		return
	}
	clear(c.members)
	c.calls.Rest()
	g, members, calls := c.g, c.members[:0], c.calls
	c.reset()
	c.members, c.calls = members, calls
	g.spare = append(g.spare, c)
}
