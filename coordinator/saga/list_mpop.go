package saga

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var lmpopRow = command.Row{
	Name:       "lmpop",
	Group:      command.GroupList,
	Since:      "7.0.0",
	Summary:    "Takes elements off the first list that has any",
	Complexity: "O(N+M), N the keys and M the elements returned",
	Arity:      -4,
	Flags:      command.Write | command.MovableKeys,
	ACL:        command.CatList,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "where", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "left", Type: command.ArgPureToken, Token: "LEFT"},
			{Name: "right", Type: command.ArgPureToken, Token: "RIGHT"},
		}},
		{Name: "count", Type: command.ArgInteger, Token: "COUNT", Optional: true},
	},
}

var blmpopRow = command.Row{
	Name:       "blmpop",
	Group:      command.GroupList,
	Since:      "7.0.0",
	Summary:    "LMPOP that waits for an element",
	Complexity: "O(N+M), N the keys and M the elements returned",
	Arity:      -5,
	Flags:      command.Write | command.Blocking | command.MovableKeys,
	ACL:        command.CatList,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "timeout", Type: command.ArgDouble},
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "where", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "left", Type: command.ArgPureToken, Token: "LEFT"},
			{Name: "right", Type: command.ArgPureToken, Token: "RIGHT"},
		}},
		{Name: "count", Type: command.ArgInteger, Token: "COUNT", Optional: true},
	},
}

const errPopCount reply.Error = "ERR count should be greater than 0"

func lmpop(t *Tx) {
	p, ok := readPop(t, 1)
	if ok && !p.try(t) {
		t.Out.NullArray()
	}
}

func blmpop(t *Tx) {
	if p, ok := readPop(t, 2); ok {
		p.block(t, 1)
	}
}

// readPop reads "numkeys key ... LEFT|RIGHT [COUNT n]" from argument i on, or
// writes the error.
func readPop(t *Tx, i int) (p listPop, ok bool) {
	n, ok := num.ParseInt(t.Args[i])
	if !ok || n < 1 {
		t.Out.Error(reply.ErrNumKeys)
		return p, false
	}
	rest := t.Args[i+1:]
	if n >= int64(len(rest)) {
		t.Out.Error(reply.ErrSyntax)
		return p, false
	}
	p.keys = rest[:n]
	if p.at, ok = readEnd(t, i+1+int(n)); !ok {
		return p, false
	}
	return p, p.readCount(t, rest[n+1:])
}

// readCount reads what may follow LEFT or RIGHT, or writes the error.
func (p *listPop) readCount(t *Tx, opts [][]byte) bool {
	p.count = []byte("1")
	if len(opts) == 0 {
		return true
	}
	if len(opts) < 2 || !engine.IsWord(opts[0], "COUNT") {
		t.Out.Error(reply.ErrSyntax)
		return false
	}
	if n, ok := num.ParseInt(opts[1]); !ok || n < 1 {
		t.Out.Error(errPopCount)
		return false
	}
	if len(opts) > 2 {
		t.Out.Error(reply.ErrSyntax)
		return false
	}
	p.count = opts[1]
	return true
}
