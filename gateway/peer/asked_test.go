package peer

import (
	"testing"

	"pgregory.net/rapid"
)

// TestAskedIsAMap holds the ring against a map and a list, whatever the order in
// which answers come.
func TestAskedIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a asked
		open := map[uint64]uint64{} // tickets by identity
		var order []uint64          // identities, the oldest first
		asker := &asking{}
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1, 2:
				ticket := rapid.Uint64().Draw(t, "ticket")
				id := a.add(asker, ticket)
				if _, known := open[id]; known {
					t.Fatalf("identity %d is taken", id)
				}
				open[id] = ticket
				order = append(order, id)
			case 3: // an answer in its order
				for len(order) > 0 {
					id := order[0]
					order = order[1:]
					if _, known := open[id]; known {
						take(t, &a, open, id)
						break
					}
				}
			case 4: // out of order
				if len(order) > 0 {
					take(t, &a, open, rapid.SampledFrom(order).Draw(t, "id"))
				}
			case 5: // nobody's
				take(t, &a, open, rapid.Uint64().Draw(t, "unknown"))
			}
			if a.len() < len(open) || len(a.ring) < a.len() || len(a.ring) > max(firstRing, 2*a.len()+firstRing) && len(open) > firstRing {
				t.Fatalf("%d open, %d in a ring of %d", len(open), a.len(), len(a.ring))
			}
		}
		left := a.all()
		if len(left) != len(open) {
			t.Fatalf("%d are left, want %d", len(left), len(open))
		}
		i := 0
		for _, id := range order {
			if ticket, known := open[id]; known {
				if left[i].ticket != ticket {
					t.Fatalf("left in another order")
				}
				delete(open, id)
				i++
			}
		}
		if a.len() != 0 || len(a.all()) != 0 {
			t.Fatal("something is left of nothing")
		}
	})
}

func take(t *rapid.T, a *asked, open map[uint64]uint64, id uint64) {
	ticket, want := open[id]
	q, ok := a.take(id)
	if ok != want || ok && q.ticket != ticket {
		t.Fatalf("take(%d) = %v, %v; want %d, %v", id, q, ok, ticket, want)
	}
	delete(open, id)
}

func TestAskedAllocatesNothing(t *testing.T) {
	var a asked
	asker := &asking{}
	for range firstRing {
		a.add(asker, 1)
	}
	for id := range uint64(firstRing) {
		a.take(id)
	}
	if n := testing.AllocsPerRun(100, func() {
		first := a.add(asker, 1)
		second := a.add(asker, 2)
		a.take(second)
		a.take(first)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBarrier(t *testing.T) {
	b := newBarrier(2)
	steps := []struct {
		raise int // a turn, -1: nothing
		holds [5]bool
	}{
		{-1, [5]bool{}},
		{0, [5]bool{true}},
		{2, [5]bool{true, true, true}},
		{1, [5]bool{true, true, true}},
		{2, [5]bool{true, true, true}},
		{3, [5]bool{true, true, true, true}},
	}
	for i, s := range steps {
		if s.raise >= 0 {
			b.raise(1, uint64(s.raise))
		}
		for turn, want := range s.holds {
			if got := b.holds(1, uint64(turn)); got != want {
				t.Errorf("step %d: turn %d held: %v", i, turn, got)
			}
			if b.holds(0, uint64(turn)) {
				t.Errorf("step %d: turn %d held at another shard", i, turn)
			}
		}
	}
}
