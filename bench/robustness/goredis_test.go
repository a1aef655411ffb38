package robustness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestGoRedis uses go-redis as programs do, in both protocols.
func TestGoRedis(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		for _, protocol := range []int{2, 3} {
			t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) { goRedis(t, addr, protocol) })
		}
	})
}

func goRedis(t *testing.T, addr string, protocol int) {
	c := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: protocol, PoolSize: 20, ReadTimeout: limit, ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() { _ = c.Close() })
	if err := c.FlushAll(testContext(t)).Err(); err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct {
		name string
		test func(*testing.T, *redis.Client)
	}{
		{"types", goRedisTypes}, {"pool", goRedisPool}, {"pipeline", goRedisPipeline}, {"transaction", goRedisTx},
		{"watch", goRedisWatch}, {"pubsub", goRedisPubSub}, {"scan", goRedisScan}, {"script", goRedisScript},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, c) })
	}
}

// equal fails the test unless got is want and err is nil.
func equal[T any](t *testing.T, what string, want T) func(got T, err error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v %v, want %v", what, got, err, want)
		}
	}
}

func goRedisTypes(t *testing.T, c *redis.Client) {
	ctx := testContext(t)
	equal(t, "set", "OK")(c.Set(ctx, "types:s", "v", 0).Result())
	if err := c.Get(ctx, "types:none").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("get of nothing: %v", err)
	}
	equal(t, "mset", "OK")(c.MSet(ctx, "types:1", "a", "types:2", "b").Result())
	equal(t, "mget", []any{"a", nil, "b"})(c.MGet(ctx, "types:1", "types:none", "types:2").Result())
	equal[int64](t, "hset", 2)(c.HSet(ctx, "types:h", "f", 1, "g", "two").Result())
	equal(t, "hgetall", map[string]string{"f": "1", "g": "two"})(c.HGetAll(ctx, "types:h").Result())
	equal[int64](t, "rpush", 3)(c.RPush(ctx, "types:l", "a", "b", "c").Result())
	equal(t, "lrange", []string{"a", "b", "c"})(c.LRange(ctx, "types:l", 0, -1).Result())
	equal[int64](t, "zadd", 2)(c.ZAdd(ctx, "types:z", redis.Z{Score: 1.5, Member: "x"}, redis.Z{Score: 1, Member: "y"}).Result())
	equal(t, "zrange", []redis.Z{{Score: 1, Member: "y"}, {Score: 1.5, Member: "x"}})(
		c.ZRangeWithScores(ctx, "types:z", 0, -1).Result())
	equal(t, "zscore", 1.5)(c.ZScore(ctx, "types:z", "x").Result())
	equal[int64](t, "sadd", 2)(c.SAdd(ctx, "types:set", "x", "y").Result())
	equal(t, "smismember", []bool{true, false})(c.SMIsMember(ctx, "types:set", "x", "z").Result())
	equal(t, "expire", true)(c.Expire(ctx, "types:s", limit).Result())
	equal(t, "rename", "OK")(c.Rename(ctx, "types:1", "types:renamed").Result())
	equal(t, "type", "zset")(c.Type(ctx, "types:z").Result())
	if err := c.LPush(ctx, "types:s", "x").Err(); err == nil || !redis.HasErrorPrefix(err, "WRONGTYPE") {
		t.Errorf("lpush on a string: %v", err)
	}
}

func goRedisPool(t *testing.T, c *redis.Client) {
	const clients, each = 50, 40
	ctx := testContext(t)
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			own := "pool:" + strconv.Itoa(i)
			for n := range each {
				if err := c.Incr(ctx, "pool:all").Err(); err != nil {
					t.Error(err)
				}
				if got, err := c.Incr(ctx, own).Result(); err != nil || got != int64(n+1) {
					t.Errorf("%s: %d %v after %d", own, got, err, n)
				}
			}
		})
	}
	group.Wait()
	equal(t, "all increments", clients*each)(c.Get(ctx, "pool:all").Int())
}

func goRedisPipeline(t *testing.T, c *redis.Client) {
	const n = 500
	ctx := testContext(t)
	cmds, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range n {
			p.Set(ctx, "pipe:"+strconv.Itoa(i), i, 0)
			p.Get(ctx, "pipe:"+strconv.Itoa(i))
			p.HGet(ctx, "pipe:"+strconv.Itoa(i), "f") // an error in the middle
		}
		return nil
	})
	if err == nil || len(cmds) != 3*n {
		t.Fatalf("%d replies, %v", len(cmds), err)
	}
	for i := range n {
		if got := cmds[3*i+1].(*redis.StringCmd).Val(); got != strconv.Itoa(i) {
			t.Fatalf("reply %d is %q", i, got)
		}
		if err := cmds[3*i+2].Err(); err == nil || !redis.HasErrorPrefix(err, "WRONGTYPE") {
			t.Fatalf("reply %d: %v", i, err)
		}
	}
}

func goRedisTx(t *testing.T, c *redis.Client) {
	ctx := testContext(t)
	var sum *redis.IntCmd
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 20 {
			p.Set(ctx, "tx:"+strconv.Itoa(i), i, 0)
		}
		p.RPush(ctx, "tx:list", "a", "b")
		sum = p.IncrBy(ctx, "tx:19", 23)
		return nil
	})
	if err != nil || sum.Val() != 42 {
		t.Errorf("%d %v", sum.Val(), err)
	}
}

// goRedisWatch moves money between accounts of different shards, as the WATCH
// loop of the manual does; none may be made or lost.
func goRedisWatch(t *testing.T, c *redis.Client) {
	const clients, each, start = 6, 10, 1000
	ctx := testContext(t)
	accounts := spreadKeys("watch:", 4, 16)
	for _, a := range accounts {
		equal(t, "set", "OK")(c.Set(ctx, a, start, 0).Result())
	}
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			for n := range each {
				from, to := accounts[(i+n)%4], accounts[(i+n+1+n%3)%4]
				if err := transfer(ctx, c, from, to, n+1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	total := 0
	for _, a := range accounts {
		balance, err := c.Get(ctx, a).Int()
		if err != nil {
			t.Error(err)
		}
		total += balance
	}
	if want := len(accounts) * start; total != want {
		t.Errorf("the accounts hold %d together, not %d", total, want)
	}
}

func transfer(ctx context.Context, c *redis.Client, from, to string, amount int) error {
	for {
		err := c.Watch(ctx, func(tx *redis.Tx) error {
			f, err := tx.Get(ctx, from).Int()
			if err != nil {
				return err
			}
			g, err := tx.Get(ctx, to).Int()
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, from, f-amount, 0)
				p.Set(ctx, to, g+amount, 0)
				return nil
			})
			return err
		}, from, to)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
}

func goRedisPubSub(t *testing.T, c *redis.Client) {
	ctx := testContext(t)
	sub := c.Subscribe(ctx, "news", "sport")
	defer sub.Close()
	if err := sub.PSubscribe(ctx, "new*"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := sub.Receive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := sub.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := sub.Receive(ctx); err != nil || fmt.Sprintf("%T", got) != "*redis.Pong" {
		t.Errorf("ping while subscribed: %v %v", got, err)
	}
	for i := range 100 {
		equal[int64](t, "receivers", 2)(c.Publish(ctx, "news", i).Result())
	}
	equal[int64](t, "receivers", 1)(c.Publish(ctx, "sport", "goal").Result())
	for i := range 100 {
		for _, pattern := range []string{"", "new*"} {
			m, err := sub.ReceiveMessage(ctx)
			if err != nil || m.Channel != "news" || m.Pattern != pattern || m.Payload != strconv.Itoa(i) {
				t.Fatalf("message %d: %v %v", i, m, err)
			}
		}
	}
	if m, err := sub.ReceiveMessage(ctx); err != nil || m.Channel != "sport" {
		t.Errorf("%v %v", m, err)
	}
}

func goRedisScan(t *testing.T, c *redis.Client) {
	const n = 700
	ctx := testContext(t)
	var want []string
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range n {
			name := fmt.Sprintf("scan:%03d", i)
			want = append(want, name)
			p.Set(ctx, name, "x", 0)
			p.HSet(ctx, "scanned:hash", name, i)
			p.SAdd(ctx, "scanned:set", name)
			p.ZAdd(ctx, "scanned:zset", redis.Z{Score: float64(i), Member: name})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, it := range map[string]struct {
		*redis.ScanIterator
		stride int // values an element
	}{
		"SCAN":  {c.Scan(ctx, 0, "scan:*", 10).Iterator(), 1},
		"TYPE":  {c.ScanType(ctx, 0, "scan:*", 100, "string").Iterator(), 1},
		"HSCAN": {c.HScan(ctx, "scanned:hash", 0, "scan:*", 10).Iterator(), 2},
		"SSCAN": {c.SScan(ctx, "scanned:set", 0, "", 10).Iterator(), 1},
		"ZSCAN": {c.ZScan(ctx, "scanned:zset", 0, "", 10).Iterator(), 2},
	} {
		var got []string
		for i := 0; it.Next(ctx); i++ {
			if i%it.stride == 0 {
				got = append(got, it.Val())
			}
		}
		slices.Sort(got)
		if got = slices.Compact(got); it.Err() != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d of %d names, %v", what, len(got), n, it.Err())
		}
	}
}

func goRedisScript(t *testing.T, c *redis.Client) {
	ctx := testContext(t)
	keys := spreadKeys("script:", 2, 16)
	script := redis.NewScript(`
		local n = redis.call('INCRBY', KEYS[1], ARGV[1])
		redis.call('RPUSH', KEYS[2], n)
		return {n, redis.call('LLEN', KEYS[2]), 'done', false, {'nested'}}`)
	if err := c.ScriptFlush(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 3; i++ {
		equal[any](t, "run", []any{5 * i, i, "done", nil, []any{"nested"}})(script.Run(ctx, c, keys, 5).Result())
	}
	equal(t, "exists", []bool{true})(script.Exists(ctx, c).Result())
	equal[any](t, "computed keys", "15")(c.Eval(ctx, `return redis.call('GET', ARGV[1])`, nil, keys[0]).Result())
	if err := c.Eval(ctx, `return redis.call('LPUSH', KEYS[1], 1)`, keys[:1]).Err(); err == nil {
		t.Error("an error in a script is lost")
	}
}
