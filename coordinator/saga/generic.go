package saga

import (
	"bytes"
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/generic"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var genericCommands = []Command{
	{Row: &copyRow, Run: copyKey, Computes: true},
	{Row: &delRow, Plan: sumOver("~del")},
	{Row: &existsRow, Plan: sumOver("~exists")},
	{Row: &moveRow, Run: move, Computes: true},
	{Row: &renameRow, Run: func(t *Tx) { renameKey(t, false) }},
	{Row: &renamenxRow, Run: func(t *Tx) { renameKey(t, true) }},
	{Row: &touchRow, Plan: sumOver("~touch")},
	{Row: &unlinkRow, Plan: sumOver("~del")},
	{Row: &generic.ObjectHelpRow, Run: objectHelp},
	{Row: &generic.MemoryHelpRow, Run: memoryHelp},
}

var delRow = command.Row{
	Name:       "del",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "Removes keys",
	Complexity: "O(N), N the keys; for a key that holds a collection, its number of elements counts",
	Arity:      -2,
	Flags:      command.Write,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RM | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Tips:  []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
}

var unlinkRow = command.Row{
	Name:       "unlink",
	Group:      command.GroupGeneric,
	Since:      "4.0.0",
	Summary:    "Removes keys, and frees their memory later",
	Complexity: "O(1) a key, and O(N) elsewhere to free its N allocations",
	Arity:      -2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RM | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Tips:  []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
}

var existsRow = command.Row{
	Name:       "exists",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "How many of the named keys are there",
	Complexity: "O(N), N the keys",
	Arity:      -2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Tips:  []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
	History: []command.Change{
		{Since: "3.0.3", What: "Takes several keys."},
	},
}

var touchRow = command.Row{
	Name:       "touch",
	Group:      command.GroupGeneric,
	Since:      "3.2.1",
	Summary:    "Marks keys as used now, and counts those that are there",
	Complexity: "O(N), N the keys",
	Arity:      -2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Tips:  []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
}

// sumOver adds up what a step replies at each key.
func sumOver(step string) *Plan {
	return &Plan{
		Steps: func(t *Tx) []Step {
			cmd := t.Find(step)
			steps := t.Steps(len(t.Args) - 1)
			for i := range steps {
				s := &steps[i]
				s.Cmd, s.Args, s.Key = cmd, t.Args[i:i+2], 1
			}
			return steps
		},
		Reply: func(t *Tx, steps []Step) { t.Out.Int(sumReplies(steps)) },
	}
}

// sumReplies adds up replies that are integers.
func sumReplies(steps []Step) (sum int64) {
	for i := range steps {
		v, _ := reply.Parse(steps[i].Reply)
		sum += v.Int
	}
	return sum
}

var renameRow = command.Row{
	Name:       "rename",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "Gives a key another name, over what stood there",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.OW | command.Update, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "newkey", Type: command.ArgKey, KeySpec: 1},
	},
}

var renamenxRow = command.Row{
	Name:       "renamenx",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "Gives a key another name if that one is free",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.OW | command.Insert, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "newkey", Type: command.ArgKey, KeySpec: 1},
	},
	History: []command.Change{
		{Since: "3.2.0", What: "Both names may be the same."},
	},
}

func renameKey(t *Tx, onlyNew bool) {
	from, to := t.Args[1], t.Args[2]
	renamed := func(done bool) {
		switch {
		case !onlyNew:
			t.Out.OK()
		case done:
			t.Out.Int(1)
		default:
			t.Out.Int(0)
		}
	}
	if bytes.Equal(from, to) {
		if !present(t, from) {
			t.Out.Error(reply.ErrNoSuchKey)
			return
		}
		renamed(false)
		return
	}
	if t.env.ShardOf(from) == t.env.ShardOf(to) {
		args := t.Args
		if onlyNew {
			args = append(args[:3:3], []byte("NX"))
		}
		v, _ := reply.Parse(t.Ask(t.Find("~rename"), args...))
		if v.IsError() {
			t.Out.Error(reply.Error(v.Bulk))
			return
		}
		renamed(v.Int == 1)
		return
	}
	if !present(t, from) {
		t.Out.Error(reply.ErrNoSuchKey)
		return
	}
	if onlyNew && present(t, to) {
		renamed(false)
		return
	}
	image, _ := reply.Parse(t.Ask(t.Find("~image"), nil, from))
	t.Do([]Step{
		{Cmd: t.Find("~drop"), Args: [][]byte{nil, from, []byte("rename_from")}, Key: 1},
		{Cmd: t.Find("~put"), Args: [][]byte{nil, to, image.Bulk, []byte("rename_to")}, Key: 1},
	})
	renamed(true)
}

// present tells whether a key is there, without counting that as an access.
func present(t *Tx, key []byte) bool {
	v, _ := reply.Parse(t.Ask(t.Find("~exists"), nil, key))
	return v.Int == 1
}

// presentIn is present for another database; it brings the key there into the
// saga.
func presentIn(t *Tx, db int, key []byte) bool {
	home := t.DB
	t.DB = db
	defer func() { t.DB = home }()
	return present(t, key)
}

var moveRow = command.Row{
	Name:       "move",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "Moves a key to another database",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "db", Type: command.ArgInteger},
	},
}

func move(t *Tx) {
	db, ok := databaseArg(t, t.Args[2])
	if !ok {
		return
	}
	if db == t.DB {
		t.Out.Error(reply.ErrSameObject)
		return
	}
	if presentIn(t, db, t.Args[1]) {
		t.Out.Int(0)
		return
	}
	args := [][]byte{nil, t.Args[1], num.AppendInt(nil, int64(db))}
	t.Into([]Step{{Cmd: t.Find("~move"), Args: args, Key: 1}})
}

const errIntRange reply.Error = "ERR value is out of range, value must between -2147483648 and 2147483647"

// databaseArg reads the number of a database, or writes the error.
func databaseArg(t *Tx, arg []byte) (db int, ok bool) {
	n, ok := num.ParseInt(arg)
	switch {
	case !ok:
		t.Out.Error(reply.ErrNotInteger)
	case n < math.MinInt32 || n > math.MaxInt32:
		t.Out.Error(errIntRange)
	case n < 0 || n >= keyspace.Databases:
		t.Out.Error(reply.ErrDBIndex)
	default:
		return int(n), true
	}
	return 0, false
}

var copyRow = command.Row{
	Name:       "copy",
	Group:      command.GroupGeneric,
	Since:      "6.2.0",
	Summary:    "Writes a copy of a value under another key",
	Complexity: "O(N) at worst for a collection, N its elements; O(1) for a string",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.OW | command.Update, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "source", Type: command.ArgKey},
		{Name: "destination", Type: command.ArgKey, KeySpec: 1},
		{Name: "destination-db", Type: command.ArgInteger, Token: "DB", Optional: true},
		{Name: "replace", Type: command.ArgPureToken, Token: "REPLACE", Optional: true},
	},
}

func copyKey(t *Tx) {
	db, replace, ok := parseCopy(t)
	if !ok {
		return
	}
	from, to := t.Args[1], t.Args[2]
	if db == t.DB && bytes.Equal(from, to) {
		t.Out.Error(reply.ErrSameObject)
		return
	}
	if !present(t, from) || presentIn(t, db, to) && !replace {
		t.Out.Int(0)
		return
	}
	image, _ := reply.Parse(t.Ask(t.Find("~image"), nil, from))
	home := t.DB
	t.DB = db
	t.Ask(t.Find("~put"), nil, to, image.Bulk, []byte("copy_to"))
	t.DB = home
	t.Out.Int(1)
}

// parseCopy reads [DB <n>] [REPLACE].
func parseCopy(t *Tx) (db int, replace, ok bool) {
	db = t.DB
	for i := 3; i < len(t.Args); i++ {
		switch {
		case engine.IsWord(t.Args[i], "REPLACE"):
			replace = true
		case engine.IsWord(t.Args[i], "DB") && i+1 < len(t.Args):
			i++
			if db, ok = databaseArg(t, t.Args[i]); !ok {
				return 0, false, false
			}
		default:
			t.Out.Error(reply.ErrSyntax)
			return 0, false, false
		}
	}
	return db, replace, true
}
