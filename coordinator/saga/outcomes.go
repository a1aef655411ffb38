package saga

import "github.com/troupedb/troupe/shard/engine"

// Outcomes are of participants that could not be told that their sagas have committed,
// or were to commit, as their nodes were down. They are kept until the participant
// asks; the oldest go first. Its zero value has none.
type Outcomes struct {
	known map[outcome]*engine.Order // what has not been heard
	order []outcome
}

type outcome struct {
	saga  engine.SagaID
	shard int // or nowhere
}

// nowhere is the shard of sagas of which nobody here knows how they have ended.
const nowhere = -1

// maxOutcomes bounds what is kept for nodes that are down: about what they can have
// had under way.
const maxOutcomes = 1 << 16

// Missed notes that an order has not reached its participant, whose node is down.
func (o *Outcomes) Missed(shard int, order *engine.Order) {
	switch {
	case order.Kind == engine.OrderCommit && !order.Quiet: // else it has only read
		o.add(outcome{order.Saga, shard}, order)
	case order.Kind == engine.OrderDecide && !order.Hold: // it may have been heard before
		o.add(outcome{order.Saga, nowhere}, order)
	}
}

func (o *Outcomes) add(at outcome, missed *engine.Order) {
	if o.known[at] != nil {
		return
	}
	if o.known == nil {
		o.known = map[outcome]*engine.Order{}
	}
	if len(o.order) >= maxOutcomes {
		delete(o.known, o.order[0])
		o.order = o.order[1:]
	}
	o.known[at] = &engine.Order{
		Kind: missed.Kind, Saga: missed.Saga, Attempt: missed.Attempt, Visit: missed.Visit, Now: missed.Now,
		Steps: missed.Own().Steps,
	}
	o.order = append(o.order, at)
}

// Doubtful tells that the coordinator of a saga has gone without knowing whether it
// was decided: all that it wrote was on one node, which may have committed a part of
// it. A recovery finds out when the node is back.
func (o *Outcomes) Doubtful(id engine.SagaID) bool { return o.known[outcome{id, nowhere}] != nil }

// Orphan returns what to say to a participant whose saga does not live at its
// coordinator's node, nil: nothing. Whatever one says whose saga has committed, it is
// not told to undo.
func (o *Outcomes) Orphan(a *engine.Answer) *engine.Order {
	at := outcome{a.Saga, a.Shard}
	commit := o.known[at]
	switch {
	case commit == nil:
		return engine.Orphan(a)
	case a.Kind == engine.AnswerCommitted:
		delete(o.known, at)
		return &engine.Order{Kind: engine.OrderForget, Saga: a.Saga}
	case engine.Orphan(a) == nil:
		return nil
	}
	own := *commit // it is away when the next one asks
	return &own
}
