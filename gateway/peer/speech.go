package peer

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupedb/troupe/actors/directory"
)

// speech keeps messages in order. Each loop numbers its messages to a peer and keeps
// to one stream as long as that lives; the peer drops what a stream that has broken
// delivers after the next one has begun.
type speech struct {
	loops  atomic.Uint64 // how many loops were made
	mu     sync.Mutex
	others *Loop // of all who are on no loop, and of loops of single connections; guarded by mu

	heardMu sync.Mutex
	heard   map[directory.Number]*lanes

	onOpen func(to directory.Number)
}

// OnOpen makes f be called whenever there is a stream to a peer after there was none,
// on the stream's loop. It is to be called before streams are opened.
func (n *Net) OnOpen(f func(to directory.Number)) {
	if others := n.speech.onOpen; others != nil {
		n.speech.onOpen = func(to directory.Number) {
			others(to)
			f(to)
		}
		return
	}
	n.speech.onOpen = f
}

// laneBits is for the lane in the identity of a message: whose number it has. Lane 0
// is that of others.
const laneBits = 10

// way is how a loop's messages to one peer go.
type way struct {
	stream *stream
	last   uint64 // number of the last message
}

// Tell sends a message, which may be lost. Those of one loop arrive in order; those
// on the loop's own stream after what it has forwarded before.
func (l *Loop) Tell(to directory.Number, t Topic, content []byte) bool {
	if l.net.shared || l.lane == 0 {
		return l.net.Tell(to, t, content)
	}
	return l.tell(to, t, content, nil)
}

// Tell is Loop.Tell for those who are on no loop: their messages are in order among
// themselves.
func (n *Net) Tell(to directory.Number, t Topic, content []byte) bool {
	return n.TellOf(to, t, content, nil)
}

// TellOf is Tell of a message that is in two parts.
func (n *Net) TellOf(to directory.Number, t Topic, head, rest []byte) bool {
	n.speech.mu.Lock()
	defer n.speech.mu.Unlock()
	return n.speech.others.tell(to, t, head, rest)
}

func (l *Loop) tell(to directory.Number, t Topic, head, rest []byte) bool {
	w := l.ways[to]
	if w == nil {
		w = &way{}
		l.ways[to] = w
	}
	if w.stream == nil || w.stream.ended() {
		if w.stream = l.streams[to]; w.stream == nil {
			w.stream = l.net.any(to, 0)
		}
	}
	s, id := w.stream, (w.last+1)<<laneBits|l.lane
	switch {
	case s == nil:
		return false
	case s.loop != l:
		if !s.post(kindTell, id, slices.Concat([]byte{byte(t)}, head, rest)) {
			return false
		}
	case s.unsent() > maxMail:
		return false // the peer is far behind
	default:
		out, start := begin(s.out, kindTell, id)
		s.out = append(append(append(out, byte(t)), head...), rest...)
		finish(s.out, start)
		s.soil()
	}
	w.last++
	return true
}

// ended tells whether the stream has broken. It may be called from any goroutine.
func (s *stream) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// lanes are the messages that have come from one process of a peer.
type lanes struct {
	incarnation uint64
	lane        [1 << laneBits]struct {
		mu   sync.Mutex // held while a message is taken
		last uint64
	}
}

// lanesOf returns the lanes of a peer's process for a stream that it has opened.
func (n *Net) lanesOf(h *hello) *lanes {
	n.speech.heardMu.Lock()
	defer n.speech.heardMu.Unlock()
	was := n.speech.heard[h.number]
	if was == nil || was.incarnation != h.incarnation {
		was = &lanes{incarnation: h.incarnation}
		n.speech.heard[h.number] = was
	}
	return was
}

// told takes a message, unless a later one of its lane has come before it.
func (s *serving) told(f *frame) error {
	l := &s.lanes.lane[f.id&(1<<laneBits-1)]
	l.mu.Lock()
	defer l.mu.Unlock()
	number := f.id >> laneBits
	if number <= l.last {
		return nil
	}
	l.last = number
	return s.net.hear(s.from, f.content, nil)
}
