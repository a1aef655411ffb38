package zset

import (
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/sample"
)

var zrandmemberRow = command.Row{
	Name:       "zrandmember",
	Group:      command.GroupSortedSet,
	Since:      "6.2.0",
	Summary:    "Random members of a sorted set",
	Complexity: "O(N), N the members returned",
	Arity:      -2,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "options", Type: command.ArgBlock, Optional: true, Args: []command.Arg{
			{Name: "count", Type: command.ArgInteger},
			{Name: "withscores", Type: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
		}},
	},
}

func zrandmember(c *engine.Ctx) {
	if len(c.Args) > 2 {
		zrandmemberCount(c)
		return
	}
	z, r, ok := engine.Object[*ZSet](c)
	switch {
	case !ok:
	case r == 0:
		c.Out.Null()
	default:
		writeRandom(c, z, false)
	}
}

// writeRandom writes an element chosen evenly.
func writeRandom(c *engine.Ctx, z *ZSet, withScores bool) {
	cur := z.At(c.Rand.Intn(z.Len()))
	writeElement(c, &cur, withScores)
}

func zrandmemberCount(c *engine.Ctx) {
	count, distinct, ok := sample.Count(c, 2)
	if !ok {
		return
	}
	withScores := len(c.Args) == 4 && c.Is(3, "WITHSCORES")
	if len(c.Args) > 3 && !withScores {
		c.Out.Error(reply.ErrSyntax)
		return
	}
	if withScores && count > math.MaxInt64/2 {
		c.Out.Error(reply.ErrOutOfRange)
		return
	}
	z, r, ok := engine.Object[*ZSet](c)
	switch {
	case !ok:
	case r == 0 || count == 0:
		c.Out.Array(0)
	case !distinct:
		writeDraws(c, z, count, withScores)
	case count >= int64(z.Len()):
		writeWindow(c, z, Window{0, z.Len()}, true, withScores)
	case sample.Few(int(count), z.Len()):
		writeFew(c, z, int(count), withScores)
	default:
		announce(c, int(count), withScores)
		choice := sample.Choose(c.Rand, int(count), z.Len())
		for cur := z.At(0); cur.Valid(); cur.Next() {
			if choice.Take() {
				writeElement(c, &cur, withScores)
			}
		}
	}
}

// writeDraws writes count elements that may repeat.
func writeDraws(c *engine.Ctx, z *ZSet, count int64, withScores bool) {
	draws, ok := sample.Start(c, count)
	if !ok {
		return
	}
	announce(c, int(count), withScores)
	for draws.Next() {
		writeRandom(c, z, withScores)
	}
}

// writeFew writes count different elements of many.
func writeFew(c *engine.Ctx, z *ZSet, count int, withScores bool) {
	announce(c, count, withScores)
	drawn := make(map[int]struct{}, count)
	for len(drawn) < count {
		rank := c.Rand.Intn(z.Len())
		if _, again := drawn[rank]; again {
			continue
		}
		drawn[rank] = struct{}{}
		cur := z.At(rank)
		writeElement(c, &cur, withScores)
	}
}
