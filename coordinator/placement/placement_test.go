package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"pgregory.net/rapid"
)

// apply carries moves out.
func apply(shards []Shard, moves []Move) []Shard {
	shards = slices.Clone(shards)
	for _, m := range moves {
		shards[m.Shard].Owner = m.To
	}
	return shards
}

func counts(shards []Shard) map[directory.Number]int {
	c := map[directory.Number]int{}
	for _, s := range shards {
		c[s.Owner]++
	}
	return c
}

func loads(shards []Shard) map[directory.Number]int64 {
	c := map[directory.Number]int64{}
	for _, s := range shards {
		c[s.Owner] += s.Load
	}
	return c
}

// spread returns max-min over the members that are up.
func spread[N int | int64](of map[directory.Number]N, members []Member) N {
	var all []N
	for _, m := range members {
		if m.State == directory.Up {
			all = append(all, of[m.Number])
		}
	}
	return slices.Max(all) - slices.Min(all)
}

func up(zones ...string) (members []Member) {
	for i, z := range zones {
		members = append(members, Member{Number: directory.Number(i + 1), Zone: z})
	}
	return members
}

func owned(owners ...int) (shards []Shard) {
	for _, o := range owners {
		shards = append(shards, Shard{Owner: directory.Number(o)})
	}
	return shards
}

func TestPlan(t *testing.T) {
	weighed := func(shards []Shard, load ...int64) []Shard {
		for i := range shards {
			shards[i].Load = load[i]
		}
		return shards
	}
	state := func(members []Member, n int, s directory.State) []Member {
		members[n-1].State = s
		return members
	}
	pinned := func(shards []Shard, i int) []Shard { shards[i].Pinned = true; return shards }
	for _, c := range []struct {
		name    string
		shards  []Shard
		members []Member
		want    string
	}{
		{"nobody", owned(1, 1), nil, ""},
		{"alone", owned(1, 1, 1), up(""), ""},
		{"nobody is up", owned(1, 1), state(up(""), 1, directory.Down), ""},
		{"second", owned(1, 1, 1, 1), up("", ""), "0:1>2 even, 1:1>2 even"},
		{"third", owned(1, 1, 2, 2), up("", "", ""), "2:2>3 even"},
		{"already even", owned(1, 2, 2, 3), up("", "", ""), ""},
		{"leaving", owned(1, 2, 2, 3), state(up("", "", ""), 2, directory.Leaving), "1:2>1 evacuate, 2:2>3 evacuate"},
		{"down keeps", owned(1, 1, 1, 2, 3, 3), state(up("", "", ""), 1, directory.Down), ""},
		{"orphans before others", owned(2, 7, 7, 0, 2, 2, 2), up("", ""), "1:7>1 orphan, 2:7>1 orphan, 3:0>1 orphan"},
		{"pinned stays", pinned(owned(1, 1, 1, 2), 0), up("", "", ""), "1:1>3 even"},
		{"pinned at who leaves", pinned(owned(1, 1, 2, 2), 0), state(up("", ""), 1, directory.Leaving), "1:1>2 evacuate"},
		{"heavy first", weighed(owned(0, 0, 0, 0), 1, 9, 2, 8), up("", ""), "1:0>1 orphan, 3:0>2 orphan, 2:0>2 orphan, 0:0>1 orphan"},
		{"the one that suits", weighed(owned(1, 1, 1, 2), 9, 3, 3, 3), up("", ""), "0:1>2 even"},
		{"exchange", weighed(owned(1, 1, 2, 2), 9, 9, 1, 1), up("", ""), "0:1>2 load, 2:2>1 load"},
		{"the extra one", weighed(owned(1, 1, 2), 6, 6, 1), up("", ""), "0:1>2 load"},
		{"slight slope", weighed(owned(1, 1, 2, 2), 11, 10, 10, 9), up("", ""), ""},
		{"one giant", weighed(owned(1, 1, 2, 2), 1000, 0, 10, 10), up("", ""), ""},
		{"zones share extras", owned(0, 0, 0, 0, 0, 0), up("a", "a", "b", "b"), "0:0>1 orphan, 1:0>3 orphan, 2:0>1 orphan, 3:0>2 orphan, 4:0>3 orphan, 5:0>4 orphan"},
	} {
		var got []string
		for _, m := range Plan(c.shards, c.members, 0) {
			got = append(got, fmt.Sprintf("%d:%d>%d %s", m.Shard, m.From, m.To, m.Why))
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, s, c.want)
		}
	}
}

// cluster draws members and shards that they own somehow.
func cluster(t *rapid.T, loaded bool) ([]Shard, []Member) {
	n := rapid.IntRange(1, 12).Draw(t, "members")
	members := make([]Member, n)
	for i := range members {
		members[i] = Member{
			Number: directory.Number(2*i + 1),
			Zone:   rapid.SampledFrom([]string{"a", "a", "a", "b", "c"}).Draw(t, "zone"),
			State:  rapid.SampledFrom([]directory.State{directory.Up, directory.Up, directory.Up, directory.Leaving, directory.Down}).Draw(t, "state"),
		}
	}
	shards := make([]Shard, rapid.IntRange(1, 64).Draw(t, "shards"))
	for i := range shards {
		shards[i].Owner = directory.Number(rapid.IntRange(0, 2*n+1).Draw(t, "owner"))
		if loaded {
			shards[i].Load = int64(rapid.IntRange(0, 1000).Draw(t, "load"))
		}
	}
	return shards, members
}

// slope draws by how much loads may differ.
func slope(t *rapid.T) int64 {
	return rapid.SampledFrom([]int64{0, 0, 1, 100, 1000, 20_000}).Draw(t, "least")
}

func someUp(members []Member) bool {
	return slices.ContainsFunc(members, func(m Member) bool { return m.State == directory.Up })
}

func stateOf(members []Member, n directory.Number) (directory.State, bool) {
	for _, m := range members {
		if m.Number == n {
			return m.State, true
		}
	}
	return 0, false
}

func TestPlanIsEvenFinalAndDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards, members := cluster(t, true)
		least := slope(t)
		moves := Plan(shards, members, least)
		if !someUp(members) {
			if moves != nil {
				t.Fatalf("moves to nobody: %v", moves)
			}
			return
		}
		shuffled := slices.Clone(members)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		if again := Plan(shards, shuffled, least); !slices.Equal(again, moves) {
			t.Fatalf("%v, in another order %v", moves, again)
		}
		seen := map[int]bool{}
		for _, m := range moves {
			if seen[m.Shard] || shards[m.Shard].Owner != m.From || m.From == m.To {
				t.Fatalf("bad move %v of %v", m, moves)
			}
			seen[m.Shard] = true
			if to, ok := stateOf(members, m.To); !ok || to != directory.Up {
				t.Fatalf("%v is to who is not up", m)
			}
			if from, ok := stateOf(members, m.From); ok && from == directory.Down {
				t.Fatalf("%v is from who is down", m)
			}
		}
		after := apply(shards, moves)
		if d := spread(counts(after), members); d > 1 {
			t.Fatalf("%d apart: %v", d, counts(after))
		}
		for i, s := range after {
			if state, ok := stateOf(members, s.Owner); !ok || state == directory.Leaving {
				t.Fatalf("shard %d is left with %d", i, s.Owner)
			}
		}
		if more := Plan(after, members, least); len(more) > 0 {
			t.Fatalf("after the plan there is more to do: %v", more)
		}
	})
}

func TestJoinAndLeaveMoveNoMoreThanTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards, members := cluster(t, true)
		for i := range members {
			members[i].State = directory.Up
		}
		shards = apply(shards, Plan(shards, members, 0))
		due := func(moves []Move) (n int) {
			for _, m := range moves {
				if m.Why != Load {
					n++
				}
			}
			return n
		}

		joined := append(slices.Clone(members), Member{Number: 2, Zone: rapid.SampledFrom([]string{"a", "b", "z"}).Draw(t, "new zone")})
		share := (len(shards) + len(joined) - 1) / len(joined)
		if moves := Plan(shards, joined, 0); due(moves) > share {
			t.Fatalf("a join moves %v, its share is %d", moves, share)
		}

		if len(members) == 1 {
			return
		}
		left := slices.Clone(members)
		leaver := rapid.IntRange(0, len(left)-1).Draw(t, "leaver")
		left[leaver].State = directory.Leaving
		if moves, had := Plan(shards, left, 0), counts(shards)[left[leaver].Number]; due(moves) != had {
			t.Fatalf("a leave moves %v, it had %d", moves, had)
		}
	})
}

// TestZonesShareInProportion: with nothing placed yet, each zone gets what its
// members are of all members, give or take one.
func TestZonesShareInProportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, members := cluster(t, false)
		for i := range members {
			members[i].State = directory.Up
		}
		shards := make([]Shard, rapid.IntRange(1, 100).Draw(t, "shards"))
		size, has := map[string]int{}, map[string]int{}
		for _, m := range members {
			size[m.Zone]++
		}
		for n, c := range counts(apply(shards, Plan(shards, members, 0))) {
			has[members[(n-1)/2].Zone] += c
		}
		for z, n := range size {
			// |has - shards*n/members| < 2, as one is what rounding may cost twice.
			if d := has[z]*len(members) - len(shards)*n; d >= 2*len(members) || -d >= 2*len(members) {
				t.Fatalf("zone %s of %d in %d has %d of %d", z, n, len(members), has[z], len(shards))
			}
		}
	})
}

func TestLoadIsLevelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards, members := cluster(t, true)
		for i := range members {
			members[i].State = directory.Up
		}
		least := slope(t)
		placed := apply(shards, Plan(shards, members, least))
		blind := slices.Clone(shards)
		for i := range blind {
			blind[i].Load = 0
		}
		unweighed := apply(shards, Plan(blind, members, least))
		heaviest := int64(0)
		for _, s := range shards {
			heaviest = max(heaviest, s.Load)
		}
		total := int64(0)
		for _, s := range shards {
			total += s.Load
		}
		slack := max(least, total/int64(len(members))/LoadSlack)
		with, without := spread(loads(placed), members), spread(loads(unweighed), members)
		if with > max(without, heaviest)+slack {
			t.Fatalf("loads are %d apart, %d without regard to them, the heaviest is %d", with, without, heaviest)
		}
	})
}

// TestSmallSlopeIsLeft: however much it is of the mean, a difference no greater than
// the least that counts moves nothing.
func TestSmallSlopeIsLeft(t *testing.T) {
	shards := owned(1, 1, 2, 2)
	for i, load := range []int64{9, 9, 1, 1} {
		shards[i].Load = load
	}
	if moves := Plan(shards, up("", ""), 15); len(moves) != 2 || moves[0].Why != Load {
		t.Fatalf("loads are 16 apart, 15 may be: %v", moves)
	}
	if moves := Plan(shards, up("", ""), 16); moves != nil {
		t.Fatalf("loads are 16 apart, as may be: %v", moves)
	}
	rapid.Check(t, func(t *rapid.T) {
		shards, members := cluster(t, true)
		for i := range members {
			members[i].State = directory.Up
		}
		shards = apply(shards, Plan(shards, members, 0))
		for i := range shards {
			shards[i].Load = int64(rapid.IntRange(0, 1000).Draw(t, "load now"))
		}
		least := slope(t)
		apart, moves := spread(loads(shards), members), Plan(shards, members, least)
		if apart <= least && len(moves) > 0 {
			t.Fatalf("loads are %d apart, %d may be: %v", apart, least, moves)
		}
	})
}

func TestHugeLoadsDoNotOverflow(t *testing.T) {
	shards := owned(1, 1, 1, 1)
	for i := range shards {
		shards[i].Load = 1<<63 - 1 - int64(i)
	}
	if d := spread(counts(apply(shards, Plan(shards, up("", ""), 0))), up("", "")); d != 0 {
		t.Errorf("%d apart", d)
	}
}
