package session

import (
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/wire"
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

// retry is a command that is to find its shard. Those of one session go in order.
type retry struct {
	parcel
	ticket uint64
	due    time.Time // not before
}

// forward sends a command to the node that has its shard. The words are copied into
// the stream's output.
func (s *Session) forward(owner directory.Number, info *command.Info, in uint16, args [][]byte) {
	s.releaseLease()
	r := &s.w.abroad
	s.fill(r, info, s.DB, in, args)
	ticket := s.away(info)
	if len(s.pipe.retry) == 0 && s.w.loop.Forward(owner, r, s.Conn, s, ticket) {
		return
	}
	s.again(ticket, parcel{info, s.DB, in, saga.CloneArgs(args)})
}

func (s *Session) fill(r *wire.Request, info *command.Info, db int, in uint16, args [][]byte) {
	env := s.Server.Env
	*r = wire.Request{
		Cmd: info, DB: db, Proto: s.Conn.W.Proto, Slot: in, Args: args,
		Epoch: env.Where.Load().Places[env.Slots.Shard(in)].Epoch,
	}
}

// reroute is for a command that has met its shard on this node when that had just
// gone.
func (s *Session) reroute(info *command.Info, in uint16, args [][]byte) {
	s.releaseLease()
	s.again(s.away(info), parcel{info, s.DB, in, saga.CloneArgs(args)})
}

// Replied implements peer.Asker.
func (s *Session) Replied(ticket uint64, out []byte) { s.arrived(ticket, out) }

// Refused implements peer.Asker.
func (s *Session) Refused(ticket uint64, request []byte) {
	var r wire.Request
	if err := wire.ParseRequest(append([]byte(nil), request...), s.Server.Table, &r); err != nil {
		s.fail(ticket, errNodeBusy) // a peer that returns something else than it got
		return
	}
	s.again(ticket, parcel{r.Cmd, r.DB, r.Slot, r.Args})
}

// Unknown implements peer.Asker. A command that only reads has done nothing at least.
func (s *Session) Unknown(ticket uint64) {
	why := errOutcome
	if l := s.pipe.find(ticket); l != nil && l.info.Flags&command.Write == 0 {
		why = errNodeDown
	}
	s.fail(ticket, why)
}

func (s *Session) fail(ticket uint64, why reply.Error) {
	w := reply.Writer{Proto: s.Conn.W.Proto}
	w.Error(why)
	s.arrived(ticket, w.Buf)
}

// again makes a command look for its shard once more, behind those that do already.
func (s *Session) again(ticket uint64, p parcel) {
	l := s.pipe.find(ticket)
	if l == nil {
		return
	}
	due := time.Now().Add(l.wait)
	if l.wait == 0 {
		l.deadline = due.Add(routePatience)
	}
	l.wait = min(max(2*l.wait, firstRetry), lastRetry)
	s.pipe.retry = append(s.pipe.retry, retry{p, ticket, due})
	if len(s.pipe.retry) == 1 {
		s.post(s.retryFirst)
	}
}

// retryFirst sends the commands that look for their shards, until one has to wait.
func (s *Session) retryFirst() {
	for len(s.pipe.retry) > 0 && !s.gone.closed.Load() {
		first := &s.pipe.retry[0]
		if wait := time.Until(first.due); wait > 0 {
			time.AfterFunc(wait, func() { s.post(s.retryFirst) })
			return
		}
		if l := s.pipe.find(first.ticket); l != nil {
			why, sent := s.send(first)
			if !sent && why == "" && time.Now().Before(l.deadline) {
				first.due = time.Now().Add(l.wait)
				l.wait = min(2*l.wait, lastRetry)
				continue
			}
			if !sent && why == "" {
				why = errNodeBusy
			}
			if !sent {
				s.fail(first.ticket, why)
			}
		}
		s.pipe.retry = s.pipe.retry[1:]
	}
	s.pipe.retry = nil
}

// send sends a command to where its shard is now. If it is not sent, why says that it
// never will be, or nothing, and it can be tried again.
func (s *Session) send(r *retry) (why reply.Error, sent bool) {
	env := s.Server.Env
	index := env.Slots.Shard(r.slot)
	h := env.Shards[index]
	owner := h.Owner()
	if owner == 0 {
		if d := env.Where.Load(); !d.Mine(index) {
			return "", false // it is on its way
		}
		s.sendTo(h, &engine.Request{
			Cmd: r.cmd, DB: r.db, Slot: r.slot, Key: r.cmd.KeyPos, Args: r.args, Now: s.w.clock(),
		}, r.ticket)
		return "", true
	}
	if s.Server.down(owner) {
		return errNodeDown, false
	}
	var request wire.Request
	s.fill(&request, r.cmd, r.db, r.slot, r.args)
	return "", s.w.loop.Forward(owner, &request, s.Conn, s, r.ticket)
}

// down tells whether a node is known not to answer.
func (srv *Server) down(number directory.Number) bool {
	m := srv.Env.Where.Load().Member(number)
	return m == nil || m.State == directory.Down || srv.Streams.Suspected(number)
}
