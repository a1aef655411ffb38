package saga

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/set"
)

var sdiffRow = command.Row{
	Name:       "sdiff",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "The members of the first set that no other set has",
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

var sdiffstoreRow = command.Row{
	Name:       "sdiffstore",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "SDIFF, stored in a key",
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

func sdiff(t *Tx) {
	if len(t.Args) == 2 {
		wholeSet(t)
		return
	}
	if members, ok := difference(t, t.Args[1:]); ok {
		writeMembers(t, members)
	}
}

func sdiffstore(t *Tx) {
	if members, ok := difference(t, t.Args[2:]); ok {
		storeMembers(t, members)
	}
}

// sizedSet is a set that is not empty.
type sizedSet struct {
	key  []byte
	size int64
}

// difference returns the members of the first set that no other has, in its
// order. ok is false, and the error is written, if a key holds another type.
func difference(t *Tx, keys [][]byte) (members set.Members, ok bool) {
	counts, ok := cardinalities(t, keys)
	if !ok || counts[0] == 0 {
		return noMembers, ok
	}
	var others []sizedSet
	sum := int64(0)
	for i, key := range keys[1:] {
		if bytes.Equal(key, keys[0]) {
			return noMembers, true
		}
		if n := counts[i+1]; n > 0 {
			others = append(others, sizedSet{key, n})
			sum += n
		}
	}
	members = membersOf(t, keys[0])
	// Reading a member of another set and indexing it costs about twice as much
	// as looking up one of the first set; the last lookup is always needed.
	if 2*sum < int64(len(others)-1)*counts[0] {
		return subtractRead(t, members, others), true
	}
	// The larger a set is, the more it is likely to take away.
	slices.SortStableFunc(others, func(a, b sizedSet) int { return cmp.Compare(b.size, a.size) })
	for _, other := range others {
		if r := members.Parse(); r.Left == 0 {
			break
		}
		members = filterAt(t, set.Diff, other.key, members)
	}
	return members, true
}

// subtractRead reads the other sets whole and takes them away from members in
// one pass: for many sets that are small beside the first.
func subtractRead(t *Tx, members set.Members, others []sizedSet) set.Members {
	total := 0
	steps := make([]Step, len(others))
	for i, other := range others {
		steps[i] = Step{Cmd: t.Find("smembers"), Args: [][]byte{nil, other.key}, Key: 1}
		total += int(other.size)
	}
	t.Do(steps)
	taken := set.Build(nil, total)
	index := newMemberIndex(total, uint64(t.Now))
	for i := range steps {
		index.addAll(&taken, steps[i].Reply)
	}
	r := members.Parse()
	left := set.Build(nil, r.Left)
	for r.Left > 0 {
		member, encoded := r.Next()
		if place, _ := index.find(taken.At(), member, encoded); *place == 0 {
			left.Add(encoded)
		}
	}
	return left.End('*')
}
