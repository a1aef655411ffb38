package saga

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/wire"
)

// Recovery ends a saga whose coordinator has crashed. It knows nothing but the
// saga's identity: it asks every shard what is there, which also shuts the door to
// a decision that has not been made, and then has all follow the decision if one
// of them keeps it, and else undo. So it does no harm if the coordinator lives after
// all, or if several recoveries run at once. Like a Coordinator it is a state machine.
type Recovery struct {
	env      *Env
	port     Port
	id       engine.SagaID
	answered bool
	away     bool

	phase   phase
	shards  []resolved
	waiting int
	home    int                // that keeps the decision, -1: none
	decided *troupev1.Decision // the record that is kept there
}

// resolved is what a Recovery knows of a shard.
type resolved struct {
	answer  *engine.Answer // to OrderResolve
	last    *engine.Order
	waiting bool
	quiet   bool
	away    bool // its node is down: it is gone with that, or comes back with it
}

// resolving is a Recovery's first phase; undoing, committing and forgetting mean
// what they mean for a Coordinator.
const resolving = running

// NewRecovery returns a recovery. answered tells that the client has its reply,
// away that something which the coordinator has posted is still to run: only after
// it is there an end.
func (e *Env) NewRecovery(id engine.SagaID, port Port, answered, away bool) *Recovery {
	return &Recovery{
		env: e, port: port, id: id, answered: answered, away: away,
		shards: make([]resolved, e.Slots.Shards()), home: -1,
	}
}

// Ended tells that nothing is left to do.
func (r *Recovery) Ended() bool { return r.phase == ended }

// Start begins, once nothing is away.
func (r *Recovery) Start() {
	if r.away {
		return
	}
	r.phase = resolving
	for i := range r.shards {
		r.send(i, &engine.Order{Kind: engine.OrderResolve, Saga: r.id})
	}
}

func (r *Recovery) send(shard int, o *engine.Order) {
	s := &r.shards[shard]
	s.last, s.waiting, s.quiet = o, true, false
	r.waiting++
	r.port.Order(shard, o)
}

// Answer takes an answer of a shard.
func (r *Recovery) Answer(a *engine.Answer) {
	if r.phase == idle {
		return
	}
	s := &r.shards[a.Shard]
	switch a.Kind {
	case engine.AnswerRan, engine.AnswerFailed:
		r.late(s, a)
	case engine.AnswerDecided, engine.AnswerPrepared, engine.AnswerAbsent:
		if s.settle(r, engine.OrderResolve) {
			r.found(s, a)
		}
	case engine.AnswerLost:
		r.lost(s, a.Shard)
	case engine.AnswerCommitted:
		if s.settle(r, engine.OrderCommit) {
			s.away = false
		}
	case engine.AnswerUndone:
		s.settle(r, engine.OrderUndo)
	case engine.AnswerForgotten:
		s.settle(r, engine.OrderForget)
	}
	if r.waiting == 0 && r.phase != ended {
		r.proceed()
	}
}

func (s *resolved) settle(r *Recovery, kind engine.OrderKind) bool {
	if !s.waiting || s.last.Kind != kind {
		return false
	}
	s.waiting = false
	r.waiting--
	return true
}

// lost is for a shard whose node is down.
func (r *Recovery) lost(s *resolved, shard int) {
	if !s.waiting {
		return
	}
	if s.last.Kind == engine.OrderResolve {
		s.answer = &engine.Answer{Kind: engine.AnswerAbsent, Saga: r.id, Shard: shard}
	}
	s.away = true
	s.settle(r, s.last.Kind)
}

// owed tells whether a participant that the decision names may still have to learn of
// it: the node may come back with what it had.
func (r *Recovery) owed() bool {
	return slices.ContainsFunc(r.decided.Participants, func(p *troupev1.Participant) bool { return r.shards[p.Shard].away })
}

func (r *Recovery) found(s *resolved, a *engine.Answer) {
	s.answer = a
	if a.Kind == engine.AnswerDecided {
		d, err := troupev1.DecodeDecision(a.Record)
		if err != nil {
			panic("saga: " + err.Error()) // a coordinator wrote it
		}
		r.home, r.decided = a.Shard, d
	}
}

// late is for participants that speak of themselves: one that the shard did not
// know of when it was asked was made by a late copy of an order.
func (r *Recovery) late(s *resolved, a *engine.Answer) {
	if s.answer == nil || s.answer.Kind == engine.AnswerPrepared && s.answer.Visit == a.Visit {
		return
	}
	r.port.Order(a.Shard, engine.Orphan(a))
}

// proceed goes on after all answers to the last orders.
func (r *Recovery) proceed() {
	switch {
	case r.phase == resolving && r.home >= 0:
		r.answer()
		r.phase = committing
		r.tellPrepared()
	case r.phase == resolving:
		r.phase = undoing
		r.tellPrepared()
	case r.phase == committing && r.owed():
		r.phase = ended // home reminds of the decision as long as it has it
	case r.phase == committing:
		r.phase = forgetting
		r.send(r.home, &engine.Order{Kind: engine.OrderForget, Saga: r.id})
	case r.phase == undoing:
		r.answer()
		r.phase = ended
	default:
		r.phase = ended
	}
}

// tellPrepared has every participant that was found follow: one that the
// decision names commits, all others undo. Home may be one of them. Those that are
// away are told too: so it is known on this node that they are to commit, see Outcomes.
func (r *Recovery) tellPrepared() {
	if r.home >= 0 {
		for _, p := range r.decided.Participants {
			if at := int(p.Shard); at == r.home || r.shards[at].away {
				r.send(at, r.commit(p))
			}
		}
	}
	for i := range r.shards {
		a := r.shards[i].answer
		if a.Kind != engine.AnswerPrepared {
			continue
		}
		if p := r.named(a); p != nil {
			r.send(i, r.commit(p))
		} else {
			r.send(i, &engine.Order{Kind: engine.OrderUndo, Saga: r.id, Attempt: a.Attempt, Visit: a.Visit})
		}
	}
	if r.waiting == 0 {
		r.proceed()
	}
}

// named returns the decision's participant that a is from, nil if it has none.
func (r *Recovery) named(a *engine.Answer) *troupev1.Participant {
	for _, p := range r.decided.GetParticipants() {
		if int(p.Shard) == a.Shard && p.Attempt == a.Attempt && p.Visit == a.Visit {
			return p
		}
	}
	return nil
}

// commit returns the order for a participant to commit, with what it may still have to do.
func (r *Recovery) commit(p *troupev1.Participant) *engine.Order {
	if len(p.Commit) == 0 {
		return &engine.Order{Kind: engine.OrderCommit, Saga: r.id, Attempt: p.Attempt, Visit: p.Visit}
	}
	o, err := wire.ParseOrder(p.Commit, r.env.Table)
	if err != nil {
		panic("saga: " + err.Error()) // a coordinator wrote it
	}
	return o
}

// answer gives the client the reply that was decided, or an error.
func (r *Recovery) answer() {
	if r.answered {
		return
	}
	r.answered = true
	var out reply.Writer
	switch {
	case r.home >= 0:
		out.Buf, out.Errs = r.decided.Reply, r.decided.Errors
	case r.unsure():
		out.Error(ErrUnknown)
	default:
		out.Error(ErrUndone)
	}
	r.port.Reply(&out, nil)
}

// clockSlack is more than the clocks of nodes differ by. Milliseconds.
const clockSlack = 10_000

// unsure tells that all that the saga wrote may have been on one node, have committed
// there, and be away or lost with it.
func (r *Recovery) unsure() bool {
	if slices.ContainsFunc(r.shards, func(s resolved) bool { return s.away }) {
		return true
	}
	since := BornAt(r.id) - clockSlack
	return r.env.Where != nil && slices.ContainsFunc(r.env.Where.Load().Members, func(m directory.Member) bool { return m.Since > since })
}

// Posted tells that what the crashed coordinator has posted has run.
func (r *Recovery) Posted() {
	if r.away {
		r.away = false
		r.Start()
	}
}

// Tick sends orders again that were not answered since the last tick.
func (r *Recovery) Tick() {
	for i := range r.shards {
		s := &r.shards[i]
		if s.waiting && s.quiet {
			r.port.Order(i, s.last)
		}
		s.quiet = true
	}
}
