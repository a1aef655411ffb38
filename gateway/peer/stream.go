package peer

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

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
	out    []byte // frames that the connection has not been given, from sent on
	sent   int
	soiled bool // stands in loop.dirty
	asked  asked
	turn   uint64 // of requests: it ends when one of them is refused, see barrier
	closed bool
	since  int64 // Unix milliseconds
	// retiring: it ends when nothing is asked any more.
	retiring bool

	// What others than the loop go by: asked.len() and the bytes of out that are not
	// sent, of when the loop has last told them, and the mail it has taken since.
	open, waiting atomic.Int64

	mu     sync.Mutex
	mail   []letter // from other goroutines
	bytes  int      // of mail
	called bool     // the loop knows that there is mail
	over   bool
}

// letter is a frame that is left for the stream's loop.
type letter struct {
	kind    kind
	id      uint64
	content []byte
	asker   Asker // of a request, which gets its identity on the loop
	ticket  uint64
}

// full tells that the peer is behind.
func (s *stream) full() bool {
	return s.unsent() > softStream || s.asked.len() >= maxAsked
}

// unsent returns how many bytes wait for the socket.
func (s *stream) unsent() int { return len(s.out) - s.sent + int(s.conn.Unsent()) }

// behind is full for who is not on the stream's loop.
func (s *stream) behind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes+int(s.waiting.Load()+s.conn.Unsent()) > softStream || len(s.mail)+int(s.open.Load()) >= maxAsked
}

// announce lets others than the loop know how much there is to do.
func (s *stream) announce() {
	s.open.Store(int64(s.asked.len()))
	s.waiting.Store(int64(len(s.out) - s.sent))
}

// ask begins the frame of a request.
func (s *stream) ask(asker Asker, ticket uint64) (out []byte, start int) {
	out, start = begin(s.out, kindRequest, s.asked.add(asker, ticket))
	return binary.AppendUvarint(out, s.turn), start
}

// soil makes the loop send s.out at the end of the turn.
func (s *stream) soil() {
	if !s.soiled {
		s.soiled = true
		s.loop.dirty = append(s.loop.dirty, s)
	}
}

// send hands frames to the socket, as far as it takes them. It tells whether there
// are more: the connection has less than netloop.SoftOutput of them always, else it
// would not read. Two nodes that do not read what the other answers because that does
// not read what they ask would wait for ever.
func (s *stream) send() (more bool) {
	defer s.announce()
	for !s.closed && s.sent < len(s.out) {
		room := netloop.SoftOutput - 1 - int(s.conn.Unsent())
		if room <= 0 {
			return true
		}
		some := s.out[s.sent:min(len(s.out), s.sent+room)]
		s.sent += len(some)
		s.conn.Lend()
		s.conn.W.Raw(some)
		s.conn.Flush()
	}
	s.out, s.sent = s.out[:0], 0
	if cap(s.out) > keptOut {
		s.out = nil
	}
	return false
}

// compact gives back the memory of what was sent, where a stream is never through.
func (s *stream) compact() {
	if s.sent > keptOut && s.sent > len(s.out)/2 {
		s.out = append([]byte(nil), s.out[s.sent:]...)
		s.sent = 0
	}
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

// post leaves a frame for the loop, which has its content from then on. It may be
// called from any goroutine; it is false if the stream is over or has too much to do.
func (s *stream) post(k kind, id uint64, content []byte) bool {
	return s.leave(letter{kind: k, id: id, content: content})
}

func (s *stream) leave(l letter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.bytes > maxMail {
		return false
	}
	s.mail = append(s.mail, l)
	s.bytes += len(l.content) + maxHead
	if !s.called {
		s.called = true
		s.conn.PostLoop(s.takeMail)
	}
	return true
}

// collect takes the mail.
func (s *stream) collect() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	mail := s.mail
	s.open.Add(int64(len(mail)))
	s.waiting.Add(int64(s.bytes))
	s.mail, s.bytes, s.called = nil, 0, false
	return mail
}

func (s *stream) takeMail() {
	if s.closed {
		return // Closed has seen to the mail
	}
	for _, l := range s.collect() {
		if l.asker == nil {
			s.frame(l.kind, l.id, l.content)
			continue
		}
		out, start := s.ask(l.asker, l.ticket)
		s.out = append(out, l.content...)
		finish(s.out, start)
		s.soil()
	}
}

// Data implements netloop.Session: it takes what the peer answers.
func (s *stream) Data(in []byte) (consumed int) {
	defer func() {
		s.announce()
		if p := recover(); p != nil {
			s.net.recovered(p)
			s.conn.Close()
		}
	}()
	for !s.conn.Closing() && !s.retired() {
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

// goodbye is how long a peer that has left is given to answer what it was asked.
const goodbye = time.Second

// retire makes the stream end when nothing is asked of its peer any more.
func (s *stream) retire() {
	s.retiring = true
	if !s.retired() {
		time.AfterFunc(goodbye, func() { s.conn.Post(s.conn.Close) })
	}
}

// retired ends a stream that is retiring, if its time has come.
func (s *stream) retired() bool {
	if !s.retiring || s.asked.len() > 0 {
		return false
	}
	s.mu.Lock()
	mail := len(s.mail) > 0
	s.mu.Unlock()
	if mail {
		return false
	}
	s.conn.Close()
	return true
}

func (s *stream) take(f *frame) error {
	switch f.kind {
	case kindReply:
		q, ok := s.asked.take(f.id)
		if !ok {
			return errFrame
		}
		q.asker.Replied(q.ticket, f.content)
	case kindRefused:
		turn, request, ok := takeUint(f.content, true)
		if !ok {
			return errFrame
		}
		q, ok := s.asked.take(f.id)
		if !ok {
			return errFrame
		}
		if turn == s.turn {
			s.turn++
		}
		q.asker.Refused(q.ticket, request)
	case kindAnswer:
		return s.net.answered(f.content, s.loop)
	case kindTold:
		s.net.told(s, f.id, f.content)
	default:
		return errFrame
	}
	return nil
}

// answered takes an answer of a participant, on a loop.
func (n *Net) answered(content []byte, on *Loop) error {
	a := &on.answer
	err := wire.ParseAnswerInto(a, content, n.env.Slots.Shards())
	if err == nil {
		n.sagas.TakeOn(on, a)
	}
	a.Out, a.Record, a.Key = nil, nil, nil
	return err
}

// Closed implements netloop.Session.
func (s *stream) Closed() {
	s.closed = true
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	mail := s.collect()
	if s.loop.streams[s.to] == s {
		delete(s.loop.streams, s.to)
	}
	s.net.broken(s)
	for _, q := range s.asked.all() {
		q.asker.Unknown(q.ticket)
	}
	// What was not even sent is not taken back either: its client's later commands may
	// have gone over the next stream.
	for _, l := range mail {
		if l.asker != nil {
			l.asker.Unknown(l.ticket)
		}
	}
}
