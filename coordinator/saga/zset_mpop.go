package saga

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/zset"
)

var zmpopRow = command.Row{
	Name:       "zmpop",
	Group:      command.GroupSortedSet,
	Since:      "7.0.0",
	Summary:    "Takes the lowest or highest members off the first sorted set that has any",
	Complexity: "O(K) + O(M*log(N)), K the keys, N the members of the sorted set and M those removed",
	Arity:      -4,
	Flags:      command.Write | command.MovableKeys,
	ACL:        command.CatSortedSet,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "where", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "min", Type: command.ArgPureToken, Token: "MIN"},
			{Name: "max", Type: command.ArgPureToken, Token: "MAX"},
		}},
		{Name: "count", Type: command.ArgInteger, Token: "COUNT", Optional: true},
	},
}

var bzmpopRow = command.Row{
	Name:       "bzmpop",
	Group:      command.GroupSortedSet,
	Since:      "7.0.0",
	Summary:    "ZMPOP that waits for a member",
	Complexity: "O(K) + O(M*log(N)), K the keys, N the members of the sorted set and M those removed",
	Arity:      -5,
	Flags:      command.Write | command.Blocking | command.MovableKeys,
	ACL:        command.CatSortedSet,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "timeout", Type: command.ArgDouble},
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "where", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "min", Type: command.ArgPureToken, Token: "MIN"},
			{Name: "max", Type: command.ArgPureToken, Token: "MAX"},
		}},
		{Name: "count", Type: command.ArgInteger, Token: "COUNT", Optional: true},
	},
}

func zmpop(t *Tx) {
	pop, ok := parseZmpop(t, 1)
	if !ok || pop.now(t) {
		return
	}
	t.Out.NullArray()
}

func bzmpop(t *Tx) {
	pop, ok := parseZmpop(t, 2)
	if ok {
		pop.orWait(t, 1)
	}
}

// parseZmpop reads numkeys, at the given position, the keys, MIN or MAX, and
// COUNT, or writes the error.
func parseZmpop(t *Tx, at int) (p zsetPop, ok bool) {
	n, ok := num.ParseInt(t.Args[at])
	if !ok || n < 1 {
		t.Out.Error(reply.ErrNumKeys)
		return p, false
	}
	first := at + 1
	if n >= int64(len(t.Args)-first) {
		t.Out.Error(reply.ErrSyntax)
		return p, false
	}
	p = zsetPop{step: "~zmpop", keys: t.Args[first : first+int(n)], count: []byte("1")}
	rest := t.Args[first+int(n):]
	switch {
	case engine.IsWord(rest[0], zset.MinWord):
		p.end = zset.MinWord
	case engine.IsWord(rest[0], zset.MaxWord):
		p.end = zset.MaxWord
	default:
		t.Out.Error(reply.ErrSyntax)
		return p, false
	}
	if len(rest) == 1 {
		return p, true
	}
	if len(rest) < 3 || !engine.IsWord(rest[1], "COUNT") {
		t.Out.Error(reply.ErrSyntax)
		return p, false
	}
	if count, ok := num.ParseInt(rest[2]); !ok || count < 1 {
		t.Out.Error(errPopCount)
		return p, false
	}
	if len(rest) > 3 {
		t.Out.Error(reply.ErrSyntax)
		return p, false
	}
	p.count = rest[2]
	return p, true
}
