package migrate

import (
	"fmt"
	"math"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/engine"
)

// Source is the end of a move at the node that owns the shard.
type Source struct {
	shard int
	begun directory.Place
	phase phase
	out   []Action

	asked   bool  // a chunk is under way
	askAt   int64 // when to ask for the next one at the earliest
	idleAt  int64 // since when there was nothing to send
	last    bool  // the last chunk is there
	next    uint64
	base    uint64   // the oldest chunk not acknowledged
	unacked [][]byte // from base on
	bytes   int      // of unacked

	sealedAt  int64
	sentAt    int64 // when all of unacked was sent again, or all was acknowledged
	heardAt   int64 // when an acknowledgement last told something new
	proposeAt int64
	why       string // it is given up
	progress  engine.Progress
}

// phase is how far a Source is.
type phase uint8

const (
	copying  phase = iota // the shard serves
	sealed                // the rest is on its way
	deciding              // the target has all
	aborting              // it is to end, once the catalog says so
	over
)

var phaseNames = [...]string{"copying", "sealed", "deciding", "aborting", "over"}

// NewSource returns the source of the move that a shard is under at place. Times are
// of a monotonic clock, in milliseconds.
func NewSource(shard int, place directory.Place, now int64) *Source {
	return &Source{shard: shard, begun: place, sentAt: now, heardAt: now, idleAt: math.MaxInt64}
}

// Begin starts it.
func (s *Source) Begin(now int64) []Action {
	s.do(BeginExport{s.begun.MoveID})
	s.ask(now)
	return s.take()
}

// Over tells whether the move has ended, and nothing is to be done any more.
func (s *Source) Over() bool { return s.phase == over }

// Move returns the move's identity.
func (s *Source) Move() uint64 { return s.begun.MoveID }

// Status tells how far the move is.
type Status struct {
	Shard int
	Move  uint64
	To    directory.Number
	Phase string
	Why   string // it is given up
	engine.Progress
	Unacked int // chunks on their way
}

// Status tells how far the move is.
func (s *Source) Status() Status {
	return Status{s.shard, s.begun.MoveID, s.begun.To, phaseNames[s.phase], s.why, s.progress, len(s.unacked)}
}

// Chunk takes what engine.ExportChunk has returned, and the progress after it.
func (s *Source) Chunk(chunk []byte, done bool, err error, p engine.Progress, now int64) []Action {
	s.asked, s.progress = false, p
	if s.phase != copying && s.phase != sealed {
		return nil
	}
	switch {
	case err != nil:
		s.giveUp(err.Error(), now)
		return s.take()
	case chunk == nil:
		s.askAt = now + PollEvery
		s.idleAt = min(s.idleAt, now)
	default:
		s.idleAt = math.MaxInt64
		s.push(chunk, now)
	}
	s.last = done
	if s.phase == copying && (p.Left <= SealBelow || now-s.idleAt >= IdleLimit) {
		s.phase, s.sealedAt, s.askAt = sealed, now, now
		s.do(Seal{})
	}
	s.ask(now)
	return s.take()
}

func (s *Source) push(chunk []byte, now int64) {
	if len(s.unacked) == 0 {
		s.sentAt, s.heardAt = now, now
	}
	s.unacked = append(s.unacked, chunk)
	s.bytes += len(chunk)
	s.send(s.next, chunk)
	s.next++
}

func (s *Source) send(seq uint64, chunk []byte) {
	s.do(Send{Frame{Kind: FrameChunk, Shard: uint16(s.shard), Move: s.begun.MoveID, Seq: seq, Body: chunk}})
}

// ask asks for the next chunk if there is room on the way.
func (s *Source) ask(now int64) {
	if (s.phase == copying || s.phase == sealed) && !s.asked && !s.last && now >= s.askAt &&
		len(s.unacked) < Window && s.bytes < WindowBytes {
		s.asked = true
		s.do(ExportChunk{s.begun.MoveID, ChunkBytes})
	}
}

// Frame takes a frame from the target.
func (s *Source) Frame(f *Frame, now int64) []Action {
	if f.Move != s.begun.MoveID || s.phase == aborting || s.phase == over {
		return nil
	}
	switch f.Kind {
	case FrameRefuse:
		s.giveUp(fmt.Sprintf("the target refuses: %.*q", MaxReason, f.Body), now)
	case FrameAck:
		s.acknowledged(f.Seq, now)
	case FrameReady:
		s.acknowledged(f.Seq, now)
		s.resend(now)
	}
	s.ask(now)
	return s.take()
}

// acknowledged forgets the chunks before seq.
func (s *Source) acknowledged(seq uint64, now int64) {
	if seq <= s.base || seq > s.next {
		return // late, or not ours
	}
	for ; s.base < seq; s.base++ {
		s.bytes -= len(s.unacked[0])
		s.unacked[0] = nil
		s.unacked = s.unacked[1:]
	}
	s.heardAt, s.sentAt = now, now
	if s.last && s.base == s.next {
		s.phase = deciding
		s.propose(now)
	}
}

func (s *Source) resend(now int64) {
	s.sentAt = now
	for i, chunk := range s.unacked {
		s.send(s.base+uint64(i), chunk)
	}
}

// Linked tells that the link to the target is there again: what was on its way may
// be lost.
func (s *Source) Linked(now int64) []Action {
	if s.phase == copying || s.phase == sealed {
		s.resend(now)
	}
	return s.take()
}

// Suspected tells that the target is taken not to answer. Clients that wait at the seal
// are not to wait for it.
func (s *Source) Suspected(now int64) []Action {
	if s.phase == sealed || s.phase == deciding {
		s.giveUp("the target is taken to be down", now)
	}
	return s.take()
}

// Tick is to be called every few milliseconds.
func (s *Source) Tick(now int64) []Action {
	switch s.phase {
	case copying, sealed:
		if len(s.unacked) > 0 && now-s.heardAt >= StallLimit {
			s.giveUp("the target does not answer", now)
			break
		}
		if len(s.unacked) > 0 && now-s.sentAt >= ResendAfter {
			s.resend(now)
		}
		s.ask(now)
	case deciding, aborting:
		if now >= s.proposeAt {
			s.propose(now)
		}
	}
	if (s.phase == sealed || s.phase == deciding) && now-s.sealedAt >= SealLimit {
		s.giveUp("sealed for too long", now)
	}
	return s.take()
}

// giveUp has the move aborted. The shard stays as it is until the catalog says so:
// it may have been committed.
func (s *Source) giveUp(why string, now int64) {
	s.phase, s.why = aborting, why
	s.unacked, s.bytes = nil, 0
	s.propose(now)
}

func (s *Source) propose(now int64) {
	s.proposeAt = now + ProposeEvery
	if s.phase == deciding {
		s.do(ProposeCommit{s.begun.MoveID})
	} else {
		s.do(ProposeAbort{s.begun.MoveID, s.why})
	}
}

// Place tells where the shard is, as the catalog has it.
func (s *Source) Place(p directory.Place, now int64) []Action {
	if s.phase == over {
		return nil
	}
	switch Judge(s.begun, p) {
	case Undecided:
		return nil
	case Aborted:
		s.do(Unseal{})
	case Committed, Void:
		s.do(Drop{})
	}
	s.phase, s.unacked, s.bytes = over, nil, 0
	return s.take()
}

func (s *Source) do(a Action) { s.out = append(s.out, a) }

func (s *Source) take() []Action {
	out := s.out
	s.out = nil
	return out
}
