package migrate

import (
	"errors"

	"github.com/troupedb/troupe/actors/directory"
)

// Target is the end of a move at the node that the shard moves to. It needs no
// clock: the source sends again what was lost.
type Target struct {
	shard int
	begun directory.Place
	out   []Action

	next     uint64   // the chunk that is wanted, or just being imported
	queue    [][]byte // from next on
	bytes    int      // of queue
	busy     bool     // the first of the queue is being imported
	complete bool
	failed   string // it cannot go on
	over     bool
	err      error
}

// ErrWithoutData tells that the catalog gives the target a shard that it has not all
// data of. It cannot happen as long as only the source proposes commits.
var ErrWithoutData = errors.New("migrate: a move is committed before its data is complete")

// NewTarget returns the target of the move that a shard is under at place.
func NewTarget(shard int, place directory.Place) *Target {
	return &Target{shard: shard, begun: place}
}

// Begin starts it.
func (t *Target) Begin() []Action {
	t.do(BeginImport{t.begun.MoveID})
	t.tell(FrameReady, nil)
	return t.take()
}

// Over tells whether the move has ended, and nothing is to be done any more.
func (t *Target) Over() bool { return t.over }

// Err is ErrWithoutData or nil.
func (t *Target) Err() error { return t.err }

// Move returns the move's identity.
func (t *Target) Move() uint64 { return t.begun.MoveID }

// Frame takes a frame from the source. The body's memory is kept.
func (t *Target) Frame(f *Frame) []Action {
	if f.Move != t.begun.MoveID || f.Kind != FrameChunk || t.over {
		return nil
	}
	switch wanted := t.next + uint64(len(t.queue)); {
	case t.failed != "":
		t.tell(FrameRefuse, []byte(t.failed))
	case f.Seq < t.next:
		t.tell(FrameAck, nil) // the acknowledgement was lost
	case f.Seq != wanted || len(t.queue) >= Window || t.bytes >= WindowBytes:
		// One is missing, or it is here already: it comes again if it has to.
	default:
		t.queue = append(t.queue, f.Body)
		t.bytes += len(f.Body)
		t.work()
	}
	return t.take()
}

func (t *Target) work() {
	if !t.busy && len(t.queue) > 0 {
		t.busy = true
		t.do(ImportChunk{t.queue[0]})
	}
}

// Imported takes what engine.ImportChunk has returned, and engine.ImportComplete.
func (t *Target) Imported(complete bool, err error) []Action {
	if t.over {
		return nil
	}
	t.busy = false
	t.bytes -= len(t.queue[0])
	t.queue[0] = nil
	t.queue = t.queue[1:]
	if err != nil {
		t.queue, t.bytes = nil, 0
		t.failed = err.Error()
		t.failed = t.failed[:min(len(t.failed), MaxReason)]
		t.tell(FrameRefuse, []byte(t.failed))
		return t.take()
	}
	t.next++
	t.complete = complete
	t.tell(FrameAck, nil)
	t.work()
	return t.take()
}

// Linked tells that the link to the source is there again.
func (t *Target) Linked() []Action {
	if !t.over && t.failed == "" {
		t.tell(FrameReady, nil)
	}
	return t.take()
}

// Place tells where the shard is, as the catalog has it.
func (t *Target) Place(p directory.Place) []Action {
	if t.over {
		return nil
	}
	switch Judge(t.begun, p) {
	case Undecided:
		return nil
	case Committed:
		if t.complete {
			t.do(Open{p.Epoch})
			break
		}
		t.err = ErrWithoutData
		t.do(Discard{})
	case Aborted, Void:
		t.do(Discard{})
	}
	t.over, t.queue, t.bytes = true, nil, 0
	return t.take()
}

func (t *Target) tell(kind FrameKind, body []byte) {
	t.do(Send{Frame{Kind: kind, Shard: uint16(t.shard), Move: t.begun.MoveID, Seq: t.next, Body: body}})
}

func (t *Target) do(a Action) { t.out = append(t.out, a) }

func (t *Target) take() []Action {
	out := t.out
	t.out = nil
	return out
}
