package saga

import "github.com/troupedb/troupe/shard/command"

// Programs that only gateways call, by name.
const (
	ExecName  = "~exec"
	WatchName = "~watchkeys"
)

var watchCommands = []Command{{Row: &watchKeysRow, Run: watchKeys}}

var watchKeysRow = command.Row{
	Name:  WatchName,
	Group: command.GroupTransactions,
	Arity: -2,
	Flags: command.Internal,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteSaga,
}

// watchKeys answers with the version of each key, all of one moment.
func watchKeys(t *Tx) {
	steps := t.Steps(len(t.Args) - 1)
	watch := t.Find("~watch")
	for i := range steps {
		steps[i] = Step{Cmd: watch, Args: [][]byte{t.Args[0], t.Args[i+1]}, Key: 1}
	}
	t.Out.Array(len(steps))
	t.Into(steps)
}
