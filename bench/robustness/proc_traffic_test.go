package robustness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// hangLimit is how long any reply may take, whatever happens to nodes other than the
// one that is asked. The promise is 5 s; the rest is for a loaded machine.
const hangLimit = 2 * promised

// promised is after how long a command is answered, and a saga ended, at the latest.
const promised = 5 * time.Second

// traffic is clients that go on until they are told to end. Each writes keys of its
// own, so it knows what it must read, and fails the test at the first error: none of
// them tries anything twice.
type traffic struct {
	t       *testing.T
	stop    chan struct{}
	group   sync.WaitGroup
	traders []*trader
	slowest atomic.Int64
	steps   atomic.Int64
	aborted atomic.Int64 // EXEC after WATCH of keys that nobody has touched
}

// trader is one of the clients, and what it has stored.
type trader struct {
	*traffic
	via     *node
	client  *redis.Client
	rand    *rand.Rand
	prefix  string
	values  map[string]string
	counts  map[string]int64
	queued  []string
	written int
}

const (
	traderKeys     = 60
	traderCounters = 10
	traderPause    = 3 * time.Millisecond // clients must leave the processors to the nodes, too
)

// startTraffic starts clients of each of the nodes.
func startTraffic(t *testing.T, seed uint64, each int, nodes ...*node) *traffic {
	t.Helper()
	tr := &traffic{t: t, stop: make(chan struct{})}
	for _, n := range nodes {
		for range each {
			id := len(tr.traders)
			tr.traders = append(tr.traders, &trader{
				traffic: tr, via: n, client: n.client(1), rand: rand.New(rand.NewPCG(seed, uint64(id))),
				prefix: fmt.Sprintf("%x.%d:", seed, id), values: map[string]string{}, counts: map[string]int64{},
			})
		}
	}
	for _, c := range tr.traders {
		tr.group.Go(c.live)
	}
	t.Cleanup(tr.end)
	return tr
}

// end stops the clients. It may be called again.
func (tr *traffic) end() {
	select {
	case <-tr.stop:
	default:
		close(tr.stop)
		tr.group.Wait()
		tr.t.Logf("%d steps of %d clients, the slowest took %v", tr.steps.Load(), len(tr.traders), time.Duration(tr.slowest.Load()))
	}
}

func (c *trader) live() {
	ctx := context.Background()
	for {
		select {
		case <-c.stop:
			return
		case <-time.After(time.Duration(c.rand.Int64N(int64(2 * traderPause)))):
		}
		kind := traderSteps[c.rand.IntN(len(traderSteps))]
		began := time.Now()
		err := kind.run(c, ctx)
		took := time.Since(began)
		c.steps.Add(1)
		if int64(took) > c.slowest.Load() {
			c.slowest.Store(int64(took))
		}
		if err != nil {
			c.t.Errorf("a client of %s: %s after %v: %v", c.via.name, kind.name, took, err)
			return
		}
	}
}

var traderSteps = []struct {
	name string
	run  func(c *trader, ctx context.Context) error
}{
	{"SET", (*trader).set}, {"GET", (*trader).get}, {"MSET", (*trader).mset}, {"MGET", (*trader).mget}, {"EXEC", (*trader).exec},
	{"a pipeline", (*trader).pipeline}, {"EVAL", (*trader).eval}, {"a blocking pop", (*trader).queue}, {"WATCH", (*trader).watch},
	{"RENAME", (*trader).rename},
}

func (c *trader) key() string { return c.prefix + strconv.Itoa(c.rand.IntN(traderKeys)) }

func (c *trader) keys(n int) []string {
	all := make([]string, n)
	for i, k := range c.rand.Perm(traderKeys)[:n] {
		all[i] = c.prefix + strconv.Itoa(k)
	}
	return all
}

func (c *trader) value() string {
	c.written++
	return fmt.Sprintf("%s%d", c.prefix, c.written)
}

// same fails unless a read has found what was written, "" being nothing.
func same(key string, got any, want string) error {
	if got == nil && want == "" || got == want {
		return nil
	}
	return fmt.Errorf("%s is %v, want %q", key, got, want)
}

func (c *trader) set(ctx context.Context) error {
	k, v := c.key(), c.value()
	err := c.client.Set(ctx, k, v, 0).Err()
	c.values[k] = v
	return err
}

func (c *trader) get(ctx context.Context) error {
	k := c.key()
	got, err := c.client.Get(ctx, k).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	return same(k, got, c.values[k])
}

func (c *trader) mset(ctx context.Context) error {
	var pairs []any
	for _, k := range c.keys(6) {
		c.values[k] = c.value()
		pairs = append(pairs, k, c.values[k])
	}
	return c.client.MSet(ctx, pairs...).Err()
}

func (c *trader) mget(ctx context.Context) error { return c.check(ctx, c.client, c.keys(8)) }

// check reads keys and compares them with what was written.
func (c *trader) check(ctx context.Context, from *redis.Client, keys []string) error {
	got, err := from.MGet(ctx, keys...).Result()
	for i, k := range keys {
		if err == nil {
			err = same(k, got[i], c.values[k])
		}
	}
	return err
}

func (c *trader) counter() string { return c.prefix + "n" + strconv.Itoa(c.rand.IntN(traderCounters)) }

func (c *trader) exec(ctx context.Context) error {
	counters := []string{c.counter(), c.counter(), c.counter()}
	got := make([]*redis.IntCmd, len(counters))
	_, err := c.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for i, k := range counters {
			got[i] = p.Incr(ctx, k)
		}
		return nil
	})
	for i, k := range counters {
		c.counts[k]++
		if err == nil && got[i].Val() != c.counts[k] {
			err = fmt.Errorf("%s is %d, want %d", k, got[i].Val(), c.counts[k])
		}
	}
	return err
}

func (c *trader) pipeline(ctx context.Context) error {
	const pairs = 8
	keys := c.keys(pairs)
	got := make([]*redis.StringCmd, pairs)
	_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, k := range keys {
			c.values[k] = c.value()
			p.Set(ctx, k, c.values[k], 0)
			got[i] = p.Get(ctx, k)
		}
		return nil
	})
	for i, k := range keys {
		if err == nil {
			err = same(k, got[i].Val(), c.values[k])
		}
	}
	return err
}

// eval swaps two values; the script's second key is not declared.
func (c *trader) eval(ctx context.Context) error {
	const swap = `local a, b = redis.call('GET', KEYS[1]), redis.call('GET', ARGV[1])
redis.call('SET', KEYS[1], b or ''); redis.call('SET', ARGV[1], a or ''); return {a or '', b or ''}`
	k := c.keys(2)
	got, err := c.client.Eval(ctx, swap, k[:1], k[1]).StringSlice()
	if err != nil {
		return err
	}
	if want := []string{c.values[k[0]], c.values[k[1]]}; !slices.Equal(got, want) {
		return fmt.Errorf("%v are %v, want %v", k, got, want)
	}
	c.values[k[0]], c.values[k[1]] = got[1], got[0]
	return nil
}

func (c *trader) queue(ctx context.Context) error {
	list, other := c.prefix+"list", c.prefix+"other"
	if len(c.queued) < 5 {
		c.queued = append(c.queued, c.value())
		return c.client.RPush(ctx, list, c.queued[len(c.queued)-1]).Err()
	}
	got, err := c.client.BLPop(ctx, time.Second, other, list).Result()
	want := []string{list, c.queued[0]}
	c.queued = c.queued[1:]
	if err == nil && !slices.Equal(got, want) {
		return fmt.Errorf("%v, want %v", got, want)
	}
	return err
}

// watch executes if nobody has touched its keys, and nobody else may.
func (c *trader) watch(ctx context.Context) error {
	k := c.keys(2)
	return c.client.Watch(ctx, func(tx *redis.Tx) error {
		got, err := tx.Get(ctx, k[0]).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if err := same(k[0], got, c.values[k[0]]); err != nil {
			return err
		}
		v := c.value()
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, k[1], v, 0)
			return nil
		})
		if errors.Is(err, redis.TxFailedErr) {
			c.aborted.Add(1)
			return nil
		}
		c.values[k[1]] = v
		return err
	}, k...)
}

func (c *trader) rename(ctx context.Context) error {
	k := c.keys(2)
	if c.values[k[0]] == "" {
		return c.set(ctx)
	}
	c.values[k[1]] = c.values[k[0]]
	delete(c.values, k[0])
	return c.client.Rename(ctx, k[0], k[1]).Err()
}

// stored are the keys that the clients have left behind.
func (tr *traffic) stored() (keys []string) {
	for _, c := range tr.traders {
		keys = slices.AppendSeq(keys, maps.Keys(c.values))
		keys = slices.AppendSeq(keys, maps.Keys(c.counts))
		if len(c.queued) > 0 {
			keys = append(keys, c.prefix+"list")
		}
	}
	return keys
}

// verify ends the clients and reads all that they have stored, from any node.
func (tr *traffic) verify(from *node) {
	tr.t.Helper()
	tr.end()
	client, ctx := from.client(1), testContext(tr.t)
	for _, c := range tr.traders {
		if err := c.check(ctx, client, slices.Collect(maps.Keys(c.values))); err != nil && len(c.values) > 0 {
			tr.t.Errorf("in the end: %v", err)
		}
		for k, want := range c.counts {
			if got, err := client.Get(ctx, k).Int64(); err != nil || got != want {
				tr.t.Errorf("in the end %s is %d %v, want %d", k, got, err, want)
			}
		}
		if got, err := client.LRange(ctx, c.prefix+"list", 0, -1).Result(); err != nil || !slices.Equal(got, c.queued) {
			tr.t.Errorf("in the end %slist is %v %v, want %v", c.prefix, got, err, c.queued)
		}
	}
}
