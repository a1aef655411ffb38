package shard

import (
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/mailbox"
	"github.com/troupedb/troupe/shard/engine"
)

// Handle is how others on this node reach a shard. Who holds the Lease may use
// the Engine; everybody else posts to PID.
type Handle struct {
	Index  int
	Lease  *mailbox.Lease
	Engine *engine.Engine
	PID    *actor.PID

	root  *actor.RootContext
	owner atomic.Uint32
}

// Owner returns the number of the other node that has the shard, 0 if this one has
// it. It is a hint, as of the last Settle: the engine knows for sure.
func (h *Handle) Owner() directory.Number { return directory.Number(h.owner.Load()) }

// Settle says which other node has the shard, 0: this one.
func (h *Handle) Settle(owner directory.Number) { h.owner.Store(uint32(owner)) }

// Tell posts a message to the shard and returns at once.
func (h *Handle) Tell(message any) { h.root.Send(h.PID, message) }

// Func is a message that runs on the shard: what does not come often enough to
// have a type of its own.
type Func func(*engine.Engine)

// Spawn starts a shard actor named "shard-<index>" that runs e. A supervised
// restart keeps the engine and its data.
func Spawn(system *actor.ActorSystem, index int, e *engine.Engine) (*Handle, error) {
	h := &Handle{Index: index, Lease: mailbox.New(), Engine: e, root: system.Root}
	props := actor.PropsFromProducer(
		func() actor.Actor { return &shell{engine: e} },
		actor.WithMailbox(func() actor.Mailbox { return h.Lease }),
	)
	pid, err := system.Root.SpawnNamed(props, fmt.Sprintf("shard-%d", index))
	if err != nil {
		return nil, fmt.Errorf("spawn shard %d: %w", index, err)
	}
	h.PID = pid
	return h, nil
}

type shell struct{ engine *engine.Engine }

// Receive implements actor.Actor.
func (s *shell) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *engine.Request:
		if m.Done == nil {
			m.Waits = s.engine.Handle(m)
		} else {
			s.engine.Attend(m)
		}
	case *engine.Order:
		s.engine.Order(m)
	case Func:
		m(s.engine)
	}
}
