package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/sample"
)

var srandmemberRow = command.Row{
	Name:       "srandmember",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "Random members of a set, which stay in it",
	Complexity: "O(1) without a count, else O(N), N the count without its sign",
	Arity:      -2,
	Flags:      command.ReadOnly,
	ACL:        command.CatSet,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger, Since: "2.6.0", Optional: true},
	},
	History: []command.Change{
		{Since: "2.6.0", What: "Takes `count`."},
	},
}

func srandmember(c *engine.Ctx) {
	if len(c.Args) > 2 {
		srandmemberCount(c)
		return
	}
	s, r, ok := engine.Object[*Set](c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Null()
		return
	}
	c.Out.Bulk(s.Random(c.Rand))
}

func srandmemberCount(c *engine.Ctx) {
	if len(c.Args) > 3 {
		c.Out.Error(reply.ErrSyntax)
		return
	}
	n, distinct, ok := sample.Count(c, 2)
	if !ok {
		return
	}
	s, r, ok := engine.Object[*Set](c)
	switch {
	case !ok:
	case r == 0 || n == 0:
		c.Out.Array(0)
	case !distinct:
		s.writeDraws(c, n)
	case n >= int64(s.Len()):
		c.Out.Array(s.Len())
		writeAll(c, s)
	default:
		s.writeDistinct(c, int(n))
	}
}

// writeDraws writes n members with repetition.
func (s *Set) writeDraws(c *engine.Ctx, n int64) {
	l, ok := sample.Start(c, n)
	if !ok {
		return
	}
	c.Out.Array(int(n))
	for l.Next() {
		c.Out.Bulk(s.Random(c.Rand))
	}
}

// writeDistinct writes n different members, fewer than there are.
func (s *Set) writeDistinct(c *engine.Ctx, n int) {
	c.Out.Array(n)
	if s.table != nil && sample.Few(n, s.Len()) {
		next := c.Rand.Uint64
		drawn := make(map[data.Ref]bool, n) // asked only, never walked over
		for len(drawn) < n {
			if r := s.table.Random(next); !drawn[r] {
				drawn[r] = true
				c.Out.Bulk(c.KS.Arena.Key(r))
			}
		}
		return
	}
	chooser := sample.Choose(c.Rand, n, s.Len())
	s.Each(func(member []byte) bool {
		if chooser.Take() {
			c.Out.Bulk(member)
		}
		return true
	})
}
