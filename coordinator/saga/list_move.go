package saga

import (
	"bytes"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var lmoveRow = command.Row{
	Name:       "lmove",
	Group:      command.GroupList,
	Since:      "6.2.0",
	Summary:    "Takes an element off an end of one list and puts it at an end of another",
	Complexity: "O(1)",
	Arity:      5,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatList,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RW | command.Insert, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "source", Type: command.ArgKey},
		{Name: "destination", Type: command.ArgKey, KeySpec: 1},
		{Name: "wherefrom", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "left", Type: command.ArgPureToken, Token: "LEFT"},
			{Name: "right", Type: command.ArgPureToken, Token: "RIGHT"},
		}},
		{Name: "whereto", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "left", Type: command.ArgPureToken, Token: "LEFT"},
			{Name: "right", Type: command.ArgPureToken, Token: "RIGHT"},
		}},
	},
}

var rpoplpushRow = command.Row{
	Name:       "rpoplpush",
	Group:      command.GroupList,
	Since:      "1.2.0",
	Summary:    "Takes the tail of one list and puts it in front of another",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatList,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RW | command.Insert, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "source", Type: command.ArgKey},
		{Name: "destination", Type: command.ArgKey, KeySpec: 1},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`LMOVE` from `RIGHT` to `LEFT`",
}

func lmove(t *Tx) {
	if m, ok := readMove(t); ok {
		m.run(t)
	}
}

func rpoplpush(t *Tx) {
	m := listMove{rightEnd, leftEnd}
	m.run(t)
}

// listMove moves an element of the list at argument 1 to that at argument 2.
type listMove struct{ from, to *listEnd }

// readMove reads arguments 3 and 4, or writes the error.
func readMove(t *Tx) (m listMove, ok bool) {
	if m.from, ok = readEnd(t, 3); !ok {
		return m, false
	}
	m.to, ok = readEnd(t, 4)
	return m, ok
}

// run is the move that does not wait.
func (m *listMove) run(t *Tx) {
	if !m.try(t) {
		t.Out.Null()
	}
}

// try moves an element, or writes the error, and tells whether it has replied:
// it has not if there is no source.
func (m *listMove) try(t *Tx) bool {
	src, dst := t.Args[1], t.Args[2]
	if bytes.Equal(src, dst) {
		return m.rotate(t)
	}
	steps := t.Steps(2)
	steps[0] = Step{Cmd: t.Find("lindex"), Args: [][]byte{nil, src, m.from.index}, Key: 1}
	steps[1] = Step{Cmd: t.Find("llen"), Args: [][]byte{nil, dst}, Key: 1} // is it a list?
	t.Do(steps)
	outermost, _ := reply.Parse(steps[0].Reply)
	length, _ := reply.Parse(steps[1].Reply)
	switch {
	case outermost.IsError() && t.Call.Waited:
		return false
	case outermost.IsError():
		t.Out.Error(reply.Error(outermost.Bulk))
	case outermost.Null():
		return false
	case length.IsError():
		t.Out.Error(reply.Error(length.Bulk))
	default:
		m.move(t, outermost.Bulk)
	}
	return true
}

// move pushes before it pops, which is the order of Redis's keyspace events.
func (m *listMove) move(t *Tx, val []byte) {
	steps := t.Steps(2)
	steps[0] = Step{Cmd: t.Find(m.to.push), Args: [][]byte{nil, t.Args[2], val}, Key: 1}
	steps[1] = Step{Cmd: t.Find(m.from.pop), Args: [][]byte{nil, t.Args[1]}, Key: 1}
	t.Do(steps)
	t.Out.Bulk(val)
}

// rotate is the move within one list.
func (m *listMove) rotate(t *Tx) bool {
	start := len(t.Out.Buf)
	step := t.Steps(1)
	step[0] = Step{Cmd: t.Find("~lrotate"), Args: [][]byte{nil, t.Args[1], m.from.word, m.to.word}, Key: 1}
	t.Into(step)
	return len(t.Out.Buf) > start && !t.passesOver(start)
}
