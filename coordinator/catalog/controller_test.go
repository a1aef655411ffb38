package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
)

// decided returns the actions in words, identities by their letters.
func decided(s *State, actions []Action) string {
	var words []string
	for _, a := range actions {
		w := a.String()
		if p, ok := a.(Propose); ok && p.Entry.GetLeft() != nil {
			w = "left " + string(p.Entry.GetLeft().GetId()[:1])
		}
		words = append(words, w)
	}
	return strings.Join(words, "; ")
}

// group reads a raft configuration: letters of voters, of learners behind a dash; a
// capital letter is not heard of, one behind a dot lags.
func group(self string, text string) Raft {
	r := Raft{Self: uint64(self[0]), Commit: 1000}
	voter, match := true, uint64(1000)
	for _, c := range text {
		switch {
		case c == '-':
			voter = false
		case c == '.':
			match = 0
		case c >= 'A' && c <= 'Z':
			r.Peers = append(r.Peers, Peer{ID: uint64(c - 'A' + 'a'), Voter: voter, Match: match})
			match = 1000
		default:
			r.Peers = append(r.Peers, Peer{ID: uint64(c), Voter: voter, Active: true, Match: match})
			match = 1000
		}
	}
	return r
}

// TestVoters: members are those of letters, in zones by zones; then what is wanted
// when it has been so for long.
func TestVoters(t *testing.T) {
	// Raft ids in the answers: a 97, b 98, c 99, d 100, e 101, f 102.
	for _, c := range []struct {
		name, members, zones, down, leaving, raft, want string
	}{
		{"alone", "a", "", "", "", "a", ""},
		{"a member is missing", "ab", "", "", "", "a", "add learner 98"},
		{"but not while it is down", "ab", "", "b", "", "a", ""},
		{"two: one votes", "ab", "", "", "", "a-b", ""},
		{"three: all vote", "abc", "", "", "", "a-bc", "add voter 98"},
		{"three, the second", "abc", "", "", "", "ab-c", "add voter 99"},
		{"three, the last lags", "abc", "", "", "", "ab-.c", ""},
		{"three, two lag", "abc", "", "", "", "a-.b.c", ""},
		{"three, one lags: no even number", "abc", "", "", "", "a-b.c", ""},
		{"four: three vote", "abcd", "", "", "", "abc-d", ""},
		{"five: all vote", "abcde", "", "", "", "abc-de", "add voter 100"},
		{"five, one lags", "abcde", "", "", "", "abc-d.e", ""},
		{"a dead voter is replaced", "abcd", "", "b", "", "aBc-d", "add voter 100"},
		{"and then dismissed", "abcd", "", "b", "", "aBcd", "add learner 98"},
		{"not if nobody can vote instead", "abc", "", "b", "", "aBc", ""},
		{"not if it only is not heard", "abcd", "", "", "", "aBc-d", ""},
		{"two dead of five, one replaced", "abcdef", "", "bc", "", "aBCde-f", "add voter 102"},
		{"one of them, as nobody else is there", "abcdef", "", "bc", "", "aBCdef", "add learner 99"},
		{"the dead before the living", "abcdef", "", "c", "", "abCdef", "add learner 99"},
		{"no step that loses the quorum", "abcd", "", "b", "", "aBC-d", ""},
		{"a voter that was forgotten is replaced", "acd", "", "", "", "aBc-d", "add voter 100"},
		{"or removed", "ac", "", "", "", "aBc", "remove 98"},
		{"a learner that was forgotten", "ac", "", "", "", "a-Bc", "remove 98"},
		{"two are left: one votes", "ac", "", "", "", "ac", "add learner 99"},
		{"one after the other", "abcdef0", "", "bc", "", "aBCdef-0", "add learner 98"},
		{"zones first", "abcdef", "xxxxyz", "", "", "abcd-ef", "add voter 101"},
		{"then the others go", "abcdef", "xxxyyz", "", "", "abcdef", "add learner 99"},
		{"zones of three", "abcd", "xxyz", "", "", "abc-d", "add voter 100"},
		{"zones of three, done", "abcd", "xxyz", "", "", "acd-b", ""},
		{"who leaves does not vote", "abcd", "", "", "b", "abc-d", "add voter 100"},
		{"three, one leaves", "abc", "", "", "c", "abc", "add learner 98"},
		{"the leader leaves", "abcd", "", "", "a", "abc-d", "add voter 100"},
		{"the leader hands over", "abcd", "", "", "a", "abcd", "transfer to 98"},
		{"the leader of two leaves", "ab", "", "", "a", "a-b", "add voter 98"},
		{"the leader of two hands over", "ab", "", "", "a", "ab", "transfer to 98"},
	} {
		s, apply := founded(t, 1, "a")
		for i, m := range c.members[1:] {
			joins := someone(string(m), 1, uint64(m))
			if c.zones != "" {
				joins.Zone = c.zones[i+1 : i+2]
			}
			if err := apply(NewJoin(joins, nil, 1)).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if c.zones != "" {
			first := someone("a", 1, 'a')
			first.Zone = c.zones[:1]
			apply(NewJoin(first, nil, 1))
		}
		for _, m := range c.down {
			apply(NewDown(s.ByID(id(string(m))), 0, nil, 1))
		}
		for _, m := range c.leaving {
			apply(NewLeaving(id(string(m)), 1))
		}
		// No moves: the only shard stays where it is, or everything is paused.
		apply(NewBalance(true))
		control, raft := NewController(0), group("a", c.raft)
		control.Decide(s, View{Raft: raft})
		now := int64(voterPatience + farewell)
		control.issued = map[string]int64{}
		got := control.Decide(s, View{Now: now, Raft: raft})
		for i, a := range got {
			if p, ok := a.(Propose); ok && strings.HasPrefix(p.what, "move") {
				got = got[:i] // of the member that leaves
				break
			}
		}
		if words := decided(s, got); words != c.want && !strings.HasPrefix(words, c.want+"; left") {
			t.Errorf("%s: %q, want %q", c.name, words, c.want)
		}
		raft.Pending = true
		for _, a := range control.Decide(s, View{Now: now + proposeAgain, Raft: raft}) {
			if _, ok := a.(Propose); !ok {
				t.Errorf("%s: %v though another change is under way", c.name, a)
			}
		}
	}
}

// TestVotersHavePatience: a voter that is down is not replaced at once, a learner that
// has left hears of it.
func TestVotersHavePatience(t *testing.T) {
	s, apply := founded(t, 1, "a", "b", "c", "d")
	raft := group("a", "aBc-d")
	control := NewController(0)
	apply(NewDown(s.ByID(id("b")), 0, nil, 1))
	apply(NewBalance(true))
	at := func(now int64, want string) {
		t.Helper()
		if got := decided(s, control.Decide(s, View{Now: now, Raft: raft})); got != want {
			t.Errorf("at %d: %q, want %q", now, got, want)
		}
	}
	at(1000, "")
	at(1000+voterPatience-1, "")
	at(1000+voterPatience, "add voter 100")
	at(1001+voterPatience, "") // asked for
	at(1000+voterPatience+proposeAgain, "add voter 100")
	apply(NewUp(s.ByID(id("b")), 0, 1))
	at(20000, "")
	apply(NewDown(s.ByID(id("b")), 0, nil, 1))
	at(21000, "")
	apply(NewLeaving(id("d"), 1))
	at(22000, "") // it is still there, for its clients
	apply(NewDown(s.ByID(id("d")), 0, nil, 1))
	at(22001, "left d")
	apply(NewLeft(id("d")))
	at(23000, "")
	at(23000+farewell, "remove 100")
}

func TestMovesBegin(t *testing.T) {
	s, apply := founded(t, 8, "a", "b")
	control, raft := NewController(0), group("a", "a-b")
	var loads Loads
	at := func(now int64, want string) []Action {
		t.Helper()
		actions := control.Decide(s, View{Now: now, Raft: raft, Loads: &loads, Alive: func(member string) bool {
			return member != id("d")
		}})
		actions = slices.DeleteFunc(actions, func(a Action) bool { _, ok := a.(Propose); return !ok })
		if got := decided(s, actions); got != want {
			t.Fatalf("at %d: %s\nwant %s", now, got, want)
		}
		return actions
	}
	commit := func(shard int) {
		t.Helper()
		if r := apply(NewMoveCommit(shard, s.Place(shard).MoveID)); !r.Changed {
			t.Fatalf("shard %d: %+v", shard, r)
		}
	}
	at(0, "")
	at(settleTime-1, "")
	// One at a time between two.
	begin := at(settleTime, "move shard 0 of epoch 1 from 1 to 2: even")
	at(settleTime+1, "")
	apply(begin[0].(Propose).Entry)
	at(settleTime+proposeAgain, "")
	commit(0)
	begin = at(settleTime+proposeAgain+1, "move shard 1 of epoch 1 from 1 to 2: even")
	apply(begin[0].(Propose).Entry)
	// A third member: after a while it gets its own.
	apply(NewJoin(someone("c", 1, 'c'), nil, 1))
	raft = group("a", "a-b.c")
	at(10_000, "")
	at(10_000+settleTime-1, "")
	begin = at(10_000+settleTime, "move shard 2 of epoch 1 from 1 to 3: even")
	apply(begin[0].(Propose).Entry)
	// The target dies.
	apply(NewDown(s.ByID(id("c")), 0, nil, 1))
	abort := at(14_000, fmt.Sprintf("abort move %d of shard 2", s.Place(2).MoveID))
	apply(abort[0].(Propose).Entry)
	at(14_001, "")
	// A member leaves: at once, and paused or not.
	commit(1)
	apply(NewUp(s.ByID(id("c")), 0, 1))
	apply(NewBalance(true))
	apply(NewLeaving(id("a"), 1))
	begin = at(15_000, "move shard 2 of epoch 1 from 1 to 3: evacuate; move shard 4 of epoch 1 from 1 to 2: evacuate")
	for _, a := range begin {
		apply(a.(Propose).Entry)
	}
	at(15_001, "")
	// It stays after all: what goes on goes on, nothing else begins.
	apply(NewStay(id("a"), 1))
	at(15_002, "")
	commit(2)
	commit(4)
	at(30_000, "")
	apply(NewBalance(false))
	begin = at(30_001, "move shard 3 of epoch 1 from 1 to 3: even")
	apply(begin[0].(Propose).Entry)
	commit(3)
	at(30_002, "") // a 3, b 3, c 2
	// Nothing is given to who is not alive for serf.
	apply(NewJoin(someone("d", 1, 'd'), nil, 1))
	at(40_000, "")
	at(50_000, "")
}

func TestControllerIsQuietWithoutACluster(t *testing.T) {
	if a := NewController(0).Decide(New(), View{Now: 99999, Raft: group("a", "a")}); a != nil {
		t.Error(a)
	}
}

func TestLoads(t *testing.T) {
	s, apply := founded(t, 2, "a", "b")
	var none *Loads
	if none.Load(0) != 0 || none.Keys(s, 1) != nil {
		t.Error("nothing is known")
	}
	var l Loads
	l.Report(s, id("a"), 1, []ShardLoad{{0, 5, 50}, {1, 6, 60}, {-1, 1, 1}, {9, 1, 1}})
	l.Report(s, id("e"), 1, []ShardLoad{{0, 1, 1}})
	if l.Load(0) != 50 || l.Load(9) != 0 || fmt.Sprint(l.Keys(s, 1)) != "[{0 5} {1 6}]" {
		t.Errorf("%+v", l)
	}
	apply(NewMoveBegin(1, 1, id("b")))
	apply(NewMoveCommit(1, s.Place(1).MoveID))
	if l.Load(1) != 60 || fmt.Sprint(l.Keys(s, 1), l.Keys(s, 2)) != "[{0 5}] [{1 6}]" {
		t.Error("what the last owner said of a shard counts until the new one has told")
	}
	apply(NewJoin(someone("a", 2, 'a'), l.Keys(s, 1), 9))
	if p := s.Place(0); p.LostKeys != 5 || l.Keys(s, 1) != nil {
		t.Errorf("%+v %v", p, l.Keys(s, 1))
	}
	if s.ByNumber(1).State != directory.Up {
		t.Error("who joins is up")
	}
	if fmt.Sprint(l.Keys(s, 2)) != "[{1 6}]" {
		t.Errorf("after the last owner was started again: %v", l.Keys(s, 2))
	}
	l.Report(s, id("b"), 1, []ShardLoad{{1, 7, 70}})
	if fmt.Sprint(l.Keys(s, 2)) != "[{1 7}]" {
		t.Errorf("once the new owner has told: %v", l.Keys(s, 2))
	}
}

// A node that has just got a shard and dies has lost what the shard had when it came,
// once: what is said of a shard is void when it has lost its data, or has moved on.
func TestKeysOfShardThatHasMoved(t *testing.T) {
	s, apply := founded(t, 2, "a", "b")
	var l Loads
	l.Report(s, id("a"), 1, []ShardLoad{{0, 5, 5}, {1, 6, 6}})
	l.Report(s, id("b"), 1, nil)
	for i := range 2 {
		apply(NewMoveBegin(i, s.Place(i).Epoch, id("b")))
		apply(NewMoveCommit(i, s.Place(i).MoveID))
	}
	apply(NewJoin(someone("b", 2, 'b'), l.Keys(s, 2), 9))
	for i := range 2 {
		if p := s.Place(i); p.LostAt != 9 || p.LostKeys != int64(5+i) {
			t.Errorf("shard %d: %+v", i, p)
		}
	}
	if k := l.Keys(s, 2); k != nil {
		t.Errorf("after the loss: %v", k)
	}
	apply(NewMoveBegin(0, s.Place(0).Epoch, id("a")))
	apply(NewMoveCommit(0, s.Place(0).MoveID))
	if k := l.Keys(s, 1); k != nil {
		t.Errorf("after the loss and another move: %v", k)
	}
}
