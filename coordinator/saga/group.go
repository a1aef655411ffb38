package saga

import (
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// Group is calls of different clients that one saga carries out, one after the other
// at one moment. Its memory is used again.
type Group struct {
	Calls []Call // each of which Gathers
	// Ends are where the reply to each call ends in the saga's, once that is there.
	Ends []int

	heads reply.Writer // what the calls have answered before their steps ran
	parts []part
	steps []Step
	spare []Step
}

// part is one call of a group.
type part struct {
	plan  *Plan // nil: it has answered already
	head  int   // where what it has answered ends in heads
	steps int   // and its steps, in steps
}

const groupName = "~group"

var groupCommands = []Command{
	{Row: &groupRow, Plan: &Plan{Steps: grouped, Reply: together}},
}

var groupRow = command.Row{
	Name:  groupName,
	Group: command.GroupTransactions,
	Arity: -1,
	Flags: command.Internal,
	Route: command.RouteSaga,
}

// Begin empties the group, and returns the call that carries it out. All of its calls
// are for one database and one version of the protocol.
func (g *Group) Begin(e *Env, db int, now int64, out *reply.Writer) Call {
	g.Calls = g.Calls[:0]
	return Call{Cmd: e.group, DB: db, Now: now, Out: out, Group: g}
}

// Rest lets go whose the calls of a group were, which has ended.
func (g *Group) Rest() {
	for i := range g.Calls {
		queue := g.Calls[i].Queue
		clear(queue)
		g.Calls[i] = Call{Queue: queue[:0]}
	}
}

// Memory returns about how many bytes the group has room for.
func (g *Group) Memory() int { return cap(g.heads.Buf) + (cap(g.steps)+cap(g.spare))*stepBytes }

// stepBytes is about what a step takes.
const stepBytes = 100

// Gathers tells whether a call may be a part of a group, and whether it only reads.
func (e *Env) Gathers(call *Call) (ok, reads bool) {
	if call.Cmd == e.group || e.plan(call) == nil {
		return false, false
	}
	if len(call.Queue) == 0 {
		return true, call.Cmd.Flags&command.ReadOnly != 0
	}
	writes := func(q Queued) bool { return q.Cmd.Flags&command.ReadOnly == 0 }
	return true, !slices.ContainsFunc(call.Queue, writes)
}

// grouped returns the steps of all calls of a group.
func grouped(t *Tx) []Step {
	g := t.Call.Group
	g.heads.Buf, g.heads.Proto = g.heads.Buf[:0], t.Out.Proto
	g.steps, g.parts = g.steps[:0], g.parts[:0]
	t.scratch.Proto = t.Out.Proto // what is read from it is the same in both
	one := Tx{env: t.env, DB: t.DB, Now: t.Now, Out: &g.heads, steps: g.spare}
	for i := range g.Calls {
		call := &g.Calls[i]
		one.Args, one.Cmd, one.Call = call.Args, call.Cmd, call
		p := part{plan: t.env.plan(call)}
		steps := p.plan.Steps(&one)
		if steps == nil {
			p.plan = nil
		}
		g.steps = append(g.steps, steps...)
		p.head, p.steps = len(g.heads.Buf), len(g.steps)
		g.parts = append(g.parts, p)
	}
	g.spare = one.steps
	if len(g.steps) == 0 {
		together(t, nil)
		return nil
	}
	return g.steps
}

// together puts the replies of a group's calls one after the other.
func together(t *Tx, steps []Step) {
	g := t.Call.Group
	one := Tx{env: t.env, DB: t.DB, Now: t.Now, Out: t.Out}
	head, from := 0, 0
	g.Ends = g.Ends[:0]
	for i, p := range g.parts {
		call, own := &g.Calls[i], steps[from:p.steps]
		t.Out.Raw(g.heads.Buf[head:p.head])
		if p.plan != nil && p.plan.Into {
			for j := range own {
				t.Out.Raw(own[j].Reply)
			}
		}
		if p.plan != nil && p.plan.Reply != nil {
			one.Args, one.Cmd, one.Call = call.Args, call.Cmd, call
			p.plan.Reply(&one, own)
		}
		head, from = p.head, p.steps
		g.Ends = append(g.Ends, len(t.Out.Buf))
	}
	t.Out.Errs += t.scratch.Errs
}
