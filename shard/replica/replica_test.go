package replica

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/troupedb/troupe/shard/wal"
)

// quiet is a world without faults, of voters 1 to n.
func quiet(t testing.TB, n int) *world {
	w := newWorld(t, 1, faults{})
	w.until("a leader", func() bool { return w.leader() != nil && w.leader().r.Status().Settled })
	for id := uint64(2); id <= uint64(n); id++ {
		w.add().start(false)
		w.changeTo(Change{AddLearner, id})
		w.changeTo(Change{Promote, id})
	}
	return w
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for i := 0; !ok(); i++ {
		if i > 20000 {
			w.fail("waited for %s", what)
		}
		w.deliver()
		if n := w.pick(); n.r != nil && !n.paused && i%4 == 0 {
			n.r.Tick()
			n.work()
		}
	}
}

func (w *world) changeTo(changes ...Change) {
	w.t.Helper()
	done := w.stats.Changes
	w.until("the change", func() bool {
		if l := w.leader(); l != nil && w.stats.Changes == done {
			if ticket, err := l.r.ProposeConf(changes...); err == nil {
				l.pending[ticket] = pending{data: "change"}
			}
			l.work()
		}
		return w.stats.Changes > done
	})
}

func (w *world) put(n int) {
	w.t.Helper()
	for range n {
		acked := len(w.acked)
		w.until("an entry", func() bool {
			if l := w.leader(); l != nil && len(l.pending) == 0 && len(w.acked) == acked {
				l.propose()
				l.work()
			}
			return len(w.acked) > acked
		})
	}
}

// TestReplace makes three voters five and replaces one, in one step.
func TestReplace(t *testing.T) {
	w := quiet(t, 5)
	w.put(3)
	gone := w.leader().id%5 + 1
	w.nodes[gone].crash()
	w.add().start(false)
	w.changeTo(Change{AddLearner, 6})
	w.until("the learner to catch up", func() bool { return w.nodes[6].m.last == w.highest })
	if s := w.nodes[6].r.Status(); !slices.Equal(s.Conf.Learners, []uint64{6}) || s.Conf.Votes(6) {
		t.Fatalf("%+v", s.Conf)
	}
	w.changeTo(Change{Promote, 6}, Change{Remove, gone})
	c := w.leader().r.Status().Conf
	if len(c.Voters) != 5 || c.Joint() || c.Has(gone) || !c.Votes(6) || len(c.Learners) > 0 {
		t.Fatalf("%+v", c)
	}
	w.changeTo(Change{Demote, 6})
	if c := w.leader().r.Status().Conf; !slices.Equal(c.Learners, []uint64{6}) || len(c.Voters) != 4 {
		t.Fatalf("%+v", c)
	}
	w.settle()
}

func TestRefusedChanges(t *testing.T) {
	w := quiet(t, 2)
	w.add().start(false)
	w.nodes[3].paused = true
	w.changeTo(Change{AddLearner, 3})
	l := w.leader()
	follower := w.nodes[3-l.id]
	for _, c := range []struct {
		on      *node
		changes []Change
		err     error
	}{
		{l, nil, ErrChange},
		{l, []Change{{Promote, 3}}, ErrBehind},
		{l, []Change{{Promote, 4}}, ErrChange},
		{l, []Change{{AddLearner, 1}}, ErrChange},
		{l, []Change{{AddVoter, 2}}, ErrChange},
		{l, []Change{{AddLearner, 0}}, ErrChange},
		{l, []Change{{Demote, 3}}, ErrChange},
		{l, []Change{{Remove, 9}}, ErrChange},
		{l, []Change{{Remove, 1}, {Remove, 2}}, ErrChange},
		{l, []Change{{Remove, 1}, {Demote, 1}}, ErrChange},
		{l, []Change{{9, 1}}, ErrChange},
		{follower, []Change{{AddLearner, 4}}, &NotLeaderError{l.id}},
	} {
		_, err := c.on.r.ProposeConf(c.changes...)
		var not *NotLeaderError
		if !errors.Is(err, c.err) && !(errors.As(err, &not) && not.Leader == l.id && c.on == follower) {
			t.Errorf("%v: %v", c.changes, err)
		}
	}
	if _, err := l.r.ProposeConf(Change{AddLearner, 4}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.r.ProposeConf(Change{AddLearner, 5}); !errors.Is(err, ErrChanging) {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, make([]byte, MaxProposal+1)} {
		if _, err := l.r.Propose(data); err == nil {
			t.Errorf("a proposal of %d bytes", len(data))
		}
	}
	if err := l.r.TransferLeader(3); !errors.Is(err, ErrChange) {
		t.Error(err)
	}
}

// TestLostSnapshot: a snapshot whose delivery fails silently is sent again.
func TestLostSnapshot(t *testing.T) {
	w := quiet(t, 1)
	w.put(60) // the log's beginning is gone
	w.add().start(false)
	w.cut[[2]uint64{1, 2}] = true
	w.changeTo(Change{AddLearner, 2})
	l := w.nodes[1]
	for range 100 {
		l.r.Tick()
		l.work()
	}
	clear(w.cut)
	w.until("the snapshot", func() bool { return w.nodes[2].m.last == w.highest })
	if w.stats.Restored == 0 || w.nodes[2].r.Status().Snapshot == 0 {
		t.Fatalf("%+v", w.nodes[2].r.Status())
	}
}

// TestReadAfterRestart: a lone voter whose commit was not synced must not answer a
// read before it has applied what it acknowledged in its last life; nor may it
// answer a learner.
func TestReadAfterRestart(t *testing.T) {
	for seed := range uint64(20) {
		w := quiet(t, 1)
		w.add().start(false)
		w.changeTo(Change{AddLearner, 2})
		w.put(5)
		w.nodes[1].fs = w.nodes[1].fs.Crash(seed)
		w.nodes[1].start(false)
		w.net = nil
		for range 3 { // at each moment of the restart
			w.nodes[1].read()
			w.nodes[2].read()
			if w.nodes[1].r.HasReady() {
				break
			}
			w.nodes[1].r.Tick()
		}
		reads := w.stats.Reads
		w.until("the reads", func() bool { return w.stats.Reads > reads && len(w.nodes[1].pending)+len(w.nodes[2].pending) == 0 })
	}
}

// TestReadOfLearner: the same, for a question that arrives at the wrong moment.
func TestReadOfLearner(t *testing.T) {
	w := quiet(t, 1)
	w.add().start(false)
	w.changeTo(Change{AddLearner, 2})
	w.put(5)
	n := w.nodes[1]
	n.crash()
	n.start(false)
	question, err := proto.Marshal(&pb.Message{Type: pb.MsgReadIndex.Enum(), From: proto.Uint64(2), To: proto.Uint64(1),
		Entries: []*pb.Entry{{Data: []byte("question")}}})
	if err != nil {
		t.Fatal(err)
	}
	answers := 0
	for i := 0; i < 100 && answers == 0; i++ {
		if !n.r.HasReady() {
			n.r.Tick()
			continue
		}
		rd := n.r.Ready()
		for _, msg := range slices.Concat(rd.Now, rd.Later) {
			m := &pb.Message{}
			if proto.Unmarshal(msg.Data, m) == nil && m.GetType() == pb.MsgReadIndexResp {
				if answers++; m.GetIndex() < w.highest {
					t.Fatalf("a read may go on at %d, %d was acknowledged", m.GetIndex(), w.highest)
				}
			}
		}
		if rd.Saves && !n.save(&rd.Save) {
			t.Fatal("not saved")
		}
		if _, err := n.r.Advance(); err != nil {
			t.Fatal(err)
		}
		if err := n.r.Step(question); err != nil {
			t.Fatal(err)
		}
	}
	if answers == 0 {
		t.Fatal("no answer")
	}
}

type big struct{ size int }

func (b *big) Apply(_ uint64, data []byte) { b.size += len(data) }
func (b *big) Snapshot() []byte            { return make([]byte, b.size) }
func (b *big) Restore(data []byte) error   { b.size = len(data); return nil }

// TestOversize: a machine that is too big for a snapshot keeps its log.
func TestOversize(t *testing.T) {
	log, err := wal.Open(wal.NewMemory(), wal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	state, first, err := Bootstrap(1, nil)
	if err == nil {
		err = log.Save(0, first)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &big{}
	r, err := New(Config{ID: 1, Machine: m, State: state, SnapshotEvery: 2, KeepEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	r.Tick()
	for range 8 {
		for r.HasReady() {
			rd := r.Ready()
			if err := log.Save(0, rd.Save); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Advance(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Propose(make([]byte, MaxProposal/2)); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Status()
	if s.Oversize == 0 || s.Snapshot == 1 || s.Applied-s.Snapshot < 3 || m.size <= MaxSnapshot {
		t.Fatalf("%+v, %d bytes", s, m.size)
	}
	if _, _, err := Bootstrap(1, make([]byte, MaxSnapshot+1)); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
}

// TestDamagedState: what a log cannot have had is refused.
func TestDamagedState(t *testing.T) {
	state, _, _ := Bootstrap(1, (&machine{}).Snapshot())
	entry := func(i uint64) wal.Entry { return wal.Entry{Index: i, Term: 1} }
	for name, damage := range map[string]func(*wal.State){
		"gap":      func(s *wal.State) { s.Entries = []wal.Entry{entry(3)} },
		"commit":   func(s *wal.State) { s.Commit = 2 },
		"short":    func(s *wal.State) { s.Snapshot.Index, s.Entries = 9, []wal.Entry{entry(4), entry(5)} },
		"conf":     func(s *wal.State) { s.Snapshot.Conf = []byte{0xff} },
		"snapshot": func(s *wal.State) { s.Snapshot.Data = nil },
	} {
		s := state
		damage(&s)
		if _, err := New(Config{ID: 1, Machine: &machine{w: &world{t: t}}, State: s}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSameSeedSameWorld: nothing in a replica depends on anything but its input.
func TestSameSeedSameWorld(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		a, b := newWorld(t, seed, faultsOf(seed)), newWorld(t, seed, faultsOf(seed))
		for range 1500 {
			a.step()
			b.step()
			if !slices.EqualFunc(a.net, b.net, func(x, y envelope) bool { return x.to == y.to && bytes.Equal(x.data, y.data) }) {
				t.Fatalf("seed %d: the same seed runs in two ways", seed)
			}
		}
		if a.stats != b.stats {
			t.Fatalf("seed %d: %+v, %+v", seed, a.stats, b.stats)
		}
	}
}

// messages are one of each type that replicas send.
func messages(f *testing.F) [][]byte {
	w := quiet(f, 3)
	w.put(70)
	seen := map[pb.MessageType]bool{}
	var all [][]byte
	w.f = faults{drop: 0.05, change: 0.02, crash: 0.002}
	for range 3000 {
		w.step()
		for _, e := range w.net {
			m := &pb.Message{}
			if proto.Unmarshal(e.data, m) == nil && !seen[m.GetType()] {
				seen[m.GetType()] = true
				all = append(all, e.data)
			}
		}
	}
	return all
}

// FuzzAdmit: any bytes are refused or admitted, without a panic. Messages that are
// well formed and lie are beyond it: replicas trust each other.
func FuzzAdmit(f *testing.F) {
	for _, m := range messages(f) {
		f.Add(m)
	}
	w := quiet(f, 3)
	w.put(10)
	f.Fuzz(func(t *testing.T, msg []byte) {
		for id := range uint64(3) {
			m := &pb.Message{}
			if proto.Unmarshal(msg, m) == nil {
				m.To = proto.Uint64(id + 1)
				_ = w.nodes[id+1].r.admit(m)
			}
		}
	})
}
