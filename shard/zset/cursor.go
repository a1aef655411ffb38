package zset

import (
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/data/ranktree"
)

// Cursor is at an element of a sorted set, or at none. A change of the set ends
// its use.
type Cursor struct {
	z       *ZSet
	off     int // in the pack
	it      ranktree.Iterator
	scratch [num.MaxIntLen]byte
}

// At returns a cursor at the element of a rank in [0, Len), else at none.
func (z *ZSet) At(rank int) Cursor {
	if z.large != nil {
		if rank < 0 {
			return Cursor{z: z}
		}
		return Cursor{z: z, it: z.large.ranks.At(rank)}
	}
	if rank < 0 || rank >= z.Len() {
		return Cursor{z: z, off: listpack.None}
	}
	return Cursor{z: z, off: z.pack.Seek(2 * rank)}
}

// Valid tells whether the cursor is at an element, as the methods below need it.
func (c *Cursor) Valid() bool {
	if c.z.large != nil {
		return c.it.Valid()
	}
	return c.off != listpack.None
}

// Member returns the element's member, until the cursor moves or the set changes.
func (c *Cursor) Member() []byte {
	if l := c.z.large; l != nil {
		return l.arena.Key(data.Ref(c.it.Ref()))
	}
	return textOf(c.z.pack.Get(c.off), &c.scratch)
}

// Score returns the element's score.
func (c *Cursor) Score() float64 {
	if c.z.large != nil {
		return c.it.Score()
	}
	return packScore(c.z.pack, c.off)
}

// Next moves to the next greater element.
func (c *Cursor) Next() {
	if c.z.large != nil {
		c.it.Next()
		return
	}
	c.off = packNext(c.z.pack, c.off)
}

// Prev moves to the next smaller element.
func (c *Cursor) Prev() {
	if c.z.large != nil {
		c.it.Prev()
		return
	}
	if score := c.z.pack.Prev(c.off); score != listpack.None {
		c.off = c.z.pack.Prev(score)
		return
	}
	c.off = listpack.None
}
