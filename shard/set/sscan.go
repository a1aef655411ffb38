package set

import (
	"bytes"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/scan"
)

var sscanRow = command.Row{
	Name:       "sscan",
	Group:      command.GroupSet,
	Since:      "2.8.0",
	Summary:    "Walks over a set in small steps",
	Complexity: "O(1) a call, O(N) for the whole walk, N the members",
	Arity:      -3,
	Flags:      command.ReadOnly,
	ACL:        command.CatSet,
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

func sscan(c *engine.Ctx) {
	cursor, ok := scan.Cursor(c.Args[2])
	if !ok {
		c.Out.Error(reply.ErrInvalidCursor)
		return
	}
	s, r, ok := engine.Object[*Set](c)
	if !ok {
		return
	}
	if r == 0 {
		scan.Header(c, 0, 0)
		return
	}
	o, ok := scan.Parse(c, 3)
	if !ok {
		return
	}
	if s.table == nil {
		s.scanInts(c, &o)
		return
	}
	next, found := o.Table(c, s.table, cursor)
	scan.Header(c, next, len(found))
	for _, r := range found {
		c.Out.Bulk(c.KS.Arena.Key(r))
	}
}

// scanInts replies with all matching members of an intset.
func (s *Set) scanInts(c *engine.Ctx, o *scan.Options) {
	var found [][]byte
	s.Each(func(member []byte) bool {
		if o.Matches(member) {
			found = append(found, bytes.Clone(member))
		}
		return true
	})
	scan.Header(c, 0, len(found))
	for _, member := range found {
		c.Out.Bulk(member)
	}
}
