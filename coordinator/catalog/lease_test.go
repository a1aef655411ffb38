package catalog

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
)

func TestLease(t *testing.T) {
	var l Lease
	valid := func(now int64, want bool) {
		t.Helper()
		if l.Valid(now) != want {
			t.Errorf("at %d valid is %v", now, !want)
		}
	}
	valid(0, false)
	l.Sent(1, 100)
	valid(100, false)
	l.Acked(0)
	l.Acked(2)
	valid(100, false)
	l.Acked(1)
	valid(100+LeaseTime-1, true)
	valid(100+LeaseTime, false)
	if until, ok := l.Until(); !ok || until != 100+LeaseTime {
		t.Error(until, ok)
	}
	// What counts is when it was sent, and an older one takes nothing back.
	l.Sent(2, 400)
	l.Sent(3, 700)
	l.Acked(3)
	l.Acked(2)
	valid(700+LeaseTime-1, true)
	valid(700+LeaseTime, false)
	// One that was sent too many heartbeats ago is not known any more.
	l.Sent(4, 5000)
	for seq := uint64(5); seq < 5+sentHeartbeats; seq++ {
		l.Sent(seq, 5000+int64(seq))
	}
	l.Acked(4)
	valid(5001, false)
	l.Drop()
	l.Acked(6)
	valid(5007, false)
	if sentHeartbeats*HeartbeatEvery <= LeaseTime {
		t.Error("heartbeats are forgotten before they have lost their use")
	}
}

func TestArbiter(t *testing.T) {
	s, apply := founded(t, 1, "a", "b")
	var a Arbiter
	var loads Loads
	tick := func(now int64, want string) []*Entry {
		t.Helper()
		entries := a.Tick(s, &loads, now, 1000+now)
		got := ""
		for _, e := range entries {
			got += fmt.Sprintf("%v ", e.GetChange())
		}
		if wants := map[string]int{"": 0, "lead": 1, "down": 1, "up": 1}; len(entries) != wants[want] {
			t.Fatalf("at %d: %q, want %q", now, got, want)
		}
		for _, e := range entries {
			if is := map[string]bool{"lead": e.GetLead() != nil, "down": e.GetDown() != nil, "up": e.GetUp() != nil}; !is[want] {
				t.Fatalf("at %d: %q, want %q", now, got, want)
			}
		}
		return entries
	}
	beat := func(l string, incarnation uint64, now int64, want Answer) {
		t.Helper()
		if got := a.Heartbeat(s, id(l), incarnation, now); got != want {
			t.Fatalf("at %d %s is answered %d, want %d", now, l, got, want)
		}
	}
	tick(1, "")
	beat("a", 1, 1, Wait)
	a.BecomeLeader(s, 4, 10)
	lead := tick(10, "lead")
	beat("a", 1, 11, Wait) // a Down of the last leader may still come
	tick(12, "")
	tick(10+proposeAgain, "lead")
	apply(lead[0])
	tick(1100, "")
	beat("a", 1, 1100, Ack)
	beat("e", 1, 1100, Stranger)
	beat("a", 2, 1100, Stranger)
	beat("b", 1, 1200, Ack)
	loads.Report(s, id("a"), 1, []ShardLoad{{0, 7, 70}, {5, 1, 1}})
	loads.Report(s, id("a"), 2, []ShardLoad{{0, 8, 70}})
	loads.Report(s, id("b"), 1, []ShardLoad{{0, 9, 70}})
	tick(1100+DownAfter-1, "")
	down := tick(1100+DownAfter, "down")
	if d := down[0].GetDown(); string(d.GetId()) != id("a") || d.GetAt() != 1000+1100+DownAfter || len(d.GetKeys()) != 1 || d.GetKeys()[0].GetKeys() != 7 {
		t.Errorf("%v", down)
	}
	// Heard again, but the entry is on its way: nothing renews the lease.
	beat("a", 1, 3601, Wait)
	beat("b", 1, 3601, Ack)
	tick(3602, "")
	tick(3600+proposeAgain, "down")
	beat("a", 1, 4601, Wait)
	apply(down[0])
	beat("b", 1, 4700, Ack)
	up := tick(4700, "up")
	beat("a", 1, 4701, Wait)
	tick(4702, "")
	apply(up[0])
	beat("a", 1, 4703, Ack)
	// Another incarnation begins anew, whatever is under way of the old one.
	beat("b", 1, 7300, Ack)
	down = tick(4703+DownAfter+100, "down")
	apply(NewJoin(someone("a", 2, 'a'), nil, 0))
	if r := apply(down[0]); r.Refused != StaleIncarnation {
		t.Errorf("%+v", r)
	}
	beat("a", 2, 7304, Ack)
	tick(7305, "")
	// A newer leader.
	apply(NewLead(5))
	beat("a", 2, 7306, Wait)
	tick(99999, "")
	a.StepDown()
	beat("a", 2, 7307, Wait)
}

// TestHeartbeatsLongAgoDoNotRaise: who is down and silent stays down.
func TestHeartbeatsLongAgoDoNotRaise(t *testing.T) {
	s, apply := founded(t, 1, "a")
	var a Arbiter
	apply(NewLead(1))
	apply(NewDown(s.ByID(id("a")), 1, nil, 0))
	a.BecomeLeader(s, 1, 5000)
	if e := a.Tick(s, nil, 5001, 0); len(e) != 0 {
		t.Errorf("%v", e)
	}
	a.Heartbeat(s, id("a"), 1, 5002)
	if e := a.Tick(s, nil, 5002+heardWithin, 0); len(e) != 0 {
		t.Errorf("%v", e)
	}
	a.Heartbeat(s, id("a"), 1, 9000)
	if e := a.Tick(s, nil, 9001, 0); len(e) != 1 || e[0].GetUp() == nil {
		t.Errorf("%v", e)
	}
}

// leaseWorld is nodes with leases and leaders that come and go, in real milliseconds.
// Messages are late or lost, clocks run at different rates, and an entry of a former
// leader may be carried out long after another one leads.
type leaseWorld struct {
	t      *testing.T
	rng    *rand.Rand
	now    int64
	s      *State
	nodes  []*leaseNode
	leader int // index of a node, -1: none
	term   uint64
	due    map[int64][]func()
	calm   bool
}

type leaseNode struct {
	member  string
	rate    float64
	offset  int64
	lease   Lease
	seq     uint64
	arbiter Arbiter
	silent  bool
}

func (n *leaseNode) clock(now int64) int64 { return n.offset + int64(float64(now)*n.rate) }

func (w *leaseWorld) after(f func()) {
	if !w.calm && w.rng.IntN(10) == 0 {
		return // lost
	}
	delay := 1 + w.rng.Int64N(40)
	if !w.calm && w.rng.IntN(5) == 0 {
		delay = 1 + w.rng.Int64N(3000)
	}
	w.due[w.now+delay] = append(w.due[w.now+delay], f)
}

func (w *leaseWorld) propose(e *Entry) {
	w.after(func() { w.s.Apply(w.s.Applied()+1, e.Encode()) })
}

// beat sends a heartbeat to the leader, who makes sure that it still leads before it
// answers.
func (w *leaseWorld) beat(i int) {
	n, leader, term := w.nodes[i], w.leader, w.term
	n.seq++
	seq := n.seq
	n.lease.Sent(seq, n.clock(w.now))
	if leader < 0 || n.silent {
		return
	}
	leads := func() bool { return w.leader == leader && w.term == term }
	w.after(func() { // comes
		w.after(func() { // is still the leader
			if l := w.nodes[leader]; leads() && l.arbiter.Heartbeat(w.s, n.member, 1, l.clock(w.now)) == Ack {
				w.after(func() { n.lease.Acked(seq) })
			}
		})
	})
}

func (w *leaseWorld) elect(i int) {
	if w.leader >= 0 {
		w.nodes[w.leader].arbiter.StepDown()
	}
	w.leader = i
	w.term++
	w.nodes[i].arbiter.BecomeLeader(w.s, w.term, w.nodes[i].clock(w.now))
}

func (w *leaseWorld) step() {
	for _, f := range w.due[w.now] {
		f()
	}
	delete(w.due, w.now)
	if w.now%10 == 0 {
		w.turn()
	}
	for _, n := range w.nodes {
		if w.s.ByID(n.member).State == directory.Down && n.lease.Valid(n.clock(w.now)) {
			w.t.Fatalf("at %d %s is down and serves", w.now, n.member[:1])
		}
	}
	w.now++
}

func (w *leaseWorld) turn() {
	if !w.calm && w.rng.IntN(400) == 0 {
		w.elect(w.rng.IntN(len(w.nodes)))
	}
	for i, n := range w.nodes {
		if !w.calm && w.rng.IntN(300) == 0 {
			n.silent = !n.silent
		}
		if w.now/10%(HeartbeatEvery/10) == int64(i) {
			w.beat(i)
		}
	}
	if l := w.nodes[w.leader]; w.rng.IntN(5) == 0 {
		for _, e := range l.arbiter.Tick(w.s, nil, l.clock(w.now), 0) {
			w.propose(e)
			if e.GetDown() != nil && !w.calm && w.rng.IntN(3) == 0 { // the next leader may hear of who is down by this one
				w.elect(w.rng.IntN(len(w.nodes)))
				w.nodes[w.rng.IntN(len(w.nodes))].silent = false
			}
		}
	}
}

// TestNobodyIsDownAndServes in any order of events, and all are up in the end.
func TestNobodyIsDownAndServes(t *testing.T) {
	downs := 0
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s, _ := founded(t, 3, "a", "b", "c")
		w := &leaseWorld{t: t, rng: rng, s: s, leader: -1, due: map[int64][]func(){}}
		for _, l := range []string{"a", "b", "c"} {
			rate := 0.9 + 0.2*rng.Float64() // 1.1/0.9 < DownAfter/LeaseTime
			w.nodes = append(w.nodes, &leaseNode{member: id(l), rate: rate, offset: rng.Int64N(1e6)})
		}
		w.elect(0)
		for w.now < 40_000 {
			w.step()
			for _, n := range w.nodes {
				if s.ByID(n.member).State == directory.Down {
					downs++
				}
			}
		}
		w.calm = true
		for _, n := range w.nodes {
			n.silent = false
		}
		for w.now < 50_000 {
			w.step()
		}
		for _, n := range w.nodes {
			if s.ByID(n.member).State != directory.Up || !n.lease.Valid(n.clock(w.now)) {
				t.Errorf("seed %d: %s is %v, its lease is valid: %v", seed, n.member[:1], s.ByID(n.member).State, n.lease.Valid(n.clock(w.now)))
			}
		}
	}
	if downs == 0 {
		t.Error("nobody ever was down")
	}
}
