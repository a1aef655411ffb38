package keyspace

import "github.com/troupedb/troupe/shard/data"

func (ks *Keyspace) countLookup(r data.Ref) {
	if r != 0 {
		ks.hits++
	} else {
		ks.misses++
	}
}

// Lookups returns how many keys Find has counted as found and as not found.
func (ks *Keyspace) Lookups() (hits, misses uint64) { return ks.hits, ks.misses }

// ResetCounters sets ExpiredTotal and Lookups to zero.
func (ks *Keyspace) ResetCounters() { ks.expiredTotal, ks.hits, ks.misses = 0, 0, 0 }
