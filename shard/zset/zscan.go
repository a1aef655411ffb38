package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/scan"
)

var zscanRow = command.Row{
	Name:       "zscan",
	Group:      command.GroupSortedSet,
	Since:      "2.8.0",
	Summary:    "Walks over a sorted set in small steps",
	Complexity: "O(1) a call, O(N) for the whole walk, N the members",
	Arity:      -3,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "cursor", Type: command.ArgInteger},
		{Name: "pattern", Type: command.ArgPattern, Token: "MATCH", Optional: true},
		{Name: "count", Type: command.ArgInteger, Token: "COUNT", Optional: true},
	},
}

func zscan(c *engine.Ctx) {
	cursor, ok := scan.Cursor(c.Args[2])
	if !ok {
		c.Out.Error(reply.ErrInvalidCursor)
		return
	}
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	if r == 0 {
		scan.Header(c, 0, 0)
		return
	}
	o, ok := scan.Parse(c, 3)
	switch {
	case !ok:
	case z.large != nil:
		scanLarge(c, &o, z.large, cursor)
	default:
		scanPack(c, &o, z.pack)
	}
}

func scanPack(c *engine.Ctx, o *scan.Options, p listpack.Pack) {
	var scratch [num.MaxIntLen]byte
	matching := 0
	for off := p.First(); off != listpack.None; off = packNext(p, off) {
		if o.Matches(textOf(p.Get(off), &scratch)) {
			matching++
		}
	}
	scan.Header(c, 0, 2*matching)
	for off := p.First(); off != listpack.None; off = packNext(p, off) {
		if member := textOf(p.Get(off), &scratch); o.Matches(member) {
			c.Out.Bulk(member)
			c.Out.Bulk(textOf(p.Get(p.Next(off)), &scratch))
		}
	}
}

// scanLarge replies with scores as plain text in either protocol, as Redis does.
func scanLarge(c *engine.Ctx, o *scan.Options, l *large, cursor uint64) {
	next, found := o.Table(c, &l.members, cursor)
	scan.Header(c, next, 2*len(found))
	var scratch [maxScoreText]byte
	for _, r := range found {
		c.Out.Bulk(l.arena.Key(r))
		c.Out.Bulk(num.AppendFloat17(scratch[:0], l.score(r)))
	}
}
