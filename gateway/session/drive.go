package session

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

// drive carries out a call whose keys are on several nodes as a saga that the
// session's own loop drives. It is false where that would keep the loop too long, or
// from what others may have to wait for.
func (s *Session) drive(call *saga.Call) bool {
	if s.w.loop == nil || call.Cmd.Flags&command.Blocking != 0 || s.Server.Env.Computes(call) {
		return false
	}
	own := call.Own()
	own.Post = s.post
	ticket := s.away(call.Cmd)
	s.hold()
	s.Server.Sagas.Drive((*driver)(s), own, func() { s.arrived(ticket, own.Out.Buf) })
	return true
}

// driver is a session as the driver of its sagas.
type driver Session

// Order implements coordinator.Driver.
func (d *driver) Order(to directory.Number, shard int, o *engine.Order) bool {
	return d.w.loop.Order(to, shard, o)
}

// Post implements coordinator.Driver.
func (d *driver) Post(f func()) { d.Conn.PostLoop(f) }

// On implements coordinator.Driver.
func (d *driver) On(loop any) bool { l, ok := loop.(*peer.Loop); return ok && l == d.w.loop }
