package locks

import (
	"iter"
	"slices"

	"github.com/zeebo/xxh3"
)

// admits tells whether w, which waits or would wait for one key with entry e,
// is stopped neither by a holder nor by an earlier waiter for all keys. Waiters of
// the same key are not looked at.
func (t *Table) admits(e *entry, w *Waiter) bool {
	switch {
	case e != nil && (e.owner != 0 || len(e.sharers) > 0 && !w.shares):
		return false
	case t.whole.owner != 0:
		return t.whole.owner == w.Owner
	}
	return len(t.whole.queue) == 0 || w.rank.before(t.whole.queue[0].rank)
}

// wholeFree tells whether nobody but owner (0: nobody) holds anything. Waiters
// for single keys need no look: once the dirty queues have moved, each of them
// stands behind a holder or behind an earlier waiter for all keys.
func (t *Table) wholeFree(owner uint64) bool {
	own := 0
	if c := t.owners[owner]; c != nil {
		own = len(c.keys)
	}
	return t.whole.owner == 0 && t.held == own
}

func (t *Table) claims(owner uint64) *claims {
	c := t.owners[owner]
	if c == nil {
		if t.owners == nil {
			t.owners = map[uint64]*claims{}
		}
		if n := len(t.spareClaims); n > 0 {
			c, t.spareClaims = t.spareClaims[n-1], t.spareClaims[:n-1]
		} else {
			c = &claims{}
		}
		t.owners[owner] = c
	}
	return c
}

// hashOf is of the names alone: a saga rarely has one name in two databases.
func (t *Table) hashOf(key Key) uint64 { return xxh3.HashStringSeed(key.Name, t.Seed) >> t.blur }

// find returns the entry of a key, nil if there is none.
func (t *Table) find(key Key) *entry {
	if len(t.keys) == 0 {
		return nil
	}
	e := t.keys[t.hashOf(key)]
	for e != nil && e.key != key {
		e = e.next
	}
	return e
}

// entries are all of single keys, in an order that must not be seen.
func (t *Table) entries() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for _, e := range t.keys {
			for ; e != nil; e = e.next {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// entry returns the entry of a key, which is made if there is none.
func (t *Table) entry(key Key) *entry {
	if key.All {
		return &t.whole
	}
	if e := t.find(key); e != nil {
		return e
	}
	return t.insert(key)
}

// insert makes the entry of a key that has none.
func (t *Table) insert(key Key) *entry {
	if t.keys == nil {
		t.keys = map[uint64]*entry{}
	}
	var e *entry
	if n := len(t.spareEntries); n > 0 {
		e, t.spareEntries = t.spareEntries[n-1], t.spareEntries[:n-1]
	} else {
		e = &entry{}
	}
	e.key, e.hash = key, t.hashOf(key)
	e.next = t.keys[e.hash]
	t.keys[e.hash] = e
	return e
}

// remove takes out an entry.
func (t *Table) remove(e *entry) {
	first := t.keys[e.hash]
	switch {
	case first == e && e.next == nil:
		delete(t.keys, e.hash)
	case first == e:
		t.keys[e.hash] = e.next
	default:
		for first.next != e {
			first = first.next
		}
		first.next = e.next
	}
}

// take gives e to w's saga.
func (t *Table) take(e *entry, w *Waiter) {
	if w.shares {
		if e.sharers = append(e.sharers, w.Owner); len(e.sharers) == 2 {
			t.crowded++
		}
	} else {
		e.owner = w.Owner
	}
	if e != &t.whole {
		t.held++
	}
	c := t.claims(w.Owner)
	c.keys = append(c.keys, e)
}

// leave ends owner's hold of e, which is not whole.
func (t *Table) leave(e *entry, owner uint64) {
	t.held--
	if e.owner == owner {
		e.owner = 0
		return
	}
	i, last := slices.Index(e.sharers, owner), len(e.sharers)-1
	e.sharers[i] = e.sharers[last]
	if e.sharers = e.sharers[:last]; last == 1 {
		t.crowded--
	}
}

// soil makes Next look at the queue of e, or forget e.
func (t *Table) soil(e *entry) {
	if !e.dirty {
		e.dirty = true
		t.dirty = append(t.dirty, e)
	}
}

// granted makes w, which has left its queue, the holder.
func (t *Table) granted(w Waiter) {
	c := t.claims(w.Owner)
	c.waits = slices.DeleteFunc(c.waits, func(k Key) bool { return k == w.Key })
	t.take(t.entry(w.Key), &w)
}

// enqueue puts w behind all that rank before it.
func (t *Table) enqueue(w Waiter) {
	e := t.entry(w.Key)
	at, _ := slices.BinarySearchFunc(e.queue, w.rank, func(q Waiter, r rank) int {
		if q.rank.before(r) {
			return -1
		}
		return 1
	})
	e.queue = slices.Insert(e.queue, at, w)
	t.waiting++
}

func (t *Table) pop(e *entry) Waiter {
	w := e.queue[0]
	e.queue[0] = Waiter{}
	e.queue = e.queue[1:]
	if len(e.queue) == 0 {
		e.queue = nil
	}
	t.waiting--
	return w
}

// cancel takes a saga out of the queue of key.
func (t *Table) cancel(key Key, owner uint64) {
	e := t.entry(key)
	before := len(e.queue)
	e.queue = slices.DeleteFunc(e.queue, func(w Waiter) bool { return w.Owner == owner })
	t.waiting -= before - len(e.queue)
	if key.All {
		t.allDirty = true
		return
	}
	t.soil(e)
}

// spread turns "all queues may move" into their keys, in the order of their
// first waiters.
func (t *Table) spread() {
	if !t.allDirty {
		return
	}
	t.allDirty = false
	t.dirty, t.dirtyAt = t.dirty[:0], 0
	for e := range t.entries() {
		e.dirty = true
		t.dirty = append(t.dirty, e)
	}
	slices.SortFunc(t.dirty, func(a, b *entry) int {
		x, y := a.first(), b.first()
		switch {
		case x.before(y):
			return -1
		case y.before(x):
			return 1
		}
		return compareKeys(a.key, b.key)
	})
}

// first is the rank of the first waiter.
func (e *entry) first() rank {
	if len(e.queue) > 0 {
		return e.queue[0].rank
	}
	return rank{}
}

func compareKeys(a, b Key) int {
	if a.DB != b.DB {
		return int(a.DB) - int(b.DB)
	}
	switch {
	case a.Name < b.Name:
		return -1
	case a.Name > b.Name:
		return 1
	}
	return 0
}

// prune forgets a key that nobody holds or waits for.
func (t *Table) prune(e *entry) {
	if !e.held() && len(e.queue) == 0 {
		t.remove(e)
		if len(t.spareEntries) < maxSpare {
			*e = entry{sharers: e.sharers[:0]}
			t.spareEntries = append(t.spareEntries, e)
		}
	}
}
