package gateway

import "github.com/troupedb/troupe/actors/directory"

// Decide makes d stand for the catalog.
func (g *Gateway) Decide(d decider) { g.movers.decide = d }

// Suspect says whether a peer is taken not to answer.
func (g *Gateway) Suspect(n directory.Number, suspected bool) { g.streams.Suspect(n, suspected) }

// Sever breaks the streams to a peer, which are dialled again.
func (g *Gateway) Sever(n directory.Number) {
	g.streams.Suspect(n, true)
	g.streams.Suspect(n, false)
}

// Moving returns how many shards this node has an end of a move of.
func (g *Gateway) Moving() int {
	g.movers.mu.Lock()
	defer g.movers.mu.Unlock()
	return len(g.movers.live)
}
