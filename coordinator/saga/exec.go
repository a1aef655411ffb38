package saga

import (
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
)

var transactionCommands = []Command{
	{Row: &execRow, Run: transaction, Plan: &Plan{Fits: plain, Steps: queued, Into: true}},
}

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

// plain tells whether a transaction is nothing but commands on one key each.
func plain(call *Call) bool {
	return len(call.Watches) == 0 && !slices.ContainsFunc(call.Queue, func(q Queued) bool {
		return q.Cmd.Route != command.RouteSingle || q.Cmd.KeyPos <= 0
	})
}

// queued returns the commands of a plain transaction. All of them go out at once: none
// can tell on another shard whether others have run before it.
func queued(t *Tx) []Step {
	t.Out.Array(len(t.Call.Queue))
	steps := t.Steps(len(t.Call.Queue))
	for i := range steps {
		q := &t.Call.Queue[i]
		steps[i].Cmd, steps[i].Args, steps[i].Key = q.Cmd, q.Args, q.Cmd.KeyPos
	}
	return steps
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
