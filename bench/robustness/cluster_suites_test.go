package robustness

import (
	"fmt"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/troupedb/troupe/bench/conformance/target"
)

// TestClusterIsOneRedis: what the tests of one node ask of it, any node of a cluster
// does, whose clients know nothing of the others.
func TestClusterIsOneRedis(t *testing.T) {
	t.Parallel()
	const shards, each = 16, 3
	seed := random(t)
	c := startCluster(t, 3)
	for i, n := range c.nodes {
		t.Run(fmt.Sprintf("go-redis at %s", n.name), func(t *testing.T) { goRedis(t, n.addr(), 2+i%2) })
	}
	t.Run("histories of all nodes", func(t *testing.T) {
		for i := range uint64(each) {
			h := recordOver(t, []string{c.nodes[0].addr(), c.nodes[1].addr(), c.nodes[2].addr()}, seed+i)
			if result := porcupine.CheckOperationsTimeout(model, h, decideLimit); result != porcupine.Ok {
				t.Errorf("history of -seed %d: %s", seed+i, result)
				explain(t, withPending(model, func(s state, input any) state {
					s.run(input.(operation))
					return s
				}), h)
			}
		}
	})
	t.Run("as redis-server", func(t *testing.T) {
		oracle := target.StartRedis(t).Addr
		for i := range uint64(each) {
			addr := c.nodes[i%3].addr()
			playBlocking(t, oracle, addr, seed+i)
			compareScript(t, oracle, addr, shards, seed+i)
		}
	})
}
