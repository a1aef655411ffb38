package engine

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/troupedb/troupe/shard/keyspace"
)

// A shard moves as a sequence of chunks, which ExportChunk makes at one node and
// ImportChunk takes at another, in order. A chunk is
//
//	byte 0        what it is
//	bytes 1-8     the move
//	bytes 9-16    its number, from 0 on
//	bytes 17-24   the shard's time, Unix milliseconds
//
// all little endian, and its body. The first says which slots are coming and how
// names are hashed, as a SCAN's cursor is a place in the order of hashes; the last
// that all is there. Versions and visits go on where they were, so that a watch or
// an order of before the move never passes for one of after it: keys that were
// watched count as changed.
const (
	chunkBegin     = iota // first slot, slots, seed
	chunkData             // operations of keyspace.Export
	chunkDoors            // sagas and when their doors were shut
	chunkDecisions        // sagas and their records
	chunkEnd              // seed of random numbers, versions, places, visits

	chunkHead = 25
	// MaxChunk is more than any chunk has that was made with a max of at most
	// MaxChunkSize.
	MaxChunk = MaxChunkSize + keyspace.MaxOp + chunkHead
	// MaxChunkSize bounds what ExportChunk is asked for.
	MaxChunkSize = 256 << 10
	doorBytes    = 16
	decisionHead = 12
)

// ErrOverrun tells that a shard changes faster than it can be sent.
var ErrOverrun = errors.New("engine: more keys change than can be sent")

type export struct {
	move  uint64
	seq   uint64
	bytes int64
	data  *keyspace.Export
	ended bool     // all keys have been, and what follows is what it is to be
	doors []SagaID // to be sent
	kept  []SagaID // whose decisions are to be sent
	done  bool
	space []byte // where chunks are made
}

// Progress tells how far a move is.
type Progress struct {
	Keys  int   // sent; those that changed again are counted again
	Bytes int64 // of chunks
	Left  int   // keys, or elements of large ones, about
	Work  int   // bytes looked at, sent or not
}

// BeginExport begins to send the shard, which goes on serving. An export under way
// ends.
func (e *Engine) BeginExport(move uint64) {
	e.EndExport(true)
	e.export = &export{move: move, data: keyspace.NewExport(e.KS, e.held)}
	for _, key := range e.locks.HeldKeys() {
		e.export.data.Doubt(int(key.DB), []byte(key.Name))
	}
}

// ExportChunk returns the next chunk of the move, nil if nothing can be sent just now: all has
// been, or sagas hold what is left. A chunk may be empty but for its head, if there
// was only looking to do. The chunk's body is about max bytes at most. It is done
// once the shard is Sealed and all has been sent; it must not be unsealed from then
// on but after EndExport.
func (e *Engine) ExportChunk(move uint64, max int) (chunk []byte, done bool, err error) {
	x := e.export
	switch {
	case x == nil || x.move != move || x.done:
		return nil, x != nil && x.move == move, nil
	case x.data.Overrun():
		return nil, false, ErrOverrun
	case x.seq == 0:
		return e.chunk(e.appendOrigin(e.newChunk(chunkBegin))), false, nil
	case e.allHeld():
		return nil, false, nil
	}
	max = min(max, MaxChunkSize)
	chunk, cut := x.data.Append(e.newChunk(chunkData), max, e.sealHeld())
	if cut || len(chunk) > chunkHead {
		return e.chunk(chunk), false, nil
	}
	if !e.Sealed() || !x.data.Done() {
		return nil, false, nil
	}
	return e.chunk(e.lastChunks(max)), x.done, nil
}

// lastChunks returns the next chunk of what comes after the data.
func (e *Engine) lastChunks(max int) []byte {
	x := e.export
	if !x.ended {
		x.ended, x.doors = true, slices.Clone(e.sagas.doors.order)
		x.kept = slices.Sorted(maps.Keys(e.sagas.decided))
	}
	switch {
	case len(x.doors) > 0:
		n := min(len(x.doors), max/doorBytes+1)
		doors := x.doors[:n]
		x.doors = x.doors[n:]
		return e.appendDoors(e.newChunk(chunkDoors), doors)
	case len(x.kept) > 0:
		return e.appendDecisions(e.newChunk(chunkDecisions), max)
	}
	x.done = true
	return e.appendState(e.newChunk(chunkEnd))
}

// ExportLeft estimates how many operations the export has left, 0 if there is none.
func (e *Engine) ExportLeft() int {
	if e.export == nil {
		return 0
	}
	return e.export.data.Left()
}

// ExportProgress tells how far the export is.
func (e *Engine) ExportProgress() Progress {
	x := e.export
	if x == nil {
		return Progress{}
	}
	return Progress{Keys: x.data.Sent(), Bytes: x.bytes, Left: x.data.Left(), Work: x.data.Looked()}
}

// EndExport ends the export, if there is one. The shard's data stays, or is freed
// bit by bit because it is elsewhere now; the shard is Closed then.
func (e *Engine) EndExport(keep bool) {
	if e.export != nil {
		e.export.data.Close()
		e.export = nil
	}
	if keep {
		return
	}
	if !e.closed {
		panic("engine: data of an open shard is to be dropped")
	}
	_, _, seed := e.KS.Origin()
	e.retire(e.KS.Successor(seed))
}

func (e *Engine) newChunk(kind byte) []byte {
	x := e.export
	b := binary.LittleEndian.AppendUint64(append(x.space[:0], kind), x.move)
	b = binary.LittleEndian.AppendUint64(b, x.seq)
	return binary.LittleEndian.AppendUint64(b, uint64(e.KS.Now()))
}

// chunk returns what has been made in the export's space. A move would else leave several
// times of what it sends to the garbage collector, which is in the way of clients.
func (e *Engine) chunk(b []byte) []byte {
	x := e.export
	x.seq++
	x.bytes += int64(len(b))
	if x.space = b; cap(b) > 2*MaxChunkSize {
		x.space = nil
	}
	return slices.Clone(b)
}

func (e *Engine) appendOrigin(b []byte) []byte {
	first, count, seed := e.KS.Origin()
	b = binary.LittleEndian.AppendUint16(b, uint16(first))
	b = binary.LittleEndian.AppendUint16(b, uint16(count))
	return binary.LittleEndian.AppendUint64(b, seed)
}

func (e *Engine) appendDoors(b []byte, sagas []SagaID) []byte {
	for _, saga := range sagas {
		b = binary.LittleEndian.AppendUint64(b, uint64(saga))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.sagas.doors.shutAt[saga]))
	}
	return b
}

// appendDecisions appends at least one decision, unless its saga has been forgotten.
func (e *Engine) appendDecisions(b []byte, max int) []byte {
	x := e.export
	for size := 0; len(x.kept) > 0; x.kept = x.kept[1:] {
		d := e.sagas.decided[x.kept[0]]
		if d == nil {
			continue
		}
		if size += decisionHead + len(d.record); size > max && len(b) > chunkHead {
			break
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(x.kept[0]))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(d.record)))
		b = append(b, d.record...)
	}
	return b
}

func (e *Engine) appendState(b []byte) []byte {
	for _, n := range []uint64{e.rand.Uint64(), e.versions, e.places, e.sagas.visits} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}
