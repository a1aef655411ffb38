package peer

import (
	"encoding/binary"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/wire"
)

// Order sends an order to a shard of another node on the loop's own stream, so that
// it goes out with what else the turn has gathered; false if there is none.
func (l *Loop) Order(to directory.Number, shard int, o *engine.Order) bool {
	s := l.stream(to)
	switch {
	case s == nil:
		return false
	case s.loop != l:
		return s.post(kindOrder, 0, appendOrder(nil, shard, o))
	case s.full():
		return false
	}
	out, start := begin(s.out, kindOrder, 0)
	out = binary.AppendUvarint(out, uint64(shard))
	s.out = wire.AppendOrder(out, o)
	finish(s.out, start)
	s.soil()
	return true
}
