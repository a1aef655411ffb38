package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var lpushRow = command.Row{
	Name:       "lpush",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "Puts elements in front of a list",
	Complexity: "O(1) an element, so O(N) for N of them",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "element", Type: command.ArgString, Multiple: true},
	},
	History: []command.Change{
		{Since: "2.4.0", What: "Takes several elements."},
	},
}

var rpushRow = command.Row{
	Name:       "rpush",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "Puts elements at the end of a list",
	Complexity: "O(1) an element, so O(N) for N of them",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "element", Type: command.ArgString, Multiple: true},
	},
	History: []command.Change{
		{Since: "2.4.0", What: "Takes several elements."},
	},
}

var lpushxRow = command.Row{
	Name:       "lpushx",
	Group:      command.GroupList,
	Since:      "2.2.0",
	Summary:    "Puts elements in front of a list that is there already",
	Complexity: "O(1) an element, so O(N) for N of them",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "element", Type: command.ArgString, Multiple: true},
	},
	History: []command.Change{
		{Since: "4.0.0", What: "Takes several elements."},
	},
}

var rpushxRow = command.Row{
	Name:       "rpushx",
	Group:      command.GroupList,
	Since:      "2.2.0",
	Summary:    "Puts elements at the end of a list that is there already",
	Complexity: "O(1) an element, so O(N) for N of them",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "element", Type: command.ArgString, Multiple: true},
	},
	History: []command.Change{
		{Since: "4.0.0", What: "Takes several elements."},
	},
}

func lpush(c *engine.Ctx) { push(c, left, false) }

func rpush(c *engine.Ctx) { push(c, right, false) }

func lpushx(c *engine.Ctx) { push(c, left, true) }

func rpushx(c *engine.Ctx) { push(c, right, true) }

// push puts the arguments at an end of the list; without a list it makes one,
// unless there must be one already.
func push(c *engine.Ctx, at end, mustExist bool) {
	l, r, ok := find(c)
	if !ok {
		return
	}
	switch {
	case r != 0:
		l.Push(c.KS, at, c.Args[2:]...)
	case mustExist:
		c.Out.Int(0)
		return
	default:
		l = New(c.Cfg.ListMaxSize)
		l.push(c.KS, at, c.Args[2:])
		c.KS.PutObject(&c.Key, 0, l, 0)
	}
	c.Changed(engine.NotifyList, at.pushed())
	c.Ready()
	c.Out.Int(int64(l.Len()))
}
