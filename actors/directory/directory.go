package directory

// Slots is the number of hash slots, as in Redis Cluster.
const Slots = 16384

// Directory maps slots to shards.
type Directory struct {
	Epoch  uint64
	shards int
	owner  [Slots]uint16
}

// Even returns a directory that gives each of n shards a contiguous, equal
// range of slots, 1 ≤ n ≤ Slots.
func Even(n int) *Directory {
	d := &Directory{Epoch: 1, shards: n}
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
	first = i * Slots / n
	return first, (i+1)*Slots/n - first
}

// Shards returns the number of shards.
func (d *Directory) Shards() int { return d.shards }

// Shard returns the shard that owns slot.
func (d *Directory) Shard(slot uint16) int { return int(d.owner[slot&(Slots-1)]) }
