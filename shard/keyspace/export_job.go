package keyspace

import "github.com/troupedb/troupe/shard/data"

// job is one key from a queue on its way, perhaps in parts and over many calls.
// What it has sent is never wrong at the end: if the key changes meanwhile it is
// in the queue again.
type job struct {
	db    *exportDB
	key   Key // owns its name
	named int // bytes of a long name that have travelled
	large *large
	open  bool // the target knows that what comes is for this key
}

// large is a value that travels in parts. It is kept until the export ends, or
// something else has become the key's value, as changes of it travel in parts too.
type large struct {
	mover mover
	fresh bool // nothing of it has travelled
}

// mover knows how a large value travels.
type mover interface {
	// moves tells whether the value in record r is the mover's.
	moves(ks *Keyspace, r data.Ref) bool
	// step sends a part and tells how the mover stands.
	step(x *Export, j *job, r data.Ref) progress
	// again tells that texts which have travelled in part must be begun anew.
	again()
	// left estimates how many operations are to be sent.
	left() int
	close(ks *Keyspace)
}

type progress int

const (
	more      progress = iota
	finished           // as far as the mover knows
	hot                // it changes too often: to go on when nothing changes
	startOver          // the target is to open it anew
)

// park puts the job's key back into the queue.
func (x *Export) park() {
	j := x.job
	j.db.add(&j.db.dirty, j.key.Name)
	x.job = nil
}

// runJob goes on with the job by about one operation.
func (x *Export) runJob() {
	j := x.job
	j.key.DB = uint8(x.index(j.db))
	if x.held(&j.key) {
		x.park()
		return
	}
	if !x.named(j) {
		return
	}
	r := x.ks.record(&j.key)
	if r == 0 || x.expired(r) {
		x.head(opDelete, int(j.key.DB), j.key.Name)
		x.finish(j)
		return
	}
	l := j.db.large[string(j.key.Name)]
	if l == nil || !l.mover.moves(x.ks, r) {
		if x.whole(r) {
			x.put(int(j.key.DB), r)
			x.finish(j)
			return
		}
		l = x.track(j, r)
	}
	x.moveOn(j, l, r)
}

func (x *Export) expired(r data.Ref) bool {
	at := x.ks.Arena.Expiry(r)
	return at != 0 && at <= x.ks.now
}

// named sends a part of a long name, unless all has travelled.
func (x *Export) named(j *job) bool {
	if len(j.key.Name) <= partBytes || j.named == len(j.key.Name) {
		return true
	}
	j.named = x.part(partName, j.key.Name, j.named)
	return false
}

// part sends a part of a text from at on, and returns where the next one begins.
func (x *Export) part(which byte, text []byte, at int) int {
	end := min(at+partBytes, len(text))
	x.out = append(x.out, opPart, which)
	x.number(at)
	x.out = appendText(x.out, text[at:end])
	return end
}

// finish ends the job of a key that has no large value.
func (x *Export) finish(j *job) {
	j.db.forget(x.ks, string(j.key.Name))
	x.job = nil
}

func (d *exportDB) forget(ks *Keyspace, name string) {
	if l := d.large[name]; l != nil {
		l.mover.close(ks)
		delete(d.large, name)
	}
}

// track begins with a large value.
func (x *Export) track(j *job, r data.Ref) *large {
	name := string(j.key.Name)
	j.db.forget(x.ks, name)
	l := &large{mover: x.mover(j.db, r), fresh: true}
	if j.db.large == nil {
		j.db.large = map[string]*large{}
	}
	j.db.large[name] = l
	return l
}

func (x *Export) mover(d *exportDB, r data.Ref) mover {
	if x.ks.Kind(r) == String {
		return &stringMover{}
	}
	o := x.ks.Object(r).(Mobile)
	if o.Flat() != nil {
		return &flatMover{obj: o}
	}
	if l, ok := o.(Sequenced); ok {
		m := &listMover{list: l, edits: &Edits{}}
		x.ks.follow(l, m.edits)
		return m
	}
	t := o.(Tabled)
	m := &tableMover{obj: t, marks: &Marks{db: d}}
	t.Track(m.marks)
	return m
}

// moveOn sends a part of a large value.
func (x *Export) moveOn(j *job, l *large, r data.Ref) {
	if !j.open || j.large != l {
		l.mover.again()
		x.open(j, l, r)
	}
	switch l.mover.step(x, j, r) {
	case finished:
		x.sent++
		x.job = nil
	case hot:
		j.db.add(&j.db.late, j.key.Name)
		x.job = nil
	case startOver:
		l.fresh, j.open = true, false
	case more:
	}
}

// open tells the target what key the operations to come are for.
func (x *Export) open(j *job, l *large, r data.Ref) {
	j.large, j.open = l, true
	if _, flat := l.mover.(*flatMover); flat {
		return // it is put whole in the end
	}
	x.head(opOpen, int(j.key.DB), j.key.Name)
	x.attributes(r)
	fresh := byte(0)
	if l.fresh {
		fresh = 1
	}
	x.out = append(x.out, fresh)
	if m, ok := l.mover.(*listMover); ok {
		x.number(int(uint32(m.list.Fill())))
	}
	l.fresh = false
}
