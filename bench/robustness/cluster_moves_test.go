package robustness

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/redis/go-redis/v9"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// fill stores keys so that shards take a while to move.
func fill(t *testing.T, n *node, keys int) {
	t.Helper()
	const batch = 500
	client, ctx := n.client(1), testContext(t)
	value := fmt.Sprintf("%0100d", 0)
	for i := 0; i < keys; i += batch {
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for j := i; j < i+batch; j++ {
				p.Set(ctx, "fill:"+strconv.Itoa(j), value, 0)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestClusterGrowsAndShrinks: no client sees an error, and nothing is lost, while
// nodes join, are drained and leave, and shards move to and fro.
func TestClusterGrowsAndShrinks(t *testing.T) {
	t.Parallel()
	seed := random(t)
	c := startCluster(t, 3)
	first, second, drained := c.nodes[0], c.nodes[1], c.nodes[2]
	const filled = 20000
	fill(t, first, filled)
	staying := startTraffic(t, seed, 2, first, second)
	leaving := startTraffic(t, seed+1, 2, drained)

	joined := c.add()
	c.start(joined)
	joining := startTraffic(t, seed+2, 1, joined)
	c.settle(c.nodes...)
	first.order("TROUPE", "DRAIN", drained.name)
	c.awaitEmpty(first, drained)
	leaving.verify(drained) // who is drained goes on serving its clients
	drained.terminate()
	c.settle(first, second, joined)
	joining.end()
	joined.terminate()
	c.settle(first, second)

	staying.verify(second)
	leaving.verify(first)
	joining.verify(first)
	want := filled + int64(len(staying.stored())+len(leaving.stored())+len(joining.stored()))
	if got, err := first.client(1).DBSize(testContext(t)).Result(); err != nil || got != want {
		t.Errorf("DBSIZE is %d %v, want %d", got, err, want)
	}
}

var (
	churn   = flag.Duration("churn", 3*time.Second, "how long tests of clusters move shards to and fro")
	crashes = flag.Int("crashes", 2, "how often a node is killed in the middle of transactions")
)

// pipelinesInOrder: commands of one pipeline take effect in their order, whatever
// moves between them.
func pipelinesInOrder(t *testing.T, c *cluster, until time.Time) {
	const clients, keys, depth = 6, 32, 24
	var group sync.WaitGroup
	for i := range clients {
		via := c.nodes[i%3]
		client, ctx := via.client(1), context.Background()
		group.Go(func() {
			for round := 0; time.Now().Before(until) && !t.Failed(); round++ {
				key := fmt.Sprintf("order:%d.%d", i, round%keys)
				var got []*redis.IntCmd
				_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
					p.Set(ctx, key, 0, 0)
					for range depth {
						got = append(got, p.Incr(ctx, key))
					}
					return nil
				})
				for j, r := range got {
					if err != nil || r.Val() != int64(j+1) {
						t.Errorf("SET 0 and INCRs in a pipeline of a client of %s: INCR number %d answers %d %v", via.name, j+1, r.Val(), err)
						return
					}
				}
				time.Sleep(traderPause)
			}
		})
	}
	group.Wait()
}

// TestClusterServesAtOnce: whoever says that it listens serves all keys, while the
// other founders still come and the first shards move to them.
func TestClusterServesAtOnce(t *testing.T) {
	t.Parallel()
	seed := random(t)
	c := newCluster(t, 3)
	for _, n := range c.nodes {
		n.start()
	}
	var all []*traffic
	for i, n := range c.nodes {
		n.awaitStart()
		all = append(all, startTraffic(t, seed+uint64(i), 2, n))
	}
	c.settle(c.nodes...)
	for _, tr := range all {
		tr.verify(c.nodes[1])
	}
}

// awaitEmpty waits until a node that is drained has no shards.
func (c *cluster) awaitEmpty(from, drained *node) {
	c.t.Helper()
	c.await(drained.name+" is empty", func() string {
		m := memberOf(from.view(), drained.name)
		if m == nil || m.State != "leaving" || m.Shards > 0 {
			return fmt.Sprintf("%+v", m)
		}
		return ""
	})
}

// mover moves shards to nodes at random until it is told to end.
type mover struct {
	stop  chan struct{}
	group sync.WaitGroup
	moves int
}

const moverPause = 30 * time.Millisecond

func startMover(c *cluster, seed uint64) *mover {
	m := &mover{stop: make(chan struct{})}
	r := rand.New(rand.NewPCG(seed, 0))
	shards := len(c.nodes[0].view().Shards)
	m.group.Go(func() {
		for {
			select {
			case <-m.stop:
				return
			case <-time.After(moverPause):
			}
			ask, to := c.nodes[r.IntN(len(c.nodes))], c.nodes[r.IntN(len(c.nodes))]
			// Refused if it moves already, or is there.
			v, err := ask.ask("TROUPE", "MOVE", strconv.Itoa(r.IntN(shards)), to.name)
			if err == nil && v.Kind != wire.Error {
				m.moves++
			}
		}
	})
	c.t.Cleanup(m.end)
	return m
}

func (m *mover) end() {
	select {
	case <-m.stop:
	default:
		close(m.stop)
		m.group.Wait()
	}
}

// TestClusterWhileShardsMove: clients of all kinds on all nodes, while shards move to
// and fro, a node joins, and is drained.
func TestClusterWhileShardsMove(t *testing.T) {
	t.Parallel()
	seed := random(t)
	c := startCluster(t, 3)
	mover := startMover(c, seed)
	until := time.Now().Add(*churn)
	var group sync.WaitGroup
	group.Go(func() { pipelinesInOrder(t, c, until) })
	group.Go(func() { slotAwareWhileShardsMove(t, c, until) })
	recorded := checkWhile(t, c, seed, func() { time.Sleep(time.Until(until)) })
	group.Wait()
	mover.end()
	if t.Logf("%d histories, %d moves by hand", recorded, mover.moves); mover.moves == 0 {
		t.Error("no shard was moved by hand")
	}
	checkWhile(t, c, seed+1000, func() {
		c.start(c.add())
		c.settle(c.nodes...)
		c.nodes[0].order("TROUPE", "DRAIN", c.nodes[3].name)
		c.awaitEmpty(c.nodes[0], c.nodes[3])
	})
}

// movingModel is model where shards move: a key that is watched counts as changed when
// its shard has moved.
func movingModel() porcupine.Model {
	m := model
	m.Step = func(s, input, output any) (bool, any) {
		next, o := s.(state), input.(operation)
		if o.kind == block && output == null && next.watch[o.client] != 0 {
			next.watch[o.client] = 0
			return true, next
		}
		return model.Step(s, input, output)
	}
	return m
}

// checkWhile records and checks histories of clients of the first three nodes for as
// long as something goes on.
func checkWhile(t *testing.T, c *cluster, seed uint64, goesOn func()) (recorded int) {
	t.Helper()
	addrs := []string{c.nodes[0].addr(), c.nodes[1].addr(), c.nodes[2].addr()}
	over := make(chan struct{})
	go func() {
		defer close(over)
		goesOn()
	}()
	for ; ; recorded++ {
		select {
		case <-over:
			if recorded > 0 {
				return recorded
			}
		default:
		}
		first := seed + uint64(recorded)
		h := recordOver(t, addrs, first)
		result, info := porcupine.CheckOperationsVerbose(movingModel(), h, decideLimit)
		if result != porcupine.Ok {
			t.Errorf("history of -seed %d: %s", first, result)
			explain(t, withPending(movingModel(), func(s state, input any) state {
				s.run(input.(operation))
				return s
			}), h)
			if *visualize != "" {
				_ = porcupine.VisualizePath(movingModel(), info, *visualize)
			}
			<-over
			return recorded
		}
	}
}

// recordOver is record with clients of several nodes.
func recordOver(t *testing.T, addrs []string, seed uint64) []porcupine.Operation {
	t.Helper()
	ctx := testContext(t)
	keys := spreadKeys(fmt.Sprintf("%x:", seed), historyKeys, 16)
	start := time.Now()
	var group sync.WaitGroup
	clients := make([]*historian, historyClients)
	for i := range clients {
		clients[i] = &historian{
			ctx: ctx, id: i, keys: keys, start: start, rand: rand.New(rand.NewPCG(seed, uint64(i))),
			client: redis.NewClient(&redis.Options{
				Addr: addrs[i%len(addrs)], PoolSize: 1, Protocol: 2 + i%2, MaxRetries: -1, ReadTimeout: limit, ContextTimeoutEnabled: true,
			}),
		}
		defer clients[i].client.Close()
		if err := clients[i].client.Ping(ctx).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		group.Go(c.live)
	}
	group.Wait()
	var all []porcupine.Operation
	for _, c := range clients {
		if c.err != nil {
			t.Fatalf("client %d: %v", c.id, c.err)
		}
		all = append(all, c.history...)
	}
	if err := clients[0].client.Del(ctx, keys...).Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
