//go:build !race

package transport

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
)

// startRemote starts Proto.Actor's remote, which panics if it cannot listen.
func startRemote(r *remote.Remote, _ *actor.ActorSystem, _ *remote.Config) { r.Start() }
