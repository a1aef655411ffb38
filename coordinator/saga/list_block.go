package saga

import (
	"bytes"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var blpopRow = command.Row{
	Name:       "blpop",
	Group:      command.GroupList,
	Since:      "2.0.0",
	Summary:    "LPOP on the first of several lists that has an element, waiting for one",
	Complexity: "O(N), N the keys",
	Arity:      -3,
	Flags:      command.Write | command.NoScript | command.Blocking,
	ACL:        command.CatList,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -2, Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "timeout", Type: command.ArgDouble},
	},
	History: []command.Change{
		{Since: "6.0.0", What: "`timeout` may have a fraction."},
	},
}

var brpopRow = command.Row{
	Name:       "brpop",
	Group:      command.GroupList,
	Since:      "2.0.0",
	Summary:    "RPOP on the first of several lists that has an element, waiting for one",
	Complexity: "O(N), N the keys",
	Arity:      -3,
	Flags:      command.Write | command.NoScript | command.Blocking,
	ACL:        command.CatList,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -2, Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "timeout", Type: command.ArgDouble},
	},
	History: []command.Change{
		{Since: "6.0.0", What: "`timeout` may have a fraction."},
	},
}

var blmoveRow = command.Row{
	Name:       "blmove",
	Group:      command.GroupList,
	Since:      "6.2.0",
	Summary:    "LMOVE that waits for an element",
	Complexity: "O(1)",
	Arity:      6,
	Flags:      command.Write | command.DenyOOM | command.NoScript | command.Blocking,
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
		{Name: "timeout", Type: command.ArgDouble},
	},
}

var brpoplpushRow = command.Row{
	Name:       "brpoplpush",
	Group:      command.GroupList,
	Since:      "2.2.0",
	Summary:    "RPOPLPUSH that waits for an element",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM | command.NoScript | command.Blocking,
	ACL:        command.CatList,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Delete, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RW | command.Insert, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "source", Type: command.ArgKey},
		{Name: "destination", Type: command.ArgKey, KeySpec: 1},
		{Name: "timeout", Type: command.ArgDouble},
	},
	History: []command.Change{
		{Since: "6.0.0", What: "`timeout` may have a fraction."},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`BLMOVE` from `RIGHT` to `LEFT`",
}

func blpop(t *Tx) { blockingPop(t, leftEnd) }

func brpop(t *Tx) { blockingPop(t, rightEnd) }

func blockingPop(t *Tx, at *listEnd) {
	last := len(t.Args) - 1
	p := listPop{keys: t.Args[1:last], at: at}
	p.block(t, last)
}

// block pops, or waits for a list; argument i is the timeout.
func (p *listPop) block(t *Tx, i int) {
	timeout, ok := readTimeout(t, i)
	if !ok || p.try(t) {
		return
	}
	if !mayWait(t) {
		t.Out.NullArray()
		return
	}
	waiting := listPop{at: p.at, count: bytes.Clone(p.count)}
	waitFor(t, p.keys, &Blocked{
		Waiter:  &engine.Waiter{Kind: keyspace.List, Serve: t.Find(popFirstName), Args: waiting.args},
		Timeout: timeout,
	})
}

func blmove(t *Tx) {
	if m, ok := readMove(t); ok {
		m.block(t, 5)
	}
}

func brpoplpush(t *Tx) {
	m := listMove{rightEnd, leftEnd}
	m.block(t, 3)
}

// block moves an element, or waits for the source; argument i is the timeout.
// As two keys take part, the whole command runs again when the source is there.
func (m *listMove) block(t *Tx, i int) {
	timeout, ok := readTimeout(t, i)
	if !ok || m.try(t) {
		return
	}
	if !mayWait(t) {
		t.Out.Null()
		return
	}
	waitFor(t, t.Args[1:2], &Blocked{
		Waiter: &engine.Waiter{Kind: keyspace.List}, Timeout: timeout, Resume: true,
	})
}

// mayWait tells whether the command may block; EXEC and scripts do not wait.
func mayWait(t *Tx) bool { return t.Call.Block != nil && !t.Nested }

// waitFor puts the waiter of b into the queues of keys and leaves b, which it
// completes, to the gateway. What b keeps is its own.
func waitFor(t *Tx, keys [][]byte, b *Blocked) {
	b.Keys, b.DB = ownKeys(keys), t.DB
	b.Waiter.Proto, b.Waiter.Saga = t.Out.Proto, t.env.NewID(t.Now)
	null := reply.Writer{Proto: t.Out.Proto}
	null.NullArray()
	b.TimedOut = null.Buf
	steps := t.Steps(len(b.Keys))
	for i, key := range b.Keys {
		steps[i] = Step{Args: [][]byte{nil, key}, Key: 1, Wait: b.Waiter}
	}
	t.Do(steps)
	t.Call.Block(b)
}

// ownKeys copies keys, each that is named several times only once: there is one
// place in its queue.
func ownKeys(keys [][]byte) [][]byte {
	own := make([][]byte, 0, len(keys))
	seen := make(map[string]struct{}, len(keys))
	for _, key := range keys {
		if _, again := seen[string(key)]; again {
			continue
		}
		seen[string(key)] = struct{}{}
		own = append(own, bytes.Clone(key))
	}
	return own
}
