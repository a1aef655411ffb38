package sim

import (
	"slices"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// sagaNode is one saga: the machine that runs it, and what outlives its crash.
type sagaNode struct {
	w        *World
	id       engine.SagaID
	op       *op
	call     *saga.Call
	machine  machine
	failed   *saga.Coordinator // crashed, while something it posted is away
	down     bool              // crashed and not recovered yet
	returned bool              // the posted function came back meanwhile
	answered bool
	blocked  *saga.Blocked
}

type machine interface {
	Start()
	Answer(*engine.Answer)
	Posted()
	Tick()
	Ended() bool
}

// crash is what ends a coordinator in the middle of its work.
type crash struct{}

// begin starts a saga for a call.
func (w *World) begin(id engine.SagaID, o *op, call *saga.Call, handed *saga.Handed) {
	n := &sagaNode{w: w, id: id, op: o, call: call}
	c := w.o.Setup.env.NewCoordinator(id, call, n, handed)
	n.machine = c
	w.sagas[id] = n
	w.after(w.delay(), func() {
		if n.machine == machine(c) { // else it has crashed before it began
			n.take(c.Start)
		}
	})
}

func (w *World) newID() engine.SagaID {
	w.ids++
	return w.ids
}

// take runs one turn of the machine, which may crash in it.
func (n *sagaNode) take(f func()) {
	if n.down || n.w.sagas[n.id] != n {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			if p != any(crash{}) {
				panic(p)
			}
			n.crashed()
		}
	}()
	n.arrow()
	f()
	if n.machine.Ended() {
		delete(n.w.sagas, n.id)
		if !n.answered {
			n.w.fail("saga %d ended without a reply: %v", n.id, n.op)
		}
	}
}

// arrow is a place where a coordinator may crash. Recoveries do not: a second
// one would begin like the first.
func (n *sagaNode) arrow() {
	if _, ok := n.machine.(*saga.Coordinator); !ok {
		return
	}
	n.w.arrows++
	if n.w.arrows == n.w.o.CrashAt || n.w.chance(n.w.o.Faults.Crash) {
		panic(crash{})
	}
}

func (n *sagaNode) crashed() {
	n.w.Stats.Crashes++
	failed := n.machine.(*saga.Coordinator)
	away := failed.Away() && !n.returned
	if away {
		n.failed = failed
	} else {
		failed.Abandon()
	}
	n.down = true
	n.w.after(n.w.rng.Int64N(slowMost), func() {
		n.machine = n.w.o.Setup.env.NewRecovery(n.id, n, n.answered, away && !n.returned)
		n.down = false
		n.take(n.machine.Start)
	})
}

func (n *sagaNode) abandon() {
	if c, ok := n.machine.(*saga.Coordinator); ok {
		c.Abandon()
	}
}

// tickMachines gives all coordinators their tick, in the order of age.
func (w *World) tickMachines() {
	var ids []engine.SagaID
	for id := range w.sagas {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if n := w.sagas[id]; n != nil {
			n.take(func() { n.machine.Tick() })
		}
	}
}

// Order implements saga.Port.
func (n *sagaNode) Order(shard int, o *engine.Order) {
	if o.Kind == engine.OrderUndo && o.Again {
		n.w.Stats.Again++
	}
	n.w.send(func() { n.w.shards[shard].order(o) })
	n.arrow()
}

// Post implements saga.Port.
func (n *sagaNode) Post(f func()) {
	n.returned = false
	n.w.after(n.w.delay(), func() {
		f()
		n.returned = true
		n.w.after(n.w.delay(), func() {
			if n.failed != nil {
				n.failed.Abandon()
				n.failed = nil
			}
			n.take(func() { n.machine.Posted() })
		})
	})
	n.arrow()
}

// Blocked implements saga.Port.
func (n *sagaNode) Blocked(b *saga.Blocked) { n.blocked = b }

// Reply implements saga.Port.
func (n *sagaNode) Reply(out *reply.Writer, deferred []func()) {
	if n.answered {
		n.w.fail("saga %d answers twice: %v", n.id, n.op)
	}
	n.answered = true
	text := string(out.Buf)
	failed := text == "-"+string(saga.ErrUndone)+"\r\n"
	if n.op.moment == nil && !failed {
		n.w.happened(n.op) // a read: all its locks are held now
	}
	if n.op.moment != nil && failed {
		n.w.fail("saga %d was decided, and its client told that it was undone: %v", n.id, n.op)
	}
	if n.blocked != nil && text != "" {
		if n.blocked.Waiter.Claim() {
			n.blocked.Waiter.Done(out.Buf)
		}
		return
	}
	n.op.answer(text, n.blocked != nil)
	n.arrow()
}
