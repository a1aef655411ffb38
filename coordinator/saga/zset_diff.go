package saga

import (
	"github.com/troupedb/troupe/shard/command"
)

var zdiffRow = command.Row{
	Name:       "zdiff",
	Group:      command.GroupSortedSet,
	Since:      "6.2.0",
	Summary:    "The members of the first sorted set that no other one has",
	Complexity: "O(L + (N-K)log(N)) at worst, L the members of all sets, N those of the first and K those of the outcome",
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
		{Name: "withscores", Type: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
	},
}

var zdiffstoreRow = command.Row{
	Name:       "zdiffstore",
	Group:      command.GroupSortedSet,
	Since:      "6.2.0",
	Summary:    "ZDIFF, stored in a key",
	Complexity: "O(L + (N-K)log(N)) at worst, L the members of all sets, N those of the first and K those of the outcome",
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
	},
}

func zdiff(t *Tx)      { zsetAlgebra(t, zsetQuery{op: zsetDiff, numkeysAt: 1}) }
func zdiffstore(t *Tx) { zsetAlgebra(t, zsetQuery{op: zsetDiff, numkeysAt: 2}) }

// diff reads the first input and asks the others for its members.
func (q *zsetQuery) diff(t *Tx) []zsetElement {
	if q.inputs[0].size == 0 {
		return nil
	}
	elements := q.inputs[0].appendElements(nil, q.read(t, &q.inputs[0]), 0)
	elsewhere := make([]bool, len(elements))
	for i, answers := range q.lookUp(t, q.inputs[1:], elements) {
		q.inputs[i+1].eachScore(answers, func(at int, _ float64, found bool) {
			elsewhere[at] = elsewhere[at] || found
		})
	}
	kept := elements[:0]
	for i, e := range elements {
		if !elsewhere[i] {
			kept = append(kept, e)
		}
	}
	return kept
}
