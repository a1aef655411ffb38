package saga

import (
	"bytes"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var smoveRow = command.Row{
	Name:       "smove",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "Moves a member from one set to another",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatSet,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RW | command.Insert, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "source", Type: command.ArgKey},
		{Name: "destination", Type: command.ArgKey, KeySpec: 1},
		{Name: "member", Type: command.ArgString},
	},
}

func smove(t *Tx) {
	source, destination, member := t.Args[1], t.Args[2], t.Args[3]
	steps := t.Steps(2)
	steps[0] = Step{Cmd: t.Find("sismember"), Args: [][]byte{nil, source, member}, Key: 1}
	steps[1] = Step{Cmd: t.Find("scard"), Args: [][]byte{nil, destination}, Key: 1}
	t.Do(steps)
	has, other := steps[0].Reply, steps[1].Reply
	if !setReplied(t, has) {
		return
	}
	if other[0] == '-' { // which does not matter where there is no source
		if counts, ok := cardinalities(t, t.Args[1:2]); ok && counts[0] == 0 {
			t.Out.Int(0)
			return
		}
		setReplied(t, other)
		return
	}
	v, _ := reply.Parse(has)
	if v.Int == 1 && !bytes.Equal(source, destination) {
		steps = t.Steps(2)
		steps[0] = Step{Cmd: t.Find("srem"), Args: [][]byte{nil, source, member}, Key: 1}
		steps[1] = Step{Cmd: t.Find("sadd"), Args: [][]byte{nil, destination, member}, Key: 1}
		t.Do(steps)
	}
	t.Out.Int(v.Int)
}
