package system

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
)

// System is Proto.Actor's, for those who only pass it on.
type System = actor.ActorSystem

// New returns an actor system that logs to logger from warnings on.
func New(logger *slog.Logger) *actor.ActorSystem {
	quiet := slog.New(warnings{logger.Handler()})
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
}

// warnings is a Handler for what an operator should see.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs)}
}

func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }

// StopFailed is the supervision of parents that begin a failed child's work anew
// in another child: they learn of the failure by its Terminated.
type StopFailed struct{}

// HandleFailure implements actor.SupervisorStrategy.
func (StopFailed) HandleFailure(_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	supervisor.StopChildren(child)
}
