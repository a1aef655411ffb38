package peer

import "sync/atomic"

// barrier keeps commands of a client in order where the first of them comes too
// early, or too late, for its shard and the shard opens before the next: the
// requests of a stream carry a turn, which ends for its sender when one is refused,
// and what is of the same turn, or an older one, is refused too at that shard. It has
// the first turn that may pass for each shard.
type barrier []atomic.Uint64

func newBarrier(shards int) barrier { return make(barrier, shards) }

// holds tells whether requests of this turn may not pass.
func (b barrier) holds(shard int, turn uint64) bool { return turn < b[shard].Load() }

// raise is for a request of this turn that is refused.
func (b barrier) raise(shard int, turn uint64) {
	for {
		was := b[shard].Load()
		if turn < was || b[shard].CompareAndSwap(was, turn+1) {
			return
		}
	}
}
