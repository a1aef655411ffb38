package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/actors/directory"
)

// load is clients on all nodes that write as fast as they can, and know what must be
// there afterwards.
type load struct {
	s       *stage
	stop    chan struct{}
	done    sync.WaitGroup
	counted [loadKeys]atomic.Int64
	pushed  sync.Map
	popped  sync.Map
	ops     atomic.Int64
}

const loadKeys = 40

func newLoad(s *stage) *load {
	l := &load{s: s, stop: make(chan struct{})}
	ctx := s.t.Context()
	for i := range loadKeys {
		s.clients[0].Set(ctx, fmt.Sprint("account", i), 1000, 0)
	}
	for i, c := range s.clients {
		l.client(i, c, l.count)
		l.client(i, c, l.pay)
		l.client(i, c, l.both)
		l.client(i, c, l.remember)
		l.client(i, c, l.push)
	}
	return l
}

// client runs f again and again.
func (l *load) client(i int, c *redis.Client, f func(ctx context.Context, c *redis.Client, who, n int) error) {
	l.done.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-l.stop:
				return
			default:
			}
			if err := f(context.Background(), c, i, n); err != nil {
				l.s.t.Error(err)
				return
			}
			l.ops.Add(1)
		}
	})
}

func (l *load) count(ctx context.Context, c *redis.Client, who, n int) error {
	i := (n*7 + who) % loadKeys
	l.counted[i].Add(1)
	return c.Incr(ctx, fmt.Sprint("counter", i)).Err()
}

var payScript = redis.NewScript(`
local have = tonumber(redis.call('GET', KEYS[1]))
redis.call('SET', KEYS[1], have - ARGV[1])
redis.call('INCRBY', KEYS[2], ARGV[1])
return have`)

// pay moves money between two accounts, which are on any two shards.
func (l *load) pay(ctx context.Context, c *redis.Client, who, n int) error {
	from, to := fmt.Sprint("account", (n*3+who)%loadKeys), fmt.Sprint("account", (n*5+1)%loadKeys)
	return payScript.Run(ctx, c, []string{from, to}, n%10).Err()
}

// both increments two keys as one.
func (l *load) both(ctx context.Context, c *redis.Client, who, n int) error {
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, fmt.Sprint("left", (n+who)%loadKeys))
		p.Incr(ctx, fmt.Sprint("right", (n+who)%loadKeys))
		return nil
	})
	return err
}

// remember writes a pipeline and reads it.
func (l *load) remember(ctx context.Context, c *redis.Client, who, n int) error {
	p := c.Pipeline()
	gets := make([]*redis.StringCmd, 8)
	for i := range gets {
		key := fmt.Sprint("own", who, ":", i)
		p.SetEx(ctx, key, n, time.Hour)
		gets[i] = p.Get(ctx, key)
	}
	if _, err := p.Exec(ctx); err != nil {
		return err
	}
	for i, g := range gets {
		if g.Val() != fmt.Sprint(n) {
			return fmt.Errorf("own%d:%d is %s, not %d", who, i, g.Val(), n)
		}
	}
	return nil
}

func (l *load) push(ctx context.Context, c *redis.Client, who, n int) error {
	v := fmt.Sprint(who, "-", n)
	l.pushed.Store(v, true)
	return c.RPush(ctx, fmt.Sprint("queue", n%5), v).Err()
}

// end stops the clients and checks that nothing is lost, and nothing done twice.
func (l *load) end() {
	t, ctx := l.s.t, l.s.t.Context()
	close(l.stop)
	l.done.Wait()
	l.s.settle()
	c := l.s.clients[len(l.s.clients)-1]
	money := int64(0)
	for i := range loadKeys {
		if n, _ := c.Get(ctx, fmt.Sprint("counter", i)).Int64(); n != l.counted[i].Load() {
			t.Errorf("counter%d is %d, want %d", i, n, l.counted[i].Load())
		}
		left, right := c.Get(ctx, fmt.Sprint("left", i)).Val(), c.Get(ctx, fmt.Sprint("right", i)).Val()
		if left != right {
			t.Errorf("left%d is %s, right%[1]d %s", i, left, right)
		}
		n, _ := c.Get(ctx, fmt.Sprint("account", i)).Int64()
		money += n
	}
	if money != 1000*loadKeys {
		t.Errorf("there is %d in all, want %d", money, 1000*loadKeys)
	}
	for i := range 5 {
		for _, v := range c.LRange(ctx, fmt.Sprint("queue", i), 0, -1).Val() {
			if _, twice := l.popped.LoadOrStore(v, true); twice {
				t.Errorf("%s was popped, and is there", v)
			}
		}
	}
	l.pushed.Range(func(v, _ any) bool {
		if _, there := l.popped.Load(v); !there {
			t.Errorf("%s was pushed and is lost", v)
		}
		return true
	})
	for who := range l.s.clients {
		for i := range 8 {
			if ttl := c.TTL(ctx, fmt.Sprint("own", who, ":", i)).Val(); ttl < 50*time.Minute || ttl > time.Hour {
				t.Errorf("own%d:%d lives for %v", who, i, ttl)
			}
		}
	}
}

// whileShuffled ends the load after shards have moved there and back for a while.
func (l *load) whileShuffled() {
	s, stop := l.s, make(chan struct{})
	var moving sync.WaitGroup
	moving.Go(func() { s.shuffle(10*time.Millisecond, stop) })
	time.Sleep(4 * time.Second)
	close(stop)
	moving.Wait()
	l.end()
	s.t.Logf("%d commands, %d moves, %d given up", l.ops.Load(), s.commit, s.abort)
	if s.commit < 20 {
		s.t.Errorf("only %d moves", s.commit)
	}
}

// Shards move there and back while clients on all nodes write: no client sees an
// error, nothing is lost and nothing done twice.
func TestMovesUnderLoad(t *testing.T) {
	for _, lag := range []time.Duration{0, 30 * time.Millisecond} {
		t.Run(fmt.Sprint("lag ", lag), func(t *testing.T) {
			s := newStage(t, 3, 16)
			s.lag = lag
			l := newLoad(s)
			l.whileShuffled()
		})
	}
}

// Everything that a shard has comes along: large values in pieces, and how long keys
// live.
func TestMoveBrings(t *testing.T) {
	s := newStage(t, 2, 2)
	ctx, a, b := t.Context(), s.clients[0], s.clients[1]
	key := "big"
	const fields = 200_000
	for i := 0; i < fields; i += 1000 {
		words := make([]any, 0, 2000)
		for n := i; n < i+1000; n++ {
			words = append(words, fmt.Sprint("field", n), n)
		}
		if err := a.HSet(ctx, key, words...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	tagged := func(name string) string { return "{big}" + name }
	a.Set(ctx, tagged("string"), strings.Repeat("x", 3<<20), 0)
	a.Set(ctx, tagged("mortal"), "v", time.Hour)
	a.RPush(ctx, tagged("list"), 1, 2, 3)
	a.SAdd(ctx, tagged("set"), 1, 2, 3)
	a.ZAdd(ctx, tagged("zset"), redis.Z{Score: 1.5, Member: "m"})
	for range 2 {
		for to := range directory.Number(2) {
			if s.place(s.shardOf(key)).Owner == to+1 {
				continue
			}
			s.carry(s.shardOf(key), to+1)
		}
		for _, c := range []*redis.Client{a, b} {
			if n := c.HLen(ctx, key).Val(); n != fields {
				t.Fatalf("%d fields", n)
			}
			for i := 0; i < fields; i += 997 {
				if v := c.HGet(ctx, key, fmt.Sprint("field", i)).Val(); v != fmt.Sprint(i) {
					t.Fatalf("field%d is %q", i, v)
				}
			}
			if v := c.Get(ctx, tagged("string")).Val(); v != strings.Repeat("x", 3<<20) {
				t.Errorf("the string has %d bytes", len(v))
			}
			if ttl := c.TTL(ctx, tagged("mortal")).Val(); ttl < 50*time.Minute || ttl > time.Hour {
				t.Errorf("it lives for %v", ttl)
			}
			if v := c.LRange(ctx, tagged("list"), 0, -1).Val(); len(v) != 3 || v[2] != "3" {
				t.Errorf("the list is %q", v)
			}
			if n := c.SCard(ctx, tagged("set")).Val(); n != 3 {
				t.Errorf("the set has %d members", n)
			}
			if v := c.ZScore(ctx, tagged("zset"), "m").Val(); v != 1.5 {
				t.Errorf("the score is %v", v)
			}
		}
	}
	if n := b.DBSize(ctx).Val(); n != 6 {
		t.Errorf("%d keys in all", n)
	}
}
