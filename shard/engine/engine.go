package engine

import (
	"slices"
	"sync/atomic"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/reply"
)

// Effects takes what a shard's work means for others. Its methods are called
// while the shard runs and must not block or call back.
type Effects interface {
	// Notify publishes a keyspace event.
	Notify(db int, class Class, event string, key []byte)
}

// Engine is one shard.
type Engine struct {
	KS *keyspace.Keyspace
	// Changes counts the changes of keys since the start.
	Changes uint64
	// Commands counts the commands run, steps of sagas included.
	Commands uint64
	// Alone counts the sagas that have waited for others to be done with a key that they
	// shared, as its time had come.
	Alone uint64
	// Resident is what the shard's records take in memory, in bytes, as of the
	// last Tick. Anybody may read it.
	Resident atomic.Int64
	// Keys is how many keys the shard had in all databases as of the last Tick.
	// Anybody may read it.
	Keys atomic.Int64

	handlers []Handler
	effects  Effects
	cfg      *Config
	ctx      Ctx
	rand     *rng.Rand
	locks    locks.Table
	sagas    sagas
	watched  map[watchKey]*watchEntry
	versions uint64
	waiting  map[watchKey]*waitQueue
	places   uint64
	ready    []keyspace.Key
	tenure
	transfers
}

// Options make an Engine.
type Options struct {
	FirstSlot, Slots int
	Seed             uint64 // of the hash function and the random numbers
	Handlers         []Handler
	Effects          Effects
	Config           *Config
}

// New returns an empty shard.
func New(o Options) *Engine {
	e := &Engine{
		KS:       keyspace.New(o.FirstSlot, o.Slots, o.Seed),
		handlers: o.Handlers,
		effects:  o.Effects,
		cfg:      o.Config,
		rand:     rng.New(o.Seed),
		locks:    locks.Table{Seed: o.Seed},
		sagas:    newSagas(),
		watched:  map[watchKey]*watchEntry{},
		waiting:  map[watchKey]*waitQueue{},
		tenure:   tenure{epoch: 1},
	}
	e.KS.Events = e
	e.ctx = Ctx{KS: e.KS, Rand: e.rand, engine: e}
	if o.Config != nil {
		e.SetConfig(o.Config)
	}
	return e
}

// SetConfig replaces the configuration from the next command on.
func (e *Engine) SetConfig(cfg *Config) {
	e.cfg = cfg
	e.KS.SetLFU(cfg.LFU)
}

// Request is one command for a shard.
type Request struct {
	Cmd  *command.Info
	DB   int
	Slot uint16
	// Key is the position of the key in Args, 0 for a command on the whole shard.
	Key  int
	Args [][]byte
	Out  *reply.Writer
	Now  int64 // Unix milliseconds
	// Done is called once the reply is in Out, if the request had to wait. A
	// request without Done is never made to wait: see Handle.
	Done func()
	// Waits is Handle's answer where the request travels as a message.
	Waits bool
	// Epoch is the shard's, as the asker knows it; 0: whatever it is.
	Epoch uint64
	// Refused tells that nothing was done, as the shard is not here or not under
	// Epoch. It is set before Handle returns, or before Done is called.
	Refused bool
}

// Handle runs the request, or tells that it must wait because a saga has its
// key locked. A request with Done then waits its turn at the key, so its memory
// must be its own, and Done is called when it had it; one without is untouched.
func (e *Engine) Handle(r *Request) (waits bool) {
	if !e.serves(r.Epoch) {
		r.Refused = true
		return false
	}
	e.KS.Advance(r.Now)
	if e.locks.Len() > 0 && e.mustWait(r) {
		return true
	}
	e.run(r)
	if len(e.ready) > 0 {
		e.ServeReady()
	}
	return false
}

// Attend is Handle for a request that has come as a message: Done is called in any
// case, now or when the request has had its turn. If the command panics, its client
// is told so, and the panic goes on to the shard's supervisor.
func (e *Engine) Attend(r *Request) {
	survived := false
	defer func() {
		if !survived {
			r.fail()
		}
	}()
	waits := e.Handle(r)
	if survived = true; !waits {
		r.Done()
	}
}

// fail answers a request with Done whose command has panicked.
func (r *Request) fail() {
	r.Out.Buf = r.Out.Buf[:0]
	r.Out.Error(reply.ErrInternal)
	r.Done()
}

// run carries the command out. Locks are the caller's matter.
func (e *Engine) run(r *Request) {
	c := &e.ctx
	c.Args, c.Out, c.Cfg, c.Name = r.Args, r.Out, e.cfg, r.Cmd.FullName
	if r.Key > 0 {
		e.KS.KeyInSlot(&c.Key, r.DB, r.Slot, r.Args[r.Key])
	} else {
		c.Key = keyspace.Key{DB: uint8(r.DB)}
	}
	e.Commands++
	e.KS.CountLookups = r.Cmd.Flags&command.ReadOnly != 0
	e.handlers[r.Cmd.ID](c)
}

// mustWait parks the request if its key, or for one without a key any key of
// its database, is locked.
func (e *Engine) mustWait(r *Request) bool {
	key := locks.Key{DB: uint8(r.DB)}
	if r.Key > 0 {
		key.Name = string(r.Args[r.Key])
	} else {
		key.All = true
	}
	if !e.locks.Held(key) {
		return false
	}
	if r.Done != nil {
		e.locks.Wait(key, func() { e.hadTurn(r) })
	}
	return true
}

// hadTurn runs a request that has waited at a lock.
func (e *Engine) hadTurn(r *Request) {
	survived := false
	defer func() {
		if !survived {
			r.fail()
		}
	}()
	if r.Refused = e.closed || e.expelling; !r.Refused {
		e.run(r)
	}
	survived = true
	r.Done()
}

// Locked tells whether a saga holds the key, or any lock if all is asked for.
func (e *Engine) Locked(db int, name []byte) bool {
	return e.locks.Len() > 0 && e.locks.Held(locks.Key{DB: uint8(db), Name: string(name)})
}

// AnyLocked tells whether sagas hold anything here.
func (e *Engine) AnyLocked() bool { return e.locks.Len() > 0 }

// Crowded tells whether there are keys that several sagas have together.
func (e *Engine) Crowded() bool { return e.locks.Crowded() }

// Step runs one command inside a saga that has the shard to itself: no locks
// are looked at. j, if not nil, records how to undo it.
func (e *Engine) Step(r *Request, j *keyspace.Journal) {
	e.KS.Advance(r.Now)
	if j == nil {
		e.run(r)
		return
	}
	e.KS.Record(j)
	defer e.KS.Record(nil)
	e.run(r)
}

// Tick does what is due without being asked: a bounded share of expiry and of
// freeing. It tells whether there is more, so that the next Tick comes soon.
func (e *Engine) Tick(now int64) (more bool) {
	e.KS.Advance(now)
	more = e.KS.ExpireSome(expirePerTick, e.isLocked) > expirePerTick/4
	e.KS.Collect(collectPerTick)
	if len(e.ready) > 0 {
		e.ServeReady()
	}
	e.remind(now)
	e.Resident.Store(e.resident())
	keys := 0
	for db := range keyspace.Databases {
		keys += e.KS.Len(db)
	}
	e.Keys.Store(int64(keys))
	more = e.collectRetired() || more
	return more || e.KS.Garbage()
}

// What one Tick may do: each about 100 µs, so that no command waits longer.
const (
	expirePerTick  = 400
	collectPerTick = 2000
)

func (e *Engine) isLocked(k *keyspace.Key) bool { return e.Locked(int(k.DB), k.Name) }

// Expired implements keyspace.Events.
func (e *Engine) Expired(k *keyspace.Key) {
	e.changed(k)
	if p := e.sagas.stepping; p != nil {
		key := *k
		key.Name = slices.Clone(k.Name)
		p.expired = append(p.expired, key)
	}
	if e.cfg != nil && e.cfg.Notify&NotifyExpired != 0 {
		e.notify(k, NotifyExpired, "expired")
	}
}

func (e *Engine) notify(k *keyspace.Key, class Class, event string) {
	if p := e.sagas.stepping; p != nil {
		p.notes = append(p.notes, note{int(k.DB), class, event, slices.Clone(k.Name)})
		return
	}
	e.effects.Notify(int(k.DB), class, event, k.Name)
}

// changed counts a change of a key and tells its watchers.
func (e *Engine) changed(k *keyspace.Key) {
	e.Changes++
	e.exportMark(k)
	if len(e.watched) > 0 {
		e.touchWatched(k)
	}
}
