package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var lremRow = command.Row{
	Name:       "lrem",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "Removes elements that equal a value",
	Complexity: "O(N+M), N the length of the list and M the elements removed",
	Arity:      4,
	Flags:      command.Write,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger},
		{Name: "element", Type: command.ArgString},
	},
}

func lrem(c *engine.Ctx) {
	count, ok := c.Int(2)
	if !ok {
		return
	}
	l, r, ok := find(c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Int(0)
		return
	}
	from := left
	if count < 0 {
		// The least integer has no opposite and stays negative: no limit.
		from, count = right, -count
	}
	removed := l.Remove(c.KS, c.Args[3], from, count)
	if removed > 0 {
		c.Changed(engine.NotifyList, "lrem")
	}
	if l.Len() == 0 {
		c.DeleteEmpty(r)
	}
	c.Out.Int(removed)
}
