package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var zpopminRow = command.Row{
	Name:       "zpopmin",
	Group:      command.GroupSortedSet,
	Since:      "5.0.0",
	Summary:    "Takes the members with the lowest scores",
	Complexity: "O(log(N)*M), N the members of the sorted set and M those removed",
	Arity:      -2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Access | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger, Optional: true},
	},
}

const errNotPositive reply.Error = "ERR value is out of range, must be positive"

func zpopmin(c *engine.Ctx) { pop(c, popMin) }

// popEnd is the end from which elements are popped.
type popEnd bool

const (
	popMin popEnd = false
	popMax popEnd = true
)

func (e popEnd) event() string {
	if e == popMax {
		return "zpopmax"
	}
	return "zpopmin"
}

// pop is ZPOPMIN and ZPOPMAX. With a count the elements are pairs in RESP3.
func pop(c *engine.Ctx, from popEnd) {
	if len(c.Args) > 3 {
		c.Out.Error(reply.ErrSyntax)
		return
	}
	count := int64(1)
	if len(c.Args) == 3 {
		var ok bool
		if count, ok = num.ParseInt(c.Args[2]); !ok || count < 0 {
			c.Out.Error(errNotPositive)
			return
		}
	}
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	if r == 0 || count == 0 {
		c.Out.Array(0)
		return
	}
	w := z.popWindow(from, count)
	if len(c.Args) == 3 {
		writeWindow(c, z, w, bool(from), true)
	} else {
		c.Out.Array(2)
		writeFlat(c, z, w)
	}
	removePopped(c, z, r, w, from)
}

// popWindow returns the window of up to count elements at an end.
func (z *ZSet) popWindow(from popEnd, count int64) Window {
	n := z.Len()
	if count > int64(n) {
		count = int64(n)
	}
	if from == popMax {
		return Window{First: n - int(count), N: int(count)}
	}
	return Window{First: 0, N: int(count)}
}

// writeFlat appends member and score of a window of one element.
func writeFlat(c *engine.Ctx, z *ZSet, w Window) {
	cur := z.At(w.First)
	c.Out.Bulk(cur.Member())
	c.Out.Double(cur.Score())
}

func removePopped(c *engine.Ctx, z *ZSet, r data.Ref, w Window, from popEnd) {
	z.RemoveWindow(c.KS, w)
	c.Changed(engine.NotifyZSet, from.event())
	deleteIfEmpty(c, z, r)
}
