package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var lposRow = command.Row{
	Name:       "lpos",
	Group:      command.GroupList,
	Since:      "6.0.6",
	Summary:    "At which places a list holds an element",
	Complexity: "O(N), N the elements compared",
	Arity:      -3,
	Flags:      command.ReadOnly,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "element", Type: command.ArgString},
		{Name: "rank", Type: command.ArgInteger, Token: "RANK", Optional: true},
		{Name: "num-matches", Type: command.ArgInteger, Token: "COUNT", Optional: true},
		{Name: "len", Type: command.ArgInteger, Token: "MAXLEN", Optional: true},
	},
}

// posQuery is what LPOS looks for.
type posQuery struct {
	rank   int64 // the first match that counts, from 1 on
	from   end
	count  int64 // matches wanted, 0: all
	many   bool  // COUNT was given: the answer is an array
	maxLen int64 // elements to compare, 0: all
}

func lpos(c *engine.Ctx) {
	q, ok := posOptions(c)
	if !ok {
		return
	}
	l, r, ok := find(c)
	if !ok {
		return
	}
	var scratch [16]int64
	found := scratch[:0]
	if r != 0 {
		found = l.positions(&q, c.Args[2], found)
	}
	switch {
	case q.many:
		c.Out.Array(len(found))
		for _, i := range found {
			c.Out.Int(i)
		}
	case len(found) > 0:
		c.Out.Int(found[0])
	default:
		c.Out.Null()
	}
}

// posOptions reads the options, or writes the error.
func posOptions(c *engine.Ctx) (q posQuery, ok bool) {
	q = posQuery{rank: 1, count: 1}
	for i := 3; i < len(c.Args); i += 2 {
		switch {
		case i+1 == len(c.Args):
			c.Out.Error(reply.ErrSyntax)
			return q, false
		case c.Is(i, "RANK"):
			ok = q.readRank(c, i+1)
		case c.Is(i, "COUNT"):
			q.many = true
			q.count, ok = notNegative(c, i+1, errPosCount)
		case c.Is(i, "MAXLEN"):
			q.maxLen, ok = notNegative(c, i+1, errPosMaxLen)
		default:
			c.Out.Error(reply.ErrSyntax)
			return q, false
		}
		if !ok {
			return q, false
		}
	}
	return q, true
}

// readRank reads the rank, whose sign is a direction. The least integer has no
// opposite and stays negative: every match counts, and (as the comparison with
// the count overflows) no count ends the search, as in Redis.
func (q *posQuery) readRank(c *engine.Ctx, i int) bool {
	rank, ok := c.Int(i)
	if !ok {
		return false
	}
	if rank == 0 {
		c.Out.Error(errPosRank)
		return false
	}
	q.rank, q.from = rank, left
	if rank < 0 {
		q.rank, q.from = -rank, right
	}
	return true
}

// notNegative reads an argument that must be an integer from 0 on, or writes
// the error.
func notNegative(c *engine.Ctx, i int, otherwise reply.Error) (int64, bool) {
	n, ok := num.ParseInt(c.Args[i])
	if !ok || n < 0 {
		c.Out.Error(otherwise)
		return 0, false
	}
	return n, true
}

// positions appends the places of the elements that q asks for.
func (l *List) positions(q *posQuery, text []byte, found []int64) []int64 {
	want, length := sought(text), int64(l.Len())
	matches := int64(0)
	compare := length
	if q.maxLen > 0 {
		compare = min(length, q.maxLen)
	}
	at := l.from(q.from)
	for i := int64(0); i < compare; i++ {
		if want.is(at.Value()) {
			matches++
			if matches >= q.rank {
				found = append(found, q.place(i, length))
			}
			if q.count > 0 && matches-q.rank+1 >= q.count {
				break
			}
		}
		step(&at, q.from)
	}
	return found
}

// place returns the place from the left of the i-th element compared.
func (q *posQuery) place(i, length int64) int64 {
	if q.from == right {
		return length - 1 - i
	}
	return i
}
