package shard_test

import (
	"encoding/binary"
	"testing"

	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/slot"
)

// FuzzImportChunk gives an import bytes from a stranger, as one chunk or as a
// sequence of operations in a right one. Nothing panics; what was taken without an
// error can be read by every command.
func FuzzImportChunk(f *testing.F) {
	m := newMover(outside{f}, 2)
	for range 400 {
		m.change()
	}
	for len(m.live) > 0 {
		m.endSaga(0)
	}
	m.begin()
	for m.chunk(2000) {
		m.do(m.line())
		if len(m.chunks) > 300 {
			break
		}
	}
	m.finish()
	for i, chunk := range m.chunks {
		if len(chunk) < 5000 {
			f.Add(chunk, true)
			f.Add(chunk[25:], false)
		}
		if i > 60 {
			break
		}
	}
	handlers := engine.Handlers(m.target.Table, shard.Commands())
	first, state := m.chunks[0], m.chunks[len(m.chunks)-1]
	target := m.target
	f.Fuzz(func(t *testing.T, b []byte, whole bool) {
		e := engine.New(engine.Options{
			Slots: slot.Count, Seed: 1, Handlers: handlers, Effects: quiet{}, Config: target.Config,
		})
		defer func() { e.KS.Close() }()
		target.Engine = e
		e.Close()
		e.BeginImport(7, shard.Makers())
		if whole {
			_ = e.ImportChunk(b) // an error is right, a panic is not
			e.AbortImport()
			return
		}
		seq := uint64(0)
		take := func(chunk []byte) bool {
			chunk = append([]byte(nil), chunk...)
			binary.LittleEndian.PutUint64(chunk[9:], seq)
			seq++
			return e.ImportChunk(chunk) == nil
		}
		head := append([]byte{1}, first[1:25]...)
		if !take(first) || !take(append(head, b...)) || !take(state) {
			e.AbortImport()
			return
		}
		if err := e.EndImport(); err != nil {
			t.Fatal(err)
		}
		e.Open(2)
		read(target)
	})
}

// outside lets a harness made before the fuzz target be used in it.
type outside struct{ testing.TB }

func (outside) Helper()        {}
func (outside) Cleanup(func()) {}

// read runs commands that look at all there is.
func read(h *enginetest.Harness) {
	_ = dump(h)
	for db := range 3 {
		h.DB = db
		key := h.DoArgs("~randomkey")
		for _, command := range []string{"SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "SPOP", "ZPOPMIN", "LPOP", "GETDEL"} {
			if len(key) > 4 {
				h.DoArgs(command, key[4:])
			}
		}
	}
}
