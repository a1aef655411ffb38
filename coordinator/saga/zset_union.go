package saga

import (
	"bytes"
	"slices"

	"github.com/troupedb/troupe/shard/command"
)

var zunionRow = command.Row{
	Name:       "zunion",
	Group:      command.GroupSortedSet,
	Since:      "6.2.0",
	Summary:    "The members that any of the sorted sets has, with combined scores",
	Complexity: "O(N)+O(M*log(M)), N the members of all sets and M those of the outcome",
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

var zunionstoreRow = command.Row{
	Name:       "zunionstore",
	Group:      command.GroupSortedSet,
	Since:      "2.0.0",
	Summary:    "ZUNION, stored in a key",
	Complexity: "O(N)+O(M*log(M)), N the members of all sets and M those of the outcome",
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

func zunion(t *Tx)      { zsetAlgebra(t, zsetQuery{op: zsetUnion, numkeysAt: 1}) }
func zunionstore(t *Tx) { zsetAlgebra(t, zsetQuery{op: zsetUnion, numkeysAt: 2}) }

// union reads all inputs. Scores of one member are aggregated in the order of the
// inputs: sums of doubles depend on it.
func (q *zsetQuery) union(t *Tx) []zsetElement {
	var all []zsetElement
	for i, b := range q.readAll(t, q.inputs) {
		all = q.inputs[i].appendElements(all, b, i)
	}
	slices.SortFunc(all, func(a, b zsetElement) int {
		if c := bytes.Compare(a.member, b.member); c != 0 {
			return c
		}
		return a.input - b.input
	})
	merged := all[:0]
	for _, e := range all {
		if last := len(merged) - 1; last >= 0 && bytes.Equal(merged[last].member, e.member) {
			merged[last].score = q.aggregate(merged[last].score, e.score)
		} else {
			merged = append(merged, e)
		}
	}
	return merged
}
