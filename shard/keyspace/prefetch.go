package keyspace

// A lookup waits for memory up to three times: for its slot's table, a group of that,
// and the record. In a large keyspace that is most of a short command's time. Who has
// many keys to look up lets each step of all of them begin before the first is looked
// up, so that the waits overlap.

const (
	// MaxAhead is how many lookups are prepared together.
	MaxAhead = 16
	// aheadFrom is how many keys a database must have: fewer are in the processor's
	// caches anyway.
	aheadFrom = 1 << 10
)

// Ahead prepares lookups in keyspaces that are the caller's. It changes nothing but how
// long they take. It is reused, and not safe for concurrent use.
type Ahead struct {
	list [MaxAhead]comer
	n    int
}

type comer struct {
	ks  *Keyspace
	key Key
}

// Add notes a key, whose name is not copied; beyond MaxAhead it does nothing.
func (a *Ahead) Add(ks *Keyspace, db int, in uint16, name []byte) {
	if a.n == MaxAhead || ks.dbs[db].keys < aheadFrom {
		return
	}
	c := &a.list[a.n]
	c.ks = ks
	ks.KeyInSlot(&c.key, db, in, name)
	a.n++
}

// Fetch begins to fetch what the lookups of the keys need, and forgets them.
func (a *Ahead) Fetch() {
	list := a.list[:a.n]
	if len(list) > 1 {
		for i := range list {
			list[i].ks.PrefetchGroup(&list[i].key)
		}
		for i := range list {
			list[i].ks.PrefetchRecord(&list[i].key)
		}
	}
	clear(list) // names are the caller's memory
	a.n = 0
}

// PrefetchGroup begins to fetch what finds the key, and tells whether there is any.
func (ks *Keyspace) PrefetchGroup(k *Key) bool {
	d := &ks.dbs[k.DB]
	return d.keys > 0 && d.table(ks, k).PrefetchGroup(k.Hash)
}

// PrefetchRecord begins to fetch the key's record, some time after PrefetchGroup.
func (ks *Keyspace) PrefetchRecord(k *Key) {
	if d := &ks.dbs[k.DB]; d.keys > 0 {
		d.table(ks, k).PrefetchRecord(ks.Arena, k.Hash)
	}
}
