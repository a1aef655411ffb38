package saga

import (
	"bytes"
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// The programs over all shards.
var broadcastCommands = []Command{
	{Row: &dbsizeRow, Run: dbsize},
	{Row: &flushallRow, Run: flush("~flushall")},
	{Row: &flushdbRow, Run: flush("~flushdb")},
	{Row: &keysRow, Run: keys},
	{Row: &randomkeyRow, Run: randomkey},
	{Row: &scanRow, Run: scan},
	{Row: &swapdbRow, Run: swapdb},
}

// doAll runs one step on every shard.
func doAll(t *Tx, name string, args ...[]byte) []Step {
	cmd := t.Find(name)
	args = append([][]byte{nil}, args...)
	steps := t.Steps(t.Shards())
	for i := range steps {
		steps[i].Cmd, steps[i].Args, steps[i].Shard = cmd, args, i
	}
	t.Do(steps)
	return steps
}

var dbsizeRow = command.Row{
	Name:       "dbsize",
	Group:      command.GroupServer,
	Since:      "1.0.0",
	Summary:    "How many keys the database holds",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Tips:       []string{"request_policy:all_shards", "response_policy:agg_sum"},
	Route:      command.RouteBroadcast,
	Merge:      command.MergeSum,
}

func dbsize(t *Tx) {
	_, total, _ := census(t)
	t.Out.Int(total)
}

// census returns how many keys of the database each shard has, the sum, and a
// random number from 0 to 2^63-1.
func census(t *Tx) (keys []int64, total, random int64) {
	steps := doAll(t, "~census")
	keys = make([]int64, len(steps))
	for i := range steps {
		_, rest := reply.Parse(steps[i].Reply)
		n, rest := reply.Parse(rest)
		chance, _ := reply.Parse(rest)
		keys[i] = n.Int
		total += n.Int
		random ^= chance.Int
	}
	return keys, total, random
}

var flushdbRow = command.Row{
	Name:       "flushdb",
	Group:      command.GroupServer,
	Since:      "1.0.0",
	Summary:    "Empties the database",
	Complexity: "O(N), N the keys of the database",
	Arity:      -1,
	Flags:      command.Write,
	ACL:        command.CatKeyspace | command.CatDangerous,
	Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
	Route:      command.RouteBroadcast,
	Merge:      command.MergeOK,
	Args: []command.Arg{
		{Name: "async", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "async", Type: command.ArgPureToken, Token: "ASYNC", Since: "4.0.0"},
			{Name: "sync", Type: command.ArgPureToken, Token: "SYNC", Since: "6.2.0"},
		}},
	},
	History: []command.Change{
		{Since: "4.0.0", What: "Takes `ASYNC`."},
		{Since: "6.2.0", What: "Takes `SYNC`."},
	},
}

var flushallRow = command.Row{
	Name:       "flushall",
	Group:      command.GroupServer,
	Since:      "1.0.0",
	Summary:    "Empties all databases",
	Complexity: "O(N), N the keys of all databases",
	Arity:      -1,
	Flags:      command.Write,
	ACL:        command.CatKeyspace | command.CatDangerous,
	Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
	Route:      command.RouteBroadcast,
	Merge:      command.MergeOK,
	Args: []command.Arg{
		{Name: "async", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "async", Type: command.ArgPureToken, Token: "ASYNC", Since: "4.0.0"},
			{Name: "sync", Type: command.ArgPureToken, Token: "SYNC", Since: "6.2.0"},
		}},
	},
	History: []command.Change{
		{Since: "4.0.0", What: "Takes `ASYNC`."},
		{Since: "6.2.0", What: "Takes `SYNC`."},
	},
}

// flush is the program of FLUSHDB and FLUSHALL. Memory is always freed piece by
// piece afterwards, so ASYNC and SYNC are one.
func flush(step string) Program {
	return func(t *Tx) {
		if len(t.Args) > 2 || len(t.Args) == 2 && !engine.IsWord(t.Args[1], "ASYNC") && !engine.IsWord(t.Args[1], "SYNC") {
			t.Out.Error(reply.ErrSyntax)
			return
		}
		doAll(t, step)
		t.Out.OK()
	}
}

var swapdbRow = command.Row{
	Name:       "swapdb",
	Group:      command.GroupServer,
	Since:      "4.0.0",
	Summary:    "Exchanges two databases",
	Complexity: "O(N), N the clients that watch or wait for keys of the two",
	Arity:      3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace | command.CatDangerous,
	Route:      command.RouteBroadcast,
	Merge:      command.MergeOK,
	Args: []command.Arg{
		{Name: "index1", Type: command.ArgInteger},
		{Name: "index2", Type: command.ArgInteger},
	},
}

const (
	errFirstDB  reply.Error = "ERR invalid first DB index"
	errSecondDB reply.Error = "ERR invalid second DB index"
)

func swapdb(t *Tx) {
	a, ok := num.ParseInt(t.Args[1])
	if !ok || a != int64(int32(a)) {
		t.Out.Error(errFirstDB)
		return
	}
	b, ok := num.ParseInt(t.Args[2])
	if !ok || b != int64(int32(b)) {
		t.Out.Error(errSecondDB)
		return
	}
	if a < 0 || a >= keyspace.Databases || b < 0 || b >= keyspace.Databases {
		t.Out.Error(reply.ErrDBIndex)
		return
	}
	doAll(t, "~swapdb", t.Args[1], t.Args[2])
	t.Out.OK()
}

var keysRow = command.Row{
	Name:       "keys",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "All keys that match a glob pattern",
	Complexity: "O(N), N the keys of the database, for names and patterns of bounded length",
	Arity:      2,
	Flags:      command.ReadOnly,
	ACL:        command.CatKeyspace | command.CatDangerous,
	Tips:       []string{"request_policy:all_shards", "nondeterministic_output_order"},
	Route:      command.RouteBroadcast,
	Merge:      command.MergeConcat,
	Args: []command.Arg{
		{Name: "pattern", Type: command.ArgPattern},
	},
}

func keys(t *Tx) {
	steps := doAll(t, "~keys", t.Args[1])
	total := 0
	for i := range steps {
		v, rest := reply.Parse(steps[i].Reply)
		total += v.Len
		steps[i].Reply = rest
	}
	t.Out.Array(total)
	for i := range steps {
		t.Out.Raw(steps[i].Reply)
	}
}

var randomkeyRow = command.Row{
	Name:       "randomkey",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "Any key of the database",
	Complexity: "O(1)",
	Arity:      1,
	Flags:      command.ReadOnly,
	ACL:        command.CatKeyspace,
	Tips:       []string{"request_policy:all_shards", "nondeterministic_output"},
	Route:      command.RouteBroadcast,
}

// randomkey draws a shard by its share of the keys, then one of its keys. A
// shard may find that its keys have all expired; then the rest is drawn from.
func randomkey(t *Tx) {
	for {
		keys, total, random := census(t)
		if total == 0 {
			t.Out.Null()
			return
		}
		at, shard := random%total, 0
		for at >= keys[shard] {
			at -= keys[shard]
			shard++
		}
		steps := t.Steps(1)
		steps[0] = Step{Cmd: t.Find("~randomkey"), Args: [][]byte{nil}, Shard: shard}
		t.Do(steps)
		if v, _ := reply.Parse(steps[0].Reply); !v.Null() {
			t.Out.Bulk(v.Bulk)
			return
		}
	}
}

var scanRow = command.Row{
	Name:       "scan",
	Group:      command.GroupGeneric,
	Since:      "2.8.0",
	Summary:    "Walks over the keys in small steps",
	Complexity: "O(1) a call, O(N) for the whole walk, N the keys",
	Arity:      -2,
	Flags:      command.ReadOnly,
	ACL:        command.CatKeyspace,
	Tips:       []string{"nondeterministic_output", "request_policy:special"},
	Route:      command.RouteBroadcast,
	Args: []command.Arg{
		{Name: "cursor", Type: command.ArgInteger},
		{Name: "pattern", Type: command.ArgPattern, Token: "MATCH", Optional: true},
		{Name: "count", Type: command.ArgInteger, Token: "COUNT", Optional: true},
		{Name: "type", Type: command.ArgString, Token: "TYPE", Since: "6.0.0", Optional: true},
	},
	History: []command.Change{
		{Since: "6.0.0", What: "Takes `TYPE`."},
	},
}

// scanOptions are what follows SCAN's cursor. An empty type is any.
type scanOptions struct {
	count         int64
	pattern, kind []byte
}

// scanDefault is how many keys SCAN looks at when not told.
const scanDefault = 10

// scan walks the slots in their order, whichever shard has them. A cursor is a
// position of Keyspace.Scan, slot first, so it holds wherever slots move; 0 is
// both the beginning and, in an answer, the end.
func scan(t *Tx) {
	cursor, ok := parseCursor(t.Args[1])
	if !ok {
		t.Out.Error(reply.ErrInvalidCursor)
		return
	}
	o, ok := parseScan(t)
	if !ok {
		return
	}
	step := t.Find("~scan")
	var pages [][]byte // encoded names
	found, left := 0, o.count
	for left > 0 && cursor < keyspace.ScanEnd {
		steps := t.Steps(1)
		steps[0] = Step{
			Cmd: step, Shard: t.env.Slots.Shard(uint16(cursor >> data.ScanBits)),
			Args: [][]byte{nil, num.AppendInt(nil, int64(cursor)), num.AppendInt(nil, left), o.pattern, o.kind},
		}
		t.Do(steps)
		_, rest := reply.Parse(steps[0].Reply)
		next, rest := reply.Parse(rest)
		met, rest := reply.Parse(rest)
		names, rest := reply.Parse(rest)
		cursor = uint64(next.Int)
		left -= met.Int
		found += names.Len
		pages = append(pages, rest)
	}
	if cursor >= keyspace.ScanEnd {
		cursor = 0
	}
	t.Out.Array(2)
	t.Out.BulkInt(int64(cursor))
	t.Out.Array(found)
	for _, page := range pages {
		t.Out.Raw(page)
	}
}

func parseScan(t *Tx) (o scanOptions, ok bool) {
	o = scanOptions{count: scanDefault, pattern: []byte("*")}
	for i := 2; i < len(t.Args); i += 2 {
		last := i+1 == len(t.Args)
		switch {
		case engine.IsWord(t.Args[i], "COUNT") && !last:
			if o.count, ok = num.ParseInt(t.Args[i+1]); !ok {
				t.Out.Error(reply.ErrNotInteger)
				return o, false
			}
			if o.count < 1 {
				t.Out.Error(reply.ErrSyntax)
				return o, false
			}
		case engine.IsWord(t.Args[i], "MATCH") && !last:
			o.pattern = t.Args[i+1]
		case engine.IsWord(t.Args[i], "TYPE") && !last:
			o.kind = t.Args[i+1]
		default:
			t.Out.Error(reply.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// parseCursor reads a cursor as C's strtoul does, which takes a sign.
func parseCursor(arg []byte) (cursor uint64, ok bool) {
	digits := bytes.TrimPrefix(arg, []byte{'+'})
	negative := len(digits) == len(arg) && len(arg) > 0 && arg[0] == '-'
	if negative {
		digits = arg[1:]
	}
	if len(arg) > 0 && len(digits) == 0 {
		return 0, false
	}
	for _, d := range digits {
		if d < '0' || d > '9' || cursor > (math.MaxUint64-uint64(d-'0'))/10 {
			return 0, false
		}
		cursor = cursor*10 + uint64(d-'0')
	}
	if negative {
		cursor = -cursor
	}
	return cursor, true
}

// Cursors of SCAN must stay below 2^53: some clients keep them as doubles.
const _ = uint64(1<<53) - uint64(slot.Count)<<data.ScanBits
