package collector

import "time"

const (
	// spareBytes is how much garbage may lie on the heap however small it is.
	spareBytes = 8 << 20
	// sparePercent is how much more there may be, in percent of what lives. Less
	// saves little memory and costs processor time in proportion to 1/sparePercent.
	sparePercent = 25
	// mostPercent bounds what spareBytes allow: Go's own default.
	mostPercent = 100
	// smallHeap is what the heap may grow to before it is collected at all, up to
	// smallPercent: scripts make garbage fast, and collecting a heap of a few
	// megabytes for every few megabytes of it costs a tenth of their time.
	smallHeap    = 24 << 20
	smallPercent = 400
	// percentStep: smaller changes are not worth stopping the world for.
	percentStep = 5
	// quietFor is the least time from one collection to one that is started only
	// because no other came. It is doubled, up to quietMost, each time that such a
	// collection finds less than one part in worthPart of the heap to be garbage.
	quietFor  = 10 * time.Second
	quietMost = 30 * time.Second
	worthPart = 16
	// priceFactor: such a collection comes no sooner than this many times as long
	// after the last one as it took, so it uses at most a twentieth of the time.
	priceFactor = 20
	// quietLeast: a heap of fewer bytes holds too little garbage to look for.
	quietLeast = 16 << 20
)

// sample is what a decision is made from.
type sample struct {
	now      time.Time
	cycles   uint64 // collections so far
	live     uint64 // bytes that the last of them left
	heap     uint64 // bytes on the heap now, garbage included
	activity uint64 // commands so far
}

// policy decides. Its zero value has Go's default percentage.
type policy struct {
	percent  int // 0: not set yet
	cycles   uint64
	at       time.Time // of the last collection, as far as seen
	activity uint64    // at that time
	price    time.Duration
	quiet    time.Duration // how long to wait, at least quietFor
	started  uint64        // bytes on the heap when a collection was started, 0: none is being judged
}

// percentFor returns the percentage of a live heap that may be garbage.
func percentFor(live uint64) int {
	percent := min(sparePercent+100*spareBytes/max(live, 1), mostPercent)
	if live < smallHeap {
		percent = max(percent, min(100*smallHeap/max(live, 1)-100, smallPercent))
	}
	return int(percent)
}

// step takes a sample; percent is what to set, 0 for no change, and collect
// tells to collect now.
func (p *policy) step(s *sample) (percent int, collect bool) {
	if s.cycles != p.cycles || p.at.IsZero() {
		p.cycles, p.at, p.activity = s.cycles, s.now, s.activity
		p.judge(s.live)
	}
	if want := percentFor(s.live); max(want-p.percent, p.percent-want) >= percentStep {
		p.percent, percent = want, want
	}
	due := max(p.quiet, priceFactor*p.price)
	collect = s.activity != p.activity && s.heap >= quietLeast && s.now.Sub(p.at) >= due
	if collect {
		p.started = s.heap
	}
	return percent, collect
}

// judge decides how long to wait next, by what the last collection left.
func (p *policy) judge(live uint64) {
	if p.started != 0 && live > p.started-p.started/worthPart {
		p.quiet = min(2*p.quiet, quietMost)
	} else {
		p.quiet = quietFor
	}
	p.started = 0
}
