package session

import (
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/words"
)

// dispatch sends a command on its route.
func (s *Session) dispatch(info *command.Info, args [][]byte) {
	switch info.Route {
	case command.RouteSingle:
		s.single(info, args)
	case command.RouteLocal:
		s.local(info, args)
	case command.RouteRefuse:
		s.Conn.W.Error(reply.Error("ERR '" + info.FullName + "' is not supported by this node"))
	default:
		s.releaseLease()
		if s.seekScripts(info, args, nil) {
			return
		}
		call := &s.w.call
		*call = saga.Call{Cmd: info, Args: args, DB: s.DB}
		s.Call(call, nil)
	}
}

// single runs a command on one key: under the shard's lease if it can be had,
// else by a message. The lease is kept for the next command.
func (s *Session) single(info *command.Info, args [][]byte) {
	key := info.KeyPos
	in := slot.Of(args[key])
	h := s.Server.Env.Shards[s.Server.Env.Slots.Shard(in)]
	if owner := h.Owner(); owner != 0 {
		s.forward(owner, info, in, args)
		return
	}
	out := s.out()
	if s.w.fenced {
		out.Error(errFenced)
		return
	}
	req := &s.w.req
	*req = engine.Request{
		Cmd: info, DB: s.DB, Slot: in, Key: key, Args: args, Out: out, Now: s.w.clock(),
	}
	if d := s.pipe.dir; d != nil {
		req.Epoch = d.Places[h.Index].Epoch
	}
	if h != s.lease && !s.takeLease(h) {
		s.postTo(h, req)
		return
	}
	start := len(out.Buf)
	switch ok := h.Lease.Invoke(req); {
	case !ok:
		s.failedIn(out, start)
	case req.Refused:
		s.reroute(info, in, args)
	case req.Waits:
		s.postTo(h, req)
	default:
		s.w.inline++
	}
}

// takeLease exchanges the lease held for h's.
func (s *Session) takeLease(h *shard.Handle) bool {
	s.releaseLease()
	if !h.Lease.TryAcquireSpin() {
		return false
	}
	s.lease = h
	return true
}

// releaseLease gives the lease back, if one is held. No system call is made and
// no saga begun while one is held.
func (s *Session) releaseLease() {
	if s.lease != nil {
		s.lease.Lease.Release()
		s.lease = nil
	}
}

// postTo sends the request to its shard as a message that owns its memory, and
// pauses the connection until the reply is there.
func (s *Session) postTo(h *shard.Handle, req *engine.Request) {
	s.releaseLease()
	s.Server.Stats.Posted.Add(1)
	own := *req
	own.Args = words.Clone(req.Args)
	ticket := s.away(req.Cmd)
	own.Epoch = s.pipe.dir.Places[h.Index].Epoch // the shard may move away, and back, before it runs
	s.hold()                                     // on one node commands run in their order
	s.sendTo(h, &own, ticket)
}

// sendTo sends a request that owns its memory to its shard as a message. The reply,
// or the command itself if the shard is not there any more, comes back to its place.
func (s *Session) sendTo(h *shard.Handle, own *engine.Request, ticket uint64) {
	own.Out = &reply.Writer{Proto: s.Conn.W.Proto}
	own.Refused = false
	own.Done = func() {
		s.Post(func() {
			if own.Refused {
				s.again(ticket, parcel{own.Cmd, own.DB, own.Slot, own.Args})
			} else {
				s.arrived(ticket, own.Out.Buf)
			}
		})
	}
	h.Tell(own)
}

// answer takes the reply that the connection was paused for and goes on.
func (s *Session) answer(out *reply.Writer) {
	s.Conn.Resume()
	s.mute = len(s.Conn.W.Buf)
	s.Conn.W.Raw(out.Buf)
	s.w.netOut += uint64(len(out.Buf))
	if out.Errs > 0 {
		s.erred(s.last, out.Buf, out.Errs)
	}
	s.settleReply()
	s.publish()
	if s.OverOutputLimit() {
		s.Conn.Close()
	}
}

// Call runs a command that spans shards: inline if it can be, else by messages.
// It fills in what belongs to the session. then, if not nil, takes the reply
// instead of the client, on the session's loop; the client waits meanwhile.
func (s *Session) Call(call *saga.Call, then func(out *reply.Writer)) {
	call.Now, call.Out, call.Local, call.Client = s.w.clock(), s.out(), s, s.ID
	if then != nil {
		call.Out = &reply.Writer{Proto: s.Conn.W.Proto}
	}
	if l := s.limitOf; l.MaxMemory > 0 || l.NeedsReplicas {
		call.Gate = func(flags command.Flag) reply.Error { return s.Server.scarce(l, flags, false) }
	}
	if call.Cmd.Flags&command.Blocking != 0 {
		call.Block = func(why *saga.Blocked) { s.await(call, why) }
	}
	if s.w.fenced {
		call.Out.Error(errFenced)
		s.finish(call.Out, then)
		return
	}
	if s.inline(call) {
		s.finish(call.Out, then)
		return
	}
	s.Server.Stats.Messages.Add(1)
	if then == nil && s.drive(call) {
		return
	}
	s.FlushStats() // the program may be INFO's
	own := call.Own()
	own.Post = s.post
	if call.Block != nil {
		own.Block = func(why *saga.Blocked) { s.await(own, why) }
	}
	s.Conn.Pause()
	s.Server.Sagas.Submit(own, func() { s.Post(func() { s.answerCall(own.Out, then) }) })
}

// answerCall takes the reply of a call that went by messages. It is empty if the
// client waits now: whatever ends that will answer.
func (s *Session) answerCall(out *reply.Writer, then func(*reply.Writer)) {
	switch {
	case s.blocked != nil || len(out.Buf) == 0:
	case then == nil:
		s.answer(out)
	default:
		s.Conn.Resume()
		s.mute = len(s.Conn.W.Buf)
		if s.finish(out, then); !s.Conn.Paused() { // else it waits for more
			s.settleReply()
		}
		s.publish()
	}
}

// finish hands a reply to then, unless it is the client's already.
func (s *Session) finish(out *reply.Writer, then func(*reply.Writer)) {
	if then == nil {
		return
	}
	if out.Errs > 0 {
		s.erred(nil, out.Buf, out.Errs)
	}
	then(out)
}

// inline runs the call on this goroutine. A panic of its program is answered
// as an internal error.
func (s *Session) inline(call *saga.Call) (done bool) {
	start := len(call.Out.Buf)
	defer func() {
		if p := recover(); p != nil {
			s.Server.recovered(p)
			s.failedIn(call.Out, start)
			done = true
		}
	}()
	return s.w.runner.Inline(call)
}

// local runs a command of the connection.
func (s *Session) local(info *command.Info, args [][]byte) {
	r := &s.w.local
	*r = LocalCall{Cmd: info, Args: args, Out: &s.Conn.W, DB: &s.DB}
	s.releaseLease()
	s.Server.locals[info.ID](s, r)
}

// RunLocal implements saga.Local.
func (s *Session) RunLocal(cmd *command.Info, args [][]byte, db *int, out *reply.Writer, t *saga.Tx) {
	if s.gone.closed.Load() {
		out.Error(errGone)
		return
	}
	if s.postponing && s.Server.wide(cmd, args) {
		out.Null() // in the place of what splice puts there
		return
	}
	r := &LocalCall{Cmd: cmd, Args: args, Out: out, Tx: t, DB: db}
	start := len(out.Buf)
	defer func() { // the program needs a reply whatever happens
		if p := recover(); p != nil {
			s.Server.recovered(p)
			out.Buf = out.Buf[:start]
			out.Error(reply.ErrInternal)
		}
	}()
	s.Server.locals[cmd.ID](s, r)
}
