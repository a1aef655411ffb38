package gateway

import (
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/migrate"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard"
)

// moveTick is how often the engine of a move is told the time.
const moveTick = migrate.PollEvery * time.Millisecond

// mover is one shard's moves that this node has an end of, one after the other. Its
// goroutine feeds their engines and does what these say. Orders to the shard are
// carried out in their order, those of the next move after those of the last.
type mover struct {
	*movers
	shard  int
	handle *shard.Handle
	in     inbox
	status atomic.Pointer[session.MoveStatus] // of a source, nil: there is none

	// Of the goroutine.
	source   *migrate.Source // at most one of source and target is there
	target   *migrate.Target
	begun    directory.Place // where the shard was when the move began
	since    time.Time
	sealed   atomic.Int64  // when the shard was sealed, nanoseconds since began; 0: it was not
	proposed time.Duration // when the catalog was first asked to commit, since began; 0: it was not
	proposal *proposal
	pace     pace
}

func newMover(m *movers, shard int) *mover {
	v := &mover{movers: m, shard: shard, handle: m.g.Node.Env.Shards[shard]}
	v.in.wake = make(chan struct{}, 1)
	return v
}

// run works until the shard is not under a move any more.
func (v *mover) run() {
	ticker := time.NewTicker(moveTick)
	defer ticker.Stop()
	for !v.retire(v) {
		select {
		case <-v.ctx.Done():
			return
		case <-v.in.wake:
		case <-ticker.C:
		}
		v.turn(v.in.take())
	}
}

// turn tells the engines what has happened. A defect in one must not end the node,
// and with it all that the node has.
func (v *mover) turn(l letters) {
	defer func() {
		if p := recover(); p != nil {
			v.g.Server.Survived(p)
		}
	}()
	if l.place != nil {
		v.learn(*l.place)
	}
	for _, n := range l.links {
		v.relink(n)
	}
	for i := range l.frames {
		v.frame(&l.frames[i])
	}
	for i := range l.results {
		v.result(&l.results[i])
	}
	if s := v.source; s != nil {
		if v.g.streams.Suspected(v.begun.To) {
			v.carry(s.Suspected(v.now()))
		}
		v.carry(s.Tick(v.now()))
		v.rest()
		v.export()
		v.report()
	}
}

// learn tells where the shard is now. It may end a move and begin the next.
func (v *mover) learn(k known) {
	if s := v.source; s != nil {
		if v.carry(s.Place(k.Place, v.now())); s.Over() {
			v.ended(k.Place)
		}
	}
	if t := v.target; t != nil {
		if v.carry(t.Place(k.Place)); t.Over() {
			v.ended(k.Place)
		}
	}
	if k.To == 0 || v.source != nil || v.target != nil {
		return
	}
	switch k.self {
	case k.Owner:
		v.begin(k.Place)
		v.source = migrate.NewSource(v.shard, k.Place, v.now())
		v.carry(v.source.Begin(v.now()))
	case k.To:
		v.begin(k.Place)
		v.target = migrate.NewTarget(v.shard, k.Place)
		v.carry(v.target.Begin())
	}
}

func (v *mover) begin(p directory.Place) {
	v.begun, v.since = p, time.Now()
	v.sealed.Store(0)
	v.proposed, v.pace = 0, pace{}
	v.g.log.Info("a shard begins to move", "shard", v.shard, "move", p.MoveID, "from", p.Owner, "to", p.To)
}

// ended takes leave of a move.
func (v *mover) ended(now directory.Place) {
	verdict := migrate.Judge(v.begun, now)
	log := v.g.log.With("shard", v.shard, "move", v.begun.MoveID, "from", v.begun.Owner, "to", v.begun.To,
		"end", verdict.String(), "took", time.Since(v.since))
	if s := v.source; s != nil {
		st := s.Status()
		log = log.With("keys", st.Keys, "bytes", st.Bytes)
		if at := v.sealed.Load(); at != 0 {
			log = log.With("sealed", time.Since(v.began)-time.Duration(at))
		}
		if v.proposed != 0 {
			log = log.With("deciding", time.Since(v.began)-v.proposed)
		}
		if st.Why != "" {
			log = log.With("because", st.Why)
		}
	}
	switch {
	case v.target != nil && v.target.Err() != nil:
		log.Error("a shard has moved without its data, and stays closed", "error", v.target.Err())
	case verdict == migrate.Committed:
		log.Info("a shard has moved")
	default:
		log.Warn("a shard has not moved")
	}
	v.withdraw()
	v.source, v.target = nil, nil
	v.status.Store(nil)
}

// relink tells of a stream to a peer that is there again.
func (v *mover) relink(n directory.Number) {
	switch {
	case v.source != nil && n == v.begun.To:
		v.carry(v.source.Linked(v.now()))
	case v.target != nil && n == v.begun.Owner:
		v.carry(v.target.Linked())
	}
}

func (v *mover) frame(a *arrived) {
	switch {
	case v.source != nil && a.from == v.begun.To:
		v.carry(v.source.Frame(&a.frame, v.now()))
	case v.target != nil && a.from == v.begun.Owner:
		v.carry(v.target.Frame(&a.frame))
	}
}

func (v *mover) result(r *result) {
	switch s, t := v.source, v.target; {
	case r.imported && t != nil && r.move == t.Move():
		v.carry(t.Imported(r.complete, r.err))
	case !r.imported && s != nil && r.move == s.Move():
		v.carry(s.Chunk(r.chunk, r.done, r.err, r.progress, v.now()))
	}
}

// report makes the status what it is now.
func (v *mover) report() {
	s := v.source
	if s == nil {
		return
	}
	st := s.Status()
	v.status.Store(&session.MoveStatus{
		ID: st.Move, Shard: st.Shard, From: v.begun.Owner, To: st.To, Phase: st.Phase, Started: v.since.UnixMilli(),
		Bytes: st.Bytes, KeysSent: int64(st.Keys), KeysLeft: int64(st.Left), BytesLeft: session.Unknown,
	})
}
