package sim

import (
	"flag"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var (
	seeds  = flag.Int("seeds", 100, "how many seeds to run of each kind of world")
	first  = flag.Uint64("seed", 1, "the first of them")
	worlds = flag.Int("worlds", 1, "in how many worlds every arrow is cut")
	tell   = flag.Bool("tell", false, "write down what happens in worlds that fail")
)

// worldKind is a kind of world; each seed makes another one of it.
type worldKind struct {
	name   string
	shards int
	// meets are the numbers in Stats that are not 0 after many worlds.
	meets string
	make  func(seed uint64) Options
}

var worldKinds = []worldKind{
	{"node", 4, "Dropped Doubled Slowed Panics Stalls Groups Apart Expired Crowds Drafts Redone", func(seed uint64) Options {
		o := Options{Nodes: 1, Clients: 3 + int(seed%4), Calls: 10}
		switch seed % 4 {
		case 1:
			o.Faults = Faults{Drop: 0.02, Double: 0.05, Slow: 0.05, Local: true}
		case 2:
			o.Faults = Faults{Panic: 0.01, Stall: 0.1}
		case 3:
			o.Faults = Faults{Drop: 0.05, Double: 0.1, Slow: 0.1, Local: true, Panic: 0.01, Stall: 0.1}
		}
		return o
	}},
	{"calm", 6, "Decisions Held Blocked Handed Wounds Groups Expired Crowds Drafts", cluster(Faults{})},
	{"lossy", 6, "Dropped Doubled Slowed Panics Skewed Confirms Groups Apart Expired Crowds Drafts",
		cluster(Faults{Drop: 0.02, Double: 0.05, Slow: 0.05, Panic: 0.002, Skew: 60_000})},
	{"moves", 6, "Moves Moved Late Elsewhere Refused Groups Expired Crowds Drafts", cluster(Faults{Move: 0.2, Lag: 0.2, Double: 0.02, Slow: 0.02})},
	{"pauses", 6, "Pauses Downs Ups Fenced Late Stalls Skewed Confirms Recoveries Lost Unknown Failed Groups Apart Expired Crowds Drafts",
		cluster(Faults{Pause: 0.1, Lag: 0.2, Stall: 0.01, Skew: 5000})},
	{"cuts", 6, "Cuts OneWay Downs Ups Fenced Late Dropped Skewed Confirms Recoveries Lost Unreachable Unknown Failed Groups Apart Expired Crowds Drafts",
		cluster(Faults{Cut: 0.05, Lag: 0.2, Drop: 0.01, Slow: 0.02, Skew: 50})},
	{"crashes", 6, "Crashes Restarts Downs Late Confirms Recoveries Lost Unknown Failed Groups Apart Expired Crowds Drafts",
		cluster(Faults{Crash: 0.03, Lag: 0.2, Slow: 0.02})},
	{"losses", 6, "Crashes Restarts Moves Moved Confirms Recoveries Lost Unknown Failed Groups Apart Expired Crowds Drafts",
		cluster(Faults{Crash: 0.03, Move: 0.3, Lag: 0.2, Slow: 0.02})},
	{"brief", 6, "Slowed Panics Groups Apart Expired Crowds Drafts Alone", func(seed uint64) Options {
		o := cluster(Faults{Slow: 0.1, Panic: 0.002, Skew: 200})(seed)
		o.Brief, o.Think = true, 20
		return o
	}},
	{"all", 6, "Dropped Doubled Slowed Panics Stalls Late Cuts OneWay Pauses Crashes Restarts Moves Moved Skewed " +
		"Downs Ups Fenced Confirms Recoveries Orphans Lost Unreachable Elsewhere Refused Unknown Failed Groups Apart Told Expired Crowds Drafts Redone",
		cluster(Faults{
			Drop: 0.02, Double: 0.05, Slow: 0.05, Panic: 0.002, Stall: 0.01, Lag: 0.2, Cut: 0.02, Pause: 0.01, Crash: 0.01, Move: 0.05, Skew: 2000,
		})},
}

func cluster(f Faults) func(seed uint64) Options {
	return func(seed uint64) Options {
		return Options{Nodes: 2 + int(seed%3), Clients: 3 + int(seed%4), Calls: 25, Think: 200, Faults: f}
	}
}

func (k *worldKind) options(t testing.TB, seed uint64) Options {
	t.Helper()
	o := k.make(seed)
	o.Setup, o.Seed, o.Lends = newSetup(t, k.shards), seed, seed%3 == 0
	return o
}

var setups = map[int]*Setup{}

func newSetup(t testing.TB, shards int) *Setup {
	t.Helper()
	if setups[shards] == nil {
		s, err := NewSetup(shards)
		if err != nil {
			t.Fatal(err)
		}
		setups[shards] = s
	}
	return setups[shards]
}

func run(t *testing.T, o Options) Stats {
	t.Helper()
	w := NewWorld(o)
	if errs := w.Run(); len(errs) > 0 {
		for _, e := range errs {
			t.Errorf("seed %d: %s", o.Seed, e)
		}
		if *tell {
			o.Trace = func(line string) { t.Log(line) }
			NewWorld(o).Run()
		}
	}
	return w.Stats
}

func TestSeeds(t *testing.T) {
	for _, k := range worldKinds {
		t.Run(k.name, func(t *testing.T) {
			var all Stats
			for i := range *seeds {
				all.add(run(t, k.options(t, *first+uint64(i))))
				if t.Failed() {
					return
				}
			}
			k.check(t, &all)
			t.Logf("%+v", all)
		})
	}
}

const (
	// few is so few worlds that they need not meet everything.
	few = 100
	// mostLimited is one of how many worlds may not have been looked at.
	mostLimited = 20
)

// check looks whether the worlds have met what they are made for.
func (k *worldKind) check(t *testing.T, all *Stats) {
	t.Helper()
	if *seeds < few {
		return
	}
	for _, name := range strings.Fields(k.meets) {
		if reflect.ValueOf(*all).FieldByName(name).Int() == 0 {
			t.Errorf("%s: none in %d worlds", name, *seeds)
		}
	}
	if all.Limited > *seeds/mostLimited {
		t.Errorf("%d of %d worlds have met the limit of what is promised, and were not looked at", all.Limited, *seeds)
	}
}

// Seeds that have found defects, in worlds as they are and as they were.
func TestKnownSeeds(t *testing.T) {
	text, err := os.ReadFile("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		seed, err := strconv.ParseUint(words[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range worldKinds {
			if k.name == words[0] {
				o := k.options(t, seed)
				run(t, o)
				o.Plain = true
				run(t, o)
			}
		}
	}
}

// arrows are what can cut one of them.
var arrows = []struct {
	name  string
	cut   func(o *Options, at int)
	count func(s *Stats) int
}{
	{"coordinator", func(o *Options, at int) { o.CrashAt = at }, func(s *Stats) int { return s.Panics }},
	{"node", func(o *Options, at int) { o.CrashAt, o.CrashNode, o.DownFor = at, true, 1000 }, func(s *Stats) int { return s.Crashes }},
	{"node for good", func(o *Options, at int) { o.CrashAt, o.CrashNode, o.DownFor = at, true, forever }, func(s *Stats) int { return s.Crashes }},
	{"link", func(o *Options, at int) { o.CutAt = at }, func(s *Stats) int { return s.Cuts }},
}

// Every arrow of a coordinator's is cut once by its crash, and once by that of its
// node, and every arrow between nodes by a cut of its link. All ends in good time.
func TestEveryArrow(t *testing.T) {
	for _, a := range arrows {
		t.Run(a.name, func(t *testing.T) {
			for seed := range *worlds {
				o := Options{
					Setup: newSetup(t, 4), Nodes: 3, Clients: 3, Calls: 5, Think: 20, Patience: 5000, Seed: *first + uint64(seed),
				}
				for at := 1; !t.Failed(); at++ {
					a.cut(&o, at)
					stats := run(t, o)
					if t.Failed() {
						t.Errorf("at arrow %d", at)
					}
					if a.count(&stats) == 0 {
						if at < 25 { // of calls in groups there are fewer
							t.Errorf("only %d arrows", at)
						}
						break
					}
				}
			}
		})
	}
}

// The same seed gives the same run.
func TestRunsRepeat(t *testing.T) {
	for _, k := range worldKinds {
		for seed := uint64(1); seed <= 4; seed++ {
			a, b := NewWorld(k.options(t, seed)), NewWorld(k.options(t, seed))
			a.Run()
			b.Run()
			if a.Stats != b.Stats {
				t.Errorf("%s, seed %d: %+v, then %+v", k.name, seed, a.Stats, b.Stats)
			}
		}
	}
}
