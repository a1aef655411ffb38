package sim

import (
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/wire"
)

func slotOf(key []byte) uint16 { return slot.Of(key) }

// forwarded is a command on one key on its way to its shard: what gateway/session and
// gateway/peer do with it.
type forwarded struct {
	p        *process
	op       *op
	cmd      *command.Info
	deadline int64
	wait     int64
	ended    bool
}

// How long a command looks for its shard, and how often, as in gateway/session.
const (
	routePatience = 5000
	lastRetry     = 50
)

// forward sends a command on one key to its shard.
func (p *process) forward(o *op, info *command.Info) {
	f := &forwarded{p: p, op: o, cmd: info, deadline: p.w.now + routePatience, wait: 1}
	f.send()
}

func (f *forwarded) end(text string) {
	if f.ended || f.p.dead {
		return
	}
	f.ended = true
	f.op.undone, f.op.unsure = saysNothingDone(text), saysUnknown(text)
	if f.op.undone && f.cmd.Flags&command.Write == 0 {
		f.op.undone, f.op.unsure = false, true // it may have read: see gateway/session
	}
	f.op.answer(text, false)
}

func (f *forwarded) fail(why reply.Error) { f.end("-" + string(why) + "\r\n") }

// unknown is when the stream has broken that the command was sent over.
func (f *forwarded) unknown() {
	if f.cmd.Flags&command.Write == 0 {
		f.fail(errNodeDown)
	} else {
		f.fail(errOutcome)
	}
}

// again sends the command once more after a while.
func (f *forwarded) again() {
	if f.p.w.now > f.deadline {
		f.fail(errNodeBusy)
		return
	}
	f.p.after(f.wait, f.send)
	f.wait = min(2*f.wait, lastRetry)
}

func (f *forwarded) send() {
	if f.ended {
		return
	}
	p := f.p
	args := toArgs(f.op.words)
	in := slot.Of(args[f.cmd.KeyPos])
	index := p.env.Slots.Shard(in)
	d := p.env.Where.Load()
	place := d.Places[index]
	if place.Owner == p.number {
		if !p.serving() {
			w := p.w
			w.Stats.Fenced++
			f.fail(errFenced)
			return
		}
		r := &engine.Request{Cmd: f.cmd, Slot: in, Key: f.cmd.KeyPos, Args: args, Now: p.clock()}
		p.after(p.w.delay(), func() { f.run(p.shard(index), r, f.end) })
		return
	}
	if p.down(place.Owner) {
		f.fail(errNodeDown)
		return
	}
	s := p.stream(place.Owner)
	if s == nil {
		f.again()
		return
	}
	b := wire.AppendRequest(nil, &wire.Request{Cmd: f.cmd, Proto: reply.RESP2, Epoch: place.Epoch, Slot: in, Args: args})
	s.asked[f] = true
	s.order = append(s.order, f)
	f.cross(p, s.to, func() {
		var r wire.Request
		if err := wire.ParseRequest(slices.Clone(b), p.env.Table, &r); err != nil {
			p.w.fail("a request does not come through: %v", err)
			return
		}
		req := r.Run(nil, s.to.clock())
		f.run(s.to.shard(index), &req, func(text string) {
			f.cross(s.to, p, func() {
				if s.asked[f] {
					delete(s.asked, f)
					f.end(text)
				}
			})
		})
	})
}

// cross brings a request or its reply to another process. If it is lost the stream has
// broken.
func (f *forwarded) cross(from, to *process, deliver func()) {
	w := f.p.w
	if w.chance(w.o.Faults.Drop) {
		w.after(w.between(1, 1500), func() { f.p.run(f.unknown) })
		return
	}
	w.after(w.delay(), func() { f.arrive(from, to, deliver) })
	if w.net.cut(from.number, to.number) { // else whoever sees that the stream is broken says so
		w.net.notice(f.p.number, to.number)
		w.net.notice(f.p.number, from.number)
	}
}

// arrive delivers what is under way once the link is there again, unless the stream has
// been given up by then.
func (f *forwarded) arrive(from, to *process, deliver func()) {
	w := f.p.w
	switch {
	case !w.net.cut(from.number, to.number):
		to.run(deliver)
	case !f.ended:
		w.after(w.between(20, 200), func() { f.arrive(from, to, deliver) })
	}
}

// run runs the request at its shard. If that is not there the command looks for it
// once more.
func (f *forwarded) run(s *shardNode, r *engine.Request, end func(text string)) {
	w, o := s.p.w, f.op
	out := &reply.Writer{Proto: reply.RESP2}
	r.Out = out
	refused := func() {
		w.Stats.Refused++
		f.back(s.p, f.again)
	}
	r.Done = func() {
		if r.Refused {
			refused()
			return
		}
		w.happened(o).sure = true
		end(string(out.Buf))
	}
	s.take(func() {
		if s.p != f.p && !s.p.serving() {
			w.Stats.Fenced++
			refused()
			return
		}
		w.running = w.happened(o)
		w.running.sure = true
		waits := s.engine.Handle(r)
		w.running = nil
		if waits || r.Refused {
			w.unhappened(o)
		}
		switch {
		case waits:
		case r.Refused:
			refused()
		default:
			end(string(out.Buf))
		}
	})
}

// back does something at the node of the client, from where the shard is.
func (f *forwarded) back(from *process, do func()) {
	if from == f.p {
		f.p.after(0, do)
		return
	}
	f.cross(from, f.p, do)
}
