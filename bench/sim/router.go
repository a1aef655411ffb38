package sim

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/wire"
	"github.com/troupedb/troupe/shard/words"
)

// router is a node's coordinator.Coordinators, rule by rule: where orders and answers
// go, and what becomes of those that belong to nobody here.
type router struct {
	p        *process
	live     map[engine.SagaID]*cell
	waiters  map[engine.SagaID]*engine.Waiter
	outcomes saga.Outcomes
	started  int64
}

func newRouter(p *process) *router {
	return &router{
		p: p, started: p.clock(), live: map[engine.SagaID]*cell{},
		waiters: map[engine.SagaID]*engine.Waiter{},
	}
}

func (r *router) close() {
	for _, id := range r.sorted() {
		r.live[id].abandon()
	}
}

// sorted returns the sagas that live here, the oldest first.
func (r *router) sorted() (ids []engine.SagaID) {
	for id := range r.live {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (r *router) tick() {
	for _, id := range r.sorted() {
		if c := r.live[id]; c != nil {
			c.take(c.machine.Tick)
		}
	}
}

// order sends an order to wherever its shard is.
func (r *router) order(shard int, o *engine.Order) {
	p := r.p
	d := p.env.Where.Load()
	owner := d.Places[shard].Owner
	if owner == d.Self {
		own := o.Own() // copies of it come late, as they do not in a process
		for i := range own.Steps {
			own.Steps[i].Args = words.Clone(own.Steps[i].Args)
		}
		p.local(func() { p.shard(shard).order(own, p) })
		return
	}
	switch m := d.Member(owner); {
	case m == nil || m.State == directory.Down:
		r.missed(shard, o, engine.AnswerLost)
	case !p.sendOrder(owner, shard, o) && (p.suspected[owner] || p.clock()-o.Now > reachPatience):
		r.missed(shard, o, engine.AnswerUnreachable)
	}
}

// reachPatience is as in coordinator/peers.go.
const reachPatience = 5000

// fence ends what clients wait for.
func (r *router) fence() {
	for _, id := range r.sorted() {
		if c := r.live[id]; c != nil {
			c.take(func() {
				if m, ok := c.machine.(*saga.Coordinator); ok {
					c.op.fenced = true
					m.Fence()
				}
			})
		}
	}
}

func (r *router) missed(shard int, o *engine.Order, why engine.AnswerKind) {
	if why == engine.AnswerLost {
		r.p.w.Stats.Lost++
	} else {
		r.p.w.Stats.Unreachable++
	}
	if why == engine.AnswerLost {
		r.p.w.missed(r.live[o.Saga], shard, o)
		r.outcomes.Missed(shard, o)
	}
	if c := r.live[o.Saga]; c != nil {
		c.post(&engine.Answer{Kind: why, Saga: o.Saga, Shard: shard, Attempt: o.Attempt, Visit: o.Visit})
	}
}

// answer takes what a shard of this node says.
func (r *router) answer(a *engine.Answer) {
	c := r.live[a.Saga]
	d := r.p.env.Where.Load()
	to := saga.NodeOf(a.Saga)
	if c != nil || to == d.Self {
		r.take(a)
		return
	}
	if m := d.Member(to); m == nil || m.State == directory.Down {
		r.recover(a.Saga)
		return
	}
	r.p.sendAnswer(to, a)
}

// take takes an answer for this node.
func (r *router) take(a *engine.Answer) {
	if r.live[a.Saga] == nil {
		r.p.w.trace("node %d: answer %d of shard %d to saga %d, which is not here", r.p.number, a.Kind, a.Shard, a.Saga)
	}
	if c := r.live[a.Saga]; c != nil {
		c.post(a)
		return
	}
	if a.Kind == engine.AnswerHanded && r.wake(a) {
		return
	}
	switch o := r.outcomes.Orphan(a); {
	case o == nil:
	case r.outcomes.Doubtful(a.Saga), saga.BornAt(a.Saga) < r.started:
		r.recover(a.Saga)
	default:
		r.p.w.Stats.Orphans++
		r.order(a.Shard, o)
	}
}

// recover ends a saga whose coordinator's process is gone.
func (r *router) recover(id engine.SagaID) {
	if r.live[id] != nil {
		return
	}
	r.p.w.Stats.Recoveries++
	r.p.w.trace("node %d recovers saga %d of node %d: %v", r.p.number, id, saga.NodeOf(id), r.p.w.calls[id])
	c := &cell{p: r.p, id: id, answered: true}
	c.machine = r.p.env.NewRecovery(id, c, true, false)
	r.begin(c)
}

func (r *router) begin(c *cell) {
	r.live[c.id] = c
	first := c.machine
	r.p.after(r.p.w.delay(), func() {
		if c.machine == first { // else it has crashed before it began
			c.take(first.Start)
		}
	})
}

func (r *router) await(w *engine.Waiter) { r.waiters[w.Saga] = w }

func (r *router) wake(a *engine.Answer) bool {
	w := r.waiters[a.Saga]
	if w == nil || w.Handoff == nil || !w.Claim() {
		return false
	}
	r.p.w.Stats.Handed++
	w.Handoff(a.DB, a.Key, a.Place)
	return true
}

// forsake takes a waiter out of the queues of its keys.
func (r *router) forsake(w *engine.Waiter, db int, keys [][]byte) {
	delete(r.waiters, w.Saga)
	for _, name := range keys {
		r.at(name, db, func(e *engine.Engine, k *keyspace.Key) { e.Forsake(k, w) },
			func(e *engine.Engine, k *keyspace.Key) { e.ForsakeSaga(k, w.Saga) })
	}
}

// unwatch ends watches.
func (r *router) unwatch(watches []saga.Watch) {
	for _, w := range watches {
		r.at(w.Key, w.DB, (*engine.Engine).Unwatch, (*engine.Engine).Unwatch)
	}
}

// at does something at the shard of a key, here or by a message that may be lost.
func (r *router) at(name []byte, db int, here, there func(*engine.Engine, *keyspace.Key)) {
	d := r.p.env.Where.Load()
	index := r.p.env.ShardOf(name)
	do := func(p *process, f func(*engine.Engine, *keyspace.Key)) {
		s := p.shard(index)
		s.take(func() {
			if !s.engine.Closed() {
				var k keyspace.Key
				s.engine.KS.Key(&k, db, name)
				f(s.engine, &k)
			}
		})
	}
	owner := d.Places[index].Owner
	if owner == d.Self {
		r.p.w.after(r.p.w.delay(), func() { r.p.run(func() { do(r.p, here) }) })
		return
	}
	if s := r.p.stream(owner); s != nil {
		r.p.w.net.once(r.p.number, owner, func() { s.to.run(func() { do(s.to, there) }) })
	}
}

// sendOrder sends an order to a shard of another node as bytes. Answers that the
// shard gives at once come back to this node, the others to whom they belong.
func (p *process) sendOrder(owner directory.Number, shard int, o *engine.Order) bool {
	s := p.stream(owner)
	if s == nil {
		return false
	}
	b := wire.AppendOrder(nil, o)
	p.w.net.send(p.number, owner, func() {
		parsed, err := wire.ParseOrder(slices.Clone(b), p.env.Table)
		if err != nil {
			p.w.fail("an order does not come through: %v", err)
			return
		}
		parsed.Sink = sink{s.to.shardSink(shard), p}
		s.to.run(func() { s.to.shard(shard).order(parsed, p) })
	})
	return true
}

// sink takes answers back to where an order has come from.
type sink struct {
	from *shardSink
	to   *process
}

type shardSink struct {
	p     *process
	index int
}

func (p *process) shardSink(i int) *shardSink { return &shardSink{p, i} }

// Answer implements engine.Coordinators.
func (s sink) Answer(a *engine.Answer) {
	s.from.p.shard(s.from.index).observe(a)
	s.from.p.carry(s.to, a)
}

// sendAnswer sends an answer to a saga's coordinator on another node.
func (p *process) sendAnswer(to directory.Number, a *engine.Answer) {
	if s := p.stream(to); s != nil {
		p.carry(s.to, a)
	}
}

// carry brings an answer to another process as bytes.
func (p *process) carry(to *process, a *engine.Answer) {
	b := wire.AppendAnswer(nil, a)
	p.w.net.send(p.number, to.number, func() {
		parsed, err := wire.ParseAnswer(slices.Clone(b), p.w.o.Setup.shards)
		if err != nil {
			p.w.fail("an answer does not come through: %v", err)
			return
		}
		to.run(func() { to.router.take(parsed) })
	})
}
