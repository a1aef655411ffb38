package peer

import (
	"sync"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/shard/wire"
)

const (
	// softStream is how much may wait to be sent to a peer before more is refused for
	// a while: it takes commands more slowly than they come.
	softStream = 8 << 20
	// maxMail bounds what others than the loop have left to be sent.
	maxMail = 64 << 20
)

// stream is a connection to a peer that this node has dialled. It is a
// netloop.Session.
type stream struct {
	net    *Net
	loop   *Loop
	to     directory.Number
	conn   *netloop.Conn
	out    []byte // frames of this turn
	soiled bool   // stands in loop.dirty
	asked  asked
	closed bool
	since  int64 // Unix milliseconds

	mu     sync.Mutex
	mail   []byte // frames from other goroutines
	called bool   // the loop knows that there is mail
	over   bool
}

// full tells that the peer is behind.
func (s *stream) full() bool {
	return len(s.out)+int(s.conn.Unsent()) > softStream || s.asked.len() >= maxAsked
}

// soil makes the loop send s.out at the end of the turn.
func (s *stream) soil() {
	if !s.soiled {
		s.soiled = true
		s.loop.dirty = append(s.loop.dirty, s)
	}
}

// send hands the frames of the turn to the socket.
func (s *stream) send() {
	s.soiled = false
	if s.closed {
		return
	}
	s.conn.Lend()
	s.conn.W.Raw(s.out)
	s.out = s.out[:0]
	if cap(s.out) > keptOut {
		s.out = nil
	}
	s.conn.Flush()
}

// keptOut is the largest buffer of frames that is kept between turns.
const keptOut = 1 << 20

// frame adds a frame, on the loop.
func (s *stream) frame(k kind, id uint64, content []byte) {
	out, start := begin(s.out, k, id)
	s.out = append(out, content...)
	finish(s.out, start)
	s.soil()
}

// post leaves a frame for the loop. It may be called from any goroutine; it is false
// if the stream is over or has too much to do.
func (s *stream) post(k kind, id uint64, content []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || len(s.mail) > maxMail {
		return false
	}
	out, start := begin(s.mail, k, id)
	s.mail = append(out, content...)
	finish(s.mail, start)
	if !s.called {
		s.called = true
		s.conn.PostLoop(s.takeMail)
	}
	return true
}

func (s *stream) takeMail() {
	s.mu.Lock()
	mail := s.mail
	s.mail, s.called = nil, false
	s.mu.Unlock()
	if !s.closed {
		s.out = append(s.out, mail...)
		s.soil()
	}
}

// Data implements netloop.Session: it takes what the peer answers.
func (s *stream) Data(in []byte) (consumed int) {
	for !s.conn.Closing() {
		f, n, err := next(in[consumed:], MaxFrame)
		if err == nil && n > 0 {
			err = s.take(&f)
		}
		if err != nil {
			s.net.refuse(s.conn.Remote, err)
			s.conn.Close()
			return consumed
		}
		if n == 0 {
			break
		}
		consumed += n
	}
	return consumed
}

func (s *stream) take(f *frame) error {
	switch f.kind {
	case kindReply, kindRefused:
		q, ok := s.asked.take(f.id)
		switch {
		case !ok:
			return errFrame
		case f.kind == kindReply:
			q.asker.Replied(q.ticket, f.content)
		default:
			q.asker.Refused(q.ticket, f.content)
		}
	case kindAnswer:
		return s.net.answered(f.content)
	case kindTold:
		s.net.told(s.to, f.id, f.content)
	default:
		return errFrame
	}
	return nil
}

// answered takes an answer of a participant.
func (n *Net) answered(content []byte) error {
	a, err := wire.ParseAnswer(append([]byte(nil), content...), n.env.Slots.Shards())
	if err == nil {
		n.sagas.Take(a)
	}
	return err
}

// Closed implements netloop.Session.
func (s *stream) Closed() {
	s.closed = true
	s.mu.Lock()
	s.over, s.mail = true, nil
	s.mu.Unlock()
	if s.loop.streams[s.to] == s {
		delete(s.loop.streams, s.to)
	}
	s.net.broken(s)
	for _, q := range s.asked.all() {
		q.asker.Unknown(q.ticket)
	}
}
