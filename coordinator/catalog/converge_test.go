package catalog

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
)

// clusterWorld is a whole cluster around one catalog: processes that start, crash, come
// back with and without their logs, and leave; a raft group reduced to who votes; moves
// that take their time. Entries of the leader are carried out at once, or late.
type clusterWorld struct {
	t       *testing.T
	rng     *rand.Rand
	now     int64
	s       *State
	nodes   []*process
	peers   []Peer
	leader  *process
	term    uint64
	control *Controller
	arbiter Arbiter
	loads   Loads
	due     map[int64][]*Entry
	moves   map[uint64]int64 // when they will be done
	weights []int64          // of shards
	acts    int
}

type process struct {
	m     Member
	up    bool
	gone  bool // forgotten, or has left
	since int64
}

func newClusterWorld(t *testing.T, seed uint64) *clusterWorld {
	w := &clusterWorld{t: t, rng: rand.New(rand.NewPCG(seed, 3)), s: New(), due: map[int64][]*Entry{}, moves: map[uint64]int64{}}
	w.start()
	shards := 1 + w.rng.IntN(40)
	for range shards {
		w.weights = append(w.weights, leastSlope*w.rng.Int64N(100))
	}
	first := w.nodes[0]
	w.apply(NewBootstrap(id("c"), "", shards, first.m, 0))
	w.peers = []Peer{{ID: first.m.RaftID, Voter: true}}
	return w
}

// start starts another process.
func (w *clusterWorld) start() {
	n := uint64(len(w.nodes) + 1)
	m := someone("a", 1, n*100)
	m.ID, m.Zone = fmt.Sprintf("%040x", n), string("xxyz"[w.rng.IntN(4)])
	w.nodes = append(w.nodes, &process{m: m, up: true, since: w.now})
}

func (w *clusterWorld) apply(e *Entry) {
	w.s.Apply(w.s.Applied()+1, e.Encode())
	if err := w.s.check(); err != nil {
		w.t.Fatal(err)
	}
}

// node returns the process with this raft id, nil if its log is lost.
func (w *clusterWorld) node(raft uint64) *process {
	for _, p := range w.nodes {
		if p.m.RaftID == raft && !p.gone {
			return p
		}
	}
	return nil
}

// safe tells whether most voters have their logs still without p's, so that the group
// can go on one day.
func (w *clusterWorld) safe(without *process) bool {
	voters, whole := 0, 0
	for _, p := range w.peers {
		if n := w.node(p.ID); p.Voter {
			voters++
			if n != nil && n != without {
				whole++
			}
		}
	}
	return whole > voters/2
}

// bears tells whether there is a quorum without p.
func (w *clusterWorld) bears(p *process) bool {
	voters, live := 0, 0
	for _, peer := range w.peers {
		if n := w.node(peer.ID); peer.Voter {
			voters++
			if n != nil && n.up && n != p {
				live++
			}
		}
	}
	return live > voters/2
}

// lead keeps a leader while most voters are up.
func (w *clusterWorld) lead() {
	var live []*process
	voters := 0
	for _, p := range w.peers {
		if !p.Voter {
			continue
		}
		voters++
		if n := w.node(p.ID); n != nil && n.up {
			live = append(live, n)
		}
	}
	if len(live) <= voters/2 {
		w.leader = nil
		return
	}
	if w.leader == nil || !slices.Contains(live, w.leader) {
		w.elect(live[w.rng.IntN(len(live))])
	}
}

func (w *clusterWorld) elect(p *process) {
	for len(w.due) > 0 { // what is committed it has carried out
		at := slices.Min(slices.Collect(maps.Keys(w.due)))
		for _, e := range w.due[at] {
			w.apply(e)
		}
		delete(w.due, at)
	}
	w.leader = p
	w.term++
	w.arbiter.BecomeLeader(w.s, w.term, w.now)
	w.control = NewController(w.now)
}

func (w *clusterWorld) propose(e *Entry) {
	switch w.rng.IntN(20) {
	case 0: // lost
	case 1, 2:
		at := w.now + 100*(1+w.rng.Int64N(8))
		w.due[at] = append(w.due[at], e)
	default:
		w.apply(e)
	}
}

// turn is 100 ms.
func (w *clusterWorld) turn() {
	w.now += 100
	if w.lead(); w.leader == nil {
		return
	}
	for _, e := range w.due[w.now] {
		w.apply(e)
	}
	delete(w.due, w.now)
	w.beats()
	for _, e := range w.arbiter.Tick(w.s, &w.loads, w.now, w.now) {
		w.propose(e)
	}
	w.finish()
	view := View{Now: w.now, Raft: w.raft(), Loads: &w.loads, Alive: func(member string) bool {
		return slices.ContainsFunc(w.nodes, func(p *process) bool { return p.m.ID == member && p.up && !p.gone })
	}}
	for _, a := range w.control.Decide(w.s, view) {
		w.acts++
		w.act(a)
	}
	w.checkMoves()
}

// beats lets all processes join and send heartbeats, and those that have left end.
func (w *clusterWorld) beats() {
	for _, p := range w.nodes {
		if !p.up || p.gone {
			continue
		}
		m := w.s.ByID(p.m.ID)
		switch {
		case m != nil && m.Incarnation == p.m.Incarnation:
			if w.now%300 == 0 {
				w.arbiter.Heartbeat(w.s, p.m.ID, p.m.Incarnation, w.now)
			}
			if m.Leaving && w.now%1000 == 0 && w.s.Owned(m.Number) == 0 && !w.votes(p.m.RaftID) {
				w.propose(NewLeft(p.m.ID)) // as a node does that is to end
			}
			for i := range w.s.Shards() {
				w.loads.Report(w.s, p.m.ID, p.m.Incarnation, []ShardLoad{{i, w.weights[i], w.weights[i]}})
			}
		case m == nil && w.node(p.m.RaftID) != nil && p.m.Leaving:
			p.gone, p.up = true, false
		case w.now%1000 == 0:
			w.propose(NewJoin(p.m, nil, w.now))
		}
	}
}

func (w *clusterWorld) votes(id uint64) bool {
	return slices.ContainsFunc(w.peers, func(p Peer) bool { return p.ID == id && p.Voter })
}

func (w *clusterWorld) raft() Raft {
	r := Raft{Self: w.leader.m.RaftID, Commit: 1000, Peers: slices.Clone(w.peers)}
	for i := range r.Peers {
		if n := w.node(r.Peers[i].ID); n != nil && n.up {
			r.Peers[i].Active = true
			if w.now-n.since > 500 {
				r.Peers[i].Match = 1000
			}
		}
	}
	return r
}

func (w *clusterWorld) act(a Action) {
	switch a := a.(type) {
	case Propose:
		if b := a.Entry.GetMoveBegin(); b != nil && w.s.Place(int(b.GetShard())).To != 0 {
			w.t.Fatalf("%v, which moves already", a)
		}
		w.propose(a.Entry)
	case Transfer:
		n := w.node(a.RaftID)
		if n == nil || !n.up {
			w.t.Fatalf("%v, which is not there", a)
		}
		if w.rng.IntN(3) > 0 {
			w.elect(n)
		}
	case ConfChange:
		if w.rng.IntN(5) == 0 {
			return // lost
		}
		voter := slices.ContainsFunc(w.peers, func(p Peer) bool { return p.ID == a.RaftID && p.Voter })
		w.peers = slices.DeleteFunc(w.peers, func(p Peer) bool { return p.ID == a.RaftID })
		if a.Kind != RemoveNode {
			w.peers = append(w.peers, Peer{ID: a.RaftID, Voter: a.Kind == AddVoter})
		}
		if voter != (a.Kind == AddVoter) {
			w.checkQuorum(a)
		}
	}
}

// checkQuorum: as far as the catalog knows, no change of who votes loses the quorum.
func (w *clusterWorld) checkQuorum(a ConfChange) {
	voters, live := 0, 0
	for _, p := range w.peers {
		if !p.Voter {
			continue
		}
		voters++
		if m := w.s.ByRaftID(p.ID); m != nil && m.State != directory.Down {
			live++
		}
	}
	if live <= voters/2 || voters > MaxVoters+1 {
		w.t.Fatalf("after %v %d of %d voters are up: %+v", a, live, voters, w.peers)
	}
}

// finish ends the moves whose time has come.
func (w *clusterWorld) finish() {
	for i := range w.s.Shards() {
		p := w.s.Place(i)
		if p.To == 0 {
			continue
		}
		at, ok := w.moves[p.MoveID]
		if !ok {
			w.moves[p.MoveID] = w.now + 200 + w.rng.Int64N(1500)
		} else if w.now >= at {
			w.propose(NewMoveCommit(i, p.MoveID))
		}
	}
}

func (w *clusterWorld) checkMoves() {
	total, pairs := 0, map[[2]directory.Number]bool{}
	for i := range w.s.Shards() {
		if p := w.s.Place(i); p.To != 0 {
			total++
			pair := [2]directory.Number{p.Owner, p.To}
			if pairs[pair] {
				w.t.Fatalf("two moves from %d to %d", p.Owner, p.To)
			}
			pairs[pair] = true
		}
	}
	if total > MaxMoves {
		w.t.Fatalf("%d moves at once", total)
	}
}

// happen lets something happen to a process.
func (w *clusterWorld) happen() {
	p := w.nodes[w.rng.IntN(len(w.nodes))]
	m := w.s.ByID(p.m.ID)
	switch w.rng.IntN(9) {
	case 0, 1:
		if len(w.nodes) < 9 {
			w.start()
		}
	case 2, 3:
		if w.bears(p) || w.rng.IntN(8) == 0 {
			p.up = false
		}
	case 4, 5, 6:
		if !p.up && !p.gone {
			w.restart(p)
		}
	case 7:
		if p.up && m != nil && w.leader != nil {
			w.apply(NewLeaving(p.m.ID, w.now))
			p.m.Leaving = m.Leaving
		}
	case 8:
		if !p.up && !p.gone && m != nil && w.leader != nil && w.safe(p) {
			if e, err := w.s.NewForget(p.m.ID, nil, w.now); err == nil {
				w.apply(e)
				p.gone = true
			}
		}
	}
}

// restart brings a process back, perhaps without its log.
func (w *clusterWorld) restart(p *process) {
	if w.rng.IntN(3) == 0 && w.safe(p) {
		p.m.RaftID++
	}
	p.m.Incarnation++
	p.up, p.since, p.m.Leaving = true, w.now, false
}

// TestClusterConverges: whatever has happened, in the end shards are even, the right
// number votes, and nothing is done any more.
func TestClusterConverges(t *testing.T) {
	acts := 0
	for seed := range uint64(30) {
		w := newClusterWorld(t, seed)
		for w.now < 60_000 {
			w.turn()
			if w.rng.IntN(20) == 0 {
				w.happen()
			}
		}
		for _, p := range w.nodes {
			if !p.up && !p.gone {
				w.restart(p)
			}
		}
		for w.now < 150_000 {
			if w.now%10_000 == 0 && w.leader != nil {
				w.control.Rebalance(w.now) // or moves for load would take minutes
			}
			w.turn()
		}
		acts += w.acts
		w.acts = 0
		for w.now < 230_000 {
			w.turn()
		}
		if w.checkEnd(seed); t.Failed() {
			return
		}
	}
	t.Logf("%d actions", acts)
}

func (w *clusterWorld) checkEnd(seed uint64) {
	t, least, most := w.t, MaxShards, 0
	if w.acts > 0 {
		t.Errorf("seed %d: %d actions when all should be quiet", seed, w.acts)
	}
	if w.leader == nil {
		t.Fatalf("seed %d: no leader", seed)
	}
	members := w.s.Members()
	for i := range members {
		m := &members[i]
		if m.State != directory.Up || w.node(m.RaftID) == nil {
			t.Errorf("seed %d: member %d is %v", seed, m.Number, m.State)
		}
		owned := w.s.Owned(m.Number)
		least, most = min(least, owned), max(most, owned)
	}
	if most-least > 1 {
		t.Errorf("seed %d: from %d to %d shards a member", seed, least, most)
	}
	for i := range w.s.Shards() {
		if w.s.Place(i).To != 0 {
			t.Errorf("seed %d: shard %d still moves", seed, i)
		}
	}
	voters, zones, all := 0, map[string]int{}, map[string]bool{}
	for i := range members {
		all[members[i].Zone] = true
	}
	for _, p := range w.peers {
		m := w.s.ByRaftID(p.ID)
		if m == nil {
			t.Fatalf("seed %d: %d is a stranger", seed, p.ID)
		}
		if p.Voter {
			voters++
			zones[m.Zone]++
		}
	}
	if want := min(5, (len(members)+1)/2*2-1); voters != want || len(w.peers) != len(members) {
		t.Errorf("seed %d: %d voters, %d peers, %d members", seed, voters, len(w.peers), len(members))
	}
	if len(zones) != min(voters, len(all)) {
		t.Errorf("seed %d: voters in %d zones of %d", seed, len(zones), len(all))
	}
}
