package saga

import (
	"github.com/troupedb/troupe/shard/command"
)

var zinterRow = command.Row{
	Name:       "zinter",
	Group:      command.GroupSortedSet,
	Since:      "6.2.0",
	Summary:    "The members that all sorted sets have, with combined scores",
	Complexity: "O(N*K)+O(M*log(M)) at worst, N the members of the smallest set, K the sets and M the members of the outcome",
	Arity:      -3,
	Flags:      command.ReadOnly | command.MovableKeys,
	ACL:        command.CatSortedSet,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "weight", Type: command.ArgInteger, Token: "WEIGHTS", Optional: true, Multiple: true},
		{Name: "aggregate", Type: command.ArgOneOf, Token: "AGGREGATE", Optional: true, Args: []command.Arg{
			{Name: "sum", Type: command.ArgPureToken, Token: "SUM"},
			{Name: "min", Type: command.ArgPureToken, Token: "MIN"},
			{Name: "max", Type: command.ArgPureToken, Token: "MAX"},
		}},
		{Name: "withscores", Type: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
	},
}

var zinterstoreRow = command.Row{
	Name:       "zinterstore",
	Group:      command.GroupSortedSet,
	Since:      "2.0.0",
	Summary:    "ZINTER, stored in a key",
	Complexity: "O(N*K)+O(M*log(M)) at worst, N the members of the smallest set, K the sets and M the members of the outcome",
	Arity:      -4,
	Flags:      command.Write | command.DenyOOM | command.MovableKeys,
	ACL:        command.CatSortedSet,
	Keys: []command.KeySpec{
		{Access: command.OW | command.Update, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "destination", Type: command.ArgKey},
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, KeySpec: 1, Multiple: true},
		{Name: "weight", Type: command.ArgInteger, Token: "WEIGHTS", Optional: true, Multiple: true},
		{Name: "aggregate", Type: command.ArgOneOf, Token: "AGGREGATE", Optional: true, Args: []command.Arg{
			{Name: "sum", Type: command.ArgPureToken, Token: "SUM"},
			{Name: "min", Type: command.ArgPureToken, Token: "MIN"},
			{Name: "max", Type: command.ArgPureToken, Token: "MAX"},
		}},
	},
}

var zintercardRow = command.Row{
	Name:       "zintercard",
	Group:      command.GroupSortedSet,
	Since:      "7.0.0",
	Summary:    "How many members all sorted sets have in common, up to a limit",
	Complexity: "O(N*K) at worst, N the members of the smallest set and K the sets",
	Arity:      -3,
	Flags:      command.ReadOnly | command.MovableKeys,
	ACL:        command.CatSortedSet,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "limit", Type: command.ArgInteger, Token: "LIMIT", Optional: true},
	},
}

func zinter(t *Tx)      { zsetAlgebra(t, zsetQuery{op: zsetInter, numkeysAt: 1}) }
func zinterstore(t *Tx) { zsetAlgebra(t, zsetQuery{op: zsetInter, numkeysAt: 2}) }
func zintercard(t *Tx)  { zsetAlgebra(t, zsetQuery{op: zsetInter, numkeysAt: 1, card: true}) }

// inter reads the smallest input and asks the others for its members.
func (q *zsetQuery) inter(t *Tx) []zsetElement {
	if q.inputs[0].size == 0 {
		return nil
	}
	first := q.read(t, &q.inputs[0])
	elements := q.inputs[0].appendElements(nil, first, 0)
	common := make([]bool, len(elements))
	for i := range common {
		common[i] = true
	}
	for i, answers := range q.lookUp(t, q.inputs[1:], elements) {
		in := &q.inputs[i+1]
		in.eachScore(answers, func(at int, score float64, found bool) {
			if common[at] = common[at] && found; common[at] {
				elements[at].score = q.aggregate(elements[at].score, score*in.weight)
			}
		})
	}
	kept := elements[:0]
	for i, e := range elements {
		if common[i] {
			kept = append(kept, e)
		}
	}
	return kept
}
