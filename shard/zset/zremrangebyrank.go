package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zremrangebyrankRow = command.Row{
	Name:       "zremrangebyrank",
	Group:      command.GroupSortedSet,
	Since:      "2.0.0",
	Summary:    "Removes the members between two ranks",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those removed",
	Arity:      4,
	Flags:      command.Write,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "start", Type: command.ArgInteger},
		{Name: "stop", Type: command.ArgInteger},
	},
}

func zremrangebyrank(c *engine.Ctx) {
	start, ok := c.Int(2)
	if !ok {
		return
	}
	stop, ok := c.Int(3)
	if !ok {
		return
	}
	removeWindow(c, "zremrangebyrank", func(z *ZSet) Window { return z.ranks(start, stop, false) })
}

// removeWindow removes the window that of finds.
func removeWindow(c *engine.Ctx, event string, of func(*ZSet) Window) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	var w Window
	if r != 0 {
		w = of(z)
	}
	if w.N > 0 {
		z.RemoveWindow(c.KS, w)
		c.Changed(engine.NotifyZSet, event)
		deleteIfEmpty(c, z, r)
	}
	c.Out.Int(int64(w.N))
}
