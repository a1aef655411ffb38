package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Errors of imports. After ErrGap and ErrOtherMove the import goes on; after every
// other error it is over.
var (
	ErrGap       = errors.New("engine: a chunk is missing before this one")
	ErrOtherMove = errors.New("engine: a chunk of another move")
	errChunk     = errors.New("engine: malformed chunk")
	errPartial   = errors.New("engine: the import has not come to its end")
)

// maxTime bounds the time that a chunk may set, Unix milliseconds: the year 9999. A
// shard's time never goes back.
const maxTime = 253402300800000

type importing struct {
	move     uint64
	seq      uint64 // of the next chunk
	bytes    int64
	makers   *keyspace.Makers
	ks       *keyspace.Keyspace // nil before the first chunk
	data     *keyspace.Import
	doors    doors
	decided  map[SagaID]*decision
	state    [4]uint64
	complete bool
	err      error
}

// BeginImport prepares a closed shard to be filled from elsewhere. What it has of
// old is dropped, and so is an import under way.
func (e *Engine) BeginImport(move uint64, makers *keyspace.Makers) {
	if !e.closed {
		panic("engine: an import into an open shard")
	}
	e.AbortImport()
	e.imports = &importing{move: move, makers: makers, decided: map[SagaID]*decision{}}
	for db := range keyspace.Databases {
		if e.KS.Len(db) > 0 {
			_, _, seed := e.KS.Origin()
			e.retire(e.KS.Successor(seed))
			return
		}
	}
}

// ImportChunk takes a chunk, which comes from the network. One that was taken
// before does nothing.
func (e *Engine) ImportChunk(chunk []byte) error {
	m := e.imports
	if m == nil || len(chunk) < chunkHead {
		return errChunk
	}
	if m.err != nil {
		return m.err
	}
	move, seq := binary.LittleEndian.Uint64(chunk[1:]), binary.LittleEndian.Uint64(chunk[9:])
	switch {
	case move != m.move:
		return ErrOtherMove
	case seq < m.seq:
		return nil
	case seq > m.seq:
		return ErrGap
	}
	if err := e.importNext(m, chunk); err != nil {
		m.err = fmt.Errorf("chunk %d: %w", seq, err)
		return m.err
	}
	m.seq++
	m.bytes += int64(len(chunk))
	return nil
}

func (e *Engine) importNext(m *importing, chunk []byte) error {
	kind, body := chunk[0], chunk[chunkHead:]
	now := binary.LittleEndian.Uint64(chunk[17:])
	if now > maxTime || m.complete || (kind == chunkBegin) != (m.seq == 0) || len(chunk) > MaxChunk {
		return errChunk
	}
	if kind == chunkBegin {
		return e.importOrigin(m, body)
	}
	m.ks.Advance(int64(now))
	switch kind {
	case chunkData:
		return m.data.Apply(body)
	case chunkDoors:
		return m.takeDoors(body)
	case chunkDecisions:
		return m.takeDecisions(body)
	case chunkEnd:
		return m.end(body)
	}
	return errChunk
}

func (e *Engine) importOrigin(m *importing, body []byte) error {
	if len(body) != 12 {
		return errChunk
	}
	first, count := int(binary.LittleEndian.Uint16(body)), int(binary.LittleEndian.Uint16(body[2:]))
	if f, c, _ := e.KS.Origin(); first != f || count != c {
		return fmt.Errorf("%w: %d slots from %d on are not this shard's", errChunk, count, first)
	}
	m.ks = e.KS.Successor(binary.LittleEndian.Uint64(body[4:]))
	m.data = keyspace.NewImport(m.ks, m.makers)
	return nil
}

func (m *importing) takeDoors(body []byte) error {
	if len(body)%doorBytes != 0 {
		return errChunk
	}
	for ; len(body) > 0; body = body[doorBytes:] {
		at := binary.LittleEndian.Uint64(body[8:])
		m.doors.close(SagaID(binary.LittleEndian.Uint64(body)), int64(min(at, maxTime)))
	}
	return nil
}

func (m *importing) takeDecisions(body []byte) error {
	for len(body) > 0 {
		if len(body) < decisionHead {
			return errChunk
		}
		saga, size := binary.LittleEndian.Uint64(body), int(binary.LittleEndian.Uint32(body[8:]))
		body = body[decisionHead:]
		if size > len(body) {
			return errChunk
		}
		m.decided[SagaID(saga)] = &decision{record: slices.Clone(body[:size]), told: maxTold}
		body = body[size:]
	}
	return nil
}

func (m *importing) end(body []byte) error {
	if len(body) != 8*len(m.state) {
		return errChunk
	}
	for i := range m.state {
		m.state[i] = binary.LittleEndian.Uint64(body[8*i:])
		if i > 0 && m.state[i] > math.MaxInt64 { // counters, which go on
			return errChunk
		}
	}
	m.complete = true
	m.data.Finish()
	return nil
}

// ImportComplete tells whether the last chunk has been taken.
func (e *Engine) ImportComplete() bool { return e.imports != nil && e.imports.complete }

// ImportProgress tells how far the import is; Left is not known here.
func (e *Engine) ImportProgress() Progress {
	m := e.imports
	if m == nil || m.data == nil {
		return Progress{}
	}
	return Progress{Keys: m.data.Keys(), Bytes: m.bytes}
}

// EndImport makes what has come the shard's data. The shard is still closed: see
// Open.
func (e *Engine) EndImport() error {
	m := e.imports
	if m == nil || !m.complete {
		return errPartial
	}
	e.imports = nil
	e.retire(m.ks)
	if e.cfg != nil {
		e.KS.SetLFU(e.cfg.LFU)
	}
	*e.rand = *rng.New(m.state[0])
	e.versions = max(e.versions, m.state[1])
	e.places = max(e.places, m.state[2])
	e.sagas.visits = max(e.sagas.visits, m.state[3])
	for _, saga := range m.doors.order {
		e.sagas.doors.close(saga, m.doors.shutAt[saga])
	}
	maps.Copy(e.sagas.decided, m.decided)
	return nil
}

// AbortImport drops what has come, if there is an import.
func (e *Engine) AbortImport() {
	if m := e.imports; m != nil && m.ks != nil {
		e.bin(m.ks)
	}
	e.imports = nil
}
