package saga

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// localNode is a node of some shard actors, whose commands all run inline.
type localNode struct {
	t      testing.TB
	env    *Env
	runner *Runner
	config *engine.Config
	now    int64
	db     int
	proto  uint8
	events []string // "event key@db"
}

type localEffects localNode

func (n *localEffects) Notify(db int, _ engine.Class, event string, key []byte) {
	n.events = append(n.events, event+" "+string(key)+"@"+strconv.Itoa(db))
}

func (n *localEffects) Wound(engine.SagaID) {}

// selectRow stands for the gateway's SELECT.
var selectRow = command.Row{Name: selectName, Group: command.GroupConnection, Arity: 2, Route: command.RouteLocal}

// localConn stands for a gateway's connection.
type localConn struct{}

func (localConn) RunLocal(_ *command.Info, args [][]byte, db *int, out *reply.Writer, _ *Tx) {
	n, _ := num.ParseInt(args[1])
	*db = int(n)
	out.OK()
}

func newLocalNode(t testing.TB, shards int) *localNode {
	t.Helper()
	n := &localNode{t: t, config: engine.DefaultConfig(), now: enginetest.StartTime, proto: reply.RESP2}
	n.config.Notify = ^engine.Class(0)
	var rows []*command.Row
	for _, c := range Commands() {
		rows = append(rows, c.Row)
	}
	mine := enginetest.Rows(shard.Commands())
	table, err := command.NewTable(mine, topLevel(rows), []*command.Row{&selectRow})
	if err != nil {
		t.Fatal(err)
	}
	system := actor.NewActorSystem()
	t.Cleanup(system.Shutdown)
	handles := make([]*shard.Handle, shards)
	for i := range handles {
		first, count := directory.Range(i, shards)
		e := engine.New(engine.Options{
			FirstSlot: first, Slots: count, Seed: uint64(i + 1), Effects: (*localEffects)(n),
			Handlers: engine.Handlers(table, shard.Commands()), Config: n.config,
		})
		t.Cleanup(e.KS.Close)
		if handles[i], err = shard.Spawn(system, i, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range handles { // the mailbox starts with a message of its own
		for !h.Lease.TryAcquire() {
		}
		h.Lease.Release()
	}
	n.env = NewEnv(table, directory.Even(shards), handles, Commands())
	n.runner = n.env.NewRunner()
	return n
}

// topLevel leaves out subcommands whose containers are elsewhere.
func topLevel(rows []*command.Row) (top []*command.Row) {
	for _, r := range rows {
		contained := slices.ContainsFunc(shard.Commands(), func(c engine.Command) bool { return slices.Contains(c.Row.Subs, r) })
		if !contained {
			top = append(top, r)
		}
	}
	return top
}

// do runs a line of words, "" being an empty one, and returns its reply with
// spaces for line breaks.
func (n *localNode) do(line string) string {
	n.t.Helper()
	words := strings.Fields(line)
	args := make([][]byte, len(words))
	for i, w := range words {
		if w != `""` {
			args[i] = []byte(w)
		}
	}
	return n.run(args)
}

func (n *localNode) run(args [][]byte) string {
	n.t.Helper()
	out := &reply.Writer{Proto: n.proto}
	info, refusal := n.env.Table.Resolve(args)
	switch {
	case refusal != "":
		out.Error(refusal)
	case info.Route == command.RouteSingle:
		n.single(info, args, out)
	default:
		n.inline(&Call{Cmd: info, Args: args, DB: n.db, Now: n.now, Out: out})
	}
	return flat(out)
}

func flat(out *reply.Writer) string {
	return strings.TrimSuffix(strings.ReplaceAll(string(out.Buf), "\r\n", " "), " ")
}

func (n *localNode) single(info *command.Info, args [][]byte, out *reply.Writer) {
	at := n.env.keyAt(info, args)
	in := slot.Of(args[at])
	r := engine.Request{Cmd: info, DB: n.db, Slot: in, Key: at, Args: args, Out: out, Now: n.now}
	n.env.Shards[n.env.Slots.Shard(in)].Engine.Handle(&r)
}

func (n *localNode) inline(call *Call) {
	n.t.Helper()
	if !n.runner.Inline(call) {
		n.t.Fatalf("%s: could not run inline", call.Args)
	}
}

func (n *localNode) expect(line, want string) {
	n.t.Helper()
	if got := n.do(line); got != want {
		n.t.Errorf("%s\n got %s\nwant %s", line, got, want)
	}
}

func (n *localNode) expectEvents(want ...string) {
	n.t.Helper()
	if !slices.Equal(n.events, want) {
		n.t.Errorf("events\n got %q\nwant %q", n.events, want)
	}
	n.events = nil
}

// exec runs lines as one transaction.
func (n *localNode) exec(watches []Watch, lines ...string) string {
	n.t.Helper()
	out := &reply.Writer{Proto: n.proto}
	call := &Call{Cmd: n.env.Find(ExecName), Args: [][]byte{[]byte("EXEC")}, DB: n.db, Now: n.now, Out: out, Watches: watches, Local: localConn{}}
	for _, line := range lines {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		info, refusal := n.env.Table.Resolve(args)
		if refusal != "" {
			n.t.Fatalf("%s: %s", line, refusal)
		}
		call.Queue = append(call.Queue, Queued{info, args})
	}
	n.inline(call)
	return flat(out)
}

// watch begins to watch a key.
func (n *localNode) watch(db int, key string) Watch {
	n.t.Helper()
	out := &reply.Writer{}
	args := [][]byte{nil, []byte(key)}
	home := n.db
	n.db = db
	n.single(n.env.Find("~watch"), args, out)
	n.db = home
	v, _ := reply.Parse(out.Buf)
	return Watch{DB: db, Key: []byte(key), Version: v.Int}
}
