package peer

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/actors/directory"
)

// Topic is what a message between nodes is about.
type Topic byte

// Listener takes the messages of a topic. content is valid during the call, which is
// on an event loop and must not block. answer is nil for a message; a question is
// answered by calling it once, from any goroutine, at any time. An error ends the
// stream: the peer does not speak as it should.
type Listener func(from directory.Number, content []byte, answer func([]byte)) error

// Listen makes f take a topic's messages. It is to be called before streams are opened.
func (n *Net) Listen(t Topic, f Listener) { n.topics[t] = f }

// Ask sends a question. then is called once, on any goroutine, with the answer, or
// with false where there will be none.
func (n *Net) Ask(to directory.Number, t Topic, content []byte, then func(answer []byte, ok bool)) {
	s := n.any(to, 0)
	if s == nil {
		then(nil, false)
		return
	}
	id := n.asks.add(s, then)
	giveUp := func() {
		if q := n.asks.take(id); q != nil {
			q.then(nil, false)
		}
	}
	if !s.post(kindAsk, id, append([]byte{byte(t)}, content...)) {
		giveUp()
		return
	}
	time.AfterFunc(askPatience, giveUp)
}

// askPatience is how long an answer is waited for.
const askPatience = 5 * time.Second

// asks are the questions that have no answer yet.
type asks struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]*ask
}

type ask struct {
	over *stream
	then func([]byte, bool)
}

func (a *asks) add(over *stream, then func([]byte, bool)) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = map[uint64]*ask{}
	}
	a.last++
	a.open[a.last] = &ask{over, then}
	return a.last
}

func (a *asks) take(id uint64) *ask { return a.takeFrom(nil, id) }

// takeFrom is take of a question that went over a stream, nil: over any.
func (a *asks) takeFrom(over *stream, id uint64) *ask {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.open[id]
	if q == nil || over != nil && q.over != over {
		return nil
	}
	delete(a.open, id)
	return q
}

// fail ends the questions that went over a stream that has broken.
func (a *asks) fail(s *stream) {
	a.mu.Lock()
	var failed []*ask
	for id, q := range a.open {
		if q.over == s {
			failed = append(failed, q)
			delete(a.open, id)
		}
	}
	a.mu.Unlock()
	for _, q := range failed {
		go q.then(nil, false)
	}
}

// told takes an answer, which must come the way that its question went.
func (n *Net) told(by *stream, id uint64, content []byte) {
	if q := n.asks.takeFrom(by, id); q != nil {
		q.then(append([]byte(nil), content...), true)
	}
}

// hear gives a message, or a question, to its listener.
func (n *Net) hear(from directory.Number, content []byte, answer func([]byte)) error {
	if len(content) == 0 {
		return errFrame
	}
	f := n.topics[Topic(content[0])]
	if f == nil {
		return fmt.Errorf("unknown topic %d", content[0])
	}
	return f(from, content[1:], answer)
}

// refusals counts what was refused, and logs it once a second at most.
type refusals struct {
	logger *slog.Logger
	count  atomic.Uint64
	last   atomic.Int64 // Unix nanoseconds
}

func (r *refusals) add(remote string, why error) {
	n := r.count.Add(1)
	now := time.Now().UnixNano()
	if last := r.last.Load(); now-last > int64(time.Second) && r.last.CompareAndSwap(last, now) {
		r.logger.Warn("refused a stream from another node", "remote", remote, "error", why, "refused so far", n)
	}
}
