package gateway

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// beat is what the node does unasked, as a message.
type beat struct{ now time.Time }

// heart is the gateway's actor: a supervisor of its own restarts it, so that a
// defect in one beat does not end those that follow.
type heart struct {
	gateway *Gateway
	beats   int
}

// Receive implements actor.Actor.
func (h *heart) Receive(ctx actor.Context) {
	if m, ok := ctx.Message().(beat); ok {
		h.gateway.beat(m.now, h.beats)
		h.beats++
	}
}

// spawnHeart starts the gateway's actor and returns how to send it a beat.
func (g *Gateway) spawnHeart() (send func(beat), err error) {
	root := g.Node.System.Root
	props := actor.PropsFromProducer(func() actor.Actor { return &heart{gateway: g} })
	pid, err := root.SpawnNamed(props, "gateway")
	if err != nil {
		return nil, fmt.Errorf("spawn gateway: %w", err)
	}
	return func(b beat) { root.Send(pid, b) }, nil
}
