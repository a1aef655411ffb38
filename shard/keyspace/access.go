package keyspace

import (
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/rng"
)

// A record's clock, 24 bits, tells of its use: the second of the last one, or
// under an LFU policy, in Redis's form, 16 bits of the minute at which the
// counter was last aged and 8 bits of a logarithmic counter of uses.
const (
	lfuCounterBits = 8
	lfuCounterMax  = 1<<lfuCounterBits - 1
	lfuMinuteMask  = 1<<16 - 1
	// lfuInitial is a new key's counter, so that it is not the next to be evicted.
	lfuInitial = 5
	// lfuLogFactor is how slowly counters saturate: 10 does at about a million uses.
	lfuLogFactor = 10

	msPerSecond = 1000
	msPerMinute = 60 * msPerSecond
)

// SetLFU makes clocks hold frequencies of use rather than times, or the reverse.
// What they hold by then is misread at first, as in Redis.
func (ks *Keyspace) SetLFU(on bool) { ks.lfu = on }

// IdleSeconds returns how long ago the record was last accessed, in seconds. It
// has no meaning under LFU.
func (ks *Keyspace) IdleSeconds(r data.Ref) int64 {
	return int64((ks.clock - ks.Arena.Clock(r)) & data.ClockMask)
}

// Frequency returns the record's aged counter of uses, 0 to 255. It has a
// meaning only under LFU.
func (ks *Keyspace) Frequency(r data.Ref) uint8 {
	clock := ks.Arena.Clock(r)
	counter := clock & lfuCounterMax
	// The counter loses one for each minute.
	minutes := (ks.lfuMinute() - clock>>lfuCounterBits) & lfuMinuteMask
	return uint8(counter - min(counter, minutes))
}

func (ks *Keyspace) lfuMinute() uint32 { return uint32(ks.now/msPerMinute) & lfuMinuteMask }

func (ks *Keyspace) newClock() uint32 {
	if ks.lfu {
		return ks.lfuMinute()<<lfuCounterBits | lfuInitial
	}
	return ks.clock
}

// countUse ages the record's counter and adds one with a probability that falls
// as the counter grows.
func (ks *Keyspace) countUse(r data.Ref) {
	counter := uint32(ks.Frequency(r))
	if counter < lfuCounterMax {
		steps := max(int(counter)-lfuInitial, 0)*lfuLogFactor + 1
		ks.uses++
		if rng.New(ks.seed^ks.uses).Intn(steps) == 0 {
			counter++
		}
	}
	ks.Arena.SetClock(r, ks.lfuMinute()<<lfuCounterBits|counter)
}
