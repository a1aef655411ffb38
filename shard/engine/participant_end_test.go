package engine_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/engine"
)

// last gives an order to decide or to commit the steps of these lines.
func (p *part) last(kind engine.OrderKind, saga engine.SagaID, lines ...string) *engine.Order {
	o := p.order(kind, saga, 1)
	o.Steps = p.run(saga, 1, 2, lines...).Steps
	if kind == engine.OrderDecide {
		o.Record = []byte("R")
	}
	return o
}

// What comes with the decision, or the commit, is done once, however often that comes.
func TestLastSteps(t *testing.T) {
	p := newPart(t)
	p.Do("SET a 1")
	p.ExpectEvents("set a")
	p.send(p.run(7, 1, 1, "GET a"), "7 ran $1 1")
	p.send(p.last(engine.OrderCommit, 7, "INCR a", "INCR a"), "7 committed")
	p.ExpectEvents("incrby a", "incrby a")
	p.send(p.last(engine.OrderCommit, 7, "INCR a", "INCR a"), "7 committed")
	p.Expect("GET a", "$1 3")

	p.send(p.run(8, 1, 1, "GET a"), "8 ran $1 3")
	decide := p.last(engine.OrderDecide, 8, "INCR a")
	decide.Hold = true
	p.send(decide, "8 decided R")
	p.send(decide, "8 decided R")
	p.ExpectEvents()
	waits := p.post("GET a")
	if *waits != "" {
		t.Errorf("a key whose home has decided and not committed is %q", *waits)
	}
	p.send(p.order(engine.OrderCommit, 8, 1), "8 committed")
	if *waits != "$1 4" {
		t.Errorf("then it is %q", *waits)
	}
	p.ExpectEvents("incrby a")
	p.send(p.order(engine.OrderForget, 8, 1), "8 forgotten")

	p.send(p.run(9, 1, 1, "GET a"), "9 ran $1 4")
	decide = p.last(engine.OrderDecide, 9, "INCR a")
	decide.Hold = true
	p.send(decide, "9 decided R")
	p.send(p.order(engine.OrderForget, 9, 1), "9 forgotten") // which undoes what has only been decided
	p.Expect("GET a", "$1 4")
	p.idle()
}

// A last step that panics decides nothing, not even when the order comes again.
func TestLastStepsThatPanic(t *testing.T) {
	p := newPart(t)
	p.send(p.run(7, 1, 1, "SET a 1"), "7 ran +OK")
	decide := p.last(engine.OrderDecide, 7, "SET a 2", "BOOM a")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic has not reached the shard's supervisor")
			}
		}()
		p.Engine.Order(decide)
	}()
	p.send(decide, "7 gone")
	p.send(p.order(engine.OrderUndo, 7, 1), "7 undone")
	p.Expect("GET a", "$-1")

	p.send(p.run(8, 1, 1, "SET a 1"), "8 ran +OK")
	func() {
		defer func() { _ = recover() }()
		p.Engine.Order(p.last(engine.OrderCommit, 8, "SET a 2", "BOOM a", "SET a 3"))
	}()
	p.send(p.last(engine.OrderCommit, 8, "SET a 2"), "8 committed")
	p.Expect("GET a", "$1 2") // it was decided elsewhere
	p.idle()
}
