package saga

import (
	"bytes"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/zset"
)

var bzpopminRow = command.Row{
	Name:       "bzpopmin",
	Group:      command.GroupSortedSet,
	Since:      "5.0.0",
	Summary:    "ZPOPMIN on the first of several sorted sets that has a member, waiting for one",
	Complexity: "O(log(N)), N the members of the sorted set",
	Arity:      -3,
	Flags:      command.Write | command.NoScript | command.Blocking | command.Fast,
	ACL:        command.CatSortedSet,
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

var bzpopmaxRow = command.Row{
	Name:       "bzpopmax",
	Group:      command.GroupSortedSet,
	Since:      "5.0.0",
	Summary:    "ZPOPMAX on the first of several sorted sets that has a member, waiting for one",
	Complexity: "O(log(N)), N the members of the sorted set",
	Arity:      -3,
	Flags:      command.Write | command.NoScript | command.Blocking | command.Fast,
	ACL:        command.CatSortedSet,
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

func bzpopmin(t *Tx) { bzpop(t, zset.MinWord) }
func bzpopmax(t *Tx) { bzpop(t, zset.MaxWord) }

func bzpop(t *Tx, end string) {
	last := len(t.Args) - 1
	pop := zsetPop{step: "~zpop", keys: t.Args[1:last], end: end}
	pop.orWait(t, last)
}

// zsetPop takes elements from the first of some keys that has any.
type zsetPop struct {
	step  string // ~zpop or ~zmpop
	keys  [][]byte
	end   string // zset.MinWord or zset.MaxWord
	count []byte // of ~zmpop; nil for ~zpop
}

// now replies with what the first key that is there gives, or with its error. It
// tells whether it has replied.
func (p *zsetPop) now(t *Tx) bool {
	zcard := t.Find("zcard")
	for _, key := range t.wokenFirst(p.keys) {
		v, _ := reply.Parse(t.Ask(zcard, zcardName, key))
		switch {
		case v.IsError() && t.Call.Waited:
		case v.IsError():
			t.Out.Error(reply.Error(v.Bulk))
			return true
		case v.Int > 0:
			steps := t.Steps(1)
			steps[0] = Step{Cmd: t.Find(p.step), Args: p.args(key), Key: 1}
			t.Into(steps)
			return true
		}
	}
	return false
}

func (p *zsetPop) args(key []byte) [][]byte {
	args := [][]byte{[]byte(p.step), key, []byte(p.end), p.count}
	if p.count == nil {
		return args[:3]
	}
	return args
}

// orWait is now, or else waits for one of the keys; argument i is the timeout.
func (p *zsetPop) orWait(t *Tx, i int) {
	timeout, ok := readTimeout(t, i)
	if !ok || p.now(t) {
		return
	}
	if !mayWait(t) {
		t.Out.NullArray()
		return
	}
	waiting := zsetPop{step: p.step, end: p.end, count: bytes.Clone(p.count)}
	waitFor(t, p.keys, &Blocked{
		Waiter:  &engine.Waiter{Kind: keyspace.SortedSet, Serve: t.Find(p.step), Args: waiting.args},
		Timeout: timeout,
	})
}
