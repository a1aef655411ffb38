package sample_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/sample"
)

func TestChooser(t *testing.T) {
	r := rng.New(7)
	const size, n, rounds = 10, 3, 20000
	var times [size]int
	for range rounds {
		c, taken := sample.Choose(r, n, size), 0
		for i := range size {
			if c.Take() {
				times[i]++
				taken++
			}
		}
		if taken != n {
			t.Fatalf("%d of %d chosen, want %d", taken, size, n)
		}
	}
	// Each is chosen in n/size of the rounds, within five standard deviations.
	const mean, tolerance = rounds * n / size, 5 * 65
	for i, got := range times {
		if got < mean-tolerance || got > mean+tolerance {
			t.Errorf("element %d was chosen %d times, want about %d", i, got, mean)
		}
	}
}

func TestChooserAll(t *testing.T) {
	c := sample.Choose(rng.New(1), 4, 4)
	for range 4 {
		if !c.Take() {
			t.Fatal("not all of 4 are chosen when 4 are wanted")
		}
	}
	if c.Take() {
		t.Error("a fifth is chosen")
	}
}
