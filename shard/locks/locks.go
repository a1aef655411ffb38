package locks

import (
	"cmp"
	"slices"
)

// Key names what is locked: one key of a database or, with All, every key of
// every database.
type Key struct {
	Name string
	DB   uint8
	All  bool
}

// Table is the locks of a shard. Its zero value is empty.
type Table struct {
	// Seed is of the hash of keys.
	Seed uint64

	keys    map[uint64]*entry  // what is held or waited for, by hash; never an All key
	whole   entry              // the lock on all keys
	owners  map[uint64]*claims // of sagas that hold or wait
	held    int                // keys held, without whole; a shared one by each that has it
	crowded int                // keys that several share
	waiting int                // waiters in all queues

	blur     uint8  // bits of hashes that are not looked at: none, but in tests
	youngest uint64 // the greatest owner seen
	arrivals uint64
	dirty    []*entry // whose queues may move, from dirtyAt on
	dirtyAt  int
	allDirty bool

	// To be used again: a saga that meets nobody allocates next to nothing.
	spareEntries []*entry
	spareClaims  []*claims
}

// maxSpare bounds what is kept to be used again.
const maxSpare = 256

type entry struct {
	key     Key
	hash    uint64
	next    *entry   // another with the same hash
	owner   uint64   // who has it alone, 0: nobody
	sharers []uint64 // who have it together
	queue   []Waiter
	dirty   bool // it stands in Table.dirty
}

func (e *entry) held() bool { return e.owner != 0 || len(e.sharers) > 0 }

func (e *entry) heldBy(owner uint64) bool {
	return e.owner == owner || slices.Contains(e.sharers, owner)
}

// claims are what one owner holds and waits for.
type claims struct {
	keys  []*entry
	waits []Key
}

// Waiter is who waits in a queue.
type Waiter struct {
	Key   Key
	Owner uint64 // 0: a command
	// Run carries the command out; nil for a saga.
	Run    func()
	rank   rank
	shares bool
}

// rank orders waiters: the smaller comes first.
type rank struct{ age, arrival uint64 }

func (r rank) before(o rank) bool {
	return r.age < o.age || r.age == o.age && r.arrival < o.arrival
}

// Len returns how many locks are held or waited for.
func (t *Table) Len() int {
	n := t.held + t.waiting
	if t.whole.owner != 0 {
		n++
	}
	return n
}

// Held tells whether somebody holds a lock that conflicts with key, or waits
// for one: who comes later waits too.
func (t *Table) Held(key Key) bool {
	if key.All {
		return t.Len() > 0
	}
	if t.whole.owner != 0 || len(t.whole.queue) > 0 {
		return true
	}
	return t.find(key) != nil
}

// Taken tells whether a saga holds the key, waiters or not.
func (t *Table) Taken(key Key) bool {
	if t.whole.owner != 0 {
		return true
	}
	e := t.find(key)
	return e != nil && e.held()
}

// Crowded tells whether there are keys that several sagas have together.
func (t *Table) Crowded() bool { return t.crowded > 0 }

// Alone makes a saga that shares a key with others have it alone, or queues it: it has
// the key no more then. False: it is queued.
func (t *Table) Alone(key Key, owner uint64) bool {
	e := t.find(key)
	if e == nil || len(e.sharers) < 2 || !e.heldBy(owner) {
		return true
	}
	t.leave(e, owner)
	c := t.owners[owner]
	c.keys = slices.DeleteFunc(c.keys, func(o *entry) bool { return o == e })
	t.soil(e)
	return t.Acquire(key, owner)
}

// Wait queues a command that must wait at key.
func (t *Table) Wait(key Key, run func()) {
	t.arrivals++
	t.enqueue(Waiter{Key: key, Run: run, rank: rank{t.youngest, t.arrivals}})
}

// Acquire takes key for a saga, or queues it if somebody is in the way; Next
// tells when it has it. A key that the saga has already is taken at once, as it has it.
func (t *Table) Acquire(key Key, owner uint64) bool {
	return t.acquire(Waiter{Key: key, Owner: owner, rank: rank{age: owner}})
}

// Share is Acquire of one key that others may have at the same time, who share it too.
// A saga shares all keys that it has, or none.
func (t *Table) Share(key Key, owner uint64) bool {
	return t.acquire(Waiter{Key: key, Owner: owner, rank: rank{age: owner}, shares: true})
}

func (t *Table) acquire(w Waiter) bool {
	t.youngest = max(t.youngest, w.Owner)
	e := &t.whole
	if !w.Key.All {
		e = t.find(w.Key)
	}
	if t.whole.owner == w.Owner || e != nil && e.heldBy(w.Owner) {
		return true
	}
	free := false
	if w.Key.All {
		free = t.waiting == 0 && t.wholeFree(w.Owner)
	} else {
		free = t.admits(e, &w) && (e == nil || len(e.queue) == 0 || w.rank.before(e.queue[0].rank))
	}
	if free {
		if e == nil {
			e = t.insert(w.Key)
		}
		t.take(e, &w)
		return true
	}
	if c := t.claims(w.Owner); !slices.Contains(c.waits, w.Key) {
		c.waits = append(c.waits, w.Key)
		t.enqueue(w)
	}
	return false
}

// Give makes owner the holder of a key that nobody holds, whoever waits for it.
func (t *Table) Give(key Key, owner uint64) {
	if t.Taken(key) {
		panic("locks: given twice: " + key.Name)
	}
	t.youngest = max(t.youngest, owner)
	t.take(t.entry(key), &Waiter{Owner: owner})
}

// Release ends all that owner holds and waits for.
func (t *Table) Release(owner uint64) {
	c := t.owners[owner]
	if c == nil {
		return
	}
	delete(t.owners, owner)
	for _, key := range c.waits {
		t.cancel(key, owner)
	}
	for _, e := range c.keys {
		if e == &t.whole {
			e.owner = 0
			t.allDirty = true
			continue
		}
		t.leave(e, owner)
		t.soil(e)
	}
	if len(t.spareClaims) < maxSpare {
		clear(c.keys)
		c.keys, c.waits = c.keys[:0], nil
		t.spareClaims = append(t.spareClaims, c)
	}
}

// Next takes the next waiter out of its queue whose turn has come, after locks
// were released. A saga has its lock now; a command is to be run at once, before
// anything else happens here.
func (t *Table) Next() (w Waiter, ok bool) {
	t.spread()
	for t.dirtyAt < len(t.dirty) {
		e := t.dirty[t.dirtyAt]
		if len(e.queue) > 0 && t.admits(e, &e.queue[0]) {
			w = t.pop(e)
			if w.Owner != 0 {
				t.granted(w)
			}
			return w, true
		}
		t.dirty[t.dirtyAt], e.dirty = nil, false
		t.dirtyAt++
		t.prune(e)
	}
	t.dirty, t.dirtyAt = t.dirty[:0], 0
	if q := t.whole.queue; len(q) > 0 && t.wholeFree(q[0].Owner) {
		w = t.pop(&t.whole)
		if w.Owner != 0 {
			t.granted(w)
		} else {
			t.allDirty = true
		}
		return w, true
	}
	return Waiter{}, false
}

// HeldKeys returns the keys that sagas hold, in an order of their own.
func (t *Table) HeldKeys() []Key {
	var keys []Key
	for e := range t.entries() {
		if e.held() {
			keys = append(keys, e.key)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

// Expel takes all commands out of their queues, and returns what would have carried
// them out, in the order in which they came.
func (t *Table) Expel() (runs []func()) {
	var out []Waiter
	expel := func(e *entry) {
		e.queue = slices.DeleteFunc(e.queue, func(w Waiter) bool {
			if w.Run == nil {
				return false
			}
			out = append(out, w)
			t.waiting--
			return true
		})
	}
	expel(&t.whole)
	for e := range t.entries() {
		expel(e)
	}
	t.allDirty = true
	slices.SortFunc(out, func(a, b Waiter) int { return cmp.Compare(a.rank.arrival, b.rank.arrival) })
	for _, w := range out {
		runs = append(runs, w.Run)
	}
	return runs
}

// Holders appends to dst the owners that hold what conflicts with key, owner
// itself left out, in order of age.
func (t *Table) Holders(dst []uint64, key Key, owner uint64) []uint64 {
	if t.whole.owner != 0 && t.whole.owner != owner {
		dst = append(dst, t.whole.owner)
	}
	if !key.All {
		if e := t.find(key); e != nil {
			dst = e.holders(dst, owner)
		}
		return dst
	}
	for o, c := range t.owners {
		if o != owner && o != t.whole.owner && len(c.keys) > 0 {
			dst = append(dst, o)
		}
	}
	slices.Sort(dst) // the order of a map must not be seen
	return dst
}

// holders appends those who have e, owner left out, in order of age.
func (e *entry) holders(dst []uint64, owner uint64) []uint64 {
	if e.owner != 0 && e.owner != owner {
		return append(dst, e.owner)
	}
	from := len(dst)
	for _, o := range e.sharers {
		if o != owner {
			dst = append(dst, o)
		}
	}
	slices.Sort(dst[from:])
	return dst
}

// Outranked tells whether a saga older than owner waits for key.
func (t *Table) Outranked(key Key, owner uint64) bool {
	older := func(q []Waiter) bool { return len(q) > 0 && q[0].Owner != 0 && q[0].Owner < owner }
	e := t.find(key)
	return older(t.whole.queue) || e != nil && older(e.queue)
}

// Waits returns the keys that owner waits for, nil if there are none.
func (t *Table) Waits(owner uint64) []Key {
	if c := t.owners[owner]; c != nil && len(c.waits) > 0 {
		return c.waits
	}
	return nil
}
