package sim

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
)

// move is a shard on its way, at its source. The data goes in one piece once the shard
// is sealed; the catalog then says whose it is.
type move struct {
	id     uint64
	shard  int
	to     directory.Number
	since  int64
	sent   bool // the data is at the target
	asked  bool // the catalog was asked to commit: only it knows how the move ends
	giveUp bool
	due    []string // keys that are left behind, as their time has come
}

const (
	moveTick = 20
	// sealPatience is how long a shard is held back for sagas that do not end.
	sealPatience = 2000
)

func (p *process) moving() bool {
	for _, m := range p.moves {
		if m != nil {
			return true
		}
	}
	return false
}

// followMove begins or ends the move of a shard as the directory says.
func (p *process) followMove(i int, place *directory.Place) {
	if m := p.moves[i]; m != nil && (place.To == 0 || place.MoveID != m.id || place.Owner != p.number) {
		p.moves[i] = nil
		if s := p.shards[i]; place.Owner == p.number && !s.engine.Closed() {
			p.w.trace("node %d keeps shard %d", p.number, i)
			s.engine.EndExport(true)
			s.engine.Unseal()
		}
	}
	if place.Owner == p.number && place.To != 0 && p.moves[i] == nil {
		p.moves[i] = &move{id: place.MoveID, shard: i, to: place.To, since: p.w.now}
	}
}

func (p *process) tickMoves() {
	for _, m := range p.moves {
		if m != nil {
			p.shard(m.shard).take(func() { m.tick(p) })
		}
	}
}

func (m *move) tick(p *process) {
	e := p.shards[m.shard].engine
	if e.Closed() || p.moves[m.shard] != m {
		return
	}
	e.Seal()
	switch {
	case m.asked:
		m.ask(p)
	case m.sent || m.giveUp:
	case e.Sealed():
		m.send(p)
	}
	if !m.asked && p.w.now-m.since > sealPatience {
		m.giveUp = true
		p.w.net.send(p.number, 0, func() { p.w.arbiter.endMove(m.shard, m.id, false) })
	}
}

// send brings the data to the target, or tries to.
func (m *move) send(p *process) {
	e := p.shards[m.shard].engine
	s := p.stream(m.to)
	if s == nil {
		return
	}
	m.due = p.shards[m.shard].due()
	e.BeginExport(m.id)
	var chunks [][]byte
	for {
		chunk, done, err := e.ExportChunk(m.id, 1<<10)
		if err != nil {
			p.w.fail("shard %d is not exported: %v", m.shard, err)
			return
		}
		if chunk == nil && !done {
			p.w.fail("shard %d is sealed, and not exported", m.shard)
			return
		}
		if chunk != nil {
			chunks = append(chunks, chunk)
		}
		if done {
			break
		}
	}
	m.sent = true
	p.w.net.once(p.number, m.to, func() {
		s.to.run(func() {
			if s.to.receive(m, chunks) {
				p.w.net.once(m.to, p.number, func() { p.run(func() { m.ask(p) }) })
			}
		})
	})
}

// receive takes the data at the target.
func (p *process) receive(m *move, chunks [][]byte) bool {
	s := p.shard(m.shard)
	if !s.engine.Closed() {
		return false
	}
	s.engine.BeginImport(m.id, shard.Makers())
	for _, chunk := range chunks {
		if err := s.engine.ImportChunk(chunk); err != nil {
			p.w.fail("shard %d is not imported: %v", m.shard, err)
			return false
		}
	}
	s.brought, s.dropped = m.id, m.due
	return s.engine.ImportComplete()
}

// ask has the catalog commit, again and again until the directory shows the outcome.
func (m *move) ask(p *process) {
	if p.moves[m.shard] != m || m.giveUp {
		return
	}
	m.asked = true
	p.w.net.send(p.number, 0, func() { p.w.arbiter.endMove(m.shard, m.id, true) })
}
