package engine

import "slices"

// remindAfter is how long a participant waits for its coordinator before it
// speaks up: long against a round, short for a client that waits at its lock.
// A participant whose coordinator has long ended is found in this way.
const remindAfter = 1000 // milliseconds

// maxTold bounds how long a decision is silent between reminders, to 32 s: the first
// ends a saga whose coordinator is gone, the later ones only find out that a node is
// back, or forgotten, which had a part in it.
const maxTold = 5

// stamp is the time for reminders. It is not the shard's time, which follows the
// clocks of all coordinators: one that is ahead would make it stand still for others.
func (e *Engine) stamp() int64 {
	if e.sagas.ticked == 0 {
		return e.KS.Now()
	}
	return e.sagas.ticked
}

// silent tells whether nothing was heard since at for too long, or the clock was set
// back.
func silent(now, at, patience int64) bool { return now-at >= patience || at > now }

// remind sends again what coordinators have not reacted to for a while.
func (e *Engine) remind(now int64) {
	e.sagas.ticked = now
	e.sagas.doors.prune(e.KS.Now())
	if e.sealing {
		e.woundForSeal()
	}
	if e.Sagas() == 0 {
		return
	}
	e.pump() // in case that a defect ended the last one early
	var due []SagaID
	for id, p := range e.sagas.live {
		if silent(now, p.heard, remindAfter) {
			p.heard = now
			due = append(due, id)
		}
	}
	slices.Sort(due) // map order must not be seen
	for _, id := range due {
		switch p, d := e.sagas.live[id], e.sagas.decided[id]; {
		case d != nil: // others wait for its locks: it is asked for more often than a decision alone
			e.tell(d.answer(&Order{Saga: id}))
		case p.last != nil:
			e.tell(p.last)
		case p.handed != nil:
			e.tell(p.handed)
		default:
			e.stuck(p)
		}
	}
	due = due[:0]
	for id, d := range e.sagas.decided {
		if e.sagas.live[id] == nil && silent(now, d.at, remindAfter<<d.told) {
			d.at, d.told = now, min(d.told+1, maxTold)
			due = append(due, id)
		}
	}
	slices.Sort(due)
	for _, id := range due {
		e.tell(e.sagas.decided[id].answer(&Order{Saga: id}))
	}
}
