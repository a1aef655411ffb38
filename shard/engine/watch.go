package engine

import "github.com/troupedb/troupe/shard/keyspace"

// WATCH: a shard keeps an entry for each watched key with the version of its
// last change. A watcher remembers the version at which it began; EXEC compares.

type watchKey struct {
	db   uint8
	name string
}

type watchEntry struct {
	watchers int
	changed  uint64 // version of the last change since the entry is there
}

// Watch begins to watch a key for one watcher and returns what Unchanged and
// Unwatch want to hear again.
func (e *Engine) Watch(k *keyspace.Key) (version uint64) {
	e.KS.Peek(k) // an expired key goes now, so that its going is no change later
	at := watchKey{k.DB, string(k.Name)}
	entry := e.watched[at]
	if entry == nil {
		// Whoever watched the key when there was no entry, or at another node, has
		// missed changes.
		entry = &watchEntry{changed: e.versions}
		e.watched[at] = entry
	}
	entry.watchers++
	e.versions++
	if e.KS.Journaling() {
		key := keyspace.Key{DB: k.DB, Name: []byte(at.name)}
		e.KS.Undo(func() { e.Unwatch(&key) })
	}
	return e.versions
}

// Unchanged tells whether the key is as it was at that version.
func (e *Engine) Unchanged(k *keyspace.Key, version uint64) bool {
	e.KS.Peek(k) // expiry between WATCH and EXEC is a change
	entry := e.watched[watchKey{k.DB, string(k.Name)}]
	return entry != nil && entry.changed < version
}

// Unwatch ends one watcher's watch of a key.
func (e *Engine) Unwatch(k *keyspace.Key) {
	at := watchKey{k.DB, string(k.Name)}
	if entry := e.watched[at]; entry != nil {
		if entry.watchers--; entry.watchers == 0 {
			delete(e.watched, at)
		}
	}
}

// Watched returns how many keys are watched.
func (e *Engine) Watched() int { return len(e.watched) }

func (e *Engine) touchWatched(k *keyspace.Key) {
	if entry := e.watched[watchKey{k.DB, string(k.Name)}]; entry != nil {
		if was := entry.changed; e.KS.Journaling() {
			e.KS.Undo(func() { entry.changed = was })
		}
		e.versions++
		entry.changed = e.versions
	}
}

// TouchDB counts the watched keys of a database as changed that are there, or
// would be there: other names the database that takes its place in a SWAPDB, or
// is the same in a flush.
func (e *Engine) TouchDB(db, other int) {
	var at []watchKey
	for k := range e.watched {
		if int(k.db) == db {
			at = append(at, k)
		}
	}
	sortKeys(at) // map order must not be seen: looking at keys may expire them
	for _, k := range at {
		var here, there keyspace.Key
		e.KS.Key(&here, db, []byte(k.name))
		e.KS.Key(&there, other, []byte(k.name))
		if e.KS.Peek(&here) != 0 || e.KS.Peek(&there) != 0 {
			e.touchWatched(&here)
		}
	}
}
