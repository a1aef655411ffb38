package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var lrangeRow = command.Row{
	Name:       "lrange",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "The elements of a list from one place to another",
	Complexity: "O(S+N), S the distance of the start from the nearer end and N the elements returned",
	Arity:      4,
	Flags:      command.ReadOnly,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "start", Type: command.ArgInteger},
		{Name: "stop", Type: command.ArgInteger},
	},
}

func lrange(c *engine.Ctx) {
	start, stop, ok := rangeArgs(c)
	if !ok {
		return
	}
	l, r, ok := find(c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Array(0)
		return
	}
	first, n := span(start, stop, l.Len())
	c.Out.Array(n)
	if n == 0 {
		return
	}
	for at := l.items.Index(first); n > 0; n-- {
		writeValue(c.Out, at.Value())
		at.Next()
	}
}

// rangeArgs reads the arguments start and stop, or writes the error.
func rangeArgs(c *engine.Ctx) (start, stop int64, ok bool) {
	if start, ok = c.Int(2); !ok {
		return 0, 0, false
	}
	stop, ok = c.Int(3)
	return start, stop, ok
}

// span returns the first element and the number of those from start to stop,
// both from the end if negative, in a list of length elements.
func span(start, stop int64, length int) (first, n int) {
	size := int64(length)
	if start < 0 {
		start = max(start+size, 0)
	}
	if stop < 0 {
		stop += size
	}
	stop = min(stop, size-1)
	if start > stop {
		return 0, 0
	}
	return int(start), int(stop-start) + 1
}
