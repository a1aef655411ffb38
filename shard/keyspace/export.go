package keyspace

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
)

// Export makes the stream that brings a keyspace, which goes on serving, to another
// node. It walks over all keys in the order of Scan, and remembers the names of
// keys behind the walk that change meanwhile; they follow, in the state that they
// have by then. Changes before the walk need no memory.
//
// Large values travel in parts, each between other commands. A table is walked as
// the keyspace is, with the names of changed elements remembered; of a list the
// changes themselves are, as places shift; the parts of a string that have changed
// are found by their digests in another pass. Only what is both large and changes
// as a whole all the time is left until nothing changes any more: see maxPasses.
type Export struct {
	ks   *Keyspace
	held func(*Key) bool
	dbs  [Databases]*exportDB
	// stale: databases were exchanged or emptied, and the target does not know.
	stale  bool
	job    *job
	space  job // job points here
	sealed bool
	sent   int // keys
	looked int // bytes looked at, sent or not

	// Of the call under way.
	out  []byte
	end  int // length of out at which it ends
	work int // bytes to be looked at at most
	jobs int // that may be begun at most
	refs []data.Ref
}

// exportDB is what has become of one database. It goes where the database goes.
type exportDB struct {
	from    int    // its number at the target
	pos     uint64 // the keys before it have travelled, or are in a queue
	met     int    // keys that the walk has met
	dirty   names
	big     names // met by the walk and too large for it
	late    names // left until all is sealed
	large   map[string]*large
	pending int // names in all queues, those of elements too
}

// Limits of an export.
const (
	// maxPending bounds the names remembered: about 30 MB. Whoever changes more of
	// them before they can be sent is faster than the export, which fails.
	maxPending = 1 << 18
	// drainAt is how many names make the walk wait.
	drainAt = maxPending / 4
	// walkBatch is how many keys or elements are looked at at a time.
	walkBatch = 128
	// callWork is how many bytes one call looks at, sent or not: about 100 µs.
	callWork = 1 << 20
	// keyWork is what looking at a key or an element counts as, in bytes.
	keyWork = 64
	// maxPasses is how often a large value is begun anew, or passed over once more,
	// because it has changed. Then it waits until nothing changes.
	maxPasses = 4
	// NotSeen is what counts in Left for keys that have not been looked at, and for
	// each large value that has not begun to travel.
	NotSeen = 4096
)

// NewExport begins the export of ks. held tells of keys whose value is not decided
// yet: they are sent later.
func NewExport(ks *Keyspace, held func(*Key) bool) *Export {
	x := &Export{ks: ks, held: held}
	for i := range x.dbs {
		x.dbs[i] = &exportDB{from: i}
	}
	return x
}

func (x *Export) index(d *exportDB) int {
	for i := range x.dbs {
		if x.dbs[i] == d {
			return i
		}
	}
	panic("keyspace: an export's job in a database that is gone")
}

// Close ends the export: nothing tracks changes any more.
func (x *Export) Close() {
	for _, d := range x.dbs {
		for _, l := range d.large {
			l.mover.close(x.ks)
		}
	}
	x.ks.followed = nil
}

// Mark tells that a key has changed, or is about to. The walk will meet what it has
// not come to; but not a key that is gone just then and comes back when that is
// undone, so what may be undone is always remembered.
func (x *Export) Mark(k *Key) {
	if d := x.dbs[k.DB]; x.ks.journal != nil || k.position() < d.pos {
		d.add(&d.dirty, k.Name)
	}
}

// Doubt tells that a key may have been changed before the export began, in a way that
// may be undone.
func (x *Export) Doubt(db int, name []byte) {
	d := x.dbs[db]
	d.add(&d.dirty, name)
}

func (d *exportDB) add(q *names, name []byte) {
	if q.add(name) {
		d.pending++
	}
}

func (d *exportDB) pop(q *names) []byte {
	d.pending--
	return []byte(q.pop())
}

// Flush tells that a database is about to be emptied. If that is undone, all of it
// travels anew.
func (x *Export) Flush(db int) {
	old := x.dbs[db]
	if x.job != nil && x.job.db == old {
		x.job = nil
	}
	x.dbs[db] = &exportDB{from: nowhere}
	x.stale = true
	for _, l := range old.large {
		l.mover.close(x.ks)
	}
}

// Swap tells that two databases are about to be exchanged.
func (x *Export) Swap(a, b int) {
	if x.ks.journal != nil {
		x.ks.Undo(func() { x.swap(a, b) })
	}
	x.swap(a, b)
}

func (x *Export) swap(a, b int) {
	x.dbs[a], x.dbs[b] = x.dbs[b], x.dbs[a]
	x.stale = true
}

// Sent returns how many keys have travelled, changed ones counted again.
func (x *Export) Sent() int { return x.sent }

// Looked returns how many bytes were looked at, sent or not; a key or an element
// counts as some. It measures the work.
func (x *Export) Looked() int { return x.looked }

// Pending returns how many names are remembered.
func (x *Export) Pending() (n int) {
	for _, d := range x.dbs {
		n += d.pending
	}
	return n
}

// Overrun tells that changes come faster than they are sent, so that the export
// has to end.
func (x *Export) Overrun() bool { return x.Pending() > maxPending }

// Left estimates how many keys, elements, or strings of keyWork bytes are still to
// be sent.
func (x *Export) Left() (n int) {
	for i, d := range x.dbs {
		n += d.pending + d.big.len()*NotSeen
		if d.pos < x.ks.scanEnd() && x.ks.Len(i) > 0 {
			n += NotSeen + max(x.ks.Len(i)-d.met, 0)
		}
	}
	if x.job != nil {
		n++
		if x.job.large != nil {
			n += x.job.large.mover.left()
		}
	}
	return n
}

// Done tells whether everything has travelled.
func (x *Export) Done() bool {
	for i, d := range x.dbs {
		if d.pending > 0 || d.pos < x.ks.scanEnd() && x.ks.Len(i) > 0 {
			return false
		}
	}
	return x.job == nil && !x.stale
}

// Append appends operations to dst, less than max and MaxOp bytes together, and
// none if nothing can be sent now; cut tells that it stopped because it had worked
// enough, not because nothing was left to do. sealed tells that nothing changes from now on.
func (x *Export) Append(dst []byte, max int, sealed bool) (out []byte, cut bool) {
	if sealed && !x.sealed {
		x.wake()
	}
	x.sealed = sealed
	x.out, x.end, x.work = dst, len(dst)+max, callWork
	x.jobs = x.Pending()
	x.rename()
	for x.room() && x.next() {
	}
	x.looked += callWork - x.work + len(x.out) - len(dst)
	out, cut, x.out = x.out, !x.room(), nil
	return out, cut
}

// next does one piece of work and tells whether there was any. What the walk has
// met is looked at before what has changed, as that may change again.
func (x *Export) next() bool {
	if x.job != nil {
		x.runJob()
		return true
	}
	if x.Pending() < drainAt && x.walk() {
		return true
	}
	return x.begin() || x.walk()
}

func (x *Export) room() bool { return len(x.out) < x.end && x.work > 0 }

// wake lets what was left until now be sent.
func (x *Export) wake() {
	for _, d := range x.dbs {
		for d.late.len() > 0 {
			d.add(&d.dirty, d.pop(&d.late))
		}
	}
}

// rename tells the target where its databases are now.
func (x *Export) rename() {
	if !x.stale {
		return
	}
	x.out = append(x.out, opDatabases)
	for i, d := range x.dbs {
		x.out = append(x.out, byte(d.from))
		d.from = i
	}
	x.stale = false
	if x.job != nil {
		x.job.open, x.job.named = false, 0
	}
}

// walk goes on with the walk over all keys and tells whether it has not ended.
// Keys that cannot be sent at once go to a queue.
func (x *Export) walk() bool {
	for db, d := range x.dbs {
		if d.pos >= x.ks.scanEnd() {
			continue
		}
		x.refs = x.refs[:0]
		d.pos = x.ks.Scan(db, d.pos, walkBatch, func(r data.Ref) { x.refs = append(x.refs, r) })
		d.met += len(x.refs)
		x.work -= keyWork * (1 + len(x.refs))
		for _, r := range x.refs {
			x.meet(db, d, r)
		}
		return true
	}
	return false
}

func (x *Export) meet(db int, d *exportDB, r data.Ref) {
	name := x.ks.Arena.Key(r)
	switch k := (Key{Name: name, DB: uint8(db)}); {
	case !x.room() || x.held(&k):
		d.add(&d.dirty, name)
	case !x.whole(r):
		d.add(&d.big, name)
	case len(name) > partBytes:
		d.add(&d.dirty, name)
	default:
		x.put(db, r)
	}
}

// begin takes the next key out of a queue and tells whether there was one.
func (x *Export) begin() bool {
	for _, d := range x.dbs {
		q := &d.big
		if q.len() == 0 {
			q = &d.dirty
		}
		if q.len() == 0 || x.jobs == 0 {
			continue
		}
		x.jobs--
		x.work -= keyWork
		x.space = job{db: d}
		x.ks.Key(&x.space.key, 0, d.pop(q))
		x.job = &x.space
		return true
	}
	return false
}

// put sends a key with its value, which is whole.
func (x *Export) put(db int, r data.Ref) {
	x.head(opPut, db, x.ks.Arena.Key(r))
	x.value(r)
	x.sent++
}

// head begins an operation on a key.
func (x *Export) head(op byte, db int, name []byte) {
	x.out = append(x.out, op, byte(db))
	x.text(name)
}

// text appends a name or value; a long one has travelled in parts.
func (x *Export) text(b []byte) {
	if len(b) > partBytes {
		x.out = append(x.out, 0)
		return
	}
	x.out = appendText(x.out, b)
}

func (x *Export) number(n int) { x.out = binary.AppendUvarint(x.out, uint64(n)) }

// attributes appends kind and form, expiry and clock.
func (x *Export) attributes(r data.Ref) {
	a := x.ks.Arena
	form := a.Tag(r)
	if kind := x.ks.Kind(r); kind != String {
		form = tag(kind, formElements)
		if x.ks.Object(r).(Mobile).Flat() != nil {
			form = tag(kind, formFlat)
		}
	}
	x.out = append(x.out, form)
	x.out = binary.AppendUvarint(x.out, uint64(a.Expiry(r)))
	x.out = binary.AppendUvarint(x.out, uint64(a.Clock(r)))
}
