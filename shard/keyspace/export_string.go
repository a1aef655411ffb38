package keyspace

import (
	"github.com/troupedb/troupe/shard/data"
	"github.com/zeebo/xxh3"
)

// stringMover moves a large string in passes: the first sends all parts, the later
// ones those whose digest is another than when they were sent. (That two different
// parts have the same 128 bits is far less likely than a broken memory.) The pass
// that begins after the last change makes the target's string equal.
type stringMover struct {
	digests []xxh3.Uint128
	at      int // where the pass goes on
	length  int
	passes  int
	reached int // bytes the target has
}

func (m *stringMover) moves(ks *Keyspace, r data.Ref) bool {
	return ks.Kind(r) == String && len(ks.Arena.Val(r)) > wholeBytes
}

func (m *stringMover) step(x *Export, _ *job, r data.Ref) progress {
	if m.at == 0 && m.passes >= maxPasses && !x.sealed {
		return hot
	}
	val := x.ks.Arena.Val(r)
	m.length = len(val)
	// Where a part was not full the string ended; if it goes on now it has changed,
	// and another pass comes.
	if m.at >= len(val) || m.at%partBytes > 0 {
		m.endPass(x, len(val))
		return finished
	}
	i := m.at / partBytes
	part := val[m.at:min(m.at+partBytes, len(val))]
	digest := xxh3.Hash128Seed(part, x.ks.seed)
	x.work -= len(part)
	if i == len(m.digests) {
		m.digests = append(m.digests, xxh3.Uint128{})
	} else if m.digests[i] == digest {
		m.at += len(part)
		return more
	}
	m.digests[i] = digest
	x.out = append(x.out, opBytes)
	x.number(m.at)
	x.out = appendText(x.out, part)
	m.at += len(part)
	m.reached = max(m.reached, m.at)
	return more
}

// endPass cuts off what the target has too much. What is known of a part that is not
// full is forgotten: it may have been cut.
func (m *stringMover) endPass(x *Export, length int) {
	if m.reached > length {
		x.out = append(x.out, opLength)
		x.number(length)
		m.reached = length
	}
	m.digests = m.digests[:min(len(m.digests), length/partBytes)]
	m.at = 0
	m.passes++
}

func (m *stringMover) left() int { return (m.length - m.at) / keyWork }

func (*stringMover) again() {}

func (*stringMover) close(*Keyspace) {}

// flatMover moves a large value that is one run of bytes, such as a listpack under
// unusual limits: in parts, and all of it once more if it has changed in between.
type flatMover struct {
	obj    Mobile
	at     int
	passes int
}

func (m *flatMover) moves(ks *Keyspace, r data.Ref) bool {
	return ks.Kind(r) != String && ks.Object(r) == Object(m.obj) && m.obj.Flat() != nil
}

func (m *flatMover) step(x *Export, j *job, r data.Ref) progress {
	flat := m.obj.Flat()
	switch {
	case j.db.dirty.has(j.key.Name): // it is in the queue, and begins anew
		m.at = 0
		if m.passes++; m.passes >= maxPasses && !x.sealed {
			return hot
		}
		return finished
	case m.at == 0 && m.passes >= maxPasses && !x.sealed:
		return hot
	case m.at < len(flat):
		m.at = x.part(partValue, flat, m.at)
		return more
	}
	m.at = 0
	x.head(opPut, int(j.key.DB), j.key.Name)
	x.attributes(r)
	x.out = append(x.out, 0) // the value has travelled
	return finished
}

func (m *flatMover) left() int { return (len(m.obj.Flat()) - m.at) / keyWork }

func (m *flatMover) again() { m.at = 0 }

func (*flatMover) close(*Keyspace) {}
