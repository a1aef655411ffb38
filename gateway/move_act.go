package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/coordinator/migrate"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
)

// errOrder is the result of an order to the shard that has panicked.
var errOrder = errors.New("internal error: the shard's part of the move failed")

// carry does what an engine says.
func (v *mover) carry(actions []migrate.Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case migrate.Send:
			v.send(&a.Frame)
		case migrate.ProposeCommit:
			if v.proposed == 0 {
				v.proposed = time.Since(v.began)
			}
			v.propose(a.Move, true)
		case migrate.ProposeAbort:
			v.propose(a.Move, false)
		default:
			v.order(a)
		}
	}
}

// send sends a frame to the other end. It may be lost.
func (v *mover) send(f *migrate.Frame) {
	to := v.begun.Owner
	if f.Kind == migrate.FrameChunk {
		to = v.begun.To
	}
	v.g.streams.TellOf(to, topicMove, f.AppendHead(nil), f.Body)
}

// order has an action carried out on the shard. The directory may be further than the
// mover, and the shard with it (coordinator.Node.Place): then it is not under this
// move any more, and is left as it is.
func (v *mover) order(a migrate.Action) {
	switch a := a.(type) {
	case migrate.BeginExport:
		v.onSource(func(e *engine.Engine) { e.BeginExport(a.Move) })
	case migrate.ExportChunk:
		v.pace.order = &a // see export
	case migrate.Seal:
		v.pace.hurry = true
		v.onSource(func(e *engine.Engine) {
			e.Seal()
			v.sealed.Store(int64(time.Since(v.began)))
		})
	case migrate.Unseal:
		v.onSource(func(e *engine.Engine) {
			e.EndExport(true)
			e.Unseal()
		})
	case migrate.BeginImport:
		v.onShard(func(e *engine.Engine) {
			if e.Closed() {
				e.BeginImport(a.Move, shard.Makers())
			}
		})
	case migrate.ImportChunk:
		v.work(result{move: v.begun.MoveID, imported: true}, func(e *engine.Engine, r *result) {
			r.err = e.ImportChunk(a.Chunk)
			r.complete = e.ImportComplete()
		})
	case migrate.Discard:
		v.onShard((*engine.Engine).AbortImport)
	case migrate.Drop, migrate.Open: // Place has done it, or has found that it must not be done
	}
}

// onSource is onShard of a shard that this node still has as it did when the move
// began.
func (v *mover) onSource(f func(e *engine.Engine)) {
	epoch := v.begun.Epoch
	v.onShard(func(e *engine.Engine) {
		if !e.Closed() && e.Epoch() == epoch {
			f(e)
		}
	})
}

// work is onShard of what has a result, whatever happens: r, as f leaves it.
func (v *mover) work(r result, f func(e *engine.Engine, r *result)) {
	r.err = errOrder
	v.onShard(func(e *engine.Engine) {
		defer func() { v.in.settle(r) }()
		f(e, &r)
	})
}

// onShard runs f on the shard: at once if that is idle, else when its turn comes.
func (v *mover) onShard(f func(e *engine.Engine)) {
	if l := v.handle.Lease; l.TryAcquireSpin() {
		l.Invoke(shard.Func(f))
		l.Release()
		return
	}
	v.handle.Tell(shard.Func(f))
}

// proposal is what the catalog is being asked.
type proposal struct {
	move   uint64
	commit bool
	cancel context.CancelFunc
	over   atomic.Bool
}

// proposeFor bounds one proposal. The engine asks again.
const proposeFor = 2 * time.Second

// propose asks the catalog to end the move, unless it is being asked just that. The
// answer is the next directory.
func (v *mover) propose(move uint64, commit bool) {
	if p := v.proposal; p != nil && !p.over.Load() && p.move == move && p.commit == commit {
		return
	}
	v.withdraw()
	if v.decide == nil {
		return
	}
	ctx, cancel := context.WithTimeout(v.ctx, proposeFor)
	p := &proposal{move: move, commit: commit, cancel: cancel}
	v.proposal = p
	v.done.Go(func() {
		defer p.over.Store(true)
		defer cancel()
		if err := v.decide.EndMove(ctx, v.shard, move, commit); err != nil && ctx.Err() == nil {
			v.g.log.Debug("the catalog refuses to end a move", "shard", v.shard, "move", move, "commit", commit, "error", err)
		}
	})
}

// withdraw ends the waiting for the catalog.
func (v *mover) withdraw() {
	if v.proposal != nil {
		v.proposal.cancel()
		v.proposal = nil
	}
}
