package hash

import "github.com/troupedb/troupe/shard/engine"

// Commands are the commands of this package.
var Commands = []engine.Command{
	{Row: &hdelRow, Run: hdel},
	{Row: &hexistsRow, Run: hexists},
	{Row: &hgetRow, Run: hget},
	{Row: &hgetallRow, Run: hgetall},
	{Row: &hincrbyRow, Run: hincrby},
	{Row: &hincrbyfloatRow, Run: hincrbyfloat},
	{Row: &hkeysRow, Run: hkeys},
	{Row: &hlenRow, Run: hlen},
	{Row: &hmgetRow, Run: hmget},
	{Row: &hmsetRow, Run: hmset},
	{Row: &hrandfieldRow, Run: hrandfield},
	{Row: &hscanRow, Run: hscan},
	{Row: &hsetRow, Run: hset},
	{Row: &hsetnxRow, Run: hsetnx},
	{Row: &hstrlenRow, Run: hstrlen},
	{Row: &hvalsRow, Run: hvals},
}

// find returns the key's hash for reading, nil if there is no key. If the key
// holds another type it writes the error.
func find(c *engine.Ctx) (h *Hash, ok bool) {
	h, _, ok = engine.Object[*Hash](c)
	return h, ok
}

// ensure returns the key's hash for writing, a new one if there is no key: the
// caller then adds a field, as nothing can be wrong with the value of a field
// that is not there. If the key holds another type it writes the error.
func ensure(c *engine.Ctx) (h *Hash, ok bool) {
	h, r, ok := engine.Object[*Hash](c)
	if ok && r == 0 {
		h = New(c.KS)
		c.KS.PutObject(&c.Key, 0, h, 0)
	}
	return h, ok
}

// writeField replies with a field's value, or its absence.
func writeField(c *engine.Ctx, h *Hash, field []byte) {
	if v, ok := h.Get(field); ok {
		write(c, v)
		return
	}
	c.Out.Null()
}

// write appends v as a bulk string.
func write(c *engine.Ctx, v Value) {
	if v.IsInt() {
		c.Out.BulkInt(v.Int)
		return
	}
	c.Out.Bulk(v.Str)
}
