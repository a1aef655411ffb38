package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// world is two nodes, a catalog, clients of one shard, and whatever goes wrong
// between them, from a seed.
type world struct {
	t     *testing.T
	rand  *rng.Rand
	now   int64
	table *command.Table
	run   []engine.Handler
	nodes [3]*node // by number, from 1 on

	place     directory.Place
	versions  []directory.Place // each state of the place
	proposals []func()
	flying    []flight
	calm      bool // nothing goes wrong any more
	cut       bool // the link is down

	model   map[string]string // what was acknowledged
	commits int
	aborts  int
	crashes int
	clients int
}

// node is one process.
type node struct {
	number directory.Number
	e      *engine.Engine
	source *Source
	target *Target
	seen   int      // version of the place that it knows
	todo   []Action // on its shard, in order
	life   int      // its process
}

type flight struct {
	to    directory.Number
	bytes []byte
}

func newWorld(t *testing.T, seed uint64, table *command.Table, run []engine.Handler) *world {
	w := &world{t: t, rand: rng.New(seed), table: table, run: run, model: map[string]string{}}
	w.place = directory.Place{Owner: 1, Epoch: 1}
	w.versions = []directory.Place{w.place}
	for n := range 2 {
		w.nodes[n+1] = &node{number: directory.Number(n + 1), seen: -1}
		w.boot(w.nodes[n+1])
	}
	return w
}

type quiet struct{}

func (quiet) Notify(int, engine.Class, string, []byte) {}
func (quiet) Answer(*engine.Answer)                    {}

// boot starts a node's process, whose shard is closed and empty.
func (w *world) boot(n *node) {
	n.e = engine.New(engine.Options{
		Slots: slot.Count, Seed: w.rand.Uint64(), Handlers: w.run, Effects: quiet{}, Config: engine.DefaultConfig(),
	})
	n.e.Join(0, quiet{})
	n.e.Close()
	n.source, n.target, n.todo = nil, nil, nil
	n.life++
}

// The catalog.

func (w *world) changed(p directory.Place) {
	w.place = p
	w.versions = append(w.versions, p)
}

func (w *world) propose(f func()) {
	if !w.calm && w.rand.Intn(3) == 0 {
		return // lost
	}
	w.proposals = append(w.proposals, f)
	if !w.calm && w.rand.Intn(5) == 0 {
		w.proposals = append(w.proposals, f)
	}
}

func (w *world) begin() {
	p := w.place
	p.To, p.MoveID = 3-p.Owner, uint64(len(w.versions))
	w.changed(p)
}

func (w *world) commit(move uint64) {
	p := w.place
	if p.MoveID != move {
		return
	}
	w.commits++
	p.Owner, p.To, p.MoveID = p.To, 0, 0
	p.Epoch++
	w.changed(p)
}

func (w *world) abort(move uint64) {
	p := w.place
	if p.MoveID != move {
		return
	}
	w.aborts++
	p.To, p.MoveID = 0, 0
	w.changed(p)
}

// crash ends a node's process; another one joins. What it owned is lost, and so is
// its move.
func (w *world) crash(n *node) {
	w.crashes++
	w.boot(n)
	p := w.place
	p.To, p.MoveID = 0, 0
	if p.Owner == n.number {
		p.Epoch++
		p.LostAt = w.now
		w.model = map[string]string{}
	}
	w.changed(p)
	n.seen = len(w.versions) - 2 // it begins with its own joining
}

// learn makes a node look at the directory.
func (w *world) learn(n *node, version int) {
	if version <= n.seen {
		return
	}
	n.seen = version
	p := w.versions[version]
	if n.source != nil {
		w.carry(n, n.source.Place(p, w.now))
		if n.source.Over() {
			n.source = nil
		}
	}
	if n.target != nil {
		w.carry(n, n.target.Place(p))
		if err := n.target.Err(); err != nil {
			w.t.Fatal(err)
		}
		if n.target.Over() {
			n.target = nil
		}
	}
	w.settle(n)
	switch {
	case p.MoveID != 0 && p.Owner == n.number && n.source == nil:
		w.reopen(n, p)
		n.source = NewSource(0, p, w.now)
		w.carry(n, n.source.Begin(w.now))
	case p.MoveID != 0 && p.To == n.number && n.target == nil:
		n.target = NewTarget(0, p)
		w.carry(n, n.target.Begin())
	case p.Owner == n.number:
		w.reopen(n, p)
	}
}

// reopen opens a shard that is empty because a process was lost.
func (w *world) reopen(n *node, p directory.Place) {
	if n.e.Closed() {
		n.e.Open(p.Epoch)
	}
}

// carry takes actions on: those on the shard later, in order.
func (w *world) carry(n *node, actions []Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case Send:
			if len(a.Frame.Body) > engine.MaxChunk {
				w.t.Fatal("a frame that is too large")
			}
			w.send(3-n.number, a.Frame.Append(nil))
		case ProposeCommit:
			w.propose(func() { w.commit(a.Move) })
		case ProposeAbort:
			w.propose(func() { w.abort(a.Move) })
		default:
			n.todo = append(n.todo, a)
		}
	}
}

func (w *world) send(to directory.Number, bytes []byte) {
	if w.cut || !w.calm && w.rand.Intn(8) == 0 {
		return
	}
	w.flying = append(w.flying, flight{to, bytes})
	if !w.calm && w.rand.Intn(8) == 0 {
		w.flying = append(w.flying, flight{to, bytes})
	}
}

// deliver brings one frame, mostly the oldest.
func (w *world) deliver() {
	if len(w.flying) == 0 {
		return
	}
	i := 0
	if !w.calm && w.rand.Intn(4) == 0 {
		i = w.rand.Intn(len(w.flying))
	}
	f := w.flying[i]
	w.flying = slices.Delete(w.flying, i, i+1)
	frame, err := Parse(f.bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	n := w.nodes[f.to]
	switch {
	case frame.Kind == FrameChunk && n.target != nil:
		w.carry(n, n.target.Frame(&frame))
	case frame.Kind != FrameChunk && n.source != nil:
		w.carry(n, n.source.Frame(&frame, w.now))
	}
}

// work carries out the next action on a node's shard.
func (w *world) work(n *node) {
	if len(n.todo) == 0 {
		return
	}
	a := n.todo[0]
	n.todo = n.todo[1:]
	switch a := a.(type) {
	case BeginExport:
		n.e.BeginExport(a.Move)
	case ExportChunk:
		chunk, done, err := n.e.ExportChunk(a.Move, 200) // small, so that there are many
		if n.source != nil && n.source.Move() == a.Move {
			p := n.e.ExportProgress()
			if p.Left > 20 {
				p.Left += SealBelow // seal late, as the shard is small
			}
			w.carry(n, n.source.Chunk(chunk, done, err, p, w.now))
		}
	case Seal:
		n.e.Seal()
	case Unseal:
		n.e.EndExport(true)
		n.e.Unseal()
	case Drop:
		n.e.Close()
		n.e.EndExport(false)
	case BeginImport:
		n.e.BeginImport(a.Move, shard.Makers())
	case ImportChunk:
		err := n.e.ImportChunk(a.Chunk)
		if n.target != nil && n.target.busy {
			w.carry(n, n.target.Imported(n.e.ImportComplete(), err))
		}
	case Open:
		if err := n.e.EndImport(); err != nil {
			w.t.Fatal(err)
		}
		n.e.Open(a.Epoch)
	case Discard:
		n.e.AbortImport()
	}
}

// settle carries out all actions on a node's shard, before a new move begins there.
func (w *world) settle(n *node) {
	for len(n.todo) > 0 {
		w.work(n)
	}
}

// client sends a command to a node. What is answered, now or once it had its turn,
// changes the model, or must agree with it.
func (w *world) client(n *node) {
	w.clients++
	key := fmt.Sprint("key ", w.rand.Intn(40))
	words := []string{"GET", key}
	if w.rand.Intn(3) > 0 {
		words = []string{"SET", key, strconv.Itoa(w.clients)}
	} else if w.rand.Intn(4) == 0 {
		words = []string{"~del", key}
	}
	var args [][]byte
	for _, word := range words {
		args = append(args, []byte(word))
	}
	info := w.table.Internal(words[0])
	if info == nil {
		info, _ = w.table.Resolve(args)
	}
	life, out := n.life, &reply.Writer{}
	r := &engine.Request{Cmd: info, Slot: slot.Of(args[1]), Key: 1, Args: args, Out: out, Now: w.now}
	r.Done = func() {
		if r.Refused || n.life != life {
			return
		}
		w.answered(n, words, string(out.Buf))
	}
	if !n.e.Handle(r) {
		r.Done()
	}
}

func (w *world) answered(n *node, words []string, answer string) {
	if w.place.Owner != n.number && n.seen == len(w.versions)-1 {
		w.t.Fatalf("node %d answers, and knows that it is not the owner", n.number)
	}
	was, there := w.model[words[1]]
	switch words[0] {
	case "SET":
		w.model[words[1]] = words[2]
	case "~del":
		delete(w.model, words[1])
		if want := map[bool]string{true: ":1\r\n", false: ":0\r\n"}[there]; answer != want {
			w.t.Fatalf("node %d: %q has %q, want %q", n.number, words, answer, want)
		}
	default:
		want := "$-1\r\n"
		if there {
			want = fmt.Sprintf("$%d\r\n%s\r\n", len(was), was)
		}
		if answer != want {
			w.t.Fatalf("node %d: %q has %q, want %q", n.number, words, answer, want)
		}
	}
}

// serves tells whether the node would change the shard for a client.
func (n *node) serves() bool { return !n.e.Closed() && !n.e.AnyLocked() }

func (w *world) step() {
	n := w.nodes[1+w.rand.Intn(2)]
	switch k := w.rand.Intn(100); {
	case k < 35:
		w.work(n)
	case k < 60:
		w.deliver()
	case k < 75:
		w.client(n)
	case k < 87:
		w.now += int64(w.rand.Intn(20))
		n.e.Tick(w.now)
		if n.source != nil {
			w.carry(n, n.source.Tick(w.now))
		}
	case k < 91:
		if len(w.proposals) > 0 {
			f := w.proposals[0]
			w.proposals = w.proposals[1:]
			f()
		}
	case k < 96:
		if n.seen < len(w.versions)-1 {
			w.learn(n, n.seen+1+w.rand.Intn(len(w.versions)-1-n.seen))
		}
	case w.calm:
	case k < 97:
		w.cut = !w.cut
		w.flying = nil
		if !w.cut {
			w.linked()
		}
	case k < 98:
		w.now += int64(w.rand.Intn(1500)) // a pause
		if n.source != nil && w.rand.Intn(3) == 0 {
			w.carry(n, n.source.Suspected(w.now)) // rightly or not
		}
	default:
		if w.rand.Intn(12) == 0 {
			w.crash(n)
		}
	}
	if w.nodes[1].serves() && w.nodes[2].serves() {
		w.t.Fatal("both nodes serve")
	}
}

func (w *world) linked() {
	for _, n := range w.nodes[1:] {
		if n.source != nil {
			w.carry(n, n.source.Linked(w.now))
		}
		if n.target != nil {
			w.carry(n, n.target.Linked())
		}
	}
}

// end lets everything come to rest, and checks that all is well.
func (w *world) end() {
	w.calm = true
	if w.cut {
		w.cut = false
		w.linked()
	}
	for range 100_000 {
		w.step()
		a, b := w.nodes[1], w.nodes[2]
		if w.place.MoveID == 0 && a.seen == len(w.versions)-1 && b.seen == a.seen && a.source == nil && b.source == nil &&
			a.target == nil && b.target == nil && len(a.todo)+len(b.todo) == 0 {
			w.check()
			return
		}
	}
	w.t.Fatalf("the move does not end: %+v, %+v", w.place, w.nodes[w.place.Owner].source.Status())
}

func (w *world) check() {
	owner, other := w.nodes[w.place.Owner], w.nodes[3-w.place.Owner]
	if !owner.serves() || !other.e.Closed() {
		w.t.Fatalf("the owner serves: %v, the other is closed: %v", owner.serves(), other.e.Closed())
	}
	if owner.e.Epoch() != w.place.Epoch {
		w.t.Fatalf("it serves under the epoch %d, not %d", owner.e.Epoch(), w.place.Epoch)
	}
	for range 200 {
		w.client(owner)
	}
	if n := owner.e.KS.Len(0); n != len(w.model) {
		w.t.Fatalf("%d keys, want %d", n, len(w.model))
	}
}

// TestSimulation runs moves there and back while frames are lost, doubled and late,
// the link breaks, processes pause and crash, proposals are lost and the directory
// lags. At each step at most one node serves, and what was acknowledged is there.
func TestSimulation(t *testing.T) {
	commands := shard.Commands()
	table, err := command.NewTable(enginetest.Rows(commands))
	if err != nil {
		t.Fatal(err)
	}
	run := engine.Handlers(table, commands)
	var commits, aborts, crashes int
	for seed := range uint64(400) {
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed, table, run)
			for range 3 {
				for range 100 {
					w.step()
				}
				if w.place.MoveID == 0 {
					w.begin()
				}
				for range w.rand.Intn(1500) {
					w.step()
				}
			}
			w.end()
			commits, aborts, crashes = commits+w.commits, aborts+w.aborts, crashes+w.crashes
		})
		if !ok {
			break
		}
	}
	t.Logf("%d commits, %d aborts, %d crashes", commits, aborts, crashes)
	if commits < 100 || aborts < 20 || crashes < 100 {
		t.Errorf("too little happens: %d commits, %d aborts, %d crashes", commits, aborts, crashes)
	}
}
