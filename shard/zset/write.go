package zset

import (
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
)

// announce begins a reply of n elements: with scores a flat array in RESP2 and
// an array of pairs in RESP3.
func announce(c *engine.Ctx, n int, withScores bool) {
	if withScores && !c.Out.Resp3() {
		n *= 2
	}
	c.Out.Array(n)
}

// writeElement writes one of the announced elements.
func writeElement(c *engine.Ctx, cur *Cursor, withScores bool) {
	if !withScores {
		c.Out.Bulk(cur.Member())
		return
	}
	if c.Out.Resp3() {
		c.Out.Array(2)
	}
	c.Out.Bulk(cur.Member())
	c.Out.Double(cur.Score())
}

// writeWindow replies with the elements of a window, with reverse from its last
// to its first.
func writeWindow(c *engine.Ctx, z *ZSet, w Window, reverse, withScores bool) {
	announce(c, w.N, withScores)
	for at := z.walk(w, reverse); at.left > 0; at.advance() {
		writeElement(c, &at.Cursor, withScores)
	}
}

// writeScore replies with a member's score. The key's record is r, 0 for none.
func writeScore(c *engine.Ctx, z *ZSet, r data.Ref, member []byte) {
	if r != 0 {
		if at := z.Find(member); at.Found {
			c.Out.Double(at.Score)
			return
		}
	}
	c.Out.Null()
}

// deleteIfEmpty removes the key, whose record is r, if z has no element left.
func deleteIfEmpty(c *engine.Ctx, z *ZSet, r data.Ref) {
	if z.Len() == 0 {
		c.DeleteEmpty(r)
	}
}
