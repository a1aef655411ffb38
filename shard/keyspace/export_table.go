package keyspace

import "github.com/troupedb/troupe/shard/data"

// tableMover moves a large hash, set or sorted set: a walk over its table, and the
// elements behind the walk that have changed.
type tableMover struct {
	obj    Tabled
	marks  *Marks
	met    int
	long   longElement
	passes int
}

// longElement is an element on its way in parts.
type longElement struct {
	name   []byte
	on     bool
	named  int // bytes of the name that have travelled
	valued int // and of the value
}

// tableEnd is the end of a scan of a table.
const tableEnd = uint64(1) << data.ScanBits

func scanPlace(h uint64) uint64 { return h >> (64 - data.ScanBits) }

func (m *tableMover) moves(ks *Keyspace, r data.Ref) bool {
	return ks.Kind(r) != String && ks.Object(r) == Object(m.obj) && m.obj.Flat() == nil
}

func (m *tableMover) step(x *Export, _ *job, _ data.Ref) progress {
	switch {
	case m.long.on:
		return m.moveLong(x)
	case m.marks.pos < tableEnd && m.marks.names.len() < drainAt:
		m.walk(x)
		return more
	case m.marks.names.len() > 0:
		m.send(x, m.marks.pop())
		return more
	}
	return finished
}

func (m *tableMover) walk(x *Export) {
	ks := x.ks
	x.refs = x.refs[:0]
	next, done := m.obj.Table().Scan(ks.Arena, ks.hash, m.marks.pos, walkBatch, func(r data.Ref) { x.refs = append(x.refs, r) })
	if done {
		next = tableEnd
	}
	m.marks.pos = next
	m.met += len(x.refs)
	x.work -= keyWork * (1 + len(x.refs))
	for _, r := range x.refs {
		if name := ks.Arena.Key(r); !x.room() || m.isLong(name, ks.Arena.Val(r)) {
			m.marks.add(name)
		} else {
			m.element(x, name, ks.Arena.Val(r))
		}
	}
}

func (m *tableMover) isLong(name, val []byte) bool {
	return len(name) > partBytes || len(val) > partBytes
}

func (m *tableMover) element(x *Export, name, val []byte) {
	x.out = append(x.out, opElement)
	x.text(name)
	x.text(val)
}

// send sends an element as it is now.
func (m *tableMover) send(x *Export, name []byte) {
	x.work -= keyWork
	r := m.find(x, name)
	switch {
	case len(name) > partBytes, r != 0 && m.isLong(name, x.ks.Arena.Val(r)):
		m.long = longElement{name: name, on: true}
	case r == 0:
		x.out = append(x.out, opDrop)
		x.text(name)
	default:
		m.element(x, name, x.ks.Arena.Val(r))
	}
}

func (m *tableMover) find(x *Export, name []byte) data.Ref {
	return m.obj.Table().Find(x.ks.Arena, x.ks.hash(name), name)
}

// moveLong sends a part of a long element. If the element has changed since it was
// begun it is among the names again, and this is void.
func (m *tableMover) moveLong(x *Export) progress {
	l := &m.long
	if m.marks.names.has(l.name) {
		l.on = false
		if m.passes++; m.passes >= maxPasses && !x.sealed {
			return hot
		}
		return more
	}
	r := m.find(x, l.name)
	var val []byte
	if r != 0 {
		val = x.ks.Arena.Val(r)
	}
	switch {
	case len(l.name) > partBytes && l.named < len(l.name):
		l.named = x.part(partName, l.name, l.named)
	case len(val) > partBytes && l.valued < len(val):
		l.valued = x.part(partValue, val, l.valued)
	case r == 0:
		x.out = append(x.out, opDrop)
		x.text(l.name)
		l.on = false
	default:
		m.element(x, l.name, val)
		l.on = false
	}
	return more
}

func (m *tableMover) left() int { return max(m.obj.Len()-m.met, 0) }

func (m *tableMover) again() { m.long.named, m.long.valued = 0, 0 }

// close makes the marks blind. The object may keep them, or have those of another
// mover by now, as after a RENAME.
func (m *tableMover) close(*Keyspace) { m.marks.close() }
