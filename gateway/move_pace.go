package gateway

import (
	"time"

	"github.com/troupedb/troupe/coordinator/migrate"
	"github.com/troupedb/troupe/shard/engine"
)

// pace keeps a move from standing in the way of clients. The engine asks for a chunk
// as soon as there is room on the way; the order waits here until it may be carried
// out.
type pace struct {
	order *migrate.ExportChunk // that waits, nil: none
	asked time.Time            // when the chunk that is on its way was asked for, zero: there is none
	hurry bool                 // the shard is to be sealed, so clients wait
	until time.Time            // the machines are their clients' so long
}

const (
	// restTimes is how many times as long as its way a chunk is followed by nothing,
	// from the shard's queue to what the target has said to it. So a move takes a
	// sixth of the time of whatever it goes through, be it idle or busy. Measured: three
	// at once between four nodes on two idle cores bring 2.7 MB a second each.
	restTimes    = 5
	shortestRest = time.Millisecond
	longestRest  = 200 * time.Millisecond
	// patientFor is how long a move may take its time. Then it is the more in
	// the way the longer it lasts, and perhaps does not keep up with what changes.
	patientFor = time.Minute
)

// rest is after a chunk has been on its way for so long.
func (p *pace) rest(took time.Duration, patient bool) {
	p.asked = time.Time{}
	if !patient {
		took = 0
	}
	p.until = time.Now().Add(min(max(restTimes*took, shortestRest), longestRest))
}

// export makes the next chunk if one is wanted and it is time for it.
func (v *mover) export() {
	a := v.pace.order
	if a == nil || !v.mayExport() {
		return
	}
	v.pace.order, v.pace.asked = nil, time.Now()
	v.work(result{move: a.Move}, func(e *engine.Engine, r *result) {
		r.chunk, r.done, r.err = e.ExportChunk(a.Move, a.Max)
		r.progress = e.ExportProgress()
	})
}

func (v *mover) mayExport() bool {
	return v.pace.hurry || v.source.Status().Unacked == 0 && !time.Now().Before(v.pace.until)
}

// rest lets go on with other things once nothing is on its way any more.
func (v *mover) rest() {
	if p := &v.pace; !p.asked.IsZero() && p.order != nil && v.source.Status().Unacked == 0 {
		p.rest(time.Since(p.asked), time.Since(v.since) < patientFor)
	}
}
