package saga

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/mailbox"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// zsetNode is a node of some shards, whose commands run inline.
type zsetNode struct {
	t       testing.TB
	env     *Env
	runner  *Runner
	config  *engine.Config
	events  []string
	blocked []*Blocked // of a blocking command that waits
	proto   uint8
	now     int64
}

type zsetEffects zsetNode

func (n *zsetEffects) Notify(_ int, _ engine.Class, event string, key []byte) {
	n.events = append(n.events, event+" "+string(key))
}

func (n *zsetEffects) Wound(engine.SagaID) {}

func newZsetNode(t testing.TB, shards int) *zsetNode {
	t.Helper()
	n := &zsetNode{t: t, config: engine.DefaultConfig(), proto: reply.RESP2, now: 1e12}
	n.config.Notify = ^engine.Class(0)
	var rows []*command.Row
	for _, c := range shard.Commands() {
		rows = append(rows, c.Row)
	}
	for _, c := range Commands() {
		rows = append(rows, c.Row)
	}
	table, err := command.NewTable(topRows(rows))
	if err != nil {
		t.Fatal(err)
	}
	handles := make([]*shard.Handle, shards)
	for i := range handles {
		first, count := directory.Range(i, shards)
		e := engine.New(engine.Options{
			FirstSlot: first, Slots: count, Seed: uint64(i + 1), Effects: (*zsetEffects)(n),
			Handlers: engine.Handlers(table, shard.Commands()), Config: n.config,
		})
		t.Cleanup(e.KS.Close)
		handles[i] = &shard.Handle{Index: i, Lease: mailbox.New(), Engine: e}
	}
	n.env = NewEnv(table, directory.Even(shards), handles, Commands())
	n.runner = n.env.NewRunner()
	return n
}

// topRows leaves out the rows that come with their containers.
func topRows(rows []*command.Row) (top []*command.Row) {
	sub := map[*command.Row]bool{}
	for _, r := range rows {
		for _, s := range r.Subs {
			sub[s] = true
		}
	}
	for _, r := range rows {
		if !sub[r] {
			top = append(top, r)
		}
	}
	return top
}

// raw runs a command of any route and returns its reply's bytes.
func (n *zsetNode) raw(words ...string) []byte {
	n.t.Helper()
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	out := reply.Writer{Proto: n.proto}
	info, refusal := n.env.Table.Resolve(args)
	if refusal != "" {
		out.Error(refusal)
		return out.Buf
	}
	if info.Route == command.RouteSingle {
		r := engine.Request{Cmd: info, Key: n.env.keyAt(info, args), Args: args, Out: &out, Now: n.now}
		r.Slot = slot.Of(args[r.Key])
		n.env.Shards[n.env.ShardOf(args[r.Key])].Engine.Handle(&r)
		return out.Buf
	}
	call := Call{Cmd: info, Args: args, Now: n.now, Out: &out}
	call.Block = func(b *Blocked) { n.blocked = append(n.blocked, b) }
	if !n.runner.Inline(&call) {
		n.t.Fatalf("%v: could not run inline", words)
	}
	return out.Buf
}

// do runs a command line without quotes; line breaks of the reply become spaces.
func (n *zsetNode) do(line string) string {
	n.t.Helper()
	return strings.TrimSuffix(strings.ReplaceAll(string(n.raw(strings.Fields(line)...)), "\r\n", " "), " ")
}

func (n *zsetNode) expect(line, want string) {
	n.t.Helper()
	if got := n.do(line); got != want {
		n.t.Errorf("%s\n got %s\nwant %s", line, got, want)
	}
}

func (n *zsetNode) expectEvents(want ...string) {
	n.t.Helper()
	if got := strings.Join(n.events, ", "); got != strings.Join(want, ", ") {
		n.t.Errorf("events\n got %s\nwant %s", got, strings.Join(want, ", "))
	}
	n.events = nil
}

func TestZsetStoreEvents(t *testing.T) {
	n := newZsetNode(t, 4)
	n.do("ZADD a 1 x 2 y")
	n.do("ZADD b 3 y 4 z")
	n.do("SET dst text")
	n.events = nil
	n.expect("ZUNIONSTORE dst 2 a b", ":3")
	n.expectEvents("zunionstore dst")
	n.expect("ZINTERSTORE dst 2 a b WEIGHTS 2 1", ":1")
	n.expectEvents("zinterstore dst")
	n.expect("ZDIFFSTORE dst 2 a b", ":1")
	n.expectEvents("zdiffstore dst")
	n.expect("ZRANGESTORE dst a 0 -1 REV", ":2")
	n.expectEvents("zrangestore dst")
	n.expect("ZDIFFSTORE dst 1 missing", ":0")
	n.expectEvents("del dst")
	n.expect("ZRANGESTORE dst missing 0 -1", ":0")
	n.expectEvents()
	n.expect("ZMPOP 2 missing a MIN COUNT 5", "*2 $1 a *2 *2 $1 x $1 1 *2 $1 y $1 2")
	n.expectEvents("zpopmin a", "del a")
}

func TestZsetBlocking(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{"BZPOPMIN other z other 0", "*3 $1 z $1 a $1 1"},
		{"BZPOPMAX z 1.5", "*3 $1 z $1 c $1 3"},
		{"BZMPOP 0 2 other z MIN", "*2 $1 z *1 *2 $1 a $1 1"},
		{"BZMPOP 0 1 z MAX COUNT 10", "*2 $1 z *3 *2 $1 c $1 3 *2 $1 b $1 2 *2 $1 a $1 1"},
	} {
		n := newZsetNode(t, 4)
		n.expect(c.command, "")
		if len(n.blocked) != 1 {
			t.Fatalf("%s: %d waiters, want 1", c.command, len(n.blocked))
		}
		b := n.blocked[0]
		var got []byte
		b.Waiter.Claim = func() bool { return got == nil }
		b.Waiter.Done = func(answer []byte) { got = bytes.Clone(answer) }
		if string(b.TimedOut) != "*-1\r\n" {
			t.Errorf("%s: on timeout replies %q", c.command, b.TimedOut)
		}
		n.expect("ZADD z 1 a 2 b 3 c", ":3")
		text := strings.TrimSuffix(strings.ReplaceAll(string(got), "\r\n", " "), " ")
		if text != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.command, text, c.want)
		}
		if k := n.do("ZCARD z"); (c.want[1] == '2' && strings.Contains(c.want, "*3")) != (k == ":0") {
			t.Errorf("%s: left %s elements", c.command, k)
		}
	}
}

func TestZsetBlockingRefusals(t *testing.T) {
	n := newZsetNode(t, 2)
	n.do("SET text x")
	for _, c := range [][2]string{
		{"BZPOPMIN z -1", "-ERR timeout is negative"},
		{"BZPOPMIN z x", "-ERR timeout is not a float or out of range"},
		{"BZPOPMIN z text 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"BZMPOP 0 0 z MIN", "-ERR numkeys should be greater than 0"},
		{"BZMPOP 0 1 z MID", "-ERR syntax error"},
		{"BZMPOP x 1 z MIN COUNT 0", "-ERR count should be greater than 0"},
		{"ZMPOP 9223372036854775807 z MIN", "-ERR syntax error"},
	} {
		n.expect(c[0], c[1])
	}
	if len(n.blocked) != 0 {
		t.Errorf("%d refused commands wait", len(n.blocked))
	}
}

// A store that a saga undoes must leave source and destination as they were.
func TestZsetStoreUndone(t *testing.T) {
	n := newZsetNode(t, 1)
	n.do("ZADD a 1 x 2 y")
	n.do("ZADD dst 7 old")
	e := n.env.Shards[0].Engine
	var j keyspace.Journal
	var out reply.Writer
	args := [][]byte{[]byte("~zstore"), []byte("dst"), []byte("zunionstore"), []byte("m"), []byte("\x00\x00\x00\x00\x00\x00\xf0\x3f")}
	e.Step(&engine.Request{Cmd: n.env.Find("~zstore"), Slot: slot.Of(args[1]), Key: 1, Args: args, Out: &out, Now: n.now}, &j)
	n.expect("ZRANGE dst 0 -1 WITHSCORES", "*2 $1 m $1 1")
	e.KS.Rollback(&j)
	n.expect("ZRANGE dst 0 -1 WITHSCORES", "*2 $3 old $1 7")
}

func BenchmarkZunion(b *testing.B) {
	n := newZsetNode(b, 4)
	for i := range 1000 {
		n.do(fmt.Sprintf("ZADD a %d m%d", i, i))
		n.do(fmt.Sprintf("ZADD b %d m%d", i, i+500))
	}
	b.ReportAllocs()
	for b.Loop() {
		n.raw("ZUNION", "2", "a", "b", "WITHSCORES")
	}
}
