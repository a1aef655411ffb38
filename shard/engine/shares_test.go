package engine_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/engine"
)

// share makes an order that shares its keys.
func (p *part) share(saga engine.SagaID, lines ...string) *engine.Order {
	o := p.run(saga, 1, 1, lines...)
	o.Shares = true
	return o
}

// A key that has ended for a saga which shares it has ended for the others, and stays so
// if the saga that has seen it first is undone.
func TestEndedStaysEnded(t *testing.T) {
	p := newPart(t)
	p.Do("SET a 1 PX 10")
	p.send(p.run(2, 1, 1, "GET a"), "2 ran $1 1")
	p.Now += 10
	p.send(p.share(3, "GET a"), "3 waits")
	p.send(p.share(4, "GET a"), "4 waits")
	p.ExpectEvents("set a", "expire a")
	p.send(p.order(engine.OrderUndo, 2, 1), "2 undone", "3 ran $-1", "4 ran $-1")
	p.ExpectEvents() // held back
	p.send(p.order(engine.OrderUndo, 3, 1), "3 undone")
	p.ExpectEvents("expired a")
	if n := p.Engine.KS.Len(0); n != 0 {
		t.Errorf("%d keys are there once more", n)
	}
	p.send(p.order(engine.OrderCommit, 4, 1), "4 committed")
	p.idle()
}

// A saga waits until others have ended that have read a key whose time has come since.
func TestEndsWhenAlone(t *testing.T) {
	p := newPart(t)
	p.Do("SET a 1 PX 10")
	p.send(p.share(3, "GET a"), "3 ran $1 1")
	p.send(p.share(4, "GET a"), "4 ran $1 1")
	if !p.Engine.Crowded() {
		t.Error("two share the key")
	}
	p.Now += 10
	p.send(p.share(5, "GET a"), "5 waits")
	p.send(p.order(engine.OrderCommit, 3, 1), "3 committed")
	p.send(p.order(engine.OrderCommit, 4, 1), "4 committed", "5 ran $-1")
	if p.Engine.Alone != 1 {
		t.Errorf("%d sagas have waited, 1 has", p.Engine.Alone)
	}
	p.send(p.order(engine.OrderCommit, 5, 1), "5 committed")
	p.idle()
}
