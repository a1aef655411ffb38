package engine

import (
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/locks"
)

// SagaID is the identity of a saga and its age: the smaller, the older.
type SagaID uint64

// participant is this shard's part in one saga.
type participant struct {
	journal keyspace.Journal
}

// grant gives a saga a lock that nobody else holds or waits for.
func (e *Engine) grant(saga SagaID, key locks.Key) {
	panic("engine: grant: not written")
}
