package transport

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

var (
	errMalformed = errors.New("malformed")
	errCluster   = errors.New("of another cluster")
	errKind      = errors.New("of an unknown kind")
)

// handlers is what messages are for.
type handlers struct {
	mu       sync.RWMutex
	messages map[Kind]func(From, []byte)
	requests map[Kind]requestHandler
}

// Handle says what is done with messages of a kind. The handler runs on the one
// goroutine that all messages pass, in the order in which each peer sent them: it
// must be quick and must not block. The payload is its own.
func (t *Transport) Handle(kind Kind, handler func(from From, payload []byte)) {
	t.handlers.mu.Lock()
	defer t.handlers.mu.Unlock()
	if t.handlers.messages == nil {
		t.handlers.messages = map[Kind]func(From, []byte){}
	}
	t.handlers.messages[kind] = handler
}

// inbox counts what waits for the control actor. It implements
// actor.MailboxMiddleware.
type inbox struct{ waiting atomic.Int64 }

func (i *inbox) MailboxStarted()     {}
func (i *inbox) MessagePosted(any)   { i.waiting.Add(1) }
func (i *inbox) MessageReceived(any) { i.waiting.Add(-1) }
func (i *inbox) MailboxEmpty()       {}
func (i *inbox) full() bool          { return i.waiting.Load() >= MaxInbox }

// receive is the control actor.
func (t *Transport) receive(ctx actor.Context) {
	e, ok := ctx.Message().(*troupev1.Envelope)
	if !ok {
		return
	}
	from := From{e.FromId, e.FromIncarnation, e.FromAddress, e.ClusterId, e.Epoch}
	if err := t.admit(e); err != nil {
		t.refuse("message", fmt.Sprintf("%.*s at %.*s", maxName, from.ID, maxAddress, from.Address), err)
		return
	}
	if p := t.peers.get(from.Address); p != nil {
		p.heard()
	}
	switch {
	case e.Reply:
		t.calls.answer(e)
	case e.Correlation != 0:
		t.serve(from, e)
	default:
		t.handle(from, e)
	}
}

// admit tells why a message is refused.
func (t *Transport) admit(e *troupev1.Envelope) error {
	if e.FromId == "" || len(e.FromId) > maxName || len(e.ClusterId) > maxName || len(e.Payload) > MaxPayload ||
		len(e.Error) > maxErrorText || e.Reply && e.Correlation == 0 {
		return errMalformed
	}
	if err := checkAddress(e.FromAddress); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	if own := t.config.ClusterID(); own != "" && own != e.ClusterId {
		guest := e.ClusterId == "" && (e.Reply || Kind(e.Kind)&Joining != 0)
		if !guest {
			err := fmt.Errorf("%w: this node is of cluster %s, %s of %q", errCluster, own, e.FromId, e.ClusterId)
			t.deny(e, err)
			return err
		}
	}
	return t.senders.admit(process{e.FromId, e.FromIncarnation}, e.Sequence)
}

// handle gives a message to its handler.
func (t *Transport) handle(from From, e *troupev1.Envelope) {
	t.handlers.mu.RLock()
	handler := t.handlers.messages[Kind(e.Kind)]
	t.handlers.mu.RUnlock()
	if handler == nil {
		t.refuse("message", from.Address, fmt.Errorf("%w: %d", errKind, e.Kind))
		return
	}
	defer t.caught(e.Kind)
	handler(from, e.Payload)
}

// caught ends a handler that panics. One bad message must not cost the rest.
func (t *Transport) caught(kind uint32) {
	if r := recover(); r != nil {
		t.panics.Add(1)
		t.config.Logger.Error("a handler of control messages has panicked", "kind", kind, "panic", r, "stack", string(debug.Stack()))
	}
}

// get returns the peer if the address was sent to before.
func (ps *peers) get(addr string) *peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.known[addr]
}
