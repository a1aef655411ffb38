package directory

import (
	"sync"
	"testing"
)

// Every slot has one shard; the shards' ranges are contiguous, equal, and cover all.
func TestEven(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 16, 1000, 1024, SlotCount - 1, SlotCount} {
		s := Even(n)
		if s.Shards() != n {
			t.Errorf("%d shards, want %d", s.Shards(), n)
		}
		next := 0
		for i := range n {
			first, count := Range(i, n)
			if first != next || count < SlotCount/n || count > SlotCount/n+1 {
				t.Fatalf("shard %d of %d has %d slots from %d on, want them from %d on", i, n, count, first, next)
			}
			for slot := first; slot < first+count; slot++ {
				if got := s.Shard(uint16(slot)); got != i {
					t.Fatalf("slot %d is shard %d's of %d, want %d", slot, got, n, i)
				}
			}
			next += count
		}
		if next != SlotCount {
			t.Errorf("%d shards have %d slots", n, next)
		}
	}
	// A number that is no slot finds a shard all the same, and panics nowhere.
	if got := Even(16).Shard(SlotCount + 5); got != Even(16).Shard(5) {
		t.Errorf("slot 16389 is shard %d's", got)
	}
}

func TestMembers(t *testing.T) {
	d := &Directory{
		Slots: Even(2), Self: 7,
		Members: []Member{{Number: 2, ID: "b"}, {Number: 7, ID: "a"}, {Number: MaxMembers, ID: "c"}},
		Places:  []Place{{Owner: 7}, {Owner: 2}},
	}
	for _, m := range d.Members {
		if got := d.Member(m.Number); got == nil || got.ID != m.ID {
			t.Errorf("number %d is %v", m.Number, got)
		}
		if got := d.ByID(m.ID); got == nil || got.Number != m.Number {
			t.Errorf("id %s is %v", m.ID, got)
		}
	}
	if d.Member(0) != nil || d.Member(1) != nil || d.ByID("") != nil || d.ByID("d") != nil {
		t.Error("strangers are members")
	}
	if d.Me().ID != "a" || !d.Mine(0) || d.Mine(1) {
		t.Errorf("this node is %v and has shard 0: %v, 1: %v", d.Me(), d.Mine(0), d.Mine(1))
	}
	if (&Directory{Self: 3}).Me() != nil {
		t.Error("a node that is no member is one")
	}
}

func TestSingle(t *testing.T) {
	d := Single(Even(5))
	if d.Me() == nil || len(d.Places) != 5 || d.ClusterID != "" {
		t.Errorf("alone: %+v", d)
	}
	for i := range d.Places {
		if !d.Mine(i) || d.Places[i].Epoch == 0 {
			t.Errorf("shard %d: %+v", i, d.Places[i])
		}
	}
}

func TestStatesHaveNames(t *testing.T) {
	for state, want := range map[State]string{Up: "up", Leaving: "leaving", Down: "down"} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", state, got, want)
		}
	}
}

// A store never goes back, whoever brings directories in whatever order.
func TestStoreAdvances(t *testing.T) {
	var empty Store
	if empty.Load() != nil || !empty.Advance(&Directory{}) {
		t.Error("an empty store takes nothing")
	}
	s := NewStore(&Directory{Epoch: 5})
	for _, c := range []struct {
		epoch uint64
		taken bool
	}{{4, false}, {5, false}, {6, true}, {6, false}, {9, true}, {8, false}} {
		if got := s.Advance(&Directory{Epoch: c.epoch}); got != c.taken {
			t.Errorf("epoch %d is taken: %v", c.epoch, got)
		}
	}
	if got := s.Load().Epoch; got != 9 {
		t.Errorf("it holds epoch %d", got)
	}
	const writers, each = 4, 500
	var writing sync.WaitGroup
	var taken [writers]int
	for w := range writers {
		writing.Go(func() {
			last := uint64(0)
			for i := range each {
				if s.Advance(&Directory{Epoch: uint64(10 + i*writers + w)}) {
					taken[w]++
				}
				if now := s.Load().Epoch; now < last || now < uint64(10+i*writers+w) {
					t.Errorf("epoch %d after %d and %d", now, last, 10+i*writers+w)
				} else {
					last = now
				}
			}
		})
	}
	writing.Wait()
	if got, want := s.Load().Epoch, uint64(10+(each-1)*writers+writers-1); got != want {
		t.Errorf("it holds epoch %d, want %d", got, want)
	}
	if taken[writers-1] == 0 {
		t.Error("nothing was taken")
	}
}
