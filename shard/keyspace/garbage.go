package keyspace

import "github.com/troupedb/troupe/shard/data"

// garbage is memory that is freed piece by piece.
type garbage interface {
	// Release frees up to n elements and tells whether nothing is left.
	Release(n int) bool
}

// promptElements is the size up to which an object is freed at once: about as
// much work as an ordinary command.
const promptElements = 64

func (ks *Keyspace) discardObject(o Object) {
	if o.Len() > promptElements || !o.Release(promptElements) {
		ks.garbage = append(ks.garbage, o)
	}
}

// Garbage tells whether Collect has work.
func (ks *Keyspace) Garbage() bool { return len(ks.garbage) > 0 }

// GarbageLen returns how many large values wait to be freed.
func (ks *Keyspace) GarbageLen() int { return len(ks.garbage) }

// Collect frees up to n elements of deleted large values and databases.
func (ks *Keyspace) Collect(n int) {
	last := len(ks.garbage) - 1
	if last < 0 {
		return
	}
	g := ks.garbage[last]
	ks.garbage[last] = nil
	ks.garbage = ks.garbage[:last]
	if !g.Release(n) { // which may have found more garbage
		ks.garbage = append(ks.garbage, g)
	}
}

// Flush empties a database and returns how many keys it had. The work is
// Collect's; an undone saga brings the database back whole.
func (ks *Keyspace) Flush(n int) (keys int) {
	d := &ks.dbs[n]
	if d.keys == 0 {
		return 0
	}
	old := *d
	*d = db{}
	dead := &deadDB{ks: ks, db: old}
	if ks.journal == nil {
		ks.garbage = append(ks.garbage, dead)
		return old.keys
	}
	ks.Undo(func() {
		for _, k := range ks.names(n) {
			ks.erase(&k)
		}
		ks.dbs[n] = dead.db
	})
	ks.journal.kept = append(ks.journal.kept, dead)
	return old.keys
}

// names returns the keys of a database. Only undoing a flush needs it, for the
// few keys that the same saga has made since.
func (ks *Keyspace) names(db int) []Key {
	var names []Key
	for i := range ks.dbs[db].tables {
		ks.dbs[db].tables[i].Each(func(r data.Ref) bool {
			names = append(names, ks.keyOf(db, r))
			return true
		})
	}
	return names
}

// deadDB frees the records and objects of a flushed database. It is an Object
// so that a journal can keep it.
type deadDB struct {
	ks   *Keyspace
	db   db
	slot int
	pos  uint64 // in the slot's table
	refs []data.Ref
}

func (*deadDB) Kind() Kind       { return String }
func (*deadDB) Encoding() string { return "" }
func (d *deadDB) Len() int       { return d.db.keys }
func (*deadDB) MemBytes() int64  { return 0 }

// wholeSegments is the least number of records to ask a table's Scan for that
// makes it visit segments as a whole.
const wholeSegments = 512

// Release walks the tables, which stay as they are, and frees what they name. A
// record's key is read as long as the walk is in its segment, so records are freed
// only after that.
func (d *deadDB) Release(n int) bool {
	for n = max(n, wholeSegments); n > 0 && d.slot < len(d.db.tables); {
		t := &d.db.tables[d.slot]
		d.refs = d.refs[:0]
		next, done := t.Scan(d.ks.Arena, d.ks.hash, d.pos, wholeSegments, func(r data.Ref) { d.refs = append(d.refs, r) })
		for _, r := range d.refs {
			if d.ks.Kind(r) != String {
				d.ks.discardObject(d.ks.takeObject(r))
			}
			d.ks.Arena.Free(r)
		}
		d.pos = next
		if done {
			*t = data.Table{}
			d.slot++
			d.pos = 0
		}
		n -= 1 + len(d.refs)
	}
	return d.slot == len(d.db.tables)
}
