package saga

import (
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// The commands on several lists, and those that wait for an element.
var listCommands = []Command{
	{Row: &blmoveRow, Run: blmove},
	{Row: &blmpopRow, Run: blmpop},
	{Row: &blpopRow, Run: blpop},
	{Row: &brpopRow, Run: brpop},
	{Row: &brpoplpushRow, Run: brpoplpush},
	{Row: &lmoveRow, Run: lmove},
	{Row: &lmpopRow, Run: lmpop},
	{Row: &rpoplpushRow, Run: rpoplpush},
}

// listEnd is one of a list's two ends: its word, and the commands that work there.
type listEnd struct {
	word, index []byte
	push, pop   string
}

var (
	leftEnd  = &listEnd{word: []byte("LEFT"), index: []byte("0"), push: "lpush", pop: "lpop"}
	rightEnd = &listEnd{word: []byte("RIGHT"), index: []byte("-1"), push: "rpush", pop: "rpop"}
)

// readEnd reads argument i, or writes the error.
func readEnd(t *Tx, i int) (at *listEnd, ok bool) {
	switch {
	case engine.IsWord(t.Args[i], "LEFT"):
		return leftEnd, true
	case engine.IsWord(t.Args[i], "RIGHT"):
		return rightEnd, true
	}
	t.Out.Error(reply.ErrSyntax)
	return nil, false
}

// popFirstName is the step that pops from a list, if it is there, and answers
// with its key too.
const popFirstName = "~lpopfirst"

// listPop is what LMPOP and the blocking pops do: pop at one end of the first of
// several lists that is there.
type listPop struct {
	keys  [][]byte
	at    *listEnd
	count []byte // nil: one element, answered without an array
}

// args returns the arguments of popFirstName.
func (p *listPop) args(key []byte) [][]byte {
	args := [][]byte{nil, key, p.at.word, p.count}
	if p.count == nil {
		return args[:3]
	}
	return args
}

// try pops, or writes the error, and tells whether it has replied.
func (p *listPop) try(t *Tx) bool {
	start := len(t.Out.Buf)
	args := p.args(nil)
	step := t.Steps(1)
	step[0] = Step{Cmd: t.Find(popFirstName), Args: args, Key: 1}
	for _, key := range t.wokenFirst(p.keys) {
		args[1] = key
		t.Into(step)
		if len(t.Out.Buf) > start && !t.passesOver(start) {
			return true
		}
	}
	return false
}
