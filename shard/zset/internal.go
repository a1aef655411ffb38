package zset

import (
	"encoding/binary"
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
)

// The steps of programs. Scores travel between shards as 8 bytes, little-endian
// IEEE 754, in bulk strings: nothing is lost, and nothing is formatted.

// AppendScore appends a score as steps carry it.
func AppendScore(dst []byte, score float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(score))
}

// ScoreOf reads what AppendScore wrote.
func ScoreOf(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }

func internalRow(name string, arity int, flags command.Flag, access command.KeyAccess) command.Row {
	return command.Row{
		Name: name, Group: command.GroupSortedSet, Arity: arity, Flags: flags | command.Internal,
		Keys: command.Key1(access), Route: command.RouteSingle,
	}
}

var (
	entriesRow = internalRow("~zentries", 2, command.ReadOnly, command.RO|command.Access)
	scoresRow  = internalRow("~zscores", -2, command.ReadOnly, command.RO|command.Access)
	selectRow  = internalRow("~zselect", -4, command.ReadOnly, command.RO|command.Access)
	storeRow   = internalRow("~zstore", -3, command.Write|command.DenyOOM, command.OW|command.Update)
	popRow     = internalRow("~zpop", 3, command.Write, command.RW|command.Access|command.Delete)
	popManyRow = internalRow("~zmpop", 4, command.Write, command.RW|command.Access|command.Delete)
)

// entries (~zentries key) replies with member, score, … of all elements.
func entries(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Array(0)
		return
	}
	writeEntries(c, z, Window{0, z.Len()})
}

func writeEntries(c *engine.Ctx, z *ZSet, w Window) {
	c.Out.Array(2 * w.N)
	var scratch [ScoreBytes]byte
	for at := z.walk(w, false); at.left > 0; at.advance() {
		c.Out.Bulk(at.Member())
		c.Out.Bulk(AppendScore(scratch[:0], at.Score()))
	}
}

// scores (~zscores key member …) replies with a score or null for each member.
func scores(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	c.Out.Array(len(c.Args) - 2)
	var scratch [ScoreBytes]byte
	for _, member := range c.Args[2:] {
		if r != 0 {
			if at := z.Find(member); at.Found {
				c.Out.Bulk(AppendScore(scratch[:0], at.Score))
				continue
			}
		}
		c.Out.Null()
	}
}

// selectRange (~zselect key bound bound option …) is ZRANGESTORE's first half: it
// replies with member, score, … of what the options select, in rising order.
func selectRange(c *engine.Ctx) {
	q := rangeQuery{store: true}
	if !q.parse(c) {
		return
	}
	z, r, ok := engine.Object[*ZSet](c)
	switch {
	case !ok:
	case r == 0:
		c.Out.Array(0)
	default:
		writeEntries(c, z, q.window(z))
	}
}

// store (~zstore key event member score …) makes the key a sorted set of these
// elements, which are in order and all different, or deletes it if there are none,
// and replies with their number.
func store(c *engine.Ctx) {
	pairs := c.Args[3:]
	r := c.Find()
	if len(pairs) == 0 {
		if r != 0 {
			c.KS.Remove(&c.Key, r)
			c.Changed(engine.NotifyGeneric, "del")
			c.Ready()
		}
		c.Out.Int(0)
		return
	}
	c.KS.PutObject(&c.Key, r, build(c.KS, c.Cfg, pairs), 0)
	c.Changed(engine.NotifyZSet, string(c.Args[2]))
	c.Ready()
	c.Out.Int(int64(len(pairs) / 2))
}

// The ends as arguments of the steps that pop.
const (
	MinWord = "MIN"
	MaxWord = "MAX"
)

// popOne (~zpop key MIN|MAX) replies with key, member and score, or with nothing
// at all if the key is no sorted set: so blocked commands are served.
func popOne(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok || r == 0 {
		return
	}
	from := popEnd(c.Is(2, MaxWord))
	w := z.popWindow(from, 1)
	c.Out.Array(3)
	c.Out.Bulk(c.Args[1])
	writeFlat(c, z, w)
	removePopped(c, z, r, w, from)
}

// popMany (~zmpop key MIN|MAX count) replies with the key and pairs of member and
// score, or with nothing at all if the key is no sorted set.
func popMany(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok || r == 0 {
		return
	}
	count, ok := num.ParseInt(c.Args[3])
	if !ok {
		panic("zset: ~zmpop with a count that is no number")
	}
	from := popEnd(c.Is(2, MaxWord))
	w := z.popWindow(from, count)
	c.Out.Array(2)
	c.Out.Bulk(c.Args[1])
	c.Out.Array(w.N)
	for at := z.walk(w, bool(from)); at.left > 0; at.advance() {
		c.Out.Array(2)
		c.Out.Bulk(at.Member())
		c.Out.Double(at.Score())
	}
	removePopped(c, z, r, w, from)
}
