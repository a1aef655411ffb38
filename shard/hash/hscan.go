package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/scan"
)

var hscanRow = command.Row{
	Name:       "hscan",
	Group:      command.GroupHash,
	Since:      "2.8.0",
	Summary:    "Walks over a hash in small steps",
	Complexity: "O(1) a call, O(N) for the whole walk, N the fields",
	Arity:      -3,
	Flags:      command.ReadOnly,
	ACL:        command.CatHash,
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

func hscan(c *engine.Ctx) {
	cursor, ok := scan.Cursor(c.Args[2])
	if !ok {
		c.Out.Error(reply.ErrInvalidCursor)
		return
	}
	h, r, ok := engine.Object[*Hash](c)
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
	if h.table == nil {
		h.scanPack(c, &o)
		return
	}
	next, found := o.Table(c, h.table, cursor)
	scan.Header(c, next, 2*len(found))
	for _, r := range found {
		c.Out.Bulk(c.KS.Arena.Key(r))
		c.Out.Bulk(c.KS.Arena.Val(r))
	}
}

// scanPack replies with all matching fields of a pack.
func (h *Hash) scanPack(c *engine.Ctx, o *scan.Options) {
	var found []Value
	var scratch [num.MaxIntLen]byte
	h.Each(func(field, value Value) bool {
		if o.Matches(text(field, &scratch)) {
			found = append(found, field, value)
		}
		return true
	})
	scan.Header(c, 0, len(found))
	for _, v := range found {
		write(c, v)
	}
}
