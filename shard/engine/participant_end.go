package engine

import (
	"slices"

	"github.com/troupedb/troupe/shard/reply"
)

// decide commits the home participant and records that the saga has committed.
func (e *Engine) decide(p *participant, o *Order) {
	if e.sagas.decided[o.Saga] == nil {
		if p == nil || !p.is(o) || p.last == nil || e.sagas.doors.shut(o.Saga) || !e.serves(o.Epoch) {
			e.answer(o, AnswerGone)
			return
		}
		e.runLast(p, o)
		e.sagas.decided[o.Saga] = &decision{record: slices.Clone(o.Record), at: e.stamp()}
		if !o.Hold {
			e.end(p, true, false)
		}
	}
	e.tell(e.sagas.decided[o.Saga].answer(o))
}

// answer tells of the decision, in the same words whoever asks: an answer may
// reach a recovery that did not ask for it.
func (d *decision) answer(o *Order) *Answer {
	return &Answer{Kind: AnswerDecided, Saga: o.Saga, Attempt: o.Attempt, Visit: o.Visit, Record: d.record}
}

// follow commits a participant, as was decided. If one of its last steps panics, which
// has not panicked when the coordinator ran it, the rest of them is done without.
func (e *Engine) follow(p *participant, o *Order) {
	defer e.end(p, true, false)
	e.runLast(p, o)
}

// runLast runs the steps that come with the end of a saga. Their locks are there, and
// their replies known. A participant of which one panics never decides.
func (e *Engine) runLast(p *participant, o *Order) {
	if len(o.Steps) == 0 {
		return
	}
	last, ready := p.last, len(e.ready)
	p.last, e.sagas.stepping = nil, p
	defer func() {
		e.sagas.stepping = nil
		p.ready = append(p.ready, e.ready[ready:]...)
		e.ready = e.ready[:ready]
	}()
	w := &e.sagas.writer
	*w = reply.Writer{Proto: reply.RESP2, Buf: e.sagas.waste[:0]}
	for i := range o.Steps {
		e.sagaStep(p, &o.Steps[i], w, o.Now)
	}
	if cap(w.Buf) <= maxSpareReply {
		e.sagas.waste = w.Buf
	}
	p.last = last
}
