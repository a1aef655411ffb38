package transport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestCopies compares the window with a set of all that was seen.
func TestCopies(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, spread := range []uint64{2, 60, 900, 3000} {
		s := &sender{}
		seen := map[uint64]bool{}
		newest, next := uint64(0), uint64(1)
		for range 20000 {
			next += random.Uint64N(3)
			sequence := next + spread - random.Uint64N(2*spread)
			if sequence > next+spread { // below zero
				continue
			}
			got := s.mark(sequence)
			wrong := seen[sequence] || sequence+window <= newest
			if errors.Is(got, errReplay) != wrong {
				t.Fatalf("sequence %d after %d, seen %v: %v", sequence, newest, seen[sequence], got)
			}
			seen[sequence] = true
			newest = max(newest, sequence)
		}
	}
}

func TestSendersAreBounded(t *testing.T) {
	s := senders{}
	for i := range 2 * maxSenders {
		for _, id := range []string{"old", fmt.Sprint("node ", i)} {
			if err := s.admit(process{id, 1}, uint64(i+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(s.young) + len(s.old); n > maxSenders {
		t.Errorf("%d are known", n)
	}
	if s.admit(process{"old", 1}, 7) == nil {
		t.Error("an old message is new")
	}
	if err := s.admit(process{"old", 2}, 7); err != nil {
		t.Errorf("another process of the same node: %v", err)
	}
}
