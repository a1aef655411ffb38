package keyspace

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
)

// Edits is what has changed in a large list whose first elements have travelled:
// operations for the target, in order. What changes behind the first elements needs
// none.
type Edits struct {
	sent  int // the target has the first sent elements, once it has the log
	log   [][]byte
	bytes int
	torn  bool // the log was too long: all begins anew
	next  bool // element number sent is not what it was
}

// maxEdits is how long the log may be in bytes before sending the list again is
// the better way.
const maxEdits = 1 << 20

// Edits returns where changes of a list are to be told, before they are made; nil:
// nowhere.
func (ks *Keyspace) Edits(o Object) *Edits {
	if ks.followed == nil {
		return nil
	}
	return ks.followed[o]
}

func (ks *Keyspace) follow(o Object, e *Edits) {
	if ks.followed == nil {
		ks.followed = map[Object]*Edits{}
	}
	ks.followed[o] = e
}

// Inserted tells that val comes before element i, or to the end. As the other
// methods it does nothing for nil.
func (e *Edits) Inserted(i int, val []byte) {
	switch {
	case e == nil:
	case i < e.sent:
		e.sent++
		if len(val) > partBytes {
			e.tear()
			return
		}
		e.add(appendText(binary.AppendUvarint([]byte{opInsert}, uint64(i)), val))
	default:
		e.next = e.next || i == e.sent
	}
}

// Removed tells that n elements go, from element i on.
func (e *Edits) Removed(i, n int) {
	if e == nil {
		return
	}
	gone := min(i+n, e.sent) - i
	e.next = e.next || i <= e.sent && i+n > e.sent
	if gone > 0 {
		e.sent -= gone
		e.add(binary.AppendUvarint(binary.AppendUvarint([]byte{opRemove}, uint64(i)), uint64(gone)))
	}
}

// Replaced tells that element i becomes val.
func (e *Edits) Replaced(i int, val []byte) {
	switch {
	case e == nil:
	case i < e.sent && len(val) > partBytes:
		e.tear()
	case i < e.sent:
		e.add(appendText(binary.AppendUvarint([]byte{opReplace}, uint64(i)), val))
	default:
		e.next = e.next || i == e.sent
	}
}

func (e *Edits) add(op []byte) {
	if e.torn {
		return
	}
	if e.bytes += len(op); e.bytes > maxEdits {
		e.tear()
		return
	}
	e.log = append(e.log, op)
}

func (e *Edits) tear() {
	*e = Edits{torn: true, sent: e.sent}
}

// listMover moves a large list from its first element to its last.
type listMover struct {
	list   Sequenced
	edits  *Edits
	part   int // bytes of a long element that have travelled
	passes int
}

func (m *listMover) moves(ks *Keyspace, r data.Ref) bool {
	return ks.Kind(r) != String && ks.Object(r) == Object(m.list)
}

func (m *listMover) step(x *Export, _ *job, _ data.Ref) progress {
	e := m.edits
	x.work -= keyWork
	switch {
	case e.torn && m.passes >= maxPasses && !x.sealed:
		return hot
	case e.torn:
		m.passes++
		m.part, *e = 0, Edits{}
		return startOver
	case len(e.log) > 0:
		x.out = append(x.out, e.log[0]...)
		e.bytes -= len(e.log[0])
		e.log[0] = nil
		e.log = e.log[1:]
		return more
	case e.sent < m.list.Len():
		return m.items(x)
	}
	return finished
}

// items sends the next elements.
func (m *listMover) items(x *Export) progress {
	if m.part > 0 && m.edits.next { // in the midst of an element that is another now
		m.part = 0
		if m.passes++; m.passes >= maxPasses && !x.sealed {
			return hot
		}
	}
	m.edits.next = false
	m.list.Items(m.edits.sent, func(text []byte) bool {
		x.work -= keyWork
		if len(text) > partBytes && m.part < len(text) {
			m.part = x.part(partValue, text, m.part)
			return false
		}
		x.out = append(x.out, opItem)
		x.text(text)
		m.part = 0
		m.edits.sent++
		return x.room()
	})
	return more
}

func (m *listMover) left() int { return max(m.list.Len()-m.edits.sent, 0) + len(m.edits.log) }

func (m *listMover) again() { m.part = 0 }

func (m *listMover) close(ks *Keyspace) {
	if ks.followed[m.list] == m.edits {
		delete(ks.followed, m.list)
	}
}
