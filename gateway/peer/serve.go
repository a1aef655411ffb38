package peer

import (
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/wire"
)

// serving is a connection on which a peer asks this node. It is a netloop.Session.
type serving struct {
	net     *Net
	loop    *Loop
	conn    *netloop.Conn
	from    directory.Number // 0 before its hello
	request wire.Request
	ahead   lookahead
	run     engine.Request
	orders  wire.Orders
	lease   *shard.Handle
	now     int64
	fenced  bool
	lanes   *lanes
	barrier barrier
	patient *time.Timer // until its hello
}

// Open is the netloop.Opener of the port for streams.
func (n *Net) Open(c *netloop.Conn, worker any) netloop.Session {
	s := &serving{net: n, conn: c, loop: n.LoopOf(worker)}
	s.patient = time.AfterFunc(helloPatience, func() {
		c.Post(func() {
			if s.from == 0 {
				c.Close()
			}
		})
	})
	return s
}

// Data implements netloop.Session.
func (s *serving) Data(in []byte) (consumed int) {
	s.now, s.fenced = time.Now().UnixMilli(), s.net.Fenced()
	defer s.rest()
	defer func() {
		if p := recover(); p != nil {
			s.net.recovered(p)
			s.conn.Close()
		}
	}()
	for !s.conn.Closing() && !s.conn.Paused() && len(s.conn.W.Buf) < netloop.SoftOutput {
		most := MaxFrame
		if s.from == 0 {
			most = maxHello
		}
		f, n, err := s.next(in[consumed:], most)
		if err == nil && n > 0 {
			err = s.take(&f)
		}
		if err != nil {
			s.net.refuse(s.conn.Remote, err)
			s.conn.CloseAfterReply()
			return consumed
		}
		if n == 0 {
			break
		}
		consumed += n
	}
	return consumed
}

func (s *serving) take(f *frame) error {
	if s.from == 0 {
		return s.hello(f)
	}
	switch f.kind {
	case kindRequest:
		return s.command(f)
	case kindOrder:
		if s.fenced {
			return nil // as if it were lost: the coordinator asks again, or learns that this node is down
		}
		return s.order(f.content)
	}
	s.release() // others may take long
	switch f.kind {
	case kindAnswer:
		return s.net.answered(f.content, s.loop)
	case kindForsake, kindUnwatch:
		return s.leave(f)
	case kindTell:
		return s.told(f)
	case kindAsk:
		id := f.id
		return s.net.hear(s.from, f.content, func(answer []byte) {
			s.conn.Post(func() { s.frame(kindTold, id, answer) })
		})
	}
	return errFrame
}

func (s *serving) hello(f *frame) error {
	h, err := parseHello(f)
	if err == nil {
		err = s.net.admit(h)
	}
	s.conn.W.Buf = welcome(s.conn.W.Buf, err)
	if err == nil {
		s.from, s.lanes, s.barrier = h.number, s.net.lanesOf(h), newBarrier(len(s.net.env.Shards))
		s.patient.Stop()
	}
	return err
}

// frame answers with a frame.
func (s *serving) frame(k kind, id uint64, content []byte) {
	out, start := begin(s.conn.W.Buf, k, id)
	s.conn.W.Buf = append(out, content...)
	finish(s.conn.W.Buf, start)
}

// command runs a command on one key: under the shard's lease, which is kept for the
// next, or else by a message.
func (s *serving) command(f *frame) error {
	turn, r, err := s.read(f)
	if err != nil {
		return err
	}
	index := s.net.env.Slots.Shard(r.Slot)
	if s.fenced {
		s.refuse(f, index, turn)
		return nil
	}
	w := &s.conn.W
	w.Proto = r.Proto
	if why := s.net.gate(r.Cmd.Flags); why != "" {
		var start int
		w.Buf, start = begin(w.Buf, kindReply, f.id)
		w.Error(why)
		finish(w.Buf, start)
		return nil
	}
	h := s.net.env.Shards[index]
	if h != s.lease && !s.acquire(h) {
		s.post(h, f)
		return nil
	}
	if s.barrier.holds(index, turn) {
		s.refuse(f, index, turn)
		return nil
	}
	var start int
	w.Buf, start = begin(w.Buf, kindReply, f.id)
	body := len(w.Buf)
	s.run = r.Run(w, s.now)
	switch ok := h.Lease.Invoke(&s.run); {
	case !ok:
		s.release()
		w.Buf = w.Buf[:body]
		w.Error(reply.ErrInternal)
	case s.run.Refused:
		w.Buf = w.Buf[:start]
		s.refuse(f, index, turn)
		return nil
	case s.run.Waits:
		w.Buf = w.Buf[:start]
		s.post(h, f)
		return nil
	}
	finish(w.Buf, start)
	return nil
}

// refuse gives a request back.
func (s *serving) refuse(f *frame, index int, turn uint64) {
	s.barrier.raise(index, turn)
	s.frame(kindRefused, f.id, f.content)
}

// acquire exchanges the lease held for h's.
func (s *serving) acquire(h *shard.Handle) bool {
	s.release()
	if !h.Lease.TryAcquireSpin() {
		return false
	}
	s.lease = h
	return true
}

func (s *serving) release() {
	if s.lease != nil {
		s.lease.Lease.Release()
		s.lease = nil
	}
}

// rest is at the end of a turn.
func (s *serving) rest() {
	s.release()
	forget(&s.request)
	s.ahead.end()
	s.orders.Rest()
}

// forget lets go of a request's words. Their list is used again, but not a large one.
func forget(r *wire.Request) {
	if cap(r.Args) > keptWords {
		r.Args = nil
	}
	clear(r.Args[:cap(r.Args)])
}

// keptWords is how many words a command may have had whose list of them is kept.
const keptWords = 64

// post sends a request to its shard as a message that owns its memory.
func (s *serving) post(h *shard.Handle, f *frame) {
	s.release()
	id, content := f.id, append([]byte(nil), f.content...)
	turn, request, _ := takeUint(content, true)
	var own wire.Request
	if err := wire.ParseRequest(request, s.net.env.Table, &own); err != nil {
		panic("peer: a request changed while it was copied") // it was parsed before
	}
	out := &reply.Writer{Proto: own.Proto}
	run := own.Run(out, s.now)
	run.Done = func() { // while the shard runs
		if run.Refused {
			s.barrier.raise(h.Index, turn)
		}
		s.conn.Post(func() {
			if run.Refused {
				s.frame(kindRefused, id, content)
			} else {
				s.frame(kindReply, id, out.Buf)
			}
		})
	}
	h.Tell(shard.Func(func(e *engine.Engine) { s.handle(e, &run, turn, h.Index) }))
}

// handle runs a request that was posted, while its shard runs.
func (s *serving) handle(e *engine.Engine, run *engine.Request, turn uint64, index int) {
	if s.barrier.holds(index, turn) || s.net.Fenced() {
		run.Refused = true
		run.Done()
		return
	}
	e.Attend(run)
}

// order carries out an order of a saga. What the participant says to it goes back on
// this connection.
func (s *serving) order(content []byte) error {
	index, b, ok := takeUint(content, true)
	if !ok || index >= uint64(len(s.net.env.Shards)) {
		return errFrame
	}
	o, err := s.orders.Parse(b, s.net.env.Table)
	if err != nil {
		return err
	}
	if !s.net.suits(o, int(index)) {
		return errFrame
	}
	h := s.net.env.Shards[index]
	if h != s.lease && !s.acquire(h) {
		own := o.Own()
		own.Sink = later{s}
		h.Tell(own)
		return nil
	}
	o.Sink = here{s}
	if !h.Lease.Invoke(o) {
		s.release()
	}
	return nil
}

// here takes answers that are given on the loop, later those from elsewhere.
type (
	here  struct{ s *serving }
	later struct{ s *serving }
)

// Answer implements engine.Coordinators.
func (h here) Answer(a *engine.Answer) {
	out, start := begin(h.s.conn.W.Buf, kindAnswer, 0)
	h.s.conn.W.Buf = wire.AppendAnswer(out, a)
	finish(h.s.conn.W.Buf, start)
}

// Answer implements engine.Coordinators.
func (l later) Answer(a *engine.Answer) {
	content := wire.AppendAnswer(nil, a)
	l.s.conn.Post(func() { l.s.frame(kindAnswer, 0, content) })
}

// leave is for waiters and watches of the peer's clients that are over.
func (s *serving) leave(f *frame) error {
	l, err := parseLeaving(f.content, s.net.env.Slots)
	if err != nil {
		return err
	}
	s.net.env.Shards[l.shard].Tell(l.apply(f.kind))
	return nil
}

// Closed implements netloop.Session.
func (s *serving) Closed() {
	s.release()
	s.patient.Stop()
}
