package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
)

// The steps of programs on several lists. Their arguments are the programs' own
// and right.

// popFirstRow: ~lpopfirst key LEFT|RIGHT [count]. The answer is [key, element] or,
// with a count, [key, [element, ...]]; nothing if there is no list. It is also
// what serves a blocked client.
var popFirstRow = command.Row{
	Name:  "~lpopfirst",
	Group: command.GroupList,
	Arity: -3,
	Flags: command.Write | command.Fast | command.Internal,
	Keys:  command.Key1(command.RW | command.Access | command.Delete),
	Route: command.RouteSingle,
}

func popFirst(c *engine.Ctx) {
	l, r, ok := find(c)
	if !ok || r == 0 {
		return
	}
	c.Out.Array(2)
	c.Out.Bulk(c.Key.Name)
	if len(c.Args) == 3 {
		popOne(c, l, r, endOf(c.Args[2]))
		return
	}
	n, _ := num.ParseInt(c.Args[3])
	popArray(c, l, r, endOf(c.Args[2]), n)
}

// rotateRow: ~lrotate key LEFT|RIGHT LEFT|RIGHT. It is LMOVE with both keys the
// same; there is no answer if there is no list.
var rotateRow = command.Row{
	Name:  "~lrotate",
	Group: command.GroupList,
	Arity: 4,
	Flags: command.Write | command.DenyOOM | command.Internal,
	Keys:  command.Key1(command.RW | command.Access | command.Delete | command.Insert),
	Route: command.RouteSingle,
}

func rotate(c *engine.Ctx) {
	l, r, ok := find(c)
	if !ok || r == 0 {
		return
	}
	from, to := endOf(c.Args[2]), endOf(c.Args[3])
	outermost := l.from(from)
	val := outermost.Value().Append(nil)
	l.Push(c.KS, to, val)
	l.Drop(c.KS, from, 1)
	c.Changed(engine.NotifyList, to.pushed())
	c.Changed(engine.NotifyList, from.popped())
	c.Ready()
	c.Out.Bulk(val)
}
