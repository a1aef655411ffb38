package collector

import (
	"math"
	"runtime/metrics"
	"testing"
	"time"
)

const mb = 1 << 20

func TestPercentFollowsTheHeap(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, mb: 400, 8 * mb: 200, 16 * mb: 75, 32 * mb: 50, 160 * mb: 30, 1 << 40: 25} {
		if got := percentFor(live); got != want {
			t.Errorf("%d MB live: %d %%, want %d", live/mb, got, want)
		}
	}
}

func TestPercentIsSetWhenItDiffersEnough(t *testing.T) {
	p := policy{}
	for _, c := range []struct{ live, want int }{{mb, 400}, {2 * mb, 0}, {32 * mb, 50}, {33 * mb, 0}, {160 * mb, 30}, {200 * mb, 0}, {mb, 400}} {
		if got, _ := p.step(&sample{live: uint64(c.live)}); got != c.want {
			t.Errorf("%d MB live: set %d, want %d", c.live/mb, got, c.want)
		}
	}
}

func TestCollectsWhatNothingIsAllocatedAfter(t *testing.T) {
	start := time.Unix(1000, 0)
	first := sample{now: start, cycles: 3, live: 90 * mb, heap: 100 * mb, activity: 7}
	for _, c := range []struct {
		name  string
		price time.Duration
		then  sample
		want  bool
	}{
		{"due", 0, sample{now: start.Add(quietFor), cycles: 3, heap: 100 * mb, activity: 8}, true},
		{"too early", 0, sample{now: start.Add(quietFor - 1), cycles: 3, heap: 100 * mb, activity: 8}, false},
		{"idle", 0, sample{now: start.Add(quietFor), cycles: 3, heap: 100 * mb, activity: 7}, false},
		{"small", 0, sample{now: start.Add(quietFor), cycles: 3, heap: quietLeast - 1, activity: 8}, false},
		{"collected meanwhile", 0, sample{now: start.Add(quietFor), cycles: 4, heap: 100 * mb, activity: 8}, false},
		{"dear", time.Second, sample{now: start.Add(19 * time.Second), cycles: 3, heap: 100 * mb, activity: 8}, false},
		{"dear but due", time.Second, sample{now: start.Add(20 * time.Second), cycles: 3, heap: 100 * mb, activity: 8}, true},
	} {
		p := policy{price: c.price}
		if _, collect := p.step(&first); collect {
			t.Fatalf("%s: collects at once", c.name)
		}
		if _, collect := p.step(&c.then); collect != c.want {
			t.Errorf("%s: collect %v, want %v", c.name, collect, c.want)
		}
	}
}

// A node that is only read from must not be collected again and again.
func TestWaitsLongerWhereNothingIsGained(t *testing.T) {
	p := policy{}
	s := sample{now: time.Unix(1000, 0), heap: 100 * mb, live: 100 * mb}
	p.step(&s)
	for i, gain := range []uint64{1, 1, 50, 1, 1, 1, 1, 1, 1, 1} {
		want := []time.Duration{10, 20, 30, 10, 20, 30, 30, 30, 30, 30}[i] * time.Second
		s.activity++
		s.now = s.now.Add(want - 1)
		if _, collect := p.step(&s); collect {
			t.Fatalf("%d: collects before %v", i, want)
		}
		s.now = s.now.Add(1)
		if _, collect := p.step(&s); !collect {
			t.Fatalf("%d: does not collect after %v", i, want)
		}
		s.cycles++
		s.live = s.heap - gain*mb
		p.step(&s)
	}
}

func TestLongestPauseIsTheLastBucketInUse(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		counts []uint64
		want   time.Duration
	}{{[]uint64{0, 0, 0}, 0}, {[]uint64{5, 1, 0}, 2 * time.Millisecond}, {[]uint64{0, 0, 1}, 2 * time.Millisecond}, {[]uint64{1, 0, 0}, time.Millisecond}} {
		h := &metrics.Float64Histogram{Counts: c.counts, Buckets: []float64{0, 0.001, 0.002, inf}}
		if got := longest(h); got != c.want {
			t.Errorf("%v: %v, want %v", c.counts, got, c.want)
		}
	}
}

func TestCollectionsArePausesSeen(t *testing.T) {
	t.Setenv("GOGC", "")
	c := Start(func() uint64 { return 0 })
	c.act(&sample{now: time.Unix(1, 0), live: mb})
	c.act(&sample{now: time.Unix(1000, 0), live: mb, heap: quietLeast, activity: 1})
	c.Stop()
	if c.policy.price == 0 || LongestPause() == 0 {
		t.Errorf("price %v, longest pause %v", c.policy.price, LongestPause())
	}
}
