package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var lpopRow = command.Row{
	Name:       "lpop",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "Takes elements off the head of a list",
	Complexity: "O(N), N the elements returned",
	Arity:      -2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Access | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger, Since: "6.2.0", Optional: true},
	},
	History: []command.Change{
		{Since: "6.2.0", What: "Takes `count`."},
	},
}

var rpopRow = command.Row{
	Name:       "rpop",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "Takes elements off the tail of a list",
	Complexity: "O(N), N the elements returned",
	Arity:      -2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Access | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger, Since: "6.2.0", Optional: true},
	},
	History: []command.Change{
		{Since: "6.2.0", What: "Takes `count`."},
	},
}

func lpop(c *engine.Ctx) { pop(c, left) }

func rpop(c *engine.Ctx) { pop(c, right) }

// pop takes one element, answered as a bulk string, or up to a given number of
// them, answered as an array.
func pop(c *engine.Ctx, at end) {
	if len(c.Args) > 3 {
		c.Out.Error(reply.WrongArity(c.Name))
		return
	}
	several, n := len(c.Args) == 3, int64(1)
	if several {
		var ok bool
		if n, ok = notNegative(c, 2, errNotPositive); !ok {
			return
		}
	}
	l, r, ok := find(c)
	switch {
	case !ok:
	case r == 0 && several:
		c.Out.NullArray()
	case r == 0:
		c.Out.Null()
	case n == 0:
		c.Out.Array(0)
	case several:
		popArray(c, l, r, at, n)
	default:
		popOne(c, l, r, at)
	}
}

func popOne(c *engine.Ctx, l *List, r data.Ref, at end) {
	outermost := l.from(at)
	writeValue(c.Out, outermost.Value())
	removeOuter(c, l, r, at, 1)
}

// popArray answers with up to n elements, n > 0, in the order in which they go.
func popArray(c *engine.Ctx, l *List, r data.Ref, at end, n int64) {
	count := int(min(n, int64(l.Len())))
	c.Out.Array(count)
	l.walk(at, count, func(v listpack.Value) { writeValue(c.Out, v) })
	removeOuter(c, l, r, at, count)
}

// removeOuter takes n elements off an end, and the key with the last of them.
func removeOuter(c *engine.Ctx, l *List, r data.Ref, at end, n int) {
	if n < l.Len() {
		l.Drop(c.KS, at, n)
		c.Changed(engine.NotifyList, at.popped())
		return
	}
	c.Changed(engine.NotifyList, at.popped())
	c.DeleteEmpty(r)
}
