package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/sample"
)

var spopRow = command.Row{
	Name:       "spop",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "Takes random members out of a set",
	Complexity: "O(1) without a count, else O(N), N the count",
	Arity:      -2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatSet,
	Keys:       command.Key1(command.RW | command.Access | command.Delete),
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger, Since: "3.2.0", Optional: true},
	},
	History: []command.Change{
		{Since: "3.2.0", What: "Takes `count`."},
	},
}

// errNotPositive is the answer to a count that is negative or no number.
const errNotPositive reply.Error = "ERR value is out of range, must be positive"

// rebuildFactor: when more than this many members are popped for each that
// stays, choosing those that stay costs less than drawing those that go.
const rebuildFactor = 5

func spop(c *engine.Ctx) {
	if len(c.Args) > 2 {
		spopCount(c)
		return
	}
	s, r, ok := engine.Object[*Set](c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Null()
		return
	}
	s.popRandom(c)
	c.Changed(engine.NotifySet, "spop")
	if s.Len() == 0 {
		c.DeleteEmpty(r)
	}
}

func spopCount(c *engine.Ctx) {
	if len(c.Args) > 3 {
		c.Out.Error(reply.ErrSyntax)
		return
	}
	n, ok := num.ParseInt(c.Args[2])
	if !ok || n < 0 {
		c.Out.Error(errNotPositive)
		return
	}
	s, r, ok := engine.Object[*Set](c)
	if !ok {
		return
	}
	if r == 0 || n == 0 {
		c.Out.Set(0)
		return
	}
	c.Changed(engine.NotifySet, "spop")
	size := int64(s.Len())
	switch {
	case n >= size:
		c.Out.Set(int(size))
		writeAll(c, s)
		c.DeleteEmpty(r)
	case (size-n)*rebuildFactor > n:
		c.Out.Set(int(n))
		for range n {
			s.popRandom(c)
		}
	default:
		s.popMost(c, r, int(n))
	}
}

// popRandom replies with a random member and removes it.
func (s *Set) popRandom(c *engine.Ctx) {
	member := s.Random(c.Rand)
	c.Out.Bulk(member)
	s.Remove(member)
}

// popMost replies with n random members and makes a set of the others the value
// of the key, whose record is r. As in Redis that set may be of integers alone
// where the old one was not.
func (s *Set) popMost(c *engine.Ctx, r data.Ref, n int) {
	c.Out.Set(n)
	rest := New(c.KS)
	chooser := sample.Choose(c.Rand, n, s.Len())
	s.Each(func(member []byte) bool {
		if chooser.Take() {
			c.Out.Bulk(member)
		} else {
			rest.add(c.Cfg.SetMaxIntset, member)
		}
		return true
	})
	c.KS.PutObject(&c.Key, r, rest, c.KS.Expiry(r))
}
