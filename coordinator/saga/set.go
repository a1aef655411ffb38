package saga

import (
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/set"
)

var setCommands = []Command{
	{Row: &sdiffRow, Run: sdiff},
	{Row: &sdiffstoreRow, Run: sdiffstore},
	{Row: &sinterRow, Run: sinter},
	{Row: &sintercardRow, Run: sintercard},
	{Row: &sinterstoreRow, Run: sinterstore},
	{Row: &smoveRow, Run: smove},
	{Row: &sunionRow, Run: sunion},
	{Row: &sunionstoreRow, Run: sunionstore},
}

// setSteps runs one command on each of keys. ok is false, and the error is
// written, if one of them holds another type.
func setSteps(t *Tx, name string, keys [][]byte) (steps []Step, ok bool) {
	cmd := t.Find(name)
	args := make([][]byte, 2*len(keys))
	steps = t.Steps(len(keys))
	for i, key := range keys {
		a := args[2*i : 2*i+2 : 2*i+2]
		a[1] = key
		steps[i] = Step{Cmd: cmd, Args: a, Key: 1}
	}
	t.Do(steps)
	for i := range steps {
		if !setReplied(t, steps[i].Reply) {
			return nil, false
		}
	}
	return steps, true
}

// setReplied tells whether b is a step's answer and not an error, which it
// passes on.
func setReplied(t *Tx, b []byte) bool {
	if b[0] != '-' {
		return true
	}
	v, _ := reply.Parse(b)
	t.Out.Error(reply.Error(v.Bulk))
	return false
}

// cardinalities returns how many members the set at each of keys has. ok is
// false, and the error is written, if a key holds another type.
func cardinalities(t *Tx, keys [][]byte) (counts []int64, ok bool) {
	steps, ok := setSteps(t, "scard", keys)
	if !ok {
		return nil, false
	}
	counts = make([]int64, len(keys))
	for i := range steps {
		v, _ := reply.Parse(steps[i].Reply)
		counts[i] = v.Int
	}
	return counts, true
}

// noMembers is the outcome of set algebra that is empty.
var noMembers = set.Members("*0\r\n")

// membersOf returns the members of the set at key, which is one.
func membersOf(t *Tx, key []byte) set.Members {
	return t.Ask(t.Find("smembers"), nil, key)
}

// filterAt returns those of members that filter, a step of package set, leaves
// at key, which is a set.
func filterAt(t *Tx, filter string, key []byte, members set.Members) set.Members {
	return t.Ask(t.Find(filter), nil, key, members)
}

// writeMembers replies with the outcome of a command.
func writeMembers(t *Tx, members set.Members) {
	r := members.Parse()
	t.Out.Set(r.Left)
	t.Out.Raw(r.Rest())
}

// storeMembers makes the outcome of a STORE command the value of its
// destination, and replies with its size.
func storeMembers(t *Tx, members set.Members) {
	steps := t.Steps(1)
	steps[0] = Step{
		Cmd: t.Find(set.Store), Args: [][]byte{nil, t.Args[1], members, []byte(t.Cmd.Name)}, Key: 1,
	}
	t.Into(steps)
}

// wholeSet replies with the only set of a command, as it is.
func wholeSet(t *Tx) {
	steps := t.Steps(1)
	steps[0] = Step{Cmd: t.Find("smembers"), Args: [][]byte{nil, t.Args[1]}, Key: 1}
	t.Into(steps)
}
