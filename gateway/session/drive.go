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
// where the client may have to wait for others.
func (s *Session) drive(call *saga.Call) bool {
	if s.w.loop == nil || call.Cmd.Flags&command.Blocking != 0 || !s.Server.Env.Hurries(call) {
		return false
	}
	ticket := s.away(call.Cmd)
	s.w.driving++
	if call.Cmd.Route == command.RouteSaga && len(call.Queue) == 0 && !s.Server.Env.Computes(call) {
		s.pipe.sagas++
		for _, k := range s.keysOf(call.Cmd, call.Args) {
			s.pipe.busy.add(call.Args[k.Pos])
		}
	} else {
		s.hold() // what it touches is not known here
	}
	if s.postLater == nil {
		s.postLater = s.post
	}
	if s.w.gatherer == nil {
		s.w.gatherer = s.Server.Sagas.NewGatherer()
	}
	if !s.w.gatherer.Gather((*driver)(s), ticket, call) {
		s.Server.Sagas.Drive((*driver)(s), ticket, call, s.postLater)
	}
	return true
}

// maxDriving is how many calls a loop drives before a session that has commands away
// waits with another one: what is under way should fit into the processor's cache.
const maxDriving = 128

// keysOf returns where the keys of a command are, in memory of the loop's.
func (s *Session) keysOf(info *command.Info, args [][]byte) []command.KeyPos {
	keys, err := command.Keys(info, args, s.w.keys[:0])
	if err != nil {
		return nil // it touches none, and says why
	}
	s.w.keys = keys
	return keys
}

// apart tells whether a command may run beside those that are away, as far as its
// keys go. Commands on one key go to one node on one stream, in their order; a saga
// may have to begin anew, so it, and what comes after it, share no key.
func (s *Session) apart(info *command.Info, args [][]byte) bool {
	switch info.Route {
	case command.RouteSingle:
		return s.pipe.sagas == 0 || !s.pipe.busy.has(args[info.KeyPos])
	case command.RouteSaga:
		if info.Flags&command.Blocking != 0 || s.Server.Env.Computes(&saga.Call{Cmd: info}) {
			return false
		}
		if s.w.driving >= maxDriving {
			return false
		}
		keys := s.keysOf(info, args)
		for _, k := range keys {
			if s.pipe.busy.has(args[k.Pos]) {
				return false
			}
		}
		return len(keys) > 0
	}
	return false
}

// driver is a session as the driver of its sagas.
type driver Session

// Order implements coordinator.Driver.
func (d *driver) Order(to directory.Number, shard int, o *engine.Order) bool {
	return d.w.loop.Order(to, shard, o)
}

// Post implements coordinator.Driver.
func (d *driver) Post(f func()) { d.Conn.PostLoop(f) }

// Done implements coordinator.Driver.
func (d *driver) Done(ticket uint64, out []byte) {
	d.w.driving--
	(*Session)(d).arrived(ticket, out)
}

// On implements coordinator.Driver.
func (d *driver) On(loop any) bool { l, ok := loop.(*peer.Loop); return ok && l == d.w.loop }
