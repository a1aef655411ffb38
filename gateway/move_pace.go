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
	heard bool                 // the target has said something: it is there
	hurry bool                 // the shard is to be sealed, so clients wait
	until time.Time            // the shard is its clients' so long
}

const (
	// hearWithin is how long a target is waited for that does not know of the move
	// yet, before what is sent to it may be in vain.
	hearWithin = 100 * time.Millisecond
	// nearEnd is how little is left, in keys, when the target is to catch up, as the
	// shard will be sealed with the next chunks. It is sealed until the target has all
	// of what is on its way, so no more than nearWindow chunks are to be.
	nearEnd    = 4 * migrate.SealBelow
	nearWindow = 1
	// restTimes is how many times as long as an export the shard is its clients' after
	// it. What leaves here also has to be taken in elsewhere, which takes longer:
	// shortestRest bounds that to a part of a core for each move, and what a move sends
	// to about 30 MB a second. longestRest is for exports that were interrupted.
	restTimes    = 3
	shortestRest = 2 * time.Millisecond
	longestRest  = 10 * time.Millisecond
)

// rest is after an export that took so long.
func (p *pace) rest(took time.Duration) {
	p.until = time.Now().Add(min(max(restTimes*took, shortestRest), longestRest))
}

// export makes the next chunk if one is wanted and it is time for it.
func (v *mover) export() {
	a := v.pace.order
	if a == nil || !v.mayExport() {
		return
	}
	v.pace.order = nil
	v.work(result{move: a.Move}, func(e *engine.Engine, r *result) {
		began := time.Now()
		r.chunk, r.done, r.err = e.ExportChunk(a.Move, a.Max)
		r.progress, r.took = e.ExportProgress(), time.Since(began)
	})
}

func (v *mover) mayExport() bool {
	switch st := v.source.Status(); {
	case v.pace.hurry:
		return true
	case !v.pace.heard && st.Unacked > 0 && time.Since(v.since) < hearWithin:
		return false // the first chunk, which is small, asks for an answer
	case st.Left <= nearEnd && st.Unacked > nearWindow:
		return false
	}
	return !time.Now().Before(v.pace.until)
}
