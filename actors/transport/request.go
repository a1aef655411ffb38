package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// RemoteError is why a peer did not answer a request, in its words.
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return e.Text }

type requestHandler = func(ctx context.Context, from From, payload []byte) ([]byte, error)

// calls are this node's requests without an answer.
type calls struct {
	mu   sync.Mutex
	next uint64
	open map[uint64]*call
}

type call struct {
	peer *peer
	done chan result // holds one
}

type result struct {
	payload []byte
	err     error
}

// Request sends a request and waits for the answer. It may have been carried out
// although it fails: by another's deadline, or as the answer was lost. Errors of the
// peer's handler are RemoteErrors; ErrDown and ErrUnreachable come at once.
func (t *Transport) Request(ctx context.Context, addr string, kind Kind, payload []byte) ([]byte, error) {
	p, err := t.peer(addr)
	if err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(defaultWait)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	wait := min(max(time.Until(deadline), time.Millisecond), maxWait)
	c := &call{peer: p, done: make(chan result, 1)}
	id, err := t.calls.add(c)
	if err != nil {
		return nil, err
	}
	defer t.calls.remove(id)
	e := &troupev1.Envelope{Kind: uint32(kind), Correlation: id, Wait: uint32(wait.Milliseconds()), Payload: payload}
	if err := t.send(p, e); err != nil {
		return nil, err
	}
	select {
	case r := <-c.done:
		return r.payload, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *calls) add(one *call) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= MaxPending {
		return 0, ErrOverloaded
	}
	c.next++
	c.open[c.next] = one
	return c.next, nil
}

func (c *calls) remove(id uint64) {
	c.mu.Lock()
	delete(c.open, id)
	c.mu.Unlock()
}

// answer ends the call that the reply is for; late ones are for none.
func (c *calls) answer(e *troupev1.Envelope) {
	c.mu.Lock()
	one := c.open[e.Correlation]
	delete(c.open, e.Correlation)
	c.mu.Unlock()
	if one == nil {
		return
	}
	if e.Error != "" {
		one.done <- result{err: &RemoteError{e.Error}}
	} else {
		one.done <- result{payload: e.Payload}
	}
}

// fail ends all calls to p, nil: to everybody.
func (c *calls) fail(p *peer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, one := range c.open {
		if p == nil || one.peer == p {
			one.done <- result{err: err}
			delete(c.open, id)
		}
	}
}

// HandleRequest says how requests of a kind are answered. The handler has a
// goroutine of its own, of MaxRunning, and returns when its context ends, which is
// when the one who asked waits no more. The texts of its errors travel, up to 1 KiB.
func (t *Transport) HandleRequest(kind Kind, handler func(ctx context.Context, from From, payload []byte) ([]byte, error)) {
	t.handlers.mu.Lock()
	defer t.handlers.mu.Unlock()
	if t.handlers.requests == nil {
		t.handlers.requests = map[Kind]requestHandler{}
	}
	t.handlers.requests[kind] = handler
}

// serve starts the handler of a request.
func (t *Transport) serve(from From, e *troupev1.Envelope) {
	t.handlers.mu.RLock()
	handler := t.handlers.requests[Kind(e.Kind)]
	t.handlers.mu.RUnlock()
	if handler == nil {
		err := fmt.Errorf("%w: %d", errKind, e.Kind)
		t.refuse("request", from.Address, err)
		t.deny(e, err)
		return
	}
	select {
	case t.slots <- struct{}{}:
	default:
		t.dropped.Add(1)
		t.deny(e, ErrOverloaded)
		return
	}
	t.running.Go(func() {
		defer func() { <-t.slots }()
		wait := min(time.Duration(e.Wait)*time.Millisecond, maxWait)
		ctx, cancel := context.WithTimeout(t.ctx, wait)
		defer cancel()
		payload, err := t.run(ctx, handler, from, e)
		if err == nil && len(payload) > MaxPayload {
			err = ErrTooLarge
		}
		t.reply(e, payload, err)
	})
}

var errPanicked = errors.New("the handler of the request has panicked")

func (t *Transport) run(ctx context.Context, handler requestHandler, from From, e *troupev1.Envelope) (payload []byte, err error) {
	err = errPanicked
	defer t.caught(e.Kind)
	payload, err = handler(ctx, from, e.Payload)
	return payload, err
}

// deny answers a request that has no handler to answer it.
func (t *Transport) deny(e *troupev1.Envelope, err error) {
	if e.Correlation != 0 && !e.Reply {
		t.reply(e, nil, err)
	}
}

func (t *Transport) reply(e *troupev1.Envelope, payload []byte, err error) {
	p, unknown := t.peer(e.FromAddress)
	if unknown != nil {
		t.dropped.Add(1)
		return
	}
	answer := &troupev1.Envelope{Kind: e.Kind, Correlation: e.Correlation, Reply: true, Payload: payload}
	if err != nil {
		answer.Payload, answer.Error = nil, errorText(err)
	}
	_ = t.send(p, answer)
}

// errorText returns an error's text as an envelope can hold it.
func errorText(err error) string {
	text := err.Error()
	if text == "" {
		text = "an error without words"
	}
	return strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "?")
}
