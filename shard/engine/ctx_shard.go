package engine

// What the steps of programs over whole shards, and of WATCH, need of the engine.

// Watch begins to watch the key and returns the version that Unchanged wants to
// hear again.
func (c *Ctx) Watch() (version uint64) { return c.engine.Watch(&c.Key) }

// Unwatch ends one watch of the key.
func (c *Ctx) Unwatch() { c.engine.Unwatch(&c.Key) }

// Unchanged tells whether the key is as it was at that version.
func (c *Ctx) Unchanged(version uint64) bool { return c.engine.Unchanged(&c.Key, version) }

// Flush empties a database of this shard; those who watch its keys see it.
func (c *Ctx) Flush(db int) {
	c.engine.TouchDB(db, db)
	c.engine.exportFlush(db)
	c.engine.Changes += uint64(c.KS.Flush(db))
}

// SwapDB exchanges two databases of this shard. Who watches or awaits a key does
// so by its name in its database, and so sees the other one's value.
func (c *Ctx) SwapDB(a, b int) {
	c.engine.Changes++
	if a == b {
		return
	}
	c.engine.TouchDB(a, b)
	c.engine.TouchDB(b, a)
	c.engine.exportSwap(a, b)
	c.KS.Swap(a, b)
	c.engine.MarkDBReady(a)
	c.engine.MarkDBReady(b)
}
