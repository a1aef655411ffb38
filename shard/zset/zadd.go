package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"math"
)

var zaddRow = command.Row{
	Name:       "zadd",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "Adds members to a sorted set, or changes their scores",
	Complexity: "O(log(N)) a member, N the members of the sorted set",
	Arity:      -4,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "condition", Type: command.ArgOneOf, Since: "3.0.2", Optional: true, Args: []command.Arg{
			{Name: "nx", Type: command.ArgPureToken, Token: "NX"},
			{Name: "xx", Type: command.ArgPureToken, Token: "XX"},
		}},
		{Name: "comparison", Type: command.ArgOneOf, Since: "6.2.0", Optional: true, Args: []command.Arg{
			{Name: "gt", Type: command.ArgPureToken, Token: "GT"},
			{Name: "lt", Type: command.ArgPureToken, Token: "LT"},
		}},
		{Name: "change", Type: command.ArgPureToken, Token: "CH", Since: "3.0.2", Optional: true},
		{Name: "increment", Type: command.ArgPureToken, Token: "INCR", Since: "3.0.2", Optional: true},
		{Name: "score_member", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "score", Type: command.ArgDouble},
			{Name: "member", Type: command.ArgString},
		}},
	},
	History: []command.Change{
		{Since: "2.4.0", What: "Takes several members."},
		{Since: "3.0.2", What: "Takes `XX`, `NX`, `CH` and `INCR`."},
		{Since: "6.2.0", What: "Takes `GT` and `LT`."},
	},
}

const (
	errNXAndXX   reply.Error = "ERR XX and NX options at the same time are not compatible"
	errGTLTNX    reply.Error = "ERR GT, LT, and/or NX options at the same time are not compatible"
	errIncrPairs reply.Error = "ERR INCR option supports a single increment-element pair"
)

// addOptions are the words between ZADD's key and its first score.
type addOptions struct{ nx, xx, gt, lt, ch, incr bool }

func zadd(c *engine.Ctx) { add(c, addOptions{}) }

// add is ZADD, and ZINCRBY, which takes the same options.
func add(c *engine.Ctx, o addOptions) {
	pairs := o.parse(c)
	if refusal := o.check(len(pairs)); refusal != "" {
		c.Out.Error(refusal)
		return
	}
	var few [8]float64
	scores := few[:0]
	for i := len(c.Args) - len(pairs); i < len(c.Args); i += 2 {
		score, ok := c.Float(i)
		if !ok {
			return
		}
		scores = append(scores, score)
	}
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	if r == 0 {
		z = New()
		if !o.xx {
			c.KS.PutObject(&c.Key, 0, z, 0)
		}
	}
	o.addAll(c, z, scores, pairs)
}

// parse reads the options and returns the scores and members after them.
func (o *addOptions) parse(c *engine.Ctx) (pairs [][]byte) {
	i := 2
	for ; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "NX"):
			o.nx = true
		case c.Is(i, "XX"):
			o.xx = true
		case c.Is(i, "CH"):
			o.ch = true
		case c.Is(i, "INCR"):
			o.incr = true
		case c.Is(i, "GT"):
			o.gt = true
		case c.Is(i, "LT"):
			o.lt = true
		default:
			return c.Args[i:]
		}
	}
	return nil
}

func (o *addOptions) check(words int) reply.Error {
	switch {
	case words == 0 || words%2 != 0:
		return reply.ErrSyntax
	case o.nx && o.xx:
		return errNXAndXX
	case o.gt && o.nx || o.lt && o.nx || o.gt && o.lt:
		return errGTLTNX
	case o.incr && words > 2:
		return errIncrPairs
	}
	return ""
}

func (o *addOptions) addAll(c *engine.Ctx, z *ZSet, scores []float64, pairs [][]byte) {
	added, updated := 0, 0
	last := refused
	var score float64
	for i := range scores {
		last, score = o.add(c, z, pairs[2*i+1], scores[i])
		switch last {
		case notANumber:
			c.Out.Error(reply.ErrNaN)
			return
		case inserted:
			added++
		case rescored:
			updated++
		}
	}
	o.changed(c, added, updated)
	switch {
	case o.incr && last == refused:
		c.Out.Null()
	case o.incr:
		c.Out.Double(score)
	case o.ch:
		c.Out.Int(int64(added + updated))
	default:
		c.Out.Int(int64(added))
	}
}

func (o *addOptions) changed(c *engine.Ctx, added, updated int) {
	if added+updated == 0 {
		return
	}
	event := "zadd"
	if o.incr {
		event = "zincr"
	}
	c.Changed(engine.NotifyZSet, event)
	if added > 0 {
		c.Ready()
	}
}

// outcome is what became of one member.
type outcome int

const (
	refused outcome = iota // by an option
	unchanged
	inserted
	rescored
	notANumber // the sum; nothing was changed
)

// add gives one member its score, which is returned.
func (o *addOptions) add(c *engine.Ctx, z *ZSet, member []byte, score float64) (outcome, float64) {
	at := z.Find(member)
	if !at.Found {
		if o.xx {
			return refused, 0
		}
		z.Add(c.KS, c.Cfg, at, member, score)
		return inserted, score
	}
	if o.nx {
		return refused, 0
	}
	if o.incr {
		score += at.Score
		if math.IsNaN(score) {
			return notANumber, 0
		}
	}
	if o.lt && score >= at.Score || o.gt && score <= at.Score {
		return refused, 0
	}
	if score == at.Score {
		return unchanged, score
	}
	z.Rescore(c.KS, at, member, score)
	return rescored, score
}
