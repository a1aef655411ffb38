package saga

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
)

var transactionCommands = []Command{{Row: &execRow, Run: transaction}}

// execRow is what a gateway calls with the queue of a connection when it is told
// EXEC, whose own row is the gateway's.
var execRow = command.Row{
	Name:  ExecName,
	Group: command.GroupTransactions,
	Arity: -1,
	Flags: command.Internal,
	Route: command.RouteSaga,
}

// transaction runs the queue of its call, if nothing that the call watches has changed.
// A command that fails leaves its error in its place and the others run, as in
// Redis. A SELECT among them holds for those after it, and after EXEC.
func transaction(t *Tx) {
	if !unchanged(t, t.Call.Watches) {
		t.Out.NullArray()
		return
	}
	home := t.DB
	t.Out.Array(len(t.Call.Queue))
	for i := range t.Call.Queue {
		q := &t.Call.Queue[i]
		t.Run(q.Cmd, q.Args)
	}
	if db := t.DB; db != home && t.Call.Selected != nil {
		t.Defer(func() { t.Call.Selected(db) })
	}
}

// unchanged tells whether all watched keys are as they were when their watch began.
func unchanged(t *Tx, watches []Watch) bool {
	if len(watches) == 0 {
		return true
	}
	home := t.DB
	defer func() { t.DB = home }()
	cmd := t.Find("~unchanged")
	for len(watches) > 0 {
		// Steps run in one database at a time.
		t.DB = watches[0].DB
		n := 1
		for n < len(watches) && watches[n].DB == t.DB {
			n++
		}
		steps := t.Steps(n)
		for i := range steps {
			w := &watches[i]
			steps[i] = Step{Cmd: cmd, Args: [][]byte{nil, w.Key, num.AppendInt(nil, w.Version)}, Key: 1}
		}
		if t.Do(steps); sumReplies(steps) < int64(n) {
			return false
		}
		watches = watches[n:]
	}
	return true
}
