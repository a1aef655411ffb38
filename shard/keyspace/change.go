package keyspace

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
)

// The changes of keys. Each journals how it is undone when a journal is on.
// Callers pass the record that Find or Peek gave them, 0 for none.

// PutString makes the key's value the string of n bytes that the caller writes
// into the returned slice at once; encoding is Raw or Int (n = 8). r is the
// key's present record: its expiry goes unless expiry keeps it, and a value of
// another kind is deleted. expiry 0 means none.
func (ks *Keyspace) PutString(k *Key, r data.Ref, encoding byte, n int, expiry int64) []byte {
	if ks.journal != nil {
		ks.remember(k, r)
	}
	if r == 0 {
		return ks.Arena.Val(ks.insert(k, tag(String, encoding), n, expiry))
	}
	if ks.Kind(r) != String {
		ks.dispose(ks.takeObject(r))
	}
	if was := ks.Arena.Expiry(r); was != expiry {
		r = ks.changeExpiry(k, r, was, expiry)
	}
	ks.Arena.SetTag(r, tag(String, encoding))
	to := ks.Arena.Resize(r, n)
	ks.moved(k, r, to, expiry != 0)
	return ks.Arena.Val(to)
}

// EditString returns the string in record r, made at least to bytes long with
// zeros, for changes of its bytes [from, to) in place: only those are journaled.
// A string that is not kept as an integer counts as Edited from then on. r is
// invalid afterwards.
func (ks *Keyspace) EditString(k *Key, r data.Ref, from, to int) []byte {
	val := ks.Arena.Val(r)
	if ks.journal != nil {
		ks.rememberBytes(k, r, val[min(from, len(val)):min(to, len(val))], from)
	}
	if !ks.IsInt(r) {
		ks.Arena.SetTag(r, tag(String, Edited))
	}
	if to <= len(val) {
		return val
	}
	had := len(val)
	val = ks.resizeString(k, r, to)
	clear(val[had:])
	return val
}

// resizeString changes the length of the string in record r.
func (ks *Keyspace) resizeString(k *Key, r data.Ref, n int) []byte {
	volatile := ks.Arena.Expiry(r) != 0
	to := ks.Arena.Resize(r, n)
	ks.moved(k, r, to, volatile)
	return ks.Arena.Val(to)
}

// PutObject makes o the value of the key, whose present record is r.
func (ks *Keyspace) PutObject(k *Key, r data.Ref, o Object, expiry int64) {
	if r != 0 {
		ks.Remove(k, r)
	}
	if ks.journal != nil {
		ks.remember(k, 0)
	}
	to := ks.insert(k, tag(o.Kind(), 0), 4, expiry)
	binary.LittleEndian.PutUint32(ks.Arena.Val(to), ks.addObject(o))
}

// Remove deletes the key, whose record is r.
func (ks *Keyspace) Remove(k *Key, r data.Ref) {
	if ks.journal != nil {
		ks.remember(k, r)
	}
	if ks.Kind(r) != String {
		ks.dispose(ks.takeObject(r))
	}
	ks.drop(k, r)
}

// Move gives the value of key from, whose record is r, with its expiry to key
// to, which must be absent and may be in another database or slot of this shard.
// Objects are not copied.
func (ks *Keyspace) Move(from *Key, r data.Ref, to *Key) {
	if ks.journal != nil {
		was, is := from.clone(), to.clone()
		ks.Undo(func() { ks.Move(&is, ks.record(&is), &was) })
	}
	val := ks.Arena.Val(r)
	moved := ks.insert(to, ks.Arena.Tag(r), len(val), ks.Arena.Expiry(r))
	copy(ks.Arena.Val(moved), val)
	ks.Arena.SetClock(moved, ks.Arena.Clock(r))
	ks.drop(from, r)
}

// SetExpiry gives the key an expiry, or (0) takes it away. r is invalid afterwards.
func (ks *Keyspace) SetExpiry(k *Key, r data.Ref, expiry int64) {
	was := ks.Arena.Expiry(r)
	if was == expiry {
		return
	}
	if ks.journal != nil {
		key := k.clone()
		ks.Undo(func() { ks.SetExpiry(&key, ks.record(&key), was) })
	}
	ks.changeExpiry(k, r, was, expiry)
}

func (ks *Keyspace) changeExpiry(k *Key, r data.Ref, was, expiry int64) data.Ref {
	d := &ks.dbs[k.DB]
	if was != 0 && expiry == 0 {
		d.volatile.Remove(ks.Arena, ks.hash, k.Hash, r)
	}
	to := ks.Arena.SetExpiry(r, expiry)
	ks.moved(k, r, to, was != 0 && expiry != 0)
	if was == 0 {
		d.volatile.Insert(ks.Arena, ks.hash, k.Hash, to)
	}
	return to
}

// record is Peek that finds an expired key too: undoing is not an access.
func (ks *Keyspace) record(k *Key) data.Ref {
	if ks.dbs[k.DB].keys == 0 {
		return 0
	}
	return ks.dbs[k.DB].table(ks, k).Find(ks.Arena, k.Hash, k.Name)
}

func (k *Key) clone() Key {
	c := *k
	c.Name = append([]byte(nil), k.Name...)
	return c
}
