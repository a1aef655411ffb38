package saga

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/zset"
)

var zrangestoreRow = command.Row{
	Name:       "zrangestore",
	Group:      command.GroupSortedSet,
	Since:      "6.2.0",
	Summary:    "ZRANGE, stored in a key",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those stored",
	Arity:      -5,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatSortedSet,
	Keys: []command.KeySpec{
		{Access: command.OW | command.Update, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "dst", Type: command.ArgKey},
		{Name: "src", Type: command.ArgKey, KeySpec: 1},
		{Name: "min", Type: command.ArgString},
		{Name: "max", Type: command.ArgString},
		{Name: "sortby", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "byscore", Type: command.ArgPureToken, Token: "BYSCORE"},
			{Name: "bylex", Type: command.ArgPureToken, Token: "BYLEX"},
		}},
		{Name: "rev", Type: command.ArgPureToken, Token: "REV", Optional: true},
		{Name: "offset_count", Type: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
			{Name: "offset", Type: command.ArgInteger},
			{Name: "count", Type: command.ArgInteger},
		}},
	},
}

var zselectName = []byte("~zselect")

// zrangestore reads the range at the source's shard, which checks the arguments,
// and stores it.
func zrangestore(t *Tx) {
	args := make([][]byte, 0, len(t.Args)-1)
	args = append(append(args, zselectName), t.Args[2:]...)
	answer := t.Ask(t.Find("~zselect"), args...)
	v, rest := reply.Parse(answer)
	if v.IsError() {
		t.Out.Error(reply.Error(v.Bulk))
		return
	}
	elements := make([]zsetElement, v.Len/2)
	for i := range elements {
		var member, score reply.Value
		member, rest = reply.Parse(rest)
		score, rest = reply.Parse(rest)
		elements[i] = zsetElement{member: member.Bulk, score: zset.ScoreOf(score.Bulk)}
	}
	storeZset(t, t.Args[1], t.Cmd.Name, elements)
}
