package engine_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/engine"
)

// read is an order that shares its keys.
func (p *part) read(saga engine.SagaID, lines ...string) *engine.Order {
	o := p.run(saga, 1, 1, lines...)
	o.Shares = true
	return o
}

func TestReadersShareAKey(t *testing.T) {
	p := newPart(t)
	p.Do("SET a 1")
	p.send(p.read(5, "GET a"), "5 ran $1 1")
	p.send(p.read(6, "GET a", "GET b"), "6 ran $1 1 $-1")
	write := p.post("SET a 2")
	p.send(p.run(4, 1, 1, "SET a 3"), "5 wound", "6 wound", "4 waits")
	p.send(p.read(8, "GET a"), "8 waits") // an older writer is before it
	if *write != "" {
		t.Error("a command has written what others read")
	}
	p.send(p.order(engine.OrderCommit, 5, 1), "5 committed")
	p.send(p.order(engine.OrderCommit, 6, 1), "6 committed", "4 ran +OK")
	p.send(p.order(engine.OrderCommit, 4, 1), "4 committed", "8 ran $1 2")
	if *write != "+OK" {
		t.Errorf("the command has answered %q", *write)
	}
	p.send(p.order(engine.OrderCommit, 8, 1), "8 committed")
	p.idle()
}

// A key does not end for one reader while another, who has read it, has not ended: it
// may read elsewhere what has come after that end.
func TestReadersShareAKeyThatExpires(t *testing.T) {
	p := newPart(t)
	p.Engine.KS.ActiveExpiryOff = true
	p.Do("SET a 1 PX 100")
	p.Do("SET b 2")
	p.send(p.read(5, "GET a"), "5 ran $1 1")
	p.send(p.read(6, "GET b", "GET a"), "6 ran $1 2 $1 1")
	p.Now += 100
	if !p.Engine.Crowded() {
		t.Error("two share the key")
	}
	p.send(p.read(7, "GET b", "GET a"), "7 waits")
	p.send(p.read(8, "GET b"), "8 ran $1 2")
	p.send(p.order(engine.OrderCommit, 6, 1), "6 committed")
	p.send(p.order(engine.OrderCommit, 5, 1), "5 committed", "7 ran $1 2 $-1")
	p.send(p.order(engine.OrderCommit, 8, 1), "8 committed")
	p.send(p.order(engine.OrderCommit, 7, 1), "7 committed")
	if p.Engine.Alone != 1 {
		t.Errorf("%d sagas have waited for others, 1 has", p.Engine.Alone)
	}
	p.send(p.read(9, "GET a"), "9 ran $-1")
	p.send(p.order(engine.OrderCommit, 9, 1), "9 committed")
	p.idle()
}

// A key that has ended for a saga which shares it has ended for the others, and stays so
// if the saga that has seen it first is undone.
func TestEndedStaysEnded(t *testing.T) {
	p := newPart(t)
	p.Do("SET a 1 PX 10")
	p.send(p.run(2, 1, 1, "GET a"), "2 ran $1 1")
	p.Now += 10
	p.send(p.read(3, "GET a"), "3 waits")
	p.send(p.read(4, "GET a"), "4 waits")
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
