package saga

import (
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/set"
)

var sunionRow = command.Row{
	Name:       "sunion",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "The members that any of the sets has",
	Complexity: "O(N), N the members of all sets",
	Arity:      -2,
	Flags:      command.ReadOnly,
	ACL:        command.CatSet,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Tips:  []string{"nondeterministic_output_order"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
}

var sunionstoreRow = command.Row{
	Name:       "sunionstore",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "SUNION, stored in a key",
	Complexity: "O(N), N the members of all sets",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatSet,
	Keys: []command.KeySpec{
		{Access: command.OW | command.Update, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 2}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "destination", Type: command.ArgKey},
		{Name: "key", Type: command.ArgKey, KeySpec: 1, Multiple: true},
	},
}

func sunion(t *Tx) {
	if len(t.Args) == 2 {
		wholeSet(t)
		return
	}
	if steps, ok := setSteps(t, "smembers", t.Args[1:]); ok {
		writeUnion(t.Out, steps, uint64(t.Now))
	}
}

func sunionstore(t *Tx) {
	if steps, ok := setSteps(t, "smembers", t.Args[2:]); ok {
		var union reply.Writer
		writeUnion(&union, steps, uint64(t.Now))
		storeMembers(t, union.Buf)
	}
}

// sortedMost is up to how many members integers are sorted, which is about
// where Redis's union is an intset.
const sortedMost = 1024

// writeUnion writes what the replies of steps have together: integers, if not
// many, ascending; else in the order of steps, the largest set last, because what
// comes last need not be indexed.
func writeUnion(w *reply.Writer, steps []Step, seed uint64) {
	total, most, largest := 0, 0, 0
	for i := range steps {
		r := set.Members(steps[i].Reply).Parse()
		total += r.Left
		if r.Left > most {
			most, largest = r.Left, i
		}
	}
	if total <= sortedMost && writeSortedUnion(w, steps, total) {
		return
	}
	found := set.Build(slices.Grow(w.Buf, len(steps[largest].Reply)), total)
	index := newMemberIndex(total-most, seed)
	for i := range steps {
		if i != largest {
			index.addAll(&found, steps[i].Reply)
		}
	}
	index.addOthers(&found, steps[largest].Reply)
	w.Buf = found.End(setKind(w))
}

// setKind is the type byte of a set's header.
func setKind(w *reply.Writer) byte {
	if w.Resp3() {
		return '~'
	}
	return '*'
}

// writeSortedUnion writes the union if all members, total of them before
// repetitions are taken out, are integers.
func writeSortedUnion(w *reply.Writer, steps []Step, total int) bool {
	var ints []int64
	for i := range steps {
		for r := set.Members(steps[i].Reply).Parse(); r.Left > 0; {
			member, _ := r.Next()
			n, ok := num.ParseInt(member)
			if !ok {
				return false
			}
			if ints == nil {
				ints = make([]int64, 0, total)
			}
			ints = append(ints, n)
		}
	}
	slices.Sort(ints)
	ints = slices.Compact(ints)
	w.Set(len(ints))
	for _, n := range ints {
		w.BulkInt(n)
	}
	return true
}
