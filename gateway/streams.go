package gateway

import (
	"crypto/tls"
	"fmt"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// StreamTLS is how the streams between nodes are encrypted.
type StreamTLS struct {
	Client func(host string) *tls.Config
	Server *tls.Config
}

// openStreams makes the streams to other nodes, which are dialled once there are any.
func (g *Gateway) openStreams(cfg *Config) {
	o := peer.Options{
		Env: g.Node.Env, Sagas: g.sagas, LoopOf: session.LoopOf, Logger: cfg.Logger,
		Gate:      func(flags command.Flag) reply.Error { return g.Server.Scarce(flags) },
		Recovered: g.Server.Survived, Fenced: g.Server.Fenced,
	}
	if t := cfg.StreamTLS; t != nil {
		o.Client, o.Server = t.Client, t.Server
	}
	g.streams = peer.New(o)
	g.Server.AttachStreams(g.streams)
	g.movers = newMovers(g)
	g.sagas.SetPeers(g.streams)
}

// serveStreams accepts the streams of other nodes.
func (g *Gateway) serveStreams(cfg *Config) error {
	switch {
	case cfg.Streams == nil:
		return nil
	case cfg.StreamTLS != nil:
		g.streams.ServeTLS(cfg.Streams)
		return nil
	}
	if err := g.driver.Serve(cfg.Streams, g.streams.Open); err != nil {
		return fmt.Errorf("serve streams: %w", err)
	}
	return nil
}

// Follow makes the node follow a newer directory. Calls must not overlap.
func (g *Gateway) Follow(d *directory.Directory) {
	before := g.Node.Env.Where.Load()
	if g.Node.Place(d) {
		g.hub.Follow(d)
		g.streams.Update(d)
		g.movers.follow(d)
		g.Server.Relocated(before, d)
		g.sagas.Stir()
	}
}

// Joined tells whether there is a stream to a member, or it is this node.
func (g *Gateway) Joined(number directory.Number) bool {
	return number == g.Node.Env.Self() || g.streams.Reachable(number)
}
