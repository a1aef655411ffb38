package peer

import (
	"encoding/binary"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/slot"
)

// leaving names the waiter of a saga, or a watch, at a key of a shard.
type leaving struct {
	shard, db int
	saga      engine.SagaID // of a waiter
	key       []byte
}

func (l *leaving) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(l.shard))
	dst = append(dst, byte(l.db))
	dst = binary.AppendUvarint(dst, uint64(l.saga))
	return append(dst, l.key...)
}

// parseLeaving copies the key.
func parseLeaving(b []byte, slots *directory.Slots) (*leaving, error) {
	index, b, ok := takeUint(b, true)
	if !ok || index >= uint64(slots.Shards()) || len(b) == 0 || b[0] >= keyspace.Databases {
		return nil, errFrame
	}
	db := int(b[0])
	saga, b, ok := takeUint(b[1:], true)
	if !ok || slots.Shard(slot.Of(b)) != int(index) {
		return nil, errFrame
	}
	return &leaving{int(index), db, engine.SagaID(saga), append([]byte(nil), b...)}, nil
}

func (l *leaving) apply(k kind) shard.Func {
	return func(e *engine.Engine) {
		if e.Closed() {
			return
		}
		var at keyspace.Key
		e.KS.Key(&at, l.db, l.key)
		if k == kindForsake {
			e.ForsakeSaga(&at, l.saga)
		} else {
			e.Unwatch(&at)
		}
	}
}

// Order implements coordinator.Peers.
func (n *Net) Order(to directory.Number, shard int, o *engine.Order) bool {
	return n.send(to, uint64(o.Saga)>>sagaSpread, kindOrder, appendOrder(nil, shard, o))
}

// Answer implements coordinator.Peers.
func (n *Net) Answer(to directory.Number, a *engine.Answer) bool {
	return n.send(to, uint64(a.Saga)>>sagaSpread, kindAnswer, appendAnswer(nil, a))
}

// sagaSpread leaves out of a saga's identity the bits that are its node's, so that
// sagas spread over the loops.
const sagaSpread = 10

// Forsake implements coordinator.Peers.
func (n *Net) Forsake(to directory.Number, shard, db int, key []byte, id engine.SagaID) bool {
	l := leaving{shard, db, id, key}
	return n.send(to, uint64(id)>>sagaSpread, kindForsake, l.append(nil))
}

// Unwatch implements coordinator.Peers.
func (n *Net) Unwatch(to directory.Number, shard, db int, key []byte) bool {
	l := leaving{shard: shard, db: db, key: key}
	return n.send(to, 0, kindUnwatch, l.append(nil))
}

func (n *Net) send(to directory.Number, spread uint64, k kind, content []byte) bool {
	s := n.any(to, spread)
	return s != nil && s.post(k, 0, content)
}
