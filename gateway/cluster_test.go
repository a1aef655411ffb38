package gateway_test

import (
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway"
)

// troupe starts n nodes in this process that share their shards by a directory that
// never changes.
func troupe(t testing.TB, n, shards int, portable bool) (nodes []*gateway.Gateway, clients []*redis.Client) {
	t.Helper()
	d := &directory.Directory{
		Slots: directory.Even(shards), Epoch: 2, ClusterID: "0123456789012345678901234567890123456789", Cluster: "test",
		Places: make([]directory.Place, shards),
	}
	for i := range d.Places {
		d.Places[i] = directory.Place{Owner: directory.Number(i%n + 1), Epoch: 1}
	}
	for i := range n {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		cfg := gateway.DefaultConfig()
		cfg.Port, cfg.Shards, cfg.Streams, cfg.Logger, cfg.Portable = 0, shards, l, slog.New(slog.DiscardHandler), portable
		port := l.Addr().(*net.TCPAddr).Port
		g, err := gateway.Start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(g.Stop)
		nodes = append(nodes, g)
		c := redis.NewClient(&redis.Options{Addr: g.Addr().String(), MaxRetries: -1})
		t.Cleanup(func() { c.Close() })
		clients = append(clients, c)
		d.Members = append(d.Members, directory.Member{
			Number: directory.Number(i + 1), ID: fmt.Sprintf("%040d", i+1), Name: fmt.Sprint("node", i+1), Host: "127.0.0.1",
			ClientPort: g.Addr().Port, StreamPort: port, Incarnation: uint64(i + 1),
		})
	}
	for i, g := range nodes {
		mine := *d
		mine.Self = directory.Number(i + 1)
		g.Follow(&mine)
	}
	for _, g := range nodes {
		for _, m := range d.Members {
			for deadline := time.Now().Add(10 * time.Second); !g.Joined(m.Number); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("no stream to node %d", m.Number)
				}
			}
		}
	}
	return nodes, clients
}

func TestForwarding(t *testing.T) {
	for _, portable := range []bool{false, true} {
		t.Run(fmt.Sprintf("portable=%v", portable), func(t *testing.T) {
			_, clients := troupe(t, 3, 16, portable)
			ctx := t.Context()
			for round := range 3 {
				pipe := clients[round].Pipeline()
				for i := range 300 {
					pipe.Set(ctx, fmt.Sprint("key", i), fmt.Sprint(round, "value", i), 0)
					pipe.Get(ctx, fmt.Sprint("key", i))
				}
				replies, err := pipe.Exec(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 300 {
					if got := replies[2*i+1].(*redis.StringCmd).Val(); got != fmt.Sprint(round, "value", i) {
						t.Fatalf("key%d: %q", i, got)
					}
				}
			}
			for i := range 100 {
				if got, err := clients[i%3].Get(ctx, fmt.Sprint("key", i)).Result(); err != nil || got != fmt.Sprint(2, "value", i) {
					t.Fatalf("key%d: %q, %v", i, got, err)
				}
			}
			if err := clients[0].LPush(ctx, "key1", "x").Err(); err == nil || err.Error() != "WRONGTYPE Operation against a key holding the wrong kind of value" {
				t.Errorf("LPUSH on a string: %v", err)
			}
		})
	}
}

func TestSagasAcrossNodes(t *testing.T) {
	_, clients := troupe(t, 3, 16, false)
	ctx := t.Context()
	var pairs []any
	var keys []string
	for i := range 20 {
		keys = append(keys, fmt.Sprint("k", i))
		pairs = append(pairs, keys[i], i)
	}
	if err := clients[0].MSet(ctx, pairs...).Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		got, err := c.MGet(ctx, keys...).Result()
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != fmt.Sprint(i) {
				t.Fatalf("%s: %v", keys[i], v)
			}
		}
		if n, err := c.DBSize(ctx).Result(); err != nil || n != 20 {
			t.Fatalf("DBSIZE %d, %v", n, err)
		}
	}
	_, err := clients[1].TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, k := range keys {
			p.Incr(ctx, k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := clients[2].Eval(ctx, `local s = 0 for _, k in ipairs(KEYS) do s = s + redis.call('GET', k) end redis.call('SET', 'sum', s) return s`, keys).Int()
	if err != nil || n != 20*19/2+20 {
		t.Fatalf("EVAL: %d, %v", n, err)
	}
	if got := clients[0].Get(ctx, "sum").Val(); got != fmt.Sprint(n) {
		t.Errorf("sum is %s", got)
	}
	var cursor uint64
	seen := map[string]bool{}
	for {
		var page []string
		if page, cursor, err = clients[0].Scan(ctx, cursor, "", 7).Result(); err != nil {
			t.Fatal(err)
		}
		for _, k := range page {
			seen[k] = true
		}
		if cursor == 0 {
			break
		}
	}
	if len(seen) != 21 {
		t.Errorf("SCAN found %d keys", len(seen))
	}
	if err := clients[2].FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	if n := clients[1].DBSize(ctx).Val(); n != 0 {
		t.Errorf("%d keys after FLUSHALL", n)
	}
}

// A client blocked on keys of several nodes is served by whichever is ready first.
func TestBlockedAcrossNodes(t *testing.T) {
	_, clients := troupe(t, 3, 16, false)
	ctx := t.Context()
	for i := range 12 {
		got := make(chan []string)
		blocked := clients[i%3]
		go func() {
			v, err := blocked.BLPop(ctx, 20*time.Second, "l1", "l2", "l3", "l4", "l5").Result()
			if err != nil {
				t.Error(err)
			}
			got <- v
		}()
		for n := 0; n == 0; time.Sleep(time.Millisecond) {
			n = int(info(t, blocked, "blocked_clients"))
		}
		key := fmt.Sprint("l", i%5+1)
		if err := clients[(i+1)%3].RPush(ctx, key, i).Err(); err != nil {
			t.Fatal(err)
		}
		select {
		case v := <-got:
			if len(v) != 2 || v[0] != key || v[1] != fmt.Sprint(i) {
				t.Fatalf("served %q, want %s %d", v, key, i)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("nobody is served at %s", key)
		}
	}
	for i, want := range []string{"a", "b"} {
		moved := make(chan string)
		go func() {
			moved <- clients[i].BLMove(ctx, "src", fmt.Sprint("dst", i), "LEFT", "LEFT", 20*time.Second).Val()
		}()
		for n := 0; n == 0; time.Sleep(time.Millisecond) {
			n = int(info(t, clients[i], "blocked_clients"))
		}
		clients[2].RPush(ctx, "src", want)
		if got := <-moved; got != want {
			t.Errorf("moved %q, want %q", got, want)
		}
	}
	if n := clients[0].DBSize(ctx).Val(); n != 2 {
		t.Errorf("%d keys are left", n)
	}
}

func TestWatchAcrossNodes(t *testing.T) {
	_, clients := troupe(t, 3, 16, false)
	ctx := t.Context()
	for i := range 10 {
		key := fmt.Sprint("w", i)
		for _, touched := range []bool{false, true} {
			err := clients[0].Watch(ctx, func(tx *redis.Tx) error {
				if touched {
					clients[1].Set(ctx, key, "other", 0)
				}
				_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
					p.Set(ctx, key, "mine", 0)
					return nil
				})
				return err
			}, key, "other"+key)
			if (err == redis.TxFailedErr) != touched || err != nil && !touched {
				t.Fatalf("%s, touched %v: %v", key, touched, err)
			}
		}
	}
}

func info(t testing.TB, c *redis.Client, field string) (n int64) {
	t.Helper()
	for _, line := range splitLines(c.Info(t.Context()).Val()) {
		if _, err := fmt.Sscanf(line, field+":%d", &n); err == nil {
			return n
		}
	}
	t.Fatalf("INFO has no %s", field)
	return 0
}

func splitLines(s string) (lines []string) {
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] != '\r' && s[i] != '\n' {
			i++
		}
		if i > 0 {
			lines = append(lines, s[:i])
		}
		s = s[min(i+1, len(s)):]
	}
	return lines
}
