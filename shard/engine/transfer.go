package engine

import (
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/locks"
)

// transfers is the shard's data on its way: out of here, in, or into the bin.
type transfers struct {
	export  *export
	imports *importing
	retired []*keyspace.Keyspace // data that has moved away, to be freed
}

// exportMark tells an export that the key has changed. What is undone later need not:
// it changes no key that was not changed before.
func (e *Engine) exportMark(k *keyspace.Key) {
	if e.export != nil {
		e.export.data.Mark(k)
	}
}

// exportFlush tells an export that the database is about to be emptied.
func (e *Engine) exportFlush(db int) {
	if e.export != nil {
		e.export.data.Flush(db)
	}
}

// exportSwap tells an export that two databases are about to be exchanged.
func (e *Engine) exportSwap(a, b int) {
	if e.export != nil {
		e.export.data.Swap(a, b)
	}
}

// held tells whether a saga has the key, so that nobody knows its value yet. The
// lock of a seal is no saga's.
func (e *Engine) held(k *keyspace.Key) bool {
	return e.locks.Len() > 0 && !e.sealHeld() && e.locks.Taken(lockOf(k))
}

// sealHeld tells whether the seal's lock is there: no saga holds anything then.
func (e *Engine) sealHeld() bool { return e.sealing && e.locks.Waits(sealOwner) == nil }

// allHeld tells whether a saga has the whole shard.
func (e *Engine) allHeld() bool {
	return e.locks.Len() > 0 && !e.sealHeld() && e.locks.Taken(locks.Key{All: true})
}

// retire makes fresh the shard's data, and lets Tick free in pieces what was.
func (e *Engine) retire(fresh *keyspace.Keyspace) {
	old := e.KS
	e.KS, e.ctx.KS = fresh, fresh
	fresh.Events = e
	e.bin(old)
}

func (e *Engine) bin(ks *keyspace.Keyspace) {
	ks.Events = nil
	for db := range keyspace.Databases {
		ks.Flush(db)
	}
	e.retired = append(e.retired, ks)
}

// resident is what records take in memory: here, on their way in, and in the bin.
func (e *Engine) resident() int64 {
	n := e.KS.Arena.Resident()
	if m := e.imports; m != nil && m.ks != nil {
		n += m.ks.Arena.Resident()
	}
	for _, ks := range e.retired {
		n += ks.Arena.Resident()
	}
	return n
}

// collectRetired frees a bounded share of retired data and tells whether there is
// more.
func (e *Engine) collectRetired() (more bool) {
	if len(e.retired) == 0 {
		return false
	}
	ks := e.retired[0]
	ks.Collect(collectPerTick)
	if !ks.Garbage() {
		ks.Close()
		e.retired[0] = nil
		e.retired = e.retired[1:]
	}
	return len(e.retired) > 0
}
