package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/reply"
)

// Waiter is a blocked command (BLPOP, BZPOPMIN, BLMOVE, ...). It stands in the
// queue of each of its keys, on any number of shards, and is served once:
// whoever claims it first, a shard that can serve, the timeout, or the end of its
// client, has it.
type Waiter struct {
	// Claim takes the waiter for good; false if somebody else has it.
	Claim func() bool
	// Serve is the command that serves it at a key: it either replies and
	// changes the key, or appends nothing because the key does not suit.
	Serve *command.Info
	Args  func(key []byte) [][]byte // of Serve, for the key that is ready
	Proto uint8
	Kind  keyspace.Kind // what a key must hold to serve it
	// Handoff, if not nil, makes the waiter's own saga serve it: the key is
	// locked for that saga before Handoff is called, so nobody overtakes it.
	Saga SagaID
	// place is where it stood in the queue, for WaitAt.
	Handoff func(db int, key []byte, place uint64)
	// Remote tells that the waiter is another node's, which decides whether it can
	// still be served: the key is locked for Saga, and the coordinators are told so
	// with AnswerHanded, again and again until they react. Of the rest only Kind
	// counts then.
	Remote bool
	// Done gets the reply of Serve. It is called once, after Claim.
	Done func(reply []byte)
}

// waitQueue is in the order of places.
type waitQueue struct{ waiters []waiting }

type waiting struct {
	*Waiter
	place uint64
}

// Wait puts w into the queue of the key, as the last.
func (e *Engine) Wait(k *keyspace.Key, w *Waiter) {
	e.places++
	e.WaitAt(k, w, e.places)
}

// WaitAt puts w into the queue of the key at a place that it had before and
// lost, because the key was handed to it and did not serve it after all.
func (e *Engine) WaitAt(k *keyspace.Key, w *Waiter, place uint64) {
	key := watchKey{k.DB, string(k.Name)}
	q := e.waiting[key]
	if q == nil {
		q = &waitQueue{}
		e.waiting[key] = q
	}
	at, _ := slices.BinarySearchFunc(q.waiters, place, func(o waiting, place uint64) int {
		return cmp.Compare(o.place, place)
	})
	q.waiters = slices.Insert(q.waiters, at, waiting{w, place})
}

// Forsake takes w out of the queue of the key, if it is there.
func (e *Engine) Forsake(k *keyspace.Key, w *Waiter) {
	at := watchKey{k.DB, string(k.Name)}
	q := e.waiting[at]
	if q == nil {
		return
	}
	q.waiters = slices.DeleteFunc(q.waiters, func(o waiting) bool { return o.Waiter == w })
	if len(q.waiters) == 0 {
		delete(e.waiting, at)
	}
}

// ForsakeSaga takes the waiter of another node's saga out of the queue of the key.
func (e *Engine) ForsakeSaga(k *keyspace.Key, saga SagaID) {
	q := e.waiting[watchKey{k.DB, string(k.Name)}]
	if q == nil {
		return
	}
	for _, w := range q.waiters {
		if w.Remote && w.Saga == saga {
			e.Forsake(k, w.Waiter)
			return
		}
	}
}

// Waiting returns how many keys have blocked clients.
func (e *Engine) Waiting() int { return len(e.waiting) }

func (e *Engine) markReady(k *keyspace.Key) {
	at := watchKey{k.DB, string(k.Name)}
	if e.waiting[at] == nil {
		return
	}
	key := *k
	key.Name = []byte(at.name)
	e.ready = append(e.ready, key)
}

// MarkDBReady marks every awaited key of a database, whose keys SWAPDB replaced.
func (e *Engine) MarkDBReady(db int) {
	var at []watchKey
	for k := range e.waiting {
		if int(k.db) == db {
			at = append(at, k)
		}
	}
	sortKeys(at) // map order must not be seen
	for _, k := range at {
		var key keyspace.Key
		e.KS.Key(&key, int(k.db), []byte(k.name))
		e.markReady(&key)
	}
}

// ServeReady serves waiters of the keys that became ready, in that order, each
// key's first come first. It is called after a command, or the whole saga, is
// over. Serving may make further keys ready.
func (e *Engine) ServeReady() {
	for len(e.ready) > 0 {
		k := e.ready[0]
		e.ready = e.ready[1:]
		if !e.locks.Taken(lockOf(&k)) { // else the end of its saga makes it ready again
			e.serveKey(&k)
		}
	}
	e.ready = e.ready[:0:0]
}

// serveKey serves waiters until the key has nothing left for the first of them.
func (e *Engine) serveKey(k *keyspace.Key) {
	at := watchKey{k.DB, string(k.Name)}
	for i := 0; e.waiting[at] != nil && i < len(e.waiting[at].waiters); {
		w := e.waiting[at].waiters[i]
		switch e.serve(k, w) {
		case served, gone:
			e.Forsake(k, w.Waiter)
		case unsuited:
			i++
		case handedOver:
			e.Forsake(k, w.Waiter)
			return
		}
	}
}

type serving int

const (
	served     serving = iota
	gone               // somebody else claimed it
	unsuited           // the key is absent or of another type
	handedOver         // the waiter's saga has the key now
)

func (e *Engine) serve(k *keyspace.Key, w waiting) serving {
	if r := e.KS.Peek(k); r == 0 || e.KS.Kind(r) != w.Kind {
		return unsuited
	}
	if w.Remote {
		return e.offer(k, w)
	}
	if w.Handoff != nil {
		return e.handOver(k, w)
	}
	// Serving is tried under a journal: only a claimed waiter may change the key.
	out := reply.Writer{Proto: w.Proto}
	var j keyspace.Journal
	r := Request{Cmd: w.Serve, DB: int(k.DB), Slot: k.Slot, Key: 1, Args: w.Args(k.Name), Out: &out, Now: e.KS.Now()}
	e.Step(&r, &j)
	if len(out.Buf) == 0 || out.Errs > 0 {
		e.KS.Rollback(&j)
		return unsuited
	}
	if !w.Claim() {
		e.KS.Rollback(&j)
		return gone
	}
	e.KS.Forget(&j)
	w.Done(out.Buf)
	return served
}

// offer locks the key for the saga of a waiter on another node. A saga that stands
// in several queues may hold a key here already; it is not to be served twice.
func (e *Engine) offer(k *keyspace.Key, w waiting) serving {
	if e.sagas.live[w.Saga] != nil {
		return unsuited
	}
	p := e.grant(w.Saga, k)
	p.handed = &Answer{Kind: AnswerHanded, Saga: w.Saga, DB: int(k.DB), Key: slices.Clone(k.Name), Place: w.place}
	e.tell(p.handed)
	e.yield(w.Saga, lockOf(k))
	return handedOver
}

// handOver locks the key for the waiter's saga.
func (e *Engine) handOver(k *keyspace.Key, w waiting) serving {
	if !w.Claim() {
		return gone
	}
	e.grant(w.Saga, k)
	w.Handoff(int(k.DB), k.Name, w.place)
	e.yield(w.Saga, lockOf(k))
	return handedOver
}

func lockOf(k *keyspace.Key) locks.Key { return locks.Key{DB: k.DB, Name: string(k.Name)} }

func sortKeys(keys []watchKey) {
	slices.SortFunc(keys, func(a, b watchKey) int { return strings.Compare(a.name, b.name) })
}
