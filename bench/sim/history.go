package sim

import (
	"slices"
	"strings"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/reply"
)

// moment is a place in the history: a call takes effect, or a shard loses its data,
// or all who watch keys of a shard are to be told that these have changed, or a key
// whose time has come ends.
type moment struct {
	op      *op
	shard   int // without op
	emptied bool
	gone    string // a key, if it is its end
	// sure: it has taken effect. Until then a decision is on record, but nobody has
	// followed it yet, and if it is lost with its nodes it was none.
	sure bool
}

// happened makes this the moment of o.
func (w *World) happened(o *op) *moment {
	if o.moment != nil {
		w.fail("takes effect twice: %v", o)
	}
	w.trace("takes effect: %v", o)
	o.moment = &moment{op: o}
	w.history = append(w.history, o.moment)
	return o.moment
}

// unhappened takes it back, when o has not taken effect after all.
func (w *World) unhappened(o *op) {
	for i := len(w.history) - 1; i >= 0; i-- {
		if w.history[i] == o.moment {
			w.history = append(w.history[:i], w.history[i+1:]...)
			break
		}
	}
	o.moment = nil
}

// lost notes that a shard has begun anew, empty. Between the crash of its node and
// now nobody could see it.
func (w *World) lost(shard int) {
	w.history = append(w.history, &moment{shard: shard, emptied: true, sure: true})
}

// spoiled notes that a shard has forgotten who watches its keys.
func (w *World) spoiled(shard int) {
	w.history = append(w.history, &moment{shard: shard, sure: true})
}

// What clients are told where there is no reply.
const (
	errNodeDown reply.Error = "CLUSTERDOWN The node that has the key is down"
	errNodeBusy reply.Error = "CLUSTERDOWN The node that has the key cannot be reached, or takes too long to take over the key; nothing was done"
	errOutcome  reply.Error = "UNKNOWN The connection to the node that has the key broke; it is unknown whether the command was carried out"
	errFenced   reply.Error = "CLUSTERDOWN This node has lost touch with most of the cluster and must not serve"
)

func isError(text string, any ...reply.Error) bool {
	for _, e := range any {
		if text == "-"+string(e)+"\r\n" {
			return true
		}
	}
	return false
}

// saysNothingDone tells whether the reply promises that nothing was done.
func saysNothingDone(text string) bool {
	return isError(text, saga.ErrUndone, saga.ErrDown, errNodeDown, errNodeBusy, errFenced)
}

func saysUnknown(text string) bool { return isError(text, saga.ErrUnknown, errOutcome) }

// check looks at the run as a whole.
func (w *World) check() {
	w.lookAtBriefs()
	kept := w.history[:0]
	for _, m := range w.history {
		if o := m.op; o != nil && !m.sure && (!o.replied || o.unsure || o.undone) {
			w.trace("was lost with its nodes: %v", o)
			continue
		}
		kept = append(kept, m)
	}
	w.history = kept
	for _, m := range w.history {
		if m.op != nil && m.op.undone {
			w.fail("took effect, and its client was told that nothing was done: %v", m.op)
		}
		if o := m.op; o != nil && slices.ContainsFunc(o.members, func(m *op) bool { return m.moment != nil }) {
			w.fail("took effect, and so did members of it by themselves: %v", o)
		}
	}
	w.replay()
	w.checkLeft()
}

// checkLeft looks for watches and waiters that nobody ends.
func (w *World) checkLeft() {
	open := map[string]bool{}
	for _, c := range w.clients {
		if c.watch != nil {
			for _, k := range c.watch.watches {
				open[string(k.Key)] = true
			}
		}
	}
	watched := 0
	for _, n := range w.nodes[1:] {
		for _, s := range n.p.shards {
			if s != nil {
				watched += s.engine.Watched()
			}
		}
	}
	lossy := w.Stats.Crashes+w.Stats.Cuts+w.Stats.Pauses+w.Stats.Moved > 0 || w.o.Faults.Drop > 0 && w.o.Nodes > 1
	if !lossy && watched != len(open) { // else the messages that end watches may have been lost
		w.fail("%d keys are watched, and clients watch %d", watched, len(open))
	}
}

// strip makes a long text short.
func strip(text string) string {
	return strings.ReplaceAll(text, "\r\n", " ")
}
