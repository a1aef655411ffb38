package directory

// SlotCount is the number of hash slots, as in Redis Cluster.
const SlotCount = 16384

// Slots maps slots to shards. It never changes.
type Slots struct {
	shards int
	owner  [SlotCount]uint16
}

// Even returns the map that gives each of n shards a contiguous, equal range of
// slots, 1 ≤ n ≤ SlotCount.
func Even(n int) *Slots {
	d := &Slots{shards: n}
	for i := range n {
		first, count := Range(i, n)
		for s := first; s < first+count; s++ {
			d.owner[s] = uint16(i)
		}
	}
	return d
}

// Range returns the slots of shard i of n.
func Range(i, n int) (first, count int) {
	first = i * SlotCount / n
	return first, (i+1)*SlotCount/n - first
}

// Shards returns the number of shards.
func (d *Slots) Shards() int { return d.shards }

// Shard returns the shard that owns slot.
func (d *Slots) Shard(slot uint16) int { return int(d.owner[slot&(SlotCount-1)]) }
