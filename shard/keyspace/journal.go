package keyspace

import "github.com/troupedb/troupe/shard/data"

// Journal is how to undo the changes that a saga has made on this shard so far.
// Undoing runs the entries backwards, so each finds the state that its change
// left; what only a journal still needs (replaced objects) is freed when it is
// closed. While a saga has a journal its keys are locked: nobody else changes
// them.
type Journal struct {
	undo  []undo
	kept  []Object
	bytes []byte // the last piece of what entries name
}

// undo is how to undo one change: a function, or what a key was before.
type undo struct {
	f      func()
	key    Key // whose name is a copy, with val behind it
	val    []byte
	expiry int64
	clock  uint32
	tag    byte
	was    bool // a string; else it was not there
}

// Record makes the changes that follow go to j; nil ends that.
func (ks *Keyspace) Record(j *Journal) { ks.journal = j }

// Journaling tells whether changes must be recorded with Undo.
func (ks *Keyspace) Journaling() bool { return ks.journal != nil }

// Undo records how to undo a change about to be made inside an object. The
// changes of whole keys record themselves.
func (ks *Keyspace) Undo(f func()) { ks.journal.undo = append(ks.journal.undo, undo{f: f}) }

// Rollback undoes everything in j.
func (ks *Keyspace) Rollback(j *Journal) {
	was := ks.journal
	ks.journal = nil
	for i := len(j.undo) - 1; i >= 0; i-- {
		if u := &j.undo[i]; u.f != nil {
			u.f()
		} else {
			ks.restore(u)
		}
	}
	ks.journal = was
	// What was kept is in place again, so nothing of it is garbage.
	j.clear()
}

// Forget makes the changes in j final.
func (ks *Keyspace) Forget(j *Journal) {
	for _, o := range j.kept {
		ks.discardObject(o)
	}
	j.clear()
}

// A journal whose memory is used again has had so many entries and bytes at most.
const (
	reusedEntries = 256
	reusedBytes   = 16 << 10
)

func (j *Journal) clear() {
	if cap(j.undo) > reusedEntries || cap(j.bytes) > reusedBytes {
		*j = Journal{}
		return
	}
	clear(j.undo)
	clear(j.kept)
	j.undo, j.kept, j.bytes = j.undo[:0], j.kept[:0], j.bytes[:0]
}

// firstBytes is what a piece of a journal's memory has room for at first; later ones
// are twice as large.
const firstBytes = 256

// keep returns a copy of a name and a value, one behind the other.
func (j *Journal) keep(name, val []byte) (ownName, ownVal []byte) {
	size := len(name) + len(val)
	if cap(j.bytes)-len(j.bytes) < size {
		j.bytes = make([]byte, 0, max(size, 2*cap(j.bytes), firstBytes)) // the piece before is its entries'
	}
	n := len(j.bytes)
	j.bytes = append(append(j.bytes, name...), val...)
	own := j.bytes[n:len(j.bytes):len(j.bytes)]
	return own[:len(name):len(name)], own[len(name):]
}

// Len returns how many changes j holds.
func (j *Journal) Len() int { return len(j.undo) }

// Empty tells whether j holds no change.
func (j *Journal) Empty() bool { return len(j.undo) == 0 }

// remember records the key as it is now, before it is changed or removed.
func (ks *Keyspace) remember(k *Key, r data.Ref) {
	if r != 0 && ks.Kind(r) != String {
		ks.rememberObject(k, r)
		return
	}
	u := undo{key: *k}
	if r != 0 {
		u.was, u.expiry, u.tag, u.clock, u.val = true, ks.Arena.Expiry(r), ks.Arena.Tag(r), ks.Arena.Clock(r), ks.Arena.Val(r)
	}
	u.key.Name, u.val = ks.journal.keep(k.Name, u.val)
	ks.journal.undo = append(ks.journal.undo, u)
}

// restore makes the key what it was.
func (ks *Keyspace) restore(u *undo) {
	ks.erase(&u.key)
	if u.was {
		to := ks.insert(&u.key, u.tag, len(u.val), u.expiry)
		ks.Arena.SetClock(to, u.clock)
		copy(ks.Arena.Val(to), u.val)
	}
}

func (ks *Keyspace) rememberObject(k *Key, r data.Ref) {
	key, expiry, clock, o := k.clone(), ks.Arena.Expiry(r), ks.Arena.Clock(r), ks.Object(r)
	ks.Undo(func() {
		ks.erase(&key)
		ks.PutObject(&key, 0, o, expiry)
		ks.Arena.SetClock(ks.record(&key), clock)
	})
}

// rememberBytes records the length of the string in record r and the bytes at
// from, before they are changed.
func (ks *Keyspace) rememberBytes(k *Key, r data.Ref, bytes []byte, from int) {
	key, t, n := k.clone(), ks.Arena.Tag(r), len(ks.Arena.Val(r))
	was := append([]byte(nil), bytes...)
	ks.Undo(func() {
		r := ks.record(&key)
		ks.Arena.SetTag(r, t)
		copy(ks.resizeString(&key, r, n)[min(from, n):], was)
	})
}

// erase removes the key if it is there.
func (ks *Keyspace) erase(k *Key) {
	if r := ks.record(k); r != 0 {
		ks.Remove(k, r)
	}
}

// dispose ends an object that no key names any more: at once, or with the
// journal that may want it back.
func (ks *Keyspace) dispose(o Object) {
	if ks.journal != nil {
		ks.journal.kept = append(ks.journal.kept, o)
		return
	}
	ks.discardObject(o)
}
