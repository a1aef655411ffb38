package sim

import (
	"strings"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/reply"
)

// gatherer is a node's coordinator.Gatherer, but that a group begins after a while,
// whatever else is under way: clients are few here, and would be alone otherwise.
type gatherer struct {
	p             *process
	reads, writes *op // that collect, nil: there is nothing
	spare         []*party
}

// party is the memory of a group, which is used again when its saga has ended.
type party struct {
	calls       saga.Group
	coordinator saga.Coordinator
	call        saga.Call
	out         reply.Writer
}

// gatherMost is how long a group collects at most, in milliseconds. Half of all groups
// take only what comes at once.
const gatherMost = 200

// gather takes a call to be carried out with others, or tells that it is to be by itself.
func (g *gatherer) gather(o *op, call *saga.Call) bool {
	p := g.p
	ok, reads := p.env.Gathers(call)
	if !ok || p.w.o.Plain || !p.whole() || p.w.rng.IntN(4) == 0 {
		return false
	}
	next := &g.writes
	if reads {
		next = &g.reads
	}
	if *next == nil {
		*next = g.group()
		most := int64(fastMost)
		if p.w.rng.IntN(2) == 0 {
			most = gatherMost
		}
		p.after(p.w.rng.Int64N(most), func() { g.begin(next) })
	}
	group := *next
	group.members = append(group.members, o)
	call.Out = &group.party.out
	group.party.calls.Calls = append(group.party.calls.Calls, *call)
	return true
}

// group returns an empty one.
func (g *gatherer) group() *op {
	y := &party{}
	if n := len(g.spare); n > 0 {
		y, g.spare = g.spare[n-1], g.spare[:n-1]
	}
	y.out = reply.Writer{Proto: reply.RESP2}
	y.call = y.calls.Begin(g.p.env, 0, 0, &y.out)
	return &op{at: g.p, words: []string{"~group"}, party: y}
}

// collects tells whether a group is waiting for company.
func (g *gatherer) collects() bool { return g.reads != nil || g.writes != nil }

// begin begins the saga of a group.
func (g *gatherer) begin(next **op) {
	o, p := *next, g.p
	*next = nil
	if len(o.members) > 1 {
		p.w.Stats.Groups++
	}
	if !p.serving() {
		p.w.Stats.Fenced++
		for _, m := range o.members {
			m.undone = true
			m.answer("-"+string(errFenced)+"\r\n", false)
		}
		return
	}
	o.now = p.clock()
	o.party.call.Now = o.now
	p.submit(p.env.NewID(o.now), o, &o.party.call, nil)
}

// hand gives all members their replies.
func (g *gatherer) hand(o *op, text string) {
	o.replied, o.text = true, text
	g.p.w.trace("answered: %v", o)
	if saga.Failed([]byte(text)) {
		g.apart(o, text)
		return
	}
	ends := o.party.calls.Ends
	if len(ends) != len(o.members) || ends[len(ends)-1] != len(text) {
		g.p.w.fail("replies of %d bytes end at %v: %v", len(text), ends, o)
		return
	}
	from := 0
	for i, m := range o.members {
		m.answer(text[from:ends[i]], false)
		from = ends[i]
	}
}

// apart is where the saga has failed: what was not done is done call by call, unless the
// node may not serve any more.
func (g *gatherer) apart(o *op, text string) {
	p, again := g.p, saga.Undone([]byte(text)) && !o.fenced
	if w := p.w; len(o.members) > 1 && again {
		w.Stats.Apart++
	} else if len(o.members) > 1 {
		w.Stats.Told++
	}
	for _, m := range o.members {
		if !again {
			m.undone, m.unsure = o.undone, o.unsure
			m.answer(text, false)
			continue
		}
		p.after(p.w.delay(), func() {
			p.submit(p.env.NewID(m.now), m, p.w.call(m, p.w.info(m)), nil)
		})
	}
}

// dismiss takes back the memory of a group that has ended.
func (g *gatherer) dismiss(o *op) { g.spare = append(g.spare, o.party) }

// whole tells whether all nodes are there, as far as is known.
func (p *process) whole() bool {
	for _, m := range p.env.Where.Load().Members {
		if m.State == directory.Down || m.Number != p.number && p.suspected[m.Number] {
			return false
		}
	}
	return true
}

// describe is String of a group.
func (o *op) describe() string {
	var members []string
	for _, m := range o.members {
		members = append(members, m.String())
	}
	return "group of " + strings.Join(members, "; ")
}
