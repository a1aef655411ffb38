package sim

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
)

var (
	seeds = flag.Int("seeds", 1000, "how many seeds to run")
	first = flag.Uint64("seed", 1, "the first of them")
)

func options(t testing.TB, setup *Setup, seed uint64) Options {
	t.Helper()
	o := Options{Setup: setup, Seed: seed, Clients: 3 + int(seed%4), Calls: 10}
	switch seed % 4 {
	case 1:
		o.Faults = Faults{Drop: 0.02, Double: 0.05, Slow: 0.05}
	case 2:
		o.Faults = Faults{Crash: 0.01, Pause: 0.1}
	case 3:
		o.Faults = Faults{Drop: 0.05, Double: 0.1, Slow: 0.1, Crash: 0.01, Pause: 0.1}
	}
	return o
}

func newSetup(t testing.TB) *Setup {
	t.Helper()
	s, err := NewSetup(4)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, o Options) Stats {
	t.Helper()
	w := NewWorld(o)
	for _, e := range w.Run() {
		t.Errorf("seed %d: %s", o.Seed, e)
	}
	return w.Stats
}

func TestSeeds(t *testing.T) {
	setup := newSetup(t)
	var all Stats
	for i := range *seeds {
		all.add(run(t, options(t, setup, *first+uint64(i))))
		if t.Failed() {
			return
		}
	}
	t.Logf("%+v", all)
	if all.Wounds == 0 || all.Again == 0 || all.Crashes == 0 || all.Orphans == 0 || all.Blocked == 0 {
		t.Errorf("the seeds do not meet what they are for: %+v", all)
	}
}

// Seeds that have found defects.
func TestKnownSeeds(t *testing.T) {
	text, err := os.ReadFile("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	setup := newSetup(t)
	for _, line := range strings.Split(string(text), "\n") {
		word, _, _ := strings.Cut(line, " ")
		if word == "" || word == "#" {
			continue
		}
		seed, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		run(t, options(t, setup, seed))
	}
}

// A few worlds, in which the coordinator crashes at the first message, at the
// second, and so on: every arrow is cut once.
func TestCrashAtEveryArrow(t *testing.T) {
	setup := newSetup(t)
	for seed := uint64(5); seed < 8; seed++ {
		for at := 1; ; at++ {
			if run(t, Options{Setup: setup, Seed: seed, Clients: 3, Calls: 4, CrashAt: at}).Crashes == 0 {
				if at < 50 {
					t.Errorf("only %d arrows", at)
				}
				break
			}
		}
	}
}

// The same seed gives the same run.
func TestRunsRepeat(t *testing.T) {
	setup := newSetup(t)
	for seed := uint64(1); seed <= 8; seed++ {
		a, b := run(t, options(t, setup, seed)), run(t, options(t, setup, seed))
		if a != b {
			t.Errorf("seed %d: %+v, then %+v", seed, a, b)
		}
	}
}
