package coordinator

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupedb/troupe/actors/system"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// NewCoordinators starts the supervisor and joins the shards of env to it.
func NewCoordinators(s *actor.ActorSystem, env *saga.Env) (*Coordinators, error) {
	n := &Coordinators{
		env: env, started: time.Now().UnixMilli(),
		live: map[engine.SagaID]*cell{}, waiters: map[engine.SagaID]*engine.Waiter{},
	}
	began := time.Now()
	env.Pulse.Clock = func() int64 { return time.Since(began).Milliseconds() }
	for i, h := range env.Shards {
		h.Engine.Join(i, n)
	}
	props := actor.PropsFromProducer(
		func() actor.Actor { return &supervisor{children: map[string]*cell{}} },
		actor.WithSupervisor(system.StopFailed{}),
	)
	pid, err := s.Root.SpawnNamed(props, "coordinators")
	if err != nil {
		return nil, fmt.Errorf("spawn coordinators: %w", err)
	}
	n.supervise = func(message any) { s.Root.Send(pid, message) }
	return n, nil
}

// supervisor is the parent of all sagas' children.
type supervisor struct {
	children map[string]*cell // by PID
}

// Receive implements actor.Actor.
func (s *supervisor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *cell:
		s.spawn(ctx, m)
	case tick:
		for _, pid := range ctx.Children() {
			ctx.Send(pid, m)
		}
	case *actor.Terminated:
		c := s.children[m.Who.Id]
		delete(s.children, m.Who.Id)
		if c != nil && c.crashed() {
			s.spawn(ctx, c)
		}
	}
}

func (s *supervisor) spawn(ctx actor.Context, c *cell) {
	pid := ctx.Spawn(actor.PropsFromProducer(func() actor.Actor { return &child{c} }))
	s.children[pid.Id] = c
}

// child feeds one saga's machine.
type child struct{ cell *cell }

// Receive implements actor.Actor.
func (a *child) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		root, self := ctx.ActorSystem().Root, ctx.Self()
		a.cell.begin(func(message any) { root.Send(self, message) })
	case *engine.Answer, posted, tick, fenced:
		a.cell.take(m)
	default:
		return
	}
	if a.cell.machine.Ended() {
		a.cell.n.forget(a.cell)
		ctx.Stop(ctx.Self())
	}
}
