package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
)

var ltrimRow = command.Row{
	Name:       "ltrim",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "Keeps a range of a list and drops the rest",
	Complexity: "O(N), N the elements dropped",
	Arity:      4,
	Flags:      command.Write,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "start", Type: command.ArgInteger},
		{Name: "stop", Type: command.ArgInteger},
	},
}

func ltrim(c *engine.Ctx) {
	start, stop, ok := rangeArgs(c)
	if !ok {
		return
	}
	l, r, ok := find(c)
	if !ok {
		return
	}
	if r != 0 {
		trim(c, l, r, start, stop)
	}
	c.Out.OK()
}

func trim(c *engine.Ctx, l *List, r data.Ref, start, stop int64) {
	first, n := span(start, stop, l.Len())
	if n > 0 {
		l.Drop(c.KS, right, l.Len()-first-n)
		l.Drop(c.KS, left, first)
	}
	c.Changed(engine.NotifyList, "ltrim")
	if n == 0 {
		c.DeleteEmpty(r)
	}
}
