package robustness

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/troupedb/troupe/shard/slot"
)

// redirections counts the replies that send a client elsewhere: there must be none.
type redirections struct{ seen atomic.Int64 }

func (r *redirections) look(err error) {
	if err != nil && (redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "ASK") || redis.HasErrorPrefix(err, "CROSSSLOT")) {
		r.seen.Add(1)
	}
}

func (r *redirections) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *redirections) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		r.look(cmd.Err())
		return err
	}
}

func (r *redirections) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, c := range cmds {
			r.look(c.Err())
		}
		return err
	}
}

// slotAware is go-redis's client for clusters; it knows one node.
func slotAware(t *testing.T, n *node) (*redis.ClusterClient, *redirections) {
	t.Helper()
	seen := &redirections{}
	c := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{n.addr()}, MaxRedirects: -1, MaxRetries: -1, ReadTimeout: limit, ContextTimeoutEnabled: true,
		NewClient: func(o *redis.Options) *redis.Client {
			c := redis.NewClient(o)
			c.AddHook(seen)
			return c
		},
	})
	t.Cleanup(func() { _ = c.Close() })
	return c, seen
}

// TestClusterClients: clients that know of clusters go straight to the owners and are
// never sent elsewhere.
func TestClusterClients(t *testing.T) {
	t.Parallel()
	cl := startCluster(t, 3)
	t.Run("redis-cli", func(t *testing.T) { redisCLIOfClusters(t, cl) })
	t.Run("go-redis", func(t *testing.T) { goRedisOfClusters(t, cl) })
	t.Run("ioredis", func(t *testing.T) { ioredisOfClusters(t, cl) })
}

// goRedisOfClusters does what go-redis's ClusterClient can do with a Redis Cluster.
func goRedisOfClusters(t *testing.T, cl *cluster) {
	const keys = 300
	c, seen := slotAware(t, cl.nodes[1])
	ctx := testContext(t)

	st := cl.nodes[0].view()
	for i := range keys {
		key := "client:" + strconv.Itoa(i)
		equal(t, "set", "OK")(c.Set(ctx, key, i, 0).Result())
		owner := st.Node(st.Shards[int(slot.Of([]byte(key)))*len(st.Shards)/slots].Owner)
		master, err := c.MasterForKey(ctx, key)
		if want := net.JoinHostPort(owner.Host, strconv.Itoa(owner.ClientPort)); err != nil || master.Options().Addr != want {
			t.Fatalf("%s is sent to %v %v, its owner is %s", key, master, err, want)
		}
	}
	cmds, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range keys {
			p.Get(ctx, "client:"+strconv.Itoa(i))
		}
		return nil
	})
	for i, cmd := range cmds {
		if got := cmd.(*redis.StringCmd).Val(); err != nil || got != strconv.Itoa(i) {
			t.Fatalf("key %d in a pipeline: %s %v", i, got, err)
		}
	}
	var scanned atomic.Int64
	err = c.ForEachMaster(ctx, func(context.Context, *redis.Client) error {
		scanned.Add(1)
		return nil
	})
	if err != nil || scanned.Load() != 3 {
		t.Errorf("%d masters, %v", scanned.Load(), err)
	}
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, "{tx}a")
		p.Incr(ctx, "{tx}b")
		return nil
	})
	if err != nil {
		t.Errorf("a transaction: %v", err)
	}
	sub := c.SSubscribe(ctx, "news")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		t.Errorf("SSUBSCRIBE: %v", err)
	}
	equal(t, "spublish", int64(1))(c.SPublish(ctx, "news", "hello").Result())
	if m, err := sub.ReceiveMessage(ctx); err != nil || m.Payload != "hello" {
		t.Errorf("a message: %v %v", m, err)
	}
	if n := seen.seen.Load(); n != 0 {
		t.Errorf("the client was sent elsewhere %d times", n)
	}
}

// slotAwareWhileShardsMove: what a slot-aware client knows may be old; it is served
// all the same.
func slotAwareWhileShardsMove(t *testing.T, cl *cluster, until time.Time) {
	const clients, keys = 4, 50
	c, seen := slotAware(t, cl.nodes[0])
	ctx := testContext(t)
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			for n := int64(0); time.Now().Before(until); n++ {
				key := fmt.Sprintf("moving:%d.%d", i, n%keys)
				if got, err := c.Incr(ctx, key).Result(); err != nil || got != n/keys+1 {
					t.Errorf("INCR %s: %d %v, want %d", key, got, err, n/keys+1)
					return
				}
				time.Sleep(traderPause)
			}
		})
	}
	group.Wait()
	if n := seen.seen.Load(); n != 0 {
		t.Errorf("the client was sent elsewhere %d times", n)
	}
}

// redisCLIOfClusters: redis-cli -c is never sent elsewhere, and its tools for clusters
// find nothing wrong.
func redisCLIOfClusters(t *testing.T, cl *cluster) {
	program(t, "redis-cli")
	addr := cl.nodes[2].addr()
	var session strings.Builder
	for i := range 50 {
		fmt.Fprintf(&session, "SET cli:%d %d\nGET cli:%d\n", i, i, i)
	}
	session.WriteString("MSET a 1 b 2 c 3\nMGET a b c\nDEL a b c\n")
	out := tool(t, "redis-cli", addr, session.String(), "-c")
	if strings.Contains(out, "Redirected") || strings.Contains(out, "MOVED") || !strings.HasSuffix(out, "49\nOK\n1\n2\n3\n3\n") {
		t.Errorf("redis-cli -c:\n%s", out)
	}
	out = tool(t, "redis-cli", addr, "", "--cluster", "check", addr)
	for _, want := range []string{"[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered."} {
		if !strings.Contains(out, want) {
			t.Errorf("redis-cli --cluster check does not say %q:\n%s", want, out)
		}
	}
	if out := tool(t, "redis-cli", addr, "", "--cluster", "call", addr, "PING"); strings.Count(out, "PONG") != 3 {
		t.Errorf("redis-cli --cluster call:\n%s", out)
	}
}

// ioredisCluster is a program that uses ioredis's client for clusters.
const ioredisCluster = `
const Redis = require('ioredis')
const c = new Redis.Cluster([{ host: '127.0.0.1', port: Number(process.argv[2]) }], { maxRedirections: 0 })
async function main () {
  for (let i = 0; i < 200; i++) await c.set('io:' + i, i)
  for (let i = 0; i < 200; i++) if (await c.get('io:' + i) !== String(i)) throw new Error('key ' + i)
  const replies = await c.pipeline().set('{io}a', 1).incr('{io}a').get('{io}a').exec()
  if (replies[2][1] !== '2') throw new Error(JSON.stringify(replies))
  if (c.nodes('master').length !== 3) throw new Error('not three masters')
  c.disconnect()
  console.log('done')
}
main().catch(e => { console.error(e); process.exit(1) })
`

// ioredisOfClusters runs testdata/ioredis.js against a node of a cluster, and ioredis's
// own client for clusters.
func ioredisOfClusters(t *testing.T, cl *cluster) {
	if os.Getenv(npmEnv) != "1" {
		t.Skipf("needs node, npm and its registry: set %s=1", npmEnv)
	}
	dir := t.TempDir()
	run(t, dir, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir, "ioredis@6.0.0")
	plainClient, err := os.ReadFile(filepath.Join("testdata", "ioredis.js"))
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{"plain.js": string(plainClient), "cluster.js": ioredisCluster} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := run(t, dir, "node", name, strconv.Itoa(cl.nodes[1].port)); !strings.HasSuffix(out, "done\n") {
			t.Errorf("%s did not come to its end:\n%s", name, out)
		}
	}
}
