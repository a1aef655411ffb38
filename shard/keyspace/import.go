package keyspace

import (
	"errors"
	"fmt"
	"math"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/slot"
)

// Import carries out the operations of an Export on an empty keyspace with the same
// slots and seed. They come from the network: what is malformed is an error, after
// which the keyspace is good for nothing; memory follows what has come, never what
// was announced.
type Import struct {
	ks     *Keyspace
	makers *Makers
	in     cutter
	parts  [2][]byte // long names and values on their way
	at     opened
	keys   int
}

// opened is the key that operations on parts of values are for.
type opened struct {
	key   Key // owns its name
	kind  Kind
	table Tabled
	list  Sequenced
	is    bool
}

const (
	// maxText bounds names, strings and elements that come in parts: what Redis
	// allows at most. Lengths stay far within an int.
	maxText = 1 << 30
	// maxUsed bounds an arena in bytes: below what it could name.
	maxUsed = 15 << 30
	// importCollect is how much garbage is freed with each call.
	importCollect = 2000
)

var (
	errMalformed = errors.New("keyspace: malformed operations")
	errTooMuch   = errors.New("keyspace: more data than a shard holds")
)

// NewImport begins an import into ks.
func NewImport(ks *Keyspace, makers *Makers) *Import { return &Import{ks: ks, makers: makers} }

// Keys returns how many keys have come, changed ones counted again.
func (m *Import) Keys() int { return m.keys }

// Apply carries out operations.
func (m *Import) Apply(ops []byte) error {
	m.in = cutter{rest: ops}
	for len(m.in.rest) > 0 {
		op := m.in.byte()
		if !m.do(op) || m.in.bad {
			return fmt.Errorf("%w: operation %d", errMalformed, op)
		}
		if m.ks.Arena.Used() > maxUsed {
			return errTooMuch
		}
	}
	m.ks.Collect(importCollect)
	return nil
}

// Finish ends the import, once all operations were carried out.
func (m *Import) Finish() {
	m.leave()
	m.parts = [2][]byte{}
}

func (m *Import) do(op byte) bool {
	switch op {
	case opPart:
		return m.part()
	case opDatabases:
		return m.databases()
	case opDelete:
		m.leave()
		if k, ok := m.key(); ok {
			m.ks.erase(&k)
			return true
		}
		return false
	case opPut:
		return m.put()
	case opOpen:
		return m.open()
	}
	switch {
	case !m.at.is:
		return false
	case m.at.table != nil:
		return m.element(op)
	case m.at.list != nil:
		return m.item(op)
	}
	return m.stringPart(op)
}

func (m *Import) part() bool {
	which, at := m.in.byte(), m.in.index(maxText)
	part := m.in.text(nil)
	if m.in.bad || which > partValue {
		return false
	}
	if at == 0 {
		m.parts[which] = nil
	}
	if at != len(m.parts[which]) || at+len(part) > maxText {
		return false
	}
	m.parts[which] = append(m.parts[which], part...)
	return true
}

// value reads a value; one that has come in parts is not kept any longer.
func (m *Import) value() []byte {
	long := m.parts[partValue]
	val := m.in.text(long)
	if len(val) > 0 && len(long) > 0 && &val[0] == &long[0] {
		m.parts[partValue] = nil
	}
	return val
}

// databases exchanges and empties databases.
func (m *Import) databases() bool {
	m.leave()
	from := m.in.bytes(Databases)
	if m.in.bad {
		return false
	}
	var named [Databases]bool
	for _, n := range from {
		switch {
		case n == nowhere:
		case n >= Databases || named[n]:
			return false
		default:
			named[n] = true
		}
	}
	for i := range named {
		if !named[i] {
			m.ks.Flush(i)
		}
	}
	old := m.ks.dbs
	for i, n := range from {
		m.ks.dbs[i] = db{}
		if n != nowhere {
			m.ks.dbs[i] = old[n]
		}
	}
	return true
}

// key reads a key, which must be of this shard.
func (m *Import) key() (k Key, ok bool) {
	n := m.in.index(Databases - 1)
	name := m.in.text(m.parts[partName])
	in := slot.Of(name)
	if m.in.bad || int(in) < m.ks.first || int(in) >= m.ks.first+m.ks.count {
		return k, false
	}
	m.ks.KeyInSlot(&k, n, in, name)
	return k, true
}

// attributes are what opPut and opOpen say of a key before its value.
type attributes struct {
	kind   Kind
	form   byte
	expiry int64
	clock  uint32
}

func (m *Import) attributes() (a attributes, ok bool) {
	t := m.in.byte()
	a.kind, a.form = Kind(t&(1<<kindBits-1)), t>>kindBits
	expiry := m.in.number()
	a.expiry, a.clock = int64(expiry), uint32(m.in.index(data.ClockMask))
	switch {
	case m.in.bad || expiry > math.MaxInt64:
		return a, false
	case a.kind == String:
		return a, a.form <= Edited
	}
	return a, a.kind < Stream && a.form <= formElements
}

func (m *Import) put() bool {
	m.leave()
	k, ok := m.key()
	if !ok {
		return false
	}
	a, ok := m.attributes()
	if !ok {
		return false
	}
	if a.kind == String {
		ok = m.putString(&k, a)
	} else {
		ok = m.putObject(&k, a)
	}
	if ok {
		m.ks.Arena.SetClock(m.ks.record(&k), a.clock)
		m.keys++
	}
	return ok
}

func (m *Import) putString(k *Key, a attributes) bool {
	val := m.value()
	if m.in.bad || a.form == Int && len(val) != intBytes {
		return false
	}
	copy(m.ks.PutString(k, m.ks.record(k), a.form, len(val), a.expiry), val)
	return true
}

// intBytes is the length of a string that is kept as an integer.
const intBytes = 8

func (m *Import) putObject(k *Key, a attributes) bool {
	maker := &m.makers[a.kind]
	var o Object
	var ok bool
	switch {
	case a.form == formFlat && maker.Flat != nil:
		if content := m.value(); !m.in.bad {
			o, ok = maker.Flat(m.ks, content)
		}
	case a.form == formElements && maker.List != nil:
		o, ok = m.wholeList(maker)
	case a.form == formElements && maker.Table != nil:
		o, ok = m.wholeTable(maker)
	}
	if !ok || o.Len() == 0 {
		return false
	}
	m.ks.PutObject(k, m.ks.record(k), o, a.expiry)
	return true
}

func (m *Import) wholeList(maker *Maker) (Object, bool) {
	l := maker.List(m.fill())
	for n := m.in.number(); n > 0 && !m.in.bad; n-- {
		if text := m.in.text(nil); !m.in.bad {
			l.InsertAt(m.ks, l.Len(), text)
		}
	}
	return l, !m.in.bad
}

func (m *Import) fill() int { return int(int32(m.in.number())) }

func (m *Import) wholeTable(maker *Maker) (Object, bool) {
	t := maker.Table(m.ks)
	for n := m.in.number(); n > 0 && !m.in.bad; n-- {
		name, val := m.in.text(nil), m.in.text(nil)
		if !m.in.bad && !t.Put(name, val) {
			return t, false
		}
	}
	return t, !m.in.bad
}
