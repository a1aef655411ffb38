package shard

import (
	"slices"

	"github.com/troupedb/troupe/shard/keyspace"
)

// MaxAhead is how many keys are fetched ahead at once.
const MaxAhead = keyspace.MaxAhead

// ColdKeys is how many keys a node must have for most of them not to be in a processor's
// caches anyway. With fewer, fetching ahead costs more than it saves.
const ColdKeys = 16 << 10

// Ahead is keyspace.Ahead for keys on several shards of this node, none of which is the
// caller's. It is reused, and not safe for concurrent use.
type Ahead struct {
	list [MaxAhead]comer
	n    int
	held []*Handle // whose leases Fetch has
}

type comer struct {
	h    *Handle
	key  keyspace.Key
	goes bool // something is found where the key would be
}

// Add notes a key, whose name is not copied; beyond MaxAhead it does nothing.
func (a *Ahead) Add(h *Handle, db int, in uint16, name []byte) {
	if a.n < MaxAhead {
		a.list[a.n] = comer{h: h, key: keyspace.Key{Name: name, Slot: in, DB: uint8(db)}}
		a.n++
	}
}

// Fetch begins to fetch what the lookups of the keys need, and forgets them. The caller
// holds no lease. Keys of shards that are busy are left out.
func (a *Ahead) Fetch() {
	list := a.list[:a.n]
	if len(list) > 1 {
		for i := range list {
			if c := &list[i]; a.hold(c.h) {
				ks := c.h.Engine.KS
				ks.KeyInSlot(&c.key, int(c.key.DB), c.key.Slot, c.key.Name)
				c.goes = ks.PrefetchGroup(&c.key)
			}
		}
		for i := range list {
			if c := &list[i]; c.goes {
				c.h.Engine.KS.PrefetchRecord(&c.key)
			}
		}
		for _, h := range a.held {
			h.Lease.Release()
		}
		a.held = a.held[:0]
	}
	clear(list) // names are the caller's memory
	a.n = 0
}

// hold takes the shard's lease, until the end of Fetch, unless it is busy.
func (a *Ahead) hold(h *Handle) bool {
	if slices.Contains(a.held, h) {
		return true
	}
	if !h.Lease.TryAcquire() {
		return false
	}
	a.held = append(a.held, h)
	return true
}
