package session

import (
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// pipe keeps the replies to a client in the order of its commands while some are
// away: forwarded to another node, or posted to a shard that is busy. What later
// commands answer meanwhile stands behind the place of the reply that is missing.
type pipe struct {
	places []place // from head on, in the order of the commands
	head   int
	first  uint64       // ticket of places[head]
	behind reply.Writer // replies of commands that were not away
	taken  int          // how much of behind was given to the client
	stash  []byte       // replies that came before their turn
	early  int          // bytes of those that still wait for it

	memory *pipeMemory // of all pipes of the loop

	ready    []byte // in its turn, to be sent
	emitting bool   // Emit will be called
	holding  bool   // the connection is paused until the pipe is empty

	// dir is the directory by which everything goes that is away: commands on one key
	// all go the same way, so that none overtakes another.
	dir     *directory.Directory
	flying  int           // how many are on their way, without those in retry
	retry   []retry       // commands that look for their shards, in the order of tickets
	due     time.Time     // when they try again
	wait    time.Duration // before they try after that
	calling bool          // tryAgain will be called

	sagas int    // that went away since the pipe was empty
	busy  keySet // of the keys of everything that did
}

// place is where the reply to one command will stand.
type place struct {
	info     *command.Info
	here     bool // it came early, and is
	from, to int  // there in stash
	end      int  // in behind: of the replies that follow directly

	flying   bool
	deadline time.Time // of a command that looks for its shard
}

// Bounds of one connection's pipe.
const (
	// maxAway is how many commands may be away.
	maxAway = 1024
	// maxEarly is how many bytes of replies may wait for their turn.
	maxEarly = netloop.SoftOutput
)

// pipeMemory is what the pipes of a loop's sessions are made of while something goes
// through them: an idle one has none.
type pipeMemory struct {
	places  spares[[]place]
	buffers spares[[]byte]
	keys    spares[keySet] // empty ones
}

// spares are things that are used again; there may be none.
type spares[T any] []T

// Bounds of what a loop keeps for its pipes: how many of each, and how large ones.
const (
	maxSparePipes = 128
	keptPlaces    = 256
	keptBuffer    = 32 << 10
)

// take returns a spare thing, or a zero one.
func (s *spares[T]) take() (v T) {
	if n := len(*s) - 1; n >= 0 {
		v, *s = (*s)[n], (*s)[:n]
	}
	return v
}

func (s *spares[T]) give(v T) {
	if len(*s) < maxSparePipes {
		*s = append(*s, v)
	}
}

// giveBuffer takes back a buffer that nobody uses any more.
func (m *pipeMemory) giveBuffer(b []byte) {
	if cap(b) > 0 && cap(b) <= keptBuffer {
		m.buffers.give(b[:0])
	}
}

// giveList takes back a list whose places have been cleared.
func (m *pipeMemory) giveList(l []place) {
	if cap(l) > 0 && cap(l) <= keptPlaces {
		m.places.give(l[:0])
	}
}

func (m *pipeMemory) giveKeySet(b keySet) {
	if b.bits != nil {
		b.clear()
		m.keys.give(b)
	}
}

func (p *pipe) len() int { return len(p.places) - p.head }

// next is the ticket of the next place.
func (p *pipe) next() uint64 { return p.first + uint64(p.len()) }

// follow makes what was written to behind stand after the last place.
func (p *pipe) follow() {
	if p.len() > 0 {
		p.places[len(p.places)-1].end = len(p.behind.Buf)
	}
}

// push adds a place and returns its ticket.
func (p *pipe) push(info *command.Info) uint64 {
	if p.places == nil {
		p.places, p.behind.Buf, p.busy = p.memory.places.take(), p.memory.buffers.take(), p.memory.keys.take()
	}
	if p.head > 0 && len(p.places) == cap(p.places) {
		n := copy(p.places, p.places[p.head:])
		clear(p.places[n:])
		p.places, p.head = p.places[:n], 0
	}
	p.places = append(p.places, place{info: info, end: len(p.behind.Buf)})
	return p.next() - 1
}

// put takes the reply for a place, and moves what is in its turn to ready. It is
// false if there is no such place.
func (p *pipe) put(ticket uint64, reply []byte) bool {
	at := ticket - p.first
	if at >= uint64(p.len()) {
		return false
	}
	if at > 0 {
		if p.stash == nil {
			p.stash = p.memory.buffers.take()
		}
		l := &p.places[p.head+int(at)]
		l.from = len(p.stash)
		p.stash = append(p.stash, reply...)
		l.here, l.to = true, len(p.stash)
		p.early += len(reply)
		return true
	}
	if p.ready == nil {
		p.ready = p.memory.buffers.take()
	}
	p.ready = append(p.ready, reply...)
	p.shift()
	for p.len() > 0 && p.places[p.head].here {
		l := &p.places[p.head]
		p.ready = append(p.ready, p.stash[l.from:l.to]...)
		p.early -= l.to - l.from
		p.shift()
	}
	if p.early == 0 {
		p.stash = p.stash[:0]
	}
	if p.len() == 0 {
		p.rest()
	}
	return true
}

// shift removes the first place, whose reply is in ready, and what follows it.
func (p *pipe) shift() {
	l := &p.places[p.head]
	p.ready = append(p.ready, p.behind.Buf[p.taken:l.end]...)
	p.taken = l.end
	*l = place{}
	p.head++
	p.first++
}

// rest is when nothing is away any more. What is ready is still to be sent.
func (p *pipe) rest() {
	p.memory.giveList(p.places)
	p.memory.giveBuffer(p.behind.Buf)
	p.memory.giveBuffer(p.stash)
	p.memory.giveKeySet(p.busy)
	p.places, p.behind.Buf, p.stash, p.busy = nil, nil, nil, keySet{}
	p.head, p.taken = 0, 0
	p.dir, p.wait, p.due = nil, 0, time.Time{}
	p.sagas = 0
}

// sent is when what was ready has been.
func (p *pipe) sent() {
	p.memory.giveBuffer(p.ready)
	p.ready = nil
}

// find returns the place of a ticket, nil if there is none any more.
func (p *pipe) find(ticket uint64) *place {
	if at := ticket - p.first; at < uint64(p.len()) {
		return &p.places[p.head+int(at)]
	}
	return nil
}

// out returns where a command that is not away answers.
func (s *Session) out() *reply.Writer {
	if s.pipe.len() == 0 {
		return &s.Conn.W
	}
	s.pipe.behind.Proto = s.Conn.W.Proto
	return &s.pipe.behind
}

// away makes a place for the reply of a command that goes away, and returns the
// ticket with which the reply will come. Where replies are not simply passed on, the
// connection waits.
func (s *Session) away(info *command.Info) (ticket uint64) {
	if s.pipe.len() == 0 {
		s.pipe.dir = s.Server.Env.Where.Load()
		s.w.waiting++
	}
	ticket = s.pipe.push(info)
	if s.muted || s.Reply != ReplyOn {
		s.hold()
	}
	return ticket
}

// mayOvertake tells whether a command may run while others are away: it is on one
// key, of which nothing has moved since, so that commands on the same key keep their
// order.
func (s *Session) mayOvertake(args [][]byte) bool {
	info := s.Server.Table.Lookup(args[0])
	return info != nil && len(info.Subs()) == 0 && info.AdmitsArity(len(args)) && s.apart(info, args) &&
		s.Multi == nil && s.Reply == ReplyOn && len(s.pipe.retry) == 0 &&
		s.pipe.len() < maxAway && s.pipe.early+len(s.pipe.behind.Buf) < maxEarly &&
		s.pipe.dir == s.Server.Env.Where.Load()
}

// hold pauses the connection until nothing is away.
func (s *Session) hold() {
	s.pipe.holding = true
	s.Conn.Pause()
}

// arrived takes the reply of a command that was away, on the session's loop.
func (s *Session) arrived(ticket uint64, out []byte) {
	l := s.pipe.find(ticket)
	if l == nil || s.gone.closed.Load() {
		return
	}
	s.landed(l)
	if len(out) > 0 && out[0] == '-' {
		s.erred(l.info, out, 1)
	}
	s.pipe.put(ticket, out)
	if s.pipe.len() == 0 {
		s.w.waiting--
	}
	if !s.pipe.emitting && (len(s.pipe.ready) > 0 || s.pipe.len() == 0) {
		s.pipe.emitting = true
		if s.w.loop != nil {
			s.w.loop.EmitLater(s)
		} else {
			s.Emit()
		}
	}
}

// Emit implements peer.Emitter: it sends what is in its turn, and goes on with the
// input if that was waited for.
func (s *Session) Emit() {
	p := &s.pipe
	p.emitting = false
	if s.gone.closed.Load() {
		return
	}
	s.Conn.Lend()
	s.mute = len(s.Conn.W.Buf)
	s.Conn.W.Raw(p.ready)
	s.w.netOut += uint64(len(p.ready))
	p.sent()
	if p.len() == 0 && p.holding {
		p.holding = false
		s.Conn.Resume()
		s.settleReply()
		s.publish()
	}
	s.Conn.Flush()
	if s.OverOutputLimit() {
		s.Conn.Close()
	}
}
