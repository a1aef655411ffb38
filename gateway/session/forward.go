package session

import (
	"slices"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/wire"
	"github.com/troupedb/troupe/shard/words"
)

const (
	errFenced   reply.Error = "CLUSTERDOWN This node has lost touch with most of the cluster and must not serve"
	errNodeDown reply.Error = "CLUSTERDOWN The node that has the key is down"
	errNodeBusy reply.Error = "CLUSTERDOWN The node that has the key cannot be reached, or takes too long to take over the key; nothing was done"
	errOutcome  reply.Error = "UNKNOWN The connection to the node that has the key broke; it is unknown whether the command was carried out"
)

// How long a command that could not be sent, or was refused because its shard has
// moved, tries again: long enough for a move's last step, and for a stream to be
// dialled.
const (
	routePatience = 5 * time.Second
	firstRetry    = time.Millisecond
	lastRetry     = 50 * time.Millisecond
)

// parcel is a command on one key that owns its memory.
type parcel struct {
	cmd  *command.Info
	db   int
	slot uint16
	args [][]byte
}

// retry is a command that is to find its shard.
type retry struct {
	parcel
	ticket uint64
}

// forward sends a command to the node that has its shard. The words are copied into
// the stream's output.
func (s *Session) forward(owner directory.Number, info *command.Info, in uint16, args [][]byte) {
	s.releaseLease()
	ticket := s.away(info)
	s.pipe.busy.add(args[info.KeyPos])
	place := &s.pipe.dir.Places[s.Server.Env.Slots.Shard(in)]
	if place.Owner == owner && len(s.pipe.retry) == 0 {
		r := &s.w.abroad
		*r = wire.Request{Cmd: info, DB: s.DB, Proto: s.Conn.W.Proto, Slot: in, Args: args, Epoch: place.Epoch}
		sent := s.w.loop.Forward(owner, r, s.Conn, s, ticket)
		r.Args = nil // they are the connection's
		if sent {
			s.launched(ticket)
			return
		}
	}
	s.again(ticket, parcel{info, s.DB, in, words.Clone(args)})
}

// reroute is for a command that has met its shard on this node when that had just
// gone.
func (s *Session) reroute(info *command.Info, in uint16, args [][]byte) {
	s.releaseLease()
	s.again(s.away(info), parcel{info, s.DB, in, words.Clone(args)})
}

// launched notes that a command is on its way to its shard, landed that it is not
// any more.
func (s *Session) launched(ticket uint64) {
	s.pipe.find(ticket).flying = true
	s.pipe.flying++
}

func (s *Session) landed(l *place) {
	if l.flying {
		l.flying = false
		s.pipe.flying--
		s.retryLater()
	}
}

// Replied implements peer.Asker.
func (s *Session) Replied(ticket uint64, out []byte) {
	s.guard(func() { s.arrived(ticket, out) })
}

// Refused implements peer.Asker.
func (s *Session) Refused(ticket uint64, request []byte) {
	s.guard(func() {
		var r wire.Request
		if err := wire.ParseRequest(append([]byte(nil), request...), s.Server.Table, &r); err != nil {
			s.fail(ticket, errNodeBusy) // a peer that returns something else than it got
			return
		}
		s.again(ticket, parcel{r.Cmd, r.DB, r.Slot, r.Args})
	})
}

// Unknown implements peer.Asker. A command that only reads has done nothing at least.
func (s *Session) Unknown(ticket uint64) {
	s.guard(func() {
		why := errOutcome
		if l := s.pipe.find(ticket); l != nil && l.info.Flags&command.Write == 0 {
			why = errNodeDown
		}
		s.fail(ticket, why)
	})
}

func (s *Session) fail(ticket uint64, why reply.Error) {
	w := reply.Writer{Proto: s.Conn.W.Proto}
	w.Error(why)
	s.arrived(ticket, w.Buf)
}

// again makes a command look for its shard once more.
func (s *Session) again(ticket uint64, what parcel) {
	l := s.pipe.find(ticket)
	if l == nil || s.gone.closed.Load() {
		return
	}
	now := time.Now()
	if l.deadline.IsZero() {
		l.deadline = now.Add(routePatience)
	} else if now.After(l.deadline) {
		s.fail(ticket, errNodeBusy)
		return
	}
	list := s.pipe.retry
	at := len(list)
	for at > 0 && list[at-1].ticket > ticket {
		at--
	}
	s.pipe.retry = slices.Insert(list, at, retry{what, ticket})
	s.landed(l)
	s.retryLater()
}

// retryLater sees to it that the commands that look for their shards try again. All
// that were on their way must be back by then: one of them may be refused too, and
// is to come before those that follow it.
func (s *Session) retryLater() {
	p := &s.pipe
	if len(p.retry) == 0 || p.flying > 0 || p.calling {
		return
	}
	p.calling = true
	if wait := time.Until(p.due); wait > 0 {
		time.AfterFunc(wait, func() { s.Post(s.tryAgain) })
	} else {
		s.Post(s.tryAgain)
	}
}

// tryAgain sends the commands that look for their shards, all by the same directory,
// until one cannot be sent.
func (s *Session) tryAgain() {
	p := &s.pipe
	p.calling = false
	if len(p.retry) == 0 || p.flying > 0 {
		return
	}
	p.dir = s.Server.Env.Where.Load()
	p.wait = min(max(2*p.wait, firstRetry), lastRetry)
	p.due = time.Now().Add(p.wait)
	for len(p.retry) > 0 {
		first := p.retry[0]
		l := p.find(first.ticket)
		why, sent := s.send(&first)
		if !sent && why == "" {
			if time.Now().Before(l.deadline) {
				break
			}
			why = errNodeBusy
		}
		p.retry = slices.Delete(p.retry, 0, 1)
		if !sent {
			s.fail(first.ticket, why)
		}
	}
	if len(p.retry) == 0 {
		p.retry = nil
	}
	s.retryLater()
}

// send sends a command to where its shard is. If it is not sent, why says that it
// never will be, or nothing, and it can be tried again.
func (s *Session) send(r *retry) (why reply.Error, sent bool) {
	env := s.Server.Env
	index := env.Slots.Shard(r.slot)
	place, h := &s.pipe.dir.Places[index], env.Shards[index]
	switch now := s.w.clock(); {
	case place.Owner != s.pipe.dir.Self && s.Server.down(s.pipe.dir, place.Owner):
		return errNodeDown, false
	case place.Owner != s.pipe.dir.Self:
		request := wire.Request{
			Cmd: r.cmd, DB: r.db, Proto: s.Conn.W.Proto, Slot: r.slot, Args: r.args, Epoch: place.Epoch,
		}
		sent = s.w.loop.Forward(place.Owner, &request, s.Conn, s, r.ticket)
	case s.w.fenced:
		return errFenced, false
	case h.Owner() == 0: // else it is on its way
		s.sendTo(h, &engine.Request{
			Cmd: r.cmd, DB: r.db, Slot: r.slot, Key: r.cmd.KeyPos, Args: r.args, Now: now, Epoch: place.Epoch,
		}, r.ticket)
		sent = true
	}
	if sent {
		s.launched(r.ticket)
	}
	return "", sent
}

// down tells whether a member of d is known not to answer. One that has left since has
// handed over what d says it has.
func (srv *Server) down(d *directory.Directory, number directory.Number) bool {
	m := d.Member(number)
	return m == nil || m.State == directory.Down || srv.Streams.Suspected(number)
}
