package robustness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

func encode(args ...string) []byte {
	raw := make([][]byte, len(args))
	for i, a := range args {
		raw[i] = []byte(a)
	}
	return wire.Command(raw...)
}

func send(t testing.TB, c *wire.Conn, args ...string) {
	t.Helper()
	if err := c.SendRaw(encode(args...)); err != nil {
		t.Fatal(err)
	}
}

func receive(t testing.TB, c *wire.Conn) string {
	t.Helper()
	v, err := c.Read(limit)
	if err != nil {
		t.Fatal(err)
	}
	return v.Format()
}

// awaitBlocked waits until n clients are blocked on the server at addr.
func awaitBlocked(t testing.TB, addr string, n int) {
	t.Helper()
	eventually(t, strconv.Itoa(n)+" blocked clients", func() bool {
		return infoField(t, addr, "blocked_clients") == strconv.Itoa(n)
	})
}

// market is lists and sorted sets in different shards that consumers wait at. An
// element of in is taken there, or moved to relay and taken there.
type market struct {
	client     *redis.Client
	in, sorted []string
	relay      string
	staging    string // whence producers move elements to in
	served     chan string
}

// TestBlockingPopsServeOnce: each element, however it comes, is served to one
// consumer, once.
func TestBlockingPopsServeOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		const consumers, producers, each = 24, 6, 80
		first, keys := random(t), spreadKeys("q", 8, 16)
		m := market{
			in: keys[:4], sorted: keys[4:6], relay: keys[6], staging: keys[7],
			client: redis.NewClient(&redis.Options{
				Addr: addr, PoolSize: consumers + producers + 4, MaxRetries: -1, ReadTimeout: limit, ContextTimeoutEnabled: true,
			}),
			served: make(chan string, producers*each),
		}
		defer m.client.Close()
		var waiting, making sync.WaitGroup
		ids := make([]int64, consumers)
		for i := range consumers {
			conn := m.client.Conn()
			defer conn.Close()
			ids[i] = conn.ClientID(testContext(t)).Val()
			waiting.Go(func() { m.consume(t, conn, i) })
		}
		for p := range producers {
			making.Go(func() {
				r := rand.New(rand.NewPCG(first, uint64(p)))
				for n := range each {
					if err := m.produce(testContext(t), r, fmt.Sprintf("%d.%d", p, n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		m.collect(t, producers*each)
		making.Wait()
		m.sendHome(t, ids, &waiting)
		all := slices.Concat(m.in, m.sorted, []string{m.relay, m.staging})
		if n, err := m.client.Exists(testContext(t), all...).Result(); n != 0 || err != nil || len(m.served) > 0 {
			t.Errorf("%d keys and %d elements are left, %v", n, len(m.served), err)
		}
	})
}

func (m *market) collect(t *testing.T, n int) {
	t.Helper()
	times := map[string]int{}
	for i := range n {
		select {
		case e := <-m.served:
			if times[e]++; times[e] > 1 {
				t.Errorf("%s was served %d times", e, times[e])
			}
		case <-time.After(limit):
			t.Fatalf("%d of %d elements were served", i, n)
		}
	}
}

const unblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK"

// consume serves itself until it is unblocked.
func (m *market) consume(t *testing.T, c *redis.Conn, i int) {
	for {
		got, err := m.take(testContext(t), c, i)
		switch {
		case err != nil && strings.HasPrefix(err.Error(), unblocked):
			return
		case err != nil:
			t.Errorf("consumer %d: %v", i, err)
			return
		case got != "":
			m.served <- got
		}
	}
}

// take waits for an element; "" is one that was moved on to the relay.
func (m *market) take(ctx context.Context, c *redis.Conn, i int) (string, error) {
	a, b := m.in[i/6%4], m.in[(i/6+1)%4]
	var got []string
	var err error
	switch i % 6 {
	case 0:
		got, err = c.BLPop(ctx, 0, a, b, m.relay).Result()
	case 1:
		got, err = c.BRPop(ctx, 0, m.relay, b, a).Result()
	case 2:
		return "", c.BLMove(ctx, a, m.relay, "LEFT", "RIGHT", 0).Err()
	case 3:
		return "", c.Do(ctx, "BRPOPLPUSH", b, m.relay, 0).Err()
	case 4, 5:
		z, err := c.BZPopMin(ctx, 0, m.sorted[i%2], m.sorted[(i+1)%2]).Result()
		if err != nil {
			return "", err
		}
		return z.Member.(string), nil
	}
	if err != nil {
		return "", err
	}
	return got[1], nil
}

// produce brings one element.
func (m *market) produce(ctx context.Context, r *rand.Rand, e string) error {
	key, sorted := m.in[r.IntN(4)], m.sorted[r.IntN(2)]
	score := redis.Z{Score: r.Float64(), Member: e}
	switch r.IntN(9) {
	case 0:
		return m.client.LPush(ctx, key, e).Err()
	case 1:
		return m.client.ZAdd(ctx, sorted, score).Err()
	case 2: // gone again in half of the block, here again at its end
		_, err := m.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.RPush(ctx, key, e)
			p.LRem(ctx, key, 0, e)
			p.RPush(ctx, m.in[r.IntN(4)], e)
			return nil
		})
		return err
	case 3:
		_, err := m.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.ZAdd(ctx, sorted, score)
			p.Incr(ctx, "counter")
			p.Del(ctx, "counter")
			return nil
		})
		return err
	case 4:
		return m.client.Eval(ctx, `return redis.call('RPUSH', KEYS[1], ARGV[1])`, []string{key}, e).Err()
	case 5:
		return m.client.Eval(ctx, `return redis.call('RPUSH', ARGV[1], ARGV[2])`, nil, key, e).Err()
	case 6:
		own := m.staging + e
		if err := m.client.RPush(ctx, own, e).Err(); err != nil {
			return err
		}
		return m.client.LMove(ctx, own, key, "LEFT", "LEFT").Err()
	case 7:
		if err := m.client.RPush(ctx, m.staging, e).Err(); err != nil {
			return err
		}
		// Whoever moves brings some element; each is moved once.
		return m.client.LMove(ctx, m.staging, key, "LEFT", "RIGHT").Err()
	default:
		return m.client.Eval(ctx, `redis.call('RPUSH', KEYS[1], ARGV[1])
			return redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'LEFT')`, []string{m.staging + e, key}, e).Err()
	}
}

// sendHome unblocks the consumers, who all wait, as nothing is left.
func (m *market) sendHome(t *testing.T, ids []int64, waiting *sync.WaitGroup) {
	t.Helper()
	gone := make(chan struct{})
	go func() {
		waiting.Wait()
		close(gone)
	}()
	eventually(t, "all consumers are gone", func() bool {
		for _, id := range ids {
			m.client.ClientUnblockWithError(testContext(t), id)
		}
		select {
		case <-gone:
			return true
		default:
			return false
		}
	})
}

// TestBlockedAreServedInOrder: whoever waits longest at a key is served first, by
// whatever command it waits and by whatever command the element comes.
func TestBlockedAreServedInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		const waiters = 24
		keys := spreadKeys("fifo", 4, 16)
		common, other, elsewhere, staging := keys[0], keys[1], keys[2], keys[3]
		producer := dial(t, addr)
		for round, push := range [][][]string{
			{{"LPUSH", common, "%d"}},
			{{"RPUSH", common, "%d"}},
			{{"MULTI"}, {"SET", other + "s", "x"}, {"RPUSH", common, "%d"}, {"EXEC"}},
			{{"EVAL", "return redis.call('RPUSH', KEYS[1], ARGV[1])", "1", common, "%d"}},
			{{"EVAL", "return redis.call('RPUSH', ARGV[2], ARGV[1])", "0", "%d", common}},
			{{"RPUSH", staging, "%d"}, {"LMOVE", staging, common, "LEFT", "LEFT"}},
			{{"RPUSH", staging, "%d"}, {"RENAME", staging, common}},
		} {
			var blocked []*wire.Conn
			for i := range waiters {
				c := dial(t, addr)
				send(t, c, [][]string{
					{"BLPOP", common, "0"},
					{"BRPOP", other, common, "0"},
					{"BLMOVE", common, elsewhere, "LEFT", "RIGHT", "0"},
					{"BLPOP", common, other, "0"},
					{"BRPOPLPUSH", common, elsewhere, "0"},
				}[i%5]...)
				awaitBlocked(t, addr, i+1)
				blocked = append(blocked, c)
			}
			for i, c := range blocked {
				for _, words := range push {
					filled := slices.Clone(words)
					for j := range filled {
						filled[j] = strings.ReplaceAll(filled[j], "%d", fmt.Sprint(i))
					}
					if got := do(t, producer, filled...); got[0] == wire.Error {
						t.Fatalf("%v: %s", filled, got)
					}
				}
				want := fmt.Sprintf("*2 [%q %q]", common, fmt.Sprint(i))
				if i%5 == 2 || i%5 == 4 {
					want = fmt.Sprintf("%q", fmt.Sprint(i))
				}
				if got := receive(t, c); got != want {
					t.Fatalf("round %d: the client that came as number %d gets %s, not %s", round, i, got, want)
				}
			}
		}
	})
}

// One push of many elements serves as many clients, in the order of both.
func TestOnePushServesMany(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		const waiters = 10
		key := "many"
		var blocked []*wire.Conn
		push := []string{"RPUSH", key}
		for i := range waiters {
			c := dial(t, addr)
			send(t, c, "BLPOP", key, "0")
			awaitBlocked(t, addr, i+1)
			blocked, push = append(blocked, c), append(push, fmt.Sprint(i))
		}
		producer := dial(t, addr)
		if got := do(t, producer, append(push, "left")...); got != fmt.Sprintf(":%d", waiters+1) {
			t.Errorf("RPUSH: %s", got)
		}
		for i, c := range blocked {
			if got, want := receive(t, c), fmt.Sprintf("*2 [%q %q]", key, fmt.Sprint(i)); got != want {
				t.Errorf("client %d: %s, want %s", i, got, want)
			}
		}
		if got := do(t, producer, "LRANGE", key, "0", "-1"); got != `*1 ["left"]` {
			t.Errorf("what is left: %s", got)
		}
	})
}

// A client that goes while it is blocked takes nothing with it.
func TestKilledWhileBlockedLosesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		keys := spreadKeys("kill", 3, 16)
		control := dial(t, addr)
		for round := range 12 {
			victim, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := victim.Write(slices.Concat(encode("CLIENT", "SETNAME", "victim"), encode("BLPOP", keys[0], keys[1], "0"))); err != nil {
				t.Fatal(err)
			}
			awaitBlocked(t, addr, 1)
			heir := dial(t, addr)
			send(t, heir, "BLMOVE", keys[round%2], keys[2], "LEFT", "LEFT", "0")
			awaitBlocked(t, addr, 2)
			switch round / 2 % 3 {
			case 0:
				_ = victim.Close()
			case 1: // a reset instead of an end
				_ = victim.(*net.TCPConn).SetLinger(0)
				_ = victim.Close()
			case 2:
				if got := do(t, control, "CLIENT", "KILL", "ADDR", victim.LocalAddr().String()); got != ":1" {
					t.Errorf("CLIENT KILL: %s", got)
				}
			}
			awaitBlocked(t, addr, 1)
			do(t, control, "RPUSH", keys[(round+1)%2], "kept")
			do(t, control, "RPUSH", keys[round%2], "moved")
			if got := receive(t, heir); got != `"moved"` {
				t.Errorf("round %d: the next client gets %s", round, got)
			}
			if got := do(t, control, "LPOP", keys[(round+1)%2]); got != `"kept"` {
				t.Errorf("round %d: what nobody waits for is %s", round, got)
			}
			if got := do(t, control, "DEL", keys[2]); got != ":1" {
				t.Errorf("round %d: DEL of where it was moved: %s", round, got)
			}
			_ = victim.Close()
		}
	})
}

// Timeouts answer what nothing looks like, and what comes later is kept.
func TestBlockedTimeouts(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		keys := spreadKeys("late", 3, 16)
		for _, b := range []struct{ want, command string }{
			{"*-1", "BLPOP A B 0.05"}, {"*-1", "BRPOP A 0.05"}, {"*-1", "BLMOVE A B LEFT RIGHT 0.05"}, {"*-1", "BRPOPLPUSH A B 0.05"},
			{"*-1", "BZPOPMIN A B C 0.05"}, {"*-1", "BZPOPMAX A 0.05"},
			{"-ERR timeout is negative", "BLPOP A -1"}, {"-ERR timeout is not a float or out of range", "BLPOP A soon"},
		} {
			words := strings.Split(b.command, " ")
			for i, w := range words {
				if at := strings.Index("ABC", w); at >= 0 && len(w) == 1 {
					words[i] = keys[at]
				}
			}
			c := dial(t, addr)
			if got := do(t, c, words...); got != b.want {
				t.Errorf("%s: %s, want %s", b.command, got, b.want)
			}
			do(t, c, "RPUSH", keys[0], "late")
			if got := do(t, c, "LPOP", keys[0]); got != `"late"` {
				t.Errorf("after %s: %s", b.command, got)
			}
		}
	})
}

func TestClientUnblock(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		keys := spreadKeys("unblock", 2, 16)
		control := dial(t, addr)
		for _, u := range []struct{ how, want string }{
			{"", "*-1"}, {"TIMEOUT", "*-1"}, {"ERROR", "-" + unblocked},
		} {
			c := dial(t, addr)
			id := strings.TrimPrefix(do(t, c, "CLIENT", "ID"), ":")
			words := strings.Fields("CLIENT UNBLOCK " + id + " " + u.how)
			if got := do(t, control, words...); got != ":0" {
				t.Errorf("%v of a client that is not blocked: %s", words, got)
			}
			send(t, c, "BLPOP", keys[0], keys[1], "0")
			awaitBlocked(t, addr, 1)
			if got := do(t, control, words...); got != ":1" {
				t.Errorf("%v: %s", words, got)
			}
			if got := receive(t, c); got != u.want {
				t.Errorf("%v makes BLPOP answer %s, want %s", words, got, u.want)
			}
			awaitBlocked(t, addr, 0)
			do(t, control, "RPUSH", keys[1], "kept")
			if got := do(t, c, "LPOP", keys[1]); got != `"kept"` {
				t.Errorf("after %v: %s", words, got)
			}
		}
	})
}
