package keyspace

import "github.com/troupedb/troupe/shard/data"

// expire removes a key whose time has come. Under a journal this is recorded as
// any removal: earlier entries may refer to the key's object.
func (ks *Keyspace) expire(k *Key, r data.Ref) {
	ks.Remove(k, r)
	ks.expiredTotal++
	if ks.Events != nil {
		ks.Events.Expired(k)
	}
}

// ExpiredTotal returns how many keys have expired so far.
func (ks *Keyspace) ExpiredTotal() uint64 { return ks.expiredTotal }

// ExpireSome looks at about n keys that have an expiry, going on where the last
// call stopped, removes those whose time has come and returns how many. skip
// tells of keys that must be let be, because a saga has them locked.
func (ks *Keyspace) ExpireSome(n int, skip func(*Key) bool) (expired int) {
	if ks.ActiveExpiryOff {
		return 0
	}
	volatile := 0
	for i := range ks.dbs {
		if ks.dbs[i].volatile.Len() > 0 {
			volatile++
		}
	}
	for i := range ks.dbs {
		if ks.dbs[i].volatile.Len() > 0 {
			expired += ks.expireSomeIn(i, (n+volatile-1)/volatile, skip)
		}
	}
	return expired
}

func (ks *Keyspace) expireSomeIn(db, n int, skip func(*Key) bool) (expired int) {
	d := &ks.dbs[db]
	ks.due = ks.due[:0]
	next, done := d.volatile.Scan(ks.Arena, ks.hash, d.sweep, n, func(r data.Ref) {
		if ks.Arena.Expiry(r) <= ks.now {
			ks.due = append(ks.due, r)
		}
	})
	if done {
		next = 0
	}
	d.sweep = next
	for _, r := range ks.due {
		if k := ks.keyOf(db, r); !skip(&k) {
			ks.expire(&k, r)
			expired++
		}
	}
	return expired
}

// AverageTTL estimates the mean time to live of a database's volatile keys in
// milliseconds from up to n of them.
func (ks *Keyspace) AverageTTL(db, n int) int64 {
	var sum, count int64
	d := &ks.dbs[db]
	d.volatile.Each(func(r data.Ref) bool {
		if left := ks.Arena.Expiry(r) - ks.now; left > 0 {
			sum += left
			count++
		}
		return count < int64(n)
	})
	if count == 0 {
		return 0
	}
	return sum / count
}
