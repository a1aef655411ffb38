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
	p.send(p.read(7, "GET b", "GET a"), "7 waits")
	p.send(p.read(8, "GET b"), "8 ran $1 2")
	p.send(p.order(engine.OrderCommit, 6, 1), "6 committed")
	p.send(p.order(engine.OrderCommit, 5, 1), "5 committed", "7 ran $1 2 $-1")
	p.send(p.order(engine.OrderCommit, 8, 1), "8 committed")
	p.send(p.order(engine.OrderCommit, 7, 1), "7 committed")
	p.send(p.read(9, "GET a"), "9 ran $-1")
	p.send(p.order(engine.OrderCommit, 9, 1), "9 committed")
	p.idle()
}
