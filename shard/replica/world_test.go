package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/troupedb/troupe/shard/wal"
)

// world is a group whose nodes, disks and network are the seed's to break.
type world struct {
	t    testing.TB
	rnd  *rand.Rand
	seed uint64
	f    faults

	nodes map[uint64]*node
	ids   []uint64 // in the order of their making
	net   []envelope
	cut   map[[2]uint64]bool // links that lose everything, one way

	// What must hold for all.
	chain    map[uint64]uint64 // digest of everything applied, by index
	highest  uint64            // applied anywhere
	at       map[string]uint64 // where a proposal was applied
	leaders  map[uint64]uint64 // by term
	acked    map[string]bool
	dropped  map[string]bool
	proposed int
	stats    stats
}

// faults are probabilities, per message or per step.
type faults struct{ drop, double, crash, part, pause, change float64 }

type stats struct {
	Crashes, Torn, Restored, Changes, Joint, Acked, Dropped, Unknown, Reads, Terms, Most int
}

type envelope struct {
	from, to uint64
	data     []byte
}

type node struct {
	w       *world
	id      uint64
	fs      *wal.Memory
	log     *wal.Log
	r       *Replica // nil: down
	m       *machine
	paused  bool
	pending map[uint64]pending // by ticket
}

// pending is a request under way: a proposal, a read that must see index, or a change.
type pending struct {
	data  string
	index uint64
}

// machine is a digest of all that it was given.
type machine struct {
	w           *world
	last, chain uint64
}

func digest(chain, index uint64, data []byte) uint64 {
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, []uint64{chain, index})
	_, _ = h.Write(data)
	return h.Sum64()
}

func (m *machine) Apply(index uint64, data []byte) {
	w := m.w
	if index <= m.last {
		w.fail("entry %d applied after %d", index, m.last)
	}
	if at, again := w.at[string(data)]; again && at != index {
		w.fail("%s applied at %d and at %d", data, at, index)
	}
	if w.dropped[string(data)] {
		w.fail("%s applied at %d, after it was told dropped", data, index)
	}
	m.last, m.chain = index, digest(m.chain, index, data)
	if c, ok := w.chain[index]; ok && c != m.chain {
		w.fail("histories differ at %d", index)
	}
	w.chain[index], w.at[string(data)] = m.chain, index
	w.highest = max(w.highest, index)
}

func (m *machine) Snapshot() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, m.last), m.chain)
}

func (m *machine) Restore(data []byte) error {
	if len(data) != 16 {
		return errors.New("no snapshot")
	}
	m.last, m.chain = binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])
	if c := m.w.chain[m.last]; c != m.chain {
		m.w.fail("restored at %d something that nobody had", m.last)
	}
	m.w.stats.Restored++
	return nil
}

func newWorld(t testing.TB, seed uint64, f faults) *world {
	w := &world{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)), f: f,
		nodes: map[uint64]*node{}, cut: map[[2]uint64]bool{}, chain: map[uint64]uint64{}, at: map[string]uint64{},
		leaders: map[uint64]uint64{}, acked: map[string]bool{}, dropped: map[string]bool{}}
	w.add().start(true)
	return w
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d: %s", w.seed, fmt.Sprintf(format, args...))
}

func (w *world) chance(p float64) bool { return w.rnd.Float64() < p }

func (w *world) add() *node {
	n := &node{w: w, id: uint64(len(w.ids) + 1), fs: wal.NewMemory()}
	w.ids = append(w.ids, n.id)
	w.nodes[n.id] = n
	return n
}

func (w *world) pick() *node { return w.nodes[w.ids[w.rnd.IntN(len(w.ids))]] }

// start starts a node from its disk.
func (n *node) start(bootstrap bool) {
	w := n.w
	log, err := wal.Open(n.fs, wal.Options{Segment: 2000})
	if err != nil {
		w.fail("node %d: %v", n.id, err)
	}
	w.stats.Torn += int(min(log.Stats().Cut, 1))
	state, err := log.Load(3)
	n.m = &machine{w: w}
	if bootstrap && err == nil {
		var u wal.Update
		if state, u, err = Bootstrap(n.id, n.m.Snapshot()); err == nil {
			err = log.Save(3, u)
		}
	}
	if err == nil {
		n.r, err = New(Config{ID: n.id, Machine: n.m, State: state, Seed: w.rnd.Uint64(), SnapshotEvery: 25, KeepEntries: 6})
	}
	if err != nil {
		w.fail("node %d: %v", n.id, err)
	}
	n.log, n.pending, n.paused = log, map[uint64]pending{}, false
}

// crash loses the node's memory and what its disk had not synced.
func (n *node) crash() {
	n.w.stats.Crashes++
	n.fs = n.fs.Crash(n.w.rnd.Uint64())
	n.r, n.log, n.m = nil, nil, nil
}

// work does what is ready, and may crash at each step of it.
func (n *node) work() {
	w := n.w
	for n.r != nil && n.r.HasReady() {
		rd := n.r.Ready()
		w.send(n.id, rd.Now)
		if w.chance(w.f.crash) {
			n.crash()
			return
		}
		if rd.Saves && !n.save(&rd.Save) {
			return
		}
		if w.chance(w.f.crash) {
			n.crash()
			return
		}
		w.send(n.id, rd.Later)
		done, err := n.r.Advance()
		if err != nil {
			w.fail("node %d: %v", n.id, err)
		}
		n.outcomes(done.Outcomes)
		n.observe()
	}
}

// save saves, and may crash in the middle of it: half a record is on the disk.
func (n *node) save(u *wal.Update) bool {
	w := n.w
	crash, steps := w.chance(4*w.f.crash), w.rnd.IntN(4)
	n.fs.Fail = func(string, string) error {
		if steps--; crash && steps < 0 {
			return errCrash
		}
		return nil
	}
	err := n.log.Save(3, *u)
	if err != nil && !errors.Is(err, errCrash) {
		w.fail("node %d: %v", n.id, err)
	}
	if err != nil {
		n.crash()
	}
	return err == nil
}

var errCrash = errors.New("crash")

func (n *node) outcomes(all []Outcome) {
	w := n.w
	for _, o := range all {
		p, ok := n.pending[o.Ticket]
		if !ok {
			w.fail("node %d: an outcome of nothing", n.id)
		}
		delete(n.pending, o.Ticket)
		switch {
		case p.data == "read":
			w.stats.Reads++
			if o.Err != nil || n.m.last < p.index {
				w.fail("node %d: a read at %d, %d was there before it (%v)", n.id, n.m.last, p.index, o.Err)
			}
		case p.data == "change":
			if o.Err == nil {
				w.stats.Changes++
			}
		case o.Err == nil:
			w.stats.Acked++
			w.acked[p.data] = true
			if at := w.at[p.data]; at == 0 || at > n.m.last {
				w.fail("node %d acknowledges %s, which is at %d", n.id, p.data, at)
			}
		case errors.Is(o.Err, ErrDropped):
			w.stats.Dropped++
			w.dropped[p.data] = true
			if w.at[p.data] != 0 {
				w.fail("node %d: %s is told dropped and was applied at %d", n.id, p.data, w.at[p.data])
			}
		default:
			w.stats.Unknown++
		}
	}
}

func (n *node) observe() {
	s, w := n.r.Status(), n.w
	if !s.IsLeader {
		return
	}
	if l := w.leaders[s.Term]; l != 0 && l != n.id {
		w.fail("%d and %d lead in term %d", l, n.id, s.Term)
	}
	w.leaders[s.Term] = n.id
	w.stats.Terms = len(w.leaders)
	if s.Conf.Joint() {
		w.stats.Joint++
	}
	w.stats.Most = max(w.stats.Most, len(s.Conf.Voters))
}

func (w *world) send(from uint64, msgs []Message) {
	for _, m := range msgs {
		w.net = append(w.net, envelope{from, m.To, m.Data})
	}
	for len(w.net) > 400 {
		w.net = slices.Delete(w.net, 0, 1)
	}
}

// deliver delivers a message, any of the first ones, or loses or doubles it.
func (w *world) deliver() {
	if len(w.net) == 0 {
		return
	}
	i := 0
	if w.f.drop > 0 {
		i = w.rnd.IntN(min(len(w.net), 8))
	}
	e := w.net[i]
	if !w.chance(w.f.double) {
		w.net = slices.Delete(w.net, i, i+1)
	}
	n := w.nodes[e.to]
	if n == nil || n.r == nil || n.paused || w.cut[[2]uint64{e.from, e.to}] || w.chance(w.f.drop) {
		return
	}
	if err := n.r.Step(e.data); err != nil {
		w.fail("node %d: from %d: %v", n.id, e.from, err)
	}
	n.work()
}
