package coordinator

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// rig is a node under test with the part of a gateway that sagas need.
type rig struct {
	t      testing.TB
	node   *Node
	sagas  *Coordinators
	runner *saga.Runner
	db     int
	now    int64
	served chan string // replies to blocked clients
	quiet  *sync.Mutex // held by whoever runs sagas in the background
}

type noEffects struct{}

func (noEffects) Notify(int, engine.Class, string, []byte) {}

const startTime = 1_700_000_000_000

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

var selectRow = command.Row{Name: "select", Group: command.GroupConnection, Arity: 2, Route: command.RouteLocal}

func newRig(t testing.TB, shards int, programs ...saga.Command) *rig {
	t.Helper()
	node, err := Start(Options{
		Shards: shards, Seed: 1, Locals: []*command.Row{&selectRow}, Programs: programs,
		Effects: noEffects{}, Config: engine.DefaultConfig(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	sagas, err := NewCoordinators(node.System, node.Env)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, node: node, sagas: sagas, runner: node.Env.NewRunner(), now: startTime, served: make(chan string, 64), quiet: &sync.Mutex{}}
	t.Cleanup(func() {
		node.Stop()
		for _, h := range node.Env.Shards {
			h.Engine.KS.Close()
		}
	})
	return r
}

// RunLocal implements saga.Local for SELECT, the only command of a connection here.
func (r *rig) RunLocal(_ *command.Info, args [][]byte, db *int, out *reply.Writer, _ *saga.Tx) {
	n, err := strconv.Atoi(string(args[1]))
	if err != nil || n < 0 || n > 15 {
		out.Error(reply.ErrDBIndex)
		return
	}
	*db = n
	out.OK()
}

// call makes a call of words, which EXEC with the commands in queue may be.
func (r *rig) call(words []string, queue ...[]string) *saga.Call {
	r.t.Helper()
	call := &saga.Call{Args: toArgs(words), DB: r.db, Now: r.now, Out: &reply.Writer{}, Local: r}
	call.Post = func(f func()) { go f() }
	if words[0] == "EXEC" {
		call.Cmd = r.node.Env.Find(saga.ExecName)
		for _, q := range queue {
			call.Queue = append(call.Queue, saga.Queued{Cmd: r.resolve(q), Args: toArgs(q)})
		}
		return call
	}
	call.Cmd = r.resolve(words)
	if call.Cmd.Flags&command.Blocking != 0 {
		call.Block = func(b *saga.Blocked) { r.block(call, b) }
	}
	return call
}

// block is what a gateway does with a blocked call.
func (r *rig) block(call *saga.Call, b *saga.Blocked) {
	var claimed atomic.Bool
	b.Waiter.Claim = func() bool { return claimed.CompareAndSwap(false, true) }
	b.Waiter.Done = func(out []byte) { r.served <- flat(out) }
	if b.Resume {
		again := call.Own()
		again.Block = func(b *saga.Blocked) { r.block(again, b) }
		b.Waiter.Handoff = r.sagas.Handoff(b.Waiter.Saga, again, func() {
			if len(again.Out.Buf) > 0 {
				r.served <- flat(again.Out.Buf)
			}
		})
	}
}

func (r *rig) resolve(words []string) *command.Info {
	r.t.Helper()
	info, refusal := r.node.Table.Resolve(toArgs(words))
	if refusal != "" {
		r.t.Fatalf("%q: %s", words, refusal)
	}
	return info
}

func toArgs(words []string) [][]byte {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return args
}

func flat(b []byte) string { return strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", " ")) }

// inline runs a call on this goroutine, by messages if need be.
func (r *rig) inline(call *saga.Call) string {
	if r.runner.Inline(call) {
		return flat(call.Out.Buf)
	}
	return r.submit(call)
}

// submit runs a call by messages.
func (r *rig) submit(call *saga.Call) string {
	done := make(chan struct{})
	r.sagas.Submit(call, func() { close(done) })
	select {
	case <-done:
	case <-time.After(patience):
		r.t.Errorf("%q: no reply", call.Args)
		panic("no reply")
	}
	return flat(call.Out.Buf)
}

// single runs a command on one key as a message.
func (r *rig) single(words ...string) string {
	r.t.Helper()
	info, args := r.resolve(words), toArgs(words)
	out := &reply.Writer{}
	done := make(chan struct{})
	in := slot.Of(args[info.KeyPos])
	r.node.Env.Shards[r.node.Env.Slots.Shard(in)].Tell(&engine.Request{
		Cmd: info, DB: r.db, Slot: in, Key: info.KeyPos, Args: args, Out: out, Now: r.now, Done: func() { close(done) },
	})
	<-done
	return flat(out.Buf)
}

// on runs f on a shard and waits for it.
func (r *rig) on(shardIndex int, f func(e *engine.Engine)) {
	done := make(chan struct{})
	r.node.Env.Shards[shardIndex].Tell(shard.Func(func(e *engine.Engine) { f(e); close(done) }))
	<-done
}

// settle waits until no saga lives and checks that nothing of one is left.
func (r *rig) settle() {
	r.t.Helper()
	r.quiet.Lock()
	defer r.quiet.Unlock()
	for deadline := time.Now().Add(patience); r.sagas.Live() > 0; {
		if time.Now().After(deadline) {
			r.t.Fatalf("%d sagas live on", r.sagas.Live())
		}
		time.Sleep(time.Millisecond / 4)
	}
	for i := range r.node.Env.Shards {
		r.on(i, func(e *engine.Engine) {
			if e.Sagas() != 0 || e.AnyLocked() {
				r.t.Errorf("shard %d: %d sagas, locked %v", i, e.Sagas(), e.AnyLocked())
			}
		})
	}
}

func TestMultiSetByMessages(t *testing.T) {
	r := newRig(t, 4)
	set, get := []string{"MSET"}, []string{"MGET"}
	var want bytes.Buffer
	fmt.Fprintf(&want, "*20")
	for i := range 20 {
		k, v := fmt.Sprint("key", i), fmt.Sprint("value", i)
		set, get = append(set, k, v), append(get, k)
		fmt.Fprintf(&want, " $%d %s", len(v), v)
	}
	if got := r.submit(r.call(set)); got != "+OK" {
		t.Fatalf("MSET: %s", got)
	}
	if got := r.submit(r.call(get)); got != want.String() {
		t.Fatalf("MGET: %s\nwant %s", got, want.String())
	}
	r.settle()
}

// Many clients move money between accounts by both ways; the sum never changes.
func TestTransfersKeepTheSum(t *testing.T) {
	const accounts, clients, rounds, each = 6, 8, 120, 100
	r := newRig(t, 3)
	names, set := make([]string, accounts), []string{"MSET"}
	for i := range names {
		names[i] = fmt.Sprint("account", i)
		set = append(set, names[i], fmt.Sprint(each))
	}
	r.submit(r.call(set))
	sum := append([]string{"MGET"}, names...)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			mine := *r
			mine.runner = r.node.Env.NewRunner()
			for i := range rounds {
				from, to := names[(c+i)%accounts], names[(c*3+i*7+1)%accounts]
				run := mine.submit
				if i%3 == 0 {
					run = mine.inline
				}
				switch i % 4 {
				case 0, 1:
					run(mine.call([]string{"EXEC"}, []string{"DECRBY", from, "7"}, []string{"INCRBY", to, "7"}))
				case 2:
					mine.checkSum(run(mine.call(sum)), accounts*each)
				case 3:
					mine.single("GET", from)
				}
			}
		})
	}
	wg.Wait()
	r.checkSum(r.submit(r.call(sum)), accounts*each)
	r.settle()
}

func (r *rig) checkSum(mget string, want int) {
	words := strings.Fields(mget)
	sum := 0
	for i := 2; i < len(words); i += 2 {
		n, _ := strconv.Atoi(words[i])
		sum += n
	}
	if sum != want {
		r.t.Errorf("the sum of %s is %d, want %d", mget, sum, want)
	}
}

// A program that panics leaves no lock, no half and no waiting client.
func TestCrashedCoordinator(t *testing.T) {
	row := command.Row{Name: "halfway", Group: command.GroupGeneric, Arity: 3, Flags: command.Write,
		Keys: []command.KeySpec{{Access: command.RW, Begin: command.Begin{Index: 1}, Find: command.Find{Last: 1, Step: 1}}}, Route: command.RouteSaga}
	r := newRig(t, 4, saga.Command{Row: &row, Run: func(t *saga.Tx) {
		t.Ask(t.Find("set"), nil, t.Args[1], []byte("half"))
		t.Ask(t.Find("set"), nil, t.Args[2], []byte("half"))
		panic("halfway")
	}})
	r.submit(r.call([]string{"MSET", "a", "1", "b", "2"}))
	if got := r.submit(r.call([]string{"HALFWAY", "a", "b"})); got != "-"+string(saga.ErrUndone) {
		t.Errorf("the crashed command answered %q", got)
	}
	r.settle()
	if got := r.submit(r.call([]string{"MGET", "a", "b"})); got != "*2 $1 1 $1 2" {
		t.Errorf("after the crash: %s", got)
	}
}

// Blocked moves are served first come first served, each once.
func TestBlockedMoves(t *testing.T) {
	r := newRig(t, 4)
	for i := range 3 {
		if got := r.submit(r.call([]string{"BLMOVE", "src", fmt.Sprint("dst", i), "LEFT", "LEFT", "0"})); got != "" {
			t.Fatalf("BLMOVE answered %q", got)
		}
	}
	r.settle()
	r.submit(r.call([]string{"EXEC"}, []string{"RPUSH", "src", "a", "b"}, []string{"SET", "other", "1"}))
	got := []string{<-r.served, <-r.served}
	r.settle()
	slices.Sort(got) // two sagas say so, each when it has ended
	if want := []string{"$1 a", "$1 b"}; !slices.Equal(got, want) {
		t.Errorf("served %q, want %q", got, want)
	}
	r.single("RPUSH", "src", "c")
	if got := <-r.served; got != "$1 c" {
		t.Errorf("served %q, want c", got)
	}
	r.settle()
	for i, want := range []string{"a", "b", "c"} {
		if got := r.single("LRANGE", fmt.Sprint("dst", i), "0", "-1"); got != "*1 $1 "+want {
			t.Errorf("dst%d: %s, want %s", i, got, want)
		}
	}
}

// BenchmarkMultiSet compares the ways of MSET of ten keys on four shards.
func BenchmarkMultiSet(b *testing.B) {
	r := newRig(b, 4)
	set := []string{"MSET"}
	for i := range 10 {
		set = append(set, fmt.Sprint("key", i), "value")
	}
	call := r.call(set)
	for name, run := range map[string]func(*saga.Call) string{"inline": r.inline, "messages": r.submit} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				call.Out.Buf = call.Out.Buf[:0]
				run(call)
			}
		})
	}
}
