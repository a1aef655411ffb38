package mailbox

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// States of the lease.
const (
	free int32 = iota
	held
)

// throughput is how many messages a drain runs before other goroutines get a
// turn.
const throughput = 64

// maxHelped is how many posted messages a leaseholder runs for others before it
// gives the lease back.
const maxHelped = 8

// maxSpins is how often TryAcquireSpin looks again at a lease that is held: about
// a microsecond, which most commands do not outlast. Posting costs several. With
// one processor the holder cannot go on while another spins.
const maxSpins = 400

// Lease is the mailbox. Make it with New and give it to one actor.
type Lease struct {
	state     atomic.Int32
	suspended atomic.Bool
	pending   atomic.Int32 // messages queued, of both kinds

	mu     sync.Mutex
	user   []any
	system []any

	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher
	recovered  atomic.Uint64
	spins      int
}

// New returns an idle mailbox.
func New() *Lease {
	l := &Lease{spins: maxSpins}
	if runtime.GOMAXPROCS(0) == 1 || runtime.NumCPU() == 1 {
		l.spins = 1
	}
	return l
}

// RegisterHandlers implements actor.Mailbox.
func (l *Lease) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	l.invoker, l.dispatcher = invoker, dispatcher
}

// Start implements actor.Mailbox.
func (l *Lease) Start() {}

// UserMessageCount implements actor.Mailbox.
func (l *Lease) UserMessageCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.user)
}

// PostUserMessage implements actor.Mailbox.
func (l *Lease) PostUserMessage(message any) {
	l.mu.Lock()
	if batch, ok := message.(actor.MessageBatch); ok {
		items := batch.GetMessages()
		l.user = append(l.user, items...)
		l.pending.Add(int32(len(items)))
	} else {
		l.user = append(l.user, message)
		l.pending.Add(1)
	}
	l.mu.Unlock()
	l.schedule()
}

// PostSystemMessage implements actor.Mailbox.
func (l *Lease) PostSystemMessage(message any) {
	l.mu.Lock()
	l.system = append(l.system, message)
	l.pending.Add(1)
	l.mu.Unlock()
	l.schedule()
}

// TryAcquire takes the lease if the actor is idle and nothing waits in its
// queue, so that a caller never overtakes what was posted before.
func (l *Lease) TryAcquire() bool {
	return l.state.Load() == free && l.pending.Load() == 0 && !l.suspended.Load() &&
		l.state.CompareAndSwap(free, held)
}

// TryAcquireSpin is TryAcquire that looks again for about a microsecond.
func (l *Lease) TryAcquireSpin() bool {
	for range l.spins {
		if l.TryAcquire() {
			return true
		}
		if l.pending.Load() > 0 {
			return false
		}
	}
	return false
}

// Release gives the lease back. What was posted meanwhile is run first, a few
// messages at most, so that a moment's contention costs no switch of goroutines
// and does not keep the lease from those who come next; the rest is run elsewhere.
func (l *Lease) Release() {
	for range maxHelped {
		if l.pending.Load() == 0 {
			break
		}
		message, ok := l.nextUser()
		if !ok {
			break
		}
		l.Invoke(message)
	}
	l.state.Store(free)
	if l.pending.Load() > 0 {
		l.schedule()
	}
}

// nextUser takes the next user message, unless a system message waits, which is
// for a drain to run, or the actor is suspended.
func (l *Lease) nextUser() (message any, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.system) > 0 || len(l.user) == 0 || l.suspended.Load() {
		return nil, false
	}
	message, l.user = l.user[0], l.user[1:]
	l.pending.Add(-1)
	return message, true
}

// Invoke runs the actor with message on this goroutine, which holds the lease.
// A panic escalates to the supervisor; ok tells that there was none.
func (l *Lease) Invoke(message any) (ok bool) {
	defer func() {
		if !ok {
			l.recovered.Add(1)
			l.suspended.Store(true)
			l.invoker.EscalateFailure(recover(), message)
		}
	}()
	l.invoker.InvokeUserMessage(message)
	return true
}

// Recovered returns how many panics the actor's messages have caused.
func (l *Lease) Recovered() uint64 { return l.recovered.Load() }

// runnable tells whether a drain would find something to do.
func (l *Lease) runnable() bool {
	if l.pending.Load() == 0 {
		return false
	}
	if !l.suspended.Load() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.system) > 0
}

func (l *Lease) schedule() {
	if l.runnable() && l.state.CompareAndSwap(free, held) {
		l.dispatcher.Schedule(l.drain)
	}
}

// drain runs queued messages, holding the lease, and then releases it.
func (l *Lease) drain() {
	for n := 0; ; n++ {
		message, system, ok := l.next()
		if !ok {
			break
		}
		if system {
			l.invokeSystem(message)
		} else {
			l.Invoke(message)
		}
		if n%throughput == throughput-1 {
			runtime.Gosched()
		}
	}
	l.state.Store(free)
	l.schedule() // what was posted since the queue was seen empty
}

// next takes the next message: system messages first, user messages only while
// the actor is not suspended.
func (l *Lease) next() (message any, system, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.system) > 0:
		message, l.system = l.system[0], l.system[1:]
		system = true
	case len(l.user) > 0 && !l.suspended.Load():
		message, l.user = l.user[0], l.user[1:]
	default:
		return nil, false, false
	}
	l.pending.Add(-1)
	return message, system, true
}

func (l *Lease) invokeSystem(message any) {
	switch message.(type) {
	case *actor.SuspendMailbox:
		l.suspended.Store(true)
		return
	case *actor.ResumeMailbox:
		l.suspended.Store(false)
		return
	}
	done := false
	defer func() {
		if !done {
			l.recovered.Add(1)
			l.suspended.Store(true)
			l.invoker.EscalateFailure(recover(), message)
		}
	}()
	l.invoker.InvokeSystemMessage(message)
	done = true
}
