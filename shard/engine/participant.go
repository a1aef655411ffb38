package engine

import (
	"slices"

	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// sagas is a shard's part in sagas.
type sagas struct {
	coordinators Coordinators
	shard        int
	live         map[SagaID]*participant
	decided      map[SagaID]*decision
	visits       uint64
	stepping     *participant // whose steps run just now
	sinking      *Order       // that is being carried out and has a Sink
	holders      []uint64     // scratch
	reply        Answer       // scratch, for a Sink
	request      Request      // scratch, as are
	writer       reply.Writer // these
	ahead        keyspace.Ahead
	waste        []byte // replies that nobody wants
	spare        []*participant
	doors        doors // shut by OrderResolve
	ticked       int64 // when Tick was called last, by this node's clock
}

func newSagas() sagas {
	return sagas{live: map[SagaID]*participant{}, decided: map[SagaID]*decision{}}
}

// participant is this shard's part in one saga: from the first order, or from
// the lock that was handed to it, to Commit or Undo. It has an identity of its own,
// visit, because copies of orders that come late may make another one.
type participant struct {
	saga    SagaID
	attempt uint32 // 0: it was made by a lock handed over, and has no order yet
	visit   uint64
	round   uint32
	order   *Order  // of this round, until it is answered
	last    *Answer // to this round
	own     Answer  // its memory
	kept    bool    // somebody may keep it
	journal keyspace.Journal
	ready   []keyspace.Key // keys its steps made ready
	serve   []keyspace.Key // keys that are to be looked at however it ends
	notes   []note
	expired []keyspace.Key // keys whose time had come
	heard   int64          // when the coordinator last said something, see stamp
	handed  *Answer        // of a lock handed to a waiter of another node, until it has an order
}

// note is a keyspace event that is held back until the saga commits.
type note struct {
	db    int
	class Class
	event string
	key   []byte
}

// decision is the record that a saga has committed.
type decision struct {
	record []byte
	at     int64 // when it was last told, see stamp
	told   uint8 // how often it was, unasked
}

// Join gives the shard its number and the way to coordinators, once, before
// sagas come.
func (e *Engine) Join(shard int, c Coordinators) { e.sagas.shard, e.sagas.coordinators = shard, c }

// Sagas returns how many sagas have a part here, or their decision.
func (e *Engine) Sagas() int { return len(e.sagas.live) + len(e.sagas.decided) }

// Order carries out what a coordinator asks for.
func (e *Engine) Order(o *Order) {
	e.KS.Advance(o.Now)
	if o.Sink != nil {
		e.sagas.sinking = o
		defer func() { e.sagas.sinking = nil }()
	}
	if o.Kind == OrderRun && !e.serves(o.Epoch) || e.closed && (o.Kind == OrderDecide || o.Kind == OrderResolve) {
		e.answer(o, AnswerElsewhere)
		return
	}
	p := e.sagas.live[o.Saga]
	if p != nil {
		p.heard = e.stamp()
	}
	switch o.Kind {
	case OrderRun:
		e.orderRun(p, o)
	case OrderDecide:
		e.decide(p, o)
	case OrderCommit:
		if p != nil && p.is(o) {
			e.follow(p, o)
		}
		if !o.Quiet {
			e.answer(o, AnswerCommitted)
		}
	case OrderUndo:
		if p != nil && p.undoes(o) && e.sagas.decided[o.Saga] == nil { // else it is Forget that undoes
			e.end(p, false, o.Again)
		}
		e.answer(o, AnswerUndone)
	case OrderForget:
		if e.sagas.decided[o.Saga] != nil && p != nil {
			e.end(p, false, false)
		}
		delete(e.sagas.decided, o.Saga)
		if !o.Quiet {
			e.answer(o, AnswerForgotten)
		}
	case OrderResolve:
		e.resolve(p, o)
	case OrderConfirm:
		e.confirm(p, o)
	}
	e.pump()
}

func (p *participant) is(o *Order) bool { return p.attempt == o.Attempt && p.visit == o.Visit }

// undoes tells whether o, an OrderUndo, means p.
func (p *participant) undoes(o *Order) bool {
	return p.attempt < o.Attempt || p.attempt == o.Attempt && (o.Visit == 0 || o.Visit == p.visit)
}

func (e *Engine) answer(o *Order, kind AnswerKind) {
	if o.Sink != nil && o == e.sagas.sinking {
		e.sagas.reply = Answer{Kind: kind, Saga: o.Saga, Attempt: o.Attempt, Visit: o.Visit}
		e.tell(&e.sagas.reply)
		return
	}
	e.tell(&Answer{Kind: kind, Saga: o.Saga, Attempt: o.Attempt, Visit: o.Visit})
}

func (e *Engine) tell(a *Answer) {
	if a.Shard != e.sagas.shard { // else somebody may be reading it, as it is told once more
		a.Shard = e.sagas.shard
	}
	if o := e.sagas.sinking; o != nil && o.Saga == a.Saga {
		o.Sink.Answer(a)
		return
	}
	if p := e.sagas.live[a.Saga]; p != nil && a == p.last {
		p.kept = true
	}
	e.sagas.coordinators.Answer(a)
}

// orderRun begins a round, or answers again if it is over.
func (e *Engine) orderRun(p *participant, o *Order) {
	switch {
	case e.sagas.decided[o.Saga] != nil:
		return // a late copy
	case e.sagas.doors.shut(o.Saga):
		e.answer(o, AnswerGone)
		return
	case p != nil && p.attempt == 0 && o.Round == 1:
		p.attempt, p.handed = o.Attempt, nil
	case p != nil && p.attempt < o.Attempt && o.Round == 1:
		e.end(p, false, true)
		p = nil
	}
	if p == nil {
		if o.Round != 1 {
			return // its participant has ended
		}
		p = e.enter(o.Saga, o.Attempt)
	}
	switch {
	case p.attempt != o.Attempt || o.Round > 1 && o.Visit != p.visit:
	case o.Round == p.round+1 && p.order == nil:
		p.round, p.order, p.last = o.Round, o, nil
		e.lock(p)
	case o.Round == p.round && p.last != nil:
		e.tell(p.last)
	case o.Round == p.round:
		e.stuck(p) // the coordinator asks again: perhaps a wound was lost
	}
}

// enter makes a participant.
func (e *Engine) enter(saga SagaID, attempt uint32) *participant {
	e.sagas.visits++
	var p *participant
	if n := len(e.sagas.spare); n > 0 {
		p, e.sagas.spare = e.sagas.spare[n-1], e.sagas.spare[:n-1]
	} else {
		p = &participant{}
	}
	p.saga, p.attempt, p.visit, p.heard = saga, attempt, e.sagas.visits, e.stamp()
	e.sagas.live[saga] = p
	return p
}

// Bounds of what is kept of participants that have ended.
const (
	maxSpare      = 256
	maxSpareReply = 16 << 10
)

// leaveOff keeps the memory of a participant that has ended, unless somebody may
// still look at its answer.
func (e *Engine) leaveOff(p *participant) {
	if p.kept || len(e.sagas.spare) >= maxSpare || cap(p.own.Out) > maxSpareReply {
		return
	}
	*p = participant{journal: p.journal, own: Answer{Out: p.own.Out[:0], Ends: p.own.Ends[:0]}}
	e.sagas.spare = append(e.sagas.spare, p)
}

// lock asks for the locks of p's order and runs it once they are there. A lock
// on all keys contains every other.
func (e *Engine) lock(p *participant) {
	o, owner := p.order, uint64(p.saga)
	if o.wantsAll() {
		e.locks.Acquire(locks.Key{All: true}, owner)
	} else {
		for i := range o.Locks {
			e.locks.Acquire(o.Locks[i].Key, owner)
		}
		for i := range o.Steps {
			if key := o.Steps[i].lock(); o.Shares {
				e.locks.Share(key, owner)
			} else {
				e.locks.Acquire(key, owner)
			}
		}
	}
	for _, l := range o.Locks {
		if l.Serve {
			var k keyspace.Key
			e.KS.Key(&k, int(l.DB), []byte(l.Name))
			p.serve = append(p.serve, k)
		}
	}
	if e.locks.Waits(owner) != nil {
		e.hold(p)
		return
	}
	e.runOrder(p)
}

// hold keeps an order whose locks are not all there.
func (e *Engine) hold(p *participant) {
	if p.order.Sink != nil { // it is lent
		p.order = p.order.Own()
	}
	e.stuck(p)
}

// lock is the lock that the step needs.
func (s *SagaStep) lock() locks.Key { return locks.Key{DB: uint8(s.DB), Name: string(s.Args[s.Key])} }

// expires tells whether p, which shares its keys, must have some of them alone, and
// waits for that: a key whose time has come ends with the first who sees it, but others
// have read it, and have not ended.
func (e *Engine) expires(p *participant) (waits bool) {
	if !p.order.Shares || !e.locks.Crowded() {
		return false
	}
	for i := range p.order.Steps {
		s := &p.order.Steps[i]
		if e.KS.Volatile(s.DB) == 0 {
			continue
		}
		var k keyspace.Key
		e.KS.Key(&k, s.DB, s.Args[s.Key])
		if e.KS.Due(&k) && !e.locks.Alone(s.lock(), uint64(p.saga)) {
			waits = true
		}
	}
	return waits
}

func (o *Order) wantsAll() bool {
	return slices.ContainsFunc(o.Locks, func(l Lock) bool { return l.All }) ||
		slices.ContainsFunc(o.Steps, func(s SagaStep) bool { return s.Key == 0 })
}

// stuck tells younger sagas that they stand in the way of p, and p's that it waits: one
// that is both may be part of a circle, and gives way.
func (e *Engine) stuck(p *participant) {
	e.wound(p)
	if e.locks.Waits(uint64(p.saga)) != nil {
		e.tell(&Answer{Kind: AnswerWaits, Saga: p.saga, Attempt: p.attempt, Visit: p.visit})
	}
}

// wound tells younger sagas that they stand in the way of p.
func (e *Engine) wound(p *participant) {
	for _, key := range e.locks.Waits(uint64(p.saga)) {
		e.sagas.holders = e.locks.Holders(e.sagas.holders[:0], key, uint64(p.saga))
		for _, holder := range e.sagas.holders {
			if SagaID(holder) > p.saga {
				e.hurt(SagaID(holder))
			}
		}
	}
}

func (e *Engine) hurt(saga SagaID) {
	if p := e.sagas.live[saga]; p != nil {
		e.tell(&Answer{Kind: AnswerWound, Saga: saga, Attempt: p.attempt, Visit: p.visit})
	}
}

// runOrder runs the steps of p's order, whose locks are all there. A step that
// panics fails the saga, and goes on to the shard's supervisor.
func (e *Engine) runOrder(p *participant) {
	o := p.order
	if e.closed {
		e.answer(o, AnswerElsewhere)
		e.end(p, false, true)
		return
	}
	if e.expires(p) {
		e.Alone++
		e.hold(p)
		return
	}
	a := &p.own
	if p.kept {
		a = &Answer{}
	}
	*a = Answer{
		Kind: AnswerFailed, Saga: p.saga, Attempt: p.attempt, Visit: p.visit, Round: p.round, Out: a.Out[:0], Ends: a.Ends[:0],
	}
	ready := len(e.ready)
	e.sagas.stepping, p.order, p.last = p, nil, a
	defer func() {
		e.sagas.stepping = nil
		p.ready = append(p.ready, e.ready[ready:]...)
		e.ready = e.ready[:ready]
		e.tell(a)
	}()
	w := &e.sagas.writer
	*w = reply.Writer{Proto: o.Proto, Buf: a.Out}
	for i := range o.Steps {
		if i%keyspace.MaxAhead == 0 && len(o.Steps)-i > 1 {
			e.fetchAhead(o.Steps[i:])
		}
		e.sagaStep(p, &o.Steps[i], w, o.Now)
		a.Ends = append(a.Ends, len(w.Buf))
	}
	a.Out, a.Errs, a.Wrote, a.Kind = w.Buf, w.Errs, !p.journal.Empty(), AnswerRan
}

// fetchAhead prepares the lookups of the next steps.
func (e *Engine) fetchAhead(steps []SagaStep) {
	for i := range steps[:min(len(steps), keyspace.MaxAhead)] {
		if s := &steps[i]; s.Key > 0 {
			e.sagas.ahead.Add(e.KS, s.DB, slot.Of(s.Args[s.Key]), s.Args[s.Key])
		}
	}
	e.sagas.ahead.Fetch()
}

func (e *Engine) sagaStep(p *participant, s *SagaStep, w *reply.Writer, now int64) {
	r := &e.sagas.request
	*r = Request{Cmd: s.Cmd, DB: s.DB, Key: s.Key, Args: s.Args, Out: w, Now: now}
	if s.Key > 0 {
		r.Slot = slot.Of(s.Args[s.Key])
	}
	if s.Wait == nil {
		e.Step(r, &p.journal)
		return
	}
	var k keyspace.Key
	e.KS.KeyInSlot(&k, s.DB, r.Slot, slices.Clone(s.Args[s.Key]))
	if s.Place > 0 {
		e.WaitAt(&k, s.Wait, s.Place)
	} else {
		e.Wait(&k, s.Wait)
	}
	e.KS.Record(&p.journal)
	e.KS.Undo(func() { e.Forsake(&k, s.Wait) })
	e.KS.Record(nil)
}

// resolve tells a recovery what is here, and sees to it that no decision is made
// from now on.
func (e *Engine) resolve(p *participant, o *Order) {
	a := &Answer{Kind: AnswerAbsent, Saga: o.Saga}
	e.sagas.doors.close(o.Saga, e.KS.Now())
	switch d := e.sagas.decided[o.Saga]; {
	case d != nil:
		a = d.answer(o)
	case p != nil:
		a.Kind, a.Attempt, a.Visit = AnswerPrepared, p.attempt, p.visit
	}
	e.tell(a)
}

// confirm tells whether the participant has all its locks, as it had. The answer that
// it has not is true whatever the coordinator waits for when it comes.
func (e *Engine) confirm(p *participant, o *Order) {
	if p != nil && p.is(o) && p.last != nil && e.serves(o.Epoch) {
		e.answer(o, AnswerConfirmed)
	} else {
		e.answer(o, AnswerUndone)
	}
}

// end finishes a participant. Blocked clients are served before those who wait
// for the locks, as they would be after a single command; not if the saga runs
// again and may be in the way of the first of them.
func (e *Engine) end(p *participant, commit, again bool) {
	delete(e.sagas.live, p.saga)
	e.locks.Release(uint64(p.saga))
	if commit {
		e.KS.Forget(&p.journal)
		for _, n := range p.notes {
			e.effects.Notify(n.db, n.class, n.event, n.key)
		}
		e.ready = append(e.ready, p.ready...)
	} else {
		e.KS.Rollback(&p.journal)
		for i := range p.expired { // others who share it may have seen that it had ended
			e.KS.Peek(&p.expired[i])
		}
	}
	if !again {
		e.ready = append(e.ready, p.serve...)
	}
	e.leaveOff(p)
	if len(e.ready) > 0 {
		e.ServeReady()
	}
}

// grant makes the waiter's saga the holder of a key that no saga holds.
func (e *Engine) grant(saga SagaID, k *keyspace.Key) *participant {
	key := *k
	key.Name = slices.Clone(k.Name)
	p := e.enter(saga, 0)
	p.serve = append(p.serve, key)
	e.locks.Give(lockOf(k), uint64(saga))
	return p
}

// yield wounds a saga that was given a key before an older one that waits.
func (e *Engine) yield(saga SagaID, key locks.Key) {
	if e.locks.Outranked(key, uint64(saga)) {
		e.hurt(saga)
	}
}

// pump lets go on whoever waited for locks that are free now. Nobody waits on because
// a command before him has panicked.
func (e *Engine) pump() {
	done := false
	defer func() {
		if !done {
			e.pump()
		}
	}()
	for {
		w, ok := e.locks.Next()
		if !ok {
			done = true
			return
		}
		if w.Owner == sealOwner {
			continue
		}
		if w.Run != nil {
			w.Run()
			if len(e.ready) > 0 {
				e.ServeReady()
			}
			continue
		}
		if e.locks.Waits(w.Owner) == nil {
			e.runOrder(e.sagas.live[SagaID(w.Owner)])
		}
	}
}
