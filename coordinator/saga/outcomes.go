package saga

import "github.com/troupedb/troupe/shard/engine"

// Outcomes are of participants that could not be told that their sagas have committed,
// as their nodes were down. They are kept until the participant asks; the oldest go
// first. Its zero value has none.
type Outcomes struct {
	known map[outcome]*engine.Order
	order []outcome
}

type outcome struct {
	saga  engine.SagaID
	shard int
}

// maxOutcomes bounds what is kept for nodes that are down: about what they can have
// had under way.
const maxOutcomes = 1 << 16

// Missed notes that an order has not reached its participant, whose node is down.
func (o *Outcomes) Missed(shard int, order *engine.Order) {
	if order.Kind != engine.OrderCommit {
		return
	}
	at := outcome{order.Saga, shard}
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
	o.known[at] = &engine.Order{Kind: engine.OrderCommit, Saga: order.Saga, Attempt: order.Attempt, Visit: order.Visit}
	o.order = append(o.order, at)
}

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
