package peer

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/wire"
)

// Asker gets what comes of a request. Its methods are called on the loop that the
// request was forwarded from, with the ticket that it was given; bytes are valid
// during the call.
type Asker interface {
	// Replied: the command was carried out.
	Replied(ticket uint64, reply []byte)
	// Refused: nothing was done, as the shard is not there; request is what was
	// sent, for wire.ParseRequest. Of the requests that a loop forwards in one turn to
	// one shard, all are refused that come after one that was.
	Refused(ticket uint64, request []byte)
	// Unknown: the stream has broken, nobody knows whether the command was carried out.
	Unknown(ticket uint64)
}

// Loop is the streams of one event loop. It belongs to the loop's goroutine.
type Loop struct {
	net     *Net
	streams map[directory.Number]*stream
	dirty   []*stream // with frames that are to be sent
	// dirtyOld is the memory of the last turn's.
	dirtyOld []*stream
	emit     []Emitter

	lane uint64 // of its messages, 0: it has none of its own
	ways map[directory.Number]*way

	answer engine.Answer // the last one that has come, its memory
}

// Emitter has output that is to be sent at the end of a turn.
type Emitter interface{ Emit() }

// NewLoop returns the streams of a new event loop, or of a connection that is a loop
// of its own.
func (n *Net) NewLoop() *Loop {
	l := newLoop(n)
	if lane := n.speech.loops.Add(1); lane < 1<<laneBits {
		l.lane = lane
	}
	return l
}

// stream returns the loop's stream to a peer, nil if there is none. Loops of single
// connections share the streams of all.
func (l *Loop) stream(to directory.Number) *stream {
	if s := l.streams[to]; s != nil {
		return s
	}
	if l.net.shared {
		return l.net.any(to, 0)
	}
	return nil
}

// Forward sends a request to the node that has its shard. conn is the connection
// that waits, for where the stream is another loop's. It is false if there is no
// stream; nothing was sent then.
func (l *Loop) Forward(to directory.Number, r *wire.Request, conn *netloop.Conn, asker Asker, ticket uint64) bool {
	s := l.stream(to)
	switch {
	case s == nil:
		return false
	case s.loop != l:
		return !s.behind() && s.leave(letter{
			kind: kindRequest, content: wire.AppendRequest(nil, r), asker: foreign{conn, asker}, ticket: ticket,
		})
	case s.full():
		return false
	}
	out, start := s.ask(asker, ticket)
	s.out = wire.AppendRequest(out, r)
	finish(s.out, start)
	s.soil()
	return true
}

// foreign is an asker on another loop than its stream's.
type foreign struct {
	conn  *netloop.Conn
	asker Asker
}

func (f foreign) Replied(ticket uint64, reply []byte) {
	own := append([]byte(nil), reply...)
	f.conn.Post(func() { f.asker.Replied(ticket, own) })
}

func (f foreign) Refused(ticket uint64, request []byte) {
	own := append([]byte(nil), request...)
	f.conn.Post(func() { f.asker.Refused(ticket, own) })
}

func (f foreign) Unknown(ticket uint64) { f.conn.Post(func() { f.asker.Unknown(ticket) }) }

func newLoop(n *Net) *Loop {
	return &Loop{net: n, streams: map[directory.Number]*stream{}, ways: map[directory.Number]*way{}}
}

// EmitLater makes the loop call e at the end of this turn: for what was written
// outside of the calls of its session.
func (l *Loop) EmitLater(e Emitter) { l.emit = append(l.emit, e) }

// Turn sends what the turn has gathered. It is to be called at the end of each.
func (l *Loop) Turn() {
	for {
		for i := 0; i < len(l.emit); i++ { // which may add to it
			l.emit[i].Emit()
		}
		clear(l.emit)
		l.emit = l.emit[:0]
		l.send()
		if len(l.emit) == 0 { // else a stream has broken over what was sent
			return
		}
	}
}

func (l *Loop) send() {
	list := l.dirty
	l.dirty = l.dirtyOld[:0]
	for _, s := range list {
		s.soiled = false
		if s.send() {
			s.compact()
			s.soil() // the next turn is when its socket takes more
		}
	}
	clear(list)
	l.dirtyOld = list[:0]
}
