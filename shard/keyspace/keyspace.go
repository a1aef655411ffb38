package keyspace

import (
	"encoding/binary"
	"math/bits"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/zeebo/xxh3"
)

// Databases is the number of databases, Redis's default.
const Databases = 16

// Kind is the type of a value.
type Kind byte

// The kinds, numbered as in Redis's own files.
const (
	String Kind = iota
	List
	Set
	SortedSet
	Hash
	Stream
)

// kindNames are the answers of TYPE.
var kindNames = [...]string{"string", "list", "set", "zset", "hash", "stream"}

func (k Kind) String() string { return kindNames[k] }

// Encodings of strings, in a record's tag. Other kinds keep theirs in the Object.
const (
	Raw    byte = iota
	Int         // the value is 8 bytes, a little-endian int64
	Edited      // raw, and changed in place: OBJECT ENCODING never calls it embstr
)

const kindBits = 4

func tag(kind Kind, encoding byte) byte { return byte(kind) | encoding<<kindBits }

// Object is a value of any kind but String.
type Object interface {
	Kind() Kind
	Encoding() string // as OBJECT ENCODING names it
	Len() int         // elements
	MemBytes() int64
	// Release frees arena memory of up to n elements and tells whether all is
	// freed. Once it was called the object is good for nothing else.
	Release(n int) bool
}

// Key names a key: which database, slot and hash its name has. Make it with
// Keyspace.Key; the name is not copied.
type Key struct {
	Name []byte
	Hash uint64
	Slot uint16
	DB   uint8
}

// Events is told of what the keyspace does by itself.
type Events interface {
	// Expired is called after the key was removed because its time had come.
	Expired(k *Key)
}

// Keyspace is the data of one shard: the slots [first, first+count).
type Keyspace struct {
	Arena *data.Arena
	// Events may be set once, before use.
	Events Events
	// ActiveExpiryOff suspends ExpireSome, as DEBUG SET-ACTIVE-EXPIRE 0 does.
	ActiveExpiryOff bool
	// CountLookups makes Find count hits and misses, as it is to for commands
	// that only read.
	CountLookups bool
	hits, misses uint64

	first, count int
	dbs          [Databases]db
	objects      []Object
	objectFree   []uint32
	garbage      []garbage
	hash         data.Hasher
	seed         uint64
	now          int64
	clock        uint32
	journal      *Journal
	lfu          bool   // clocks hold frequencies of use
	uses         uint64 // counted under LFU: the seed of chance
	expiredTotal uint64
	due          []data.Ref // ExpireSome's, reused
	followed     map[Object]*Edits
}

type db struct {
	tables   []data.Table // by slot - first; nil until the first key
	occupied []uint64     // bit set of the tables that are not empty
	keys     int
	volatile data.Table // the records that have an expiry
	sweep    uint64     // where ExpireSome goes on
}

// New returns an empty keyspace for count slots from first on. seed makes its
// hash function, for all of its life.
func New(first, count int, seed uint64) *Keyspace {
	return &Keyspace{
		Arena: data.NewArena(),
		first: first, count: count, seed: seed,
		hash: func(key []byte) uint64 { return xxh3.HashSeed(key, seed) },
	}
}

// Close gives the memory back.
func (ks *Keyspace) Close() { ks.Arena.Close() }

// Hasher returns the hash function of the shard, which tables of its objects share.
func (ks *Keyspace) Hasher() data.Hasher { return ks.hash }

// Key fills k for name in database db.
func (ks *Keyspace) Key(k *Key, db int, name []byte) {
	ks.KeyInSlot(k, db, slot.Of(name), name)
}

// KeyInSlot is Key when the slot is known already.
func (ks *Keyspace) KeyInSlot(k *Key, db int, in uint16, name []byte) {
	k.Name, k.DB, k.Slot = name, uint8(db), in
	k.Hash = xxh3.HashSeed(name, ks.seed)
}

// Advance sets the time, in Unix milliseconds. Time never goes back.
func (ks *Keyspace) Advance(now int64) {
	if now > ks.now {
		ks.now = now
		ks.clock = uint32(now/1000) & data.ClockMask
	}
}

// Now returns the time of the last Advance.
func (ks *Keyspace) Now() int64 { return ks.now }

func (d *db) table(ks *Keyspace, k *Key) *data.Table {
	return &d.tables[int(k.Slot)-ks.first]
}

// Peek returns the record of the key, or 0. It is not counted as an access.
func (ks *Keyspace) Peek(k *Key) data.Ref {
	d := &ks.dbs[k.DB]
	if d.keys == 0 {
		return 0
	}
	r := d.table(ks, k).Find(ks.Arena, k.Hash, k.Name)
	if r == 0 {
		return 0
	}
	if at := ks.Arena.Expiry(r); at != 0 && at <= ks.now {
		ks.expire(k, r)
		return 0
	}
	return r
}

// Due tells whether the key is there and its time has come.
func (ks *Keyspace) Due(k *Key) bool {
	r := ks.record(k)
	if r == 0 {
		return false
	}
	at := ks.Arena.Expiry(r)
	return at != 0 && at <= ks.now
}

// Find is Peek that counts as an access.
func (ks *Keyspace) Find(k *Key) data.Ref {
	r := ks.Peek(k)
	if r != 0 {
		if ks.lfu {
			ks.countUse(r)
		} else {
			ks.Arena.SetClock(r, ks.clock)
		}
	}
	if ks.CountLookups {
		ks.countLookup(r)
	}
	return r
}

// Kind returns the type of the record's value.
func (ks *Keyspace) Kind(r data.Ref) Kind { return Kind(ks.Arena.Tag(r) & (1<<kindBits - 1)) }

// IsInt tells whether the string in record r is kept as an integer.
func (ks *Keyspace) IsInt(r data.Ref) bool { return ks.Arena.Tag(r) == tag(String, Int) }

// StringEncoding returns how the string in record r is kept: Raw, Int or Edited.
func (ks *Keyspace) StringEncoding(r data.Ref) byte { return ks.Arena.Tag(r) >> kindBits }

// IsEdited tells whether the string in record r was changed in place.
func (ks *Keyspace) IsEdited(r data.Ref) bool { return ks.Arena.Tag(r) == tag(String, Edited) }

// Object returns the record's value, which is not a string.
func (ks *Keyspace) Object(r data.Ref) Object {
	return ks.objects[binary.LittleEndian.Uint32(ks.Arena.Val(r))]
}

// Expiry returns the record's expiry in Unix milliseconds, 0 if it has none.
func (ks *Keyspace) Expiry(r data.Ref) int64 { return ks.Arena.Expiry(r) }

// insert adds a record for a key that has none.
func (ks *Keyspace) insert(k *Key, t byte, vlen int, expiry int64) data.Ref {
	d := &ks.dbs[k.DB]
	if d.tables == nil {
		d.tables = make([]data.Table, ks.count)
		d.occupied = make([]uint64, (ks.count+63)/64)
	}
	r := ks.Arena.Alloc(t, k.Name, vlen, expiry)
	ks.Arena.SetClock(r, ks.newClock())
	d.table(ks, k).Insert(ks.Arena, ks.hash, k.Hash, r)
	i := int(k.Slot) - ks.first
	d.occupied[i/64] |= 1 << (i % 64)
	d.keys++
	if expiry != 0 {
		d.volatile.Insert(ks.Arena, ks.hash, k.Hash, r)
	}
	return r
}

// drop takes the record out of its tables and frees it; its object, if any,
// stays.
func (ks *Keyspace) drop(k *Key, r data.Ref) {
	d := &ks.dbs[k.DB]
	if ks.Arena.Expiry(r) != 0 {
		d.volatile.Remove(ks.Arena, ks.hash, k.Hash, r)
	}
	t := d.table(ks, k)
	t.Remove(ks.Arena, ks.hash, k.Hash, r)
	if t.Len() == 0 {
		i := int(k.Slot) - ks.first
		d.occupied[i/64] &^= 1 << (i % 64)
	}
	d.keys--
	ks.Arena.Free(r)
}

// moved tells the tables that record r of the key is now at to.
func (ks *Keyspace) moved(k *Key, r, to data.Ref, wasVolatile bool) {
	if r == to {
		return
	}
	d := &ks.dbs[k.DB]
	d.table(ks, k).Replace(k.Hash, r, to)
	if wasVolatile {
		d.volatile.Replace(k.Hash, r, to)
	}
}

func (ks *Keyspace) addObject(o Object) uint32 {
	if n := len(ks.objectFree); n > 0 {
		i := ks.objectFree[n-1]
		ks.objectFree = ks.objectFree[:n-1]
		ks.objects[i] = o
		return i
	}
	ks.objects = append(ks.objects, o)
	return uint32(len(ks.objects) - 1)
}

// takeObject removes the object of record r from the list of objects.
func (ks *Keyspace) takeObject(r data.Ref) Object {
	i := binary.LittleEndian.Uint32(ks.Arena.Val(r))
	o := ks.objects[i]
	ks.objects[i] = nil
	ks.objectFree = append(ks.objectFree, i)
	return o
}

// Len returns the number of keys in a database, expired ones that still hold
// memory included, as Redis counts.
func (ks *Keyspace) Len(db int) int { return ks.dbs[db].keys }

// Volatile returns the number of keys in a database that have an expiry.
func (ks *Keyspace) Volatile(db int) int { return ks.dbs[db].volatile.Len() }

// SlotLen returns the number of keys of a database in a slot.
func (ks *Keyspace) SlotLen(db int, in uint16) int {
	if d := &ks.dbs[db]; d.tables != nil {
		return d.tables[int(in)-ks.first].Len()
	}
	return 0
}

// Swap exchanges two databases.
func (ks *Keyspace) Swap(a, b int) {
	if ks.journal != nil {
		ks.Undo(func() { ks.Swap(a, b) })
	}
	ks.dbs[a], ks.dbs[b] = ks.dbs[b], ks.dbs[a]
}

// Random returns a key's record, every key equally likely, or 0. Expired keys
// that it meets are removed. next returns random numbers.
func (ks *Keyspace) Random(db int, next func() uint64) data.Ref {
	d := &ks.dbs[db]
	for d.keys > 0 {
		at := int(next() % uint64(d.keys))
		r := d.nth(at, next)
		expiry := ks.Arena.Expiry(r)
		if expiry == 0 || expiry > ks.now {
			return r
		}
		k := ks.keyOf(db, r)
		ks.expire(&k, r)
	}
	return 0
}

// nth returns a random record of the slot that holds key number at.
func (d *db) nth(at int, next func() uint64) data.Ref {
	for word, set := range d.occupied {
		for ; set != 0; set &= set - 1 {
			t := &d.tables[word*64+bits.TrailingZeros64(set)]
			if at < t.Len() {
				return t.Random(next)
			}
			at -= t.Len()
		}
	}
	panic("keyspace: fewer keys in the slots than counted")
}

// keyOf makes the Key of a record, with a copy of its name.
func (ks *Keyspace) keyOf(db int, r data.Ref) Key {
	var k Key
	ks.Key(&k, db, append([]byte(nil), ks.Arena.Key(r)...))
	return k
}

// ScanEnd is the position past the last slot.
const ScanEnd = uint64(slot.Count) << data.ScanBits

// Scan calls f with the records of a database from position pos on, until about
// want were met or the shard's slots end, and returns the next position. Expired
// keys are passed over. f must not change the keyspace.
func (ks *Keyspace) Scan(db int, pos uint64, want int, f func(data.Ref)) (next uint64) {
	d := &ks.dbs[db]
	i := int(pos>>data.ScanBits) - ks.first
	within := pos & (1<<data.ScanBits - 1)
	if i < 0 {
		i, within = 0, 0
	}
	met := 0
	for d.keys > 0 && i < ks.count && met < want {
		word := d.occupied[i/64] >> (i % 64)
		if word == 0 {
			i, within = (i/64+1)*64, 0
			continue
		}
		if skip := bits.TrailingZeros64(word); skip > 0 {
			i, within = i+skip, 0
		}
		at, done := d.tables[i].Scan(ks.Arena, ks.hash, within, want-met, func(r data.Ref) {
			met++
			if e := ks.Arena.Expiry(r); e == 0 || e > ks.now {
				f(r)
			}
		})
		within = at
		if done {
			i, within = i+1, 0
		}
	}
	if d.keys == 0 || i >= ks.count {
		return uint64(ks.first+ks.count) << data.ScanBits
	}
	return uint64(ks.first+i)<<data.ScanBits | within
}
