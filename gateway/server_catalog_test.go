package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/session"
)

// sharedCatalog is a catalog that all nodes of a test have in common. They come to
// know of changes a while after they are made.
type sharedCatalog struct {
	session.Cluster
	nodes []*gateway.Gateway

	mu       sync.Mutex
	settings []string
	scripts  map[string]string
	fail     error
}

const catalogLag = 20 * time.Millisecond

func share(t *testing.T, nodes []*gateway.Gateway) *sharedCatalog {
	t.Helper()
	c := &sharedCatalog{nodes: nodes, scripts: map[string]string{}}
	for _, g := range nodes {
		g.Server.Cluster = c
		g.Server.ClientCount() // takes the lock that sessions are opened under: they see it
	}
	return c
}

func (c *sharedCatalog) SetSettings(_ context.Context, pairs ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	c.settings = append(c.settings, pairs...)
	all := slices.Clone(c.settings)
	for i, g := range c.nodes {
		time.AfterFunc(time.Duration(i)*catalogLag, func() { g.Server.Config.Adopt(all) })
	}
	return nil
}

func (c *sharedCatalog) LoadScript(_ context.Context, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scripts[sha(string(body))] = string(body)
	return c.fail
}

func (c *sharedCatalog) FlushScripts(context.Context) (epoch uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.scripts)
	return 1, c.fail
}

func (c *sharedCatalog) Script(sha string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, ok := c.scripts[sha]
	return body, ok
}

func (c *sharedCatalog) has() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.settings)
}

func (c *sharedCatalog) refuse(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

func TestSettingsOfTheCluster(t *testing.T) {
	both(t, func(t *testing.T, nodes []*gateway.Gateway, clients []*redis.Client) {
		c := share(t, nodes)
		get := func(at int, name string) string { return nodes[at].Server.Config.Value(name) }
		expect(t, clients[1], "OK", "CONFIG", "SET", "timeout", 77, "hash-max-ziplist-entries", 1, "client-output-buffer-limit", "pubsub 1mb 1k 5")
		for i := range nodes { // when it has answered
			if get(i, "timeout") != "77" || get(i, "hash-max-listpack-entries") != "1" ||
				get(i, "client-output-buffer-limit") != "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 1000 5" {
				t.Errorf("node %d has timeout %s, limits %s", i+1, get(i, "timeout"), get(i, "client-output-buffer-limit"))
			}
		}
		for i := range 20 { // shards obey
			key := fmt.Sprint("h", i)
			expect(t, clients[0], "2", "HSET", key, "a", 1, "b", 2)
			expect(t, clients[0], "hashtable", "OBJECT", "ENCODING", key)
		}
		before := c.has()
		// A node's own stay its own.
		expect(t, clients[1], "OK", "CONFIG", "SET", "loglevel", "debug")
		if get(0, "loglevel") != "notice" || get(1, "loglevel") != "debug" || !slices.Equal(before, c.has()) {
			t.Errorf("loglevel went to others, or to the catalog: %q", c.has())
		}
		// All or nothing, whatever is wrong, and wherever it belongs.
		for _, wrong := range [][]any{
			{"loglevel", "notice", "timeout", "x"}, {"timeout", 5, "loglevel", "x"}, {"timeout", 5, "loglevel", "notice", "port", 1},
			{"timeout", 5, "nothing", 1}, {"timeout", 5, "loglevel"}, {"maxmemory", "1gb", "maxmemory-policy", "allkeys-lru"},
		} {
			if got := do(t, clients[1], append([]any{"CONFIG", "SET"}, wrong...)...); !strings.HasPrefix(got, "ERR ") {
				t.Errorf("CONFIG SET %v: %s", wrong, got)
			}
		}
		c.refuse(context.DeadlineExceeded)
		if got := do(t, clients[1], "CONFIG", "SET", "timeout", 5, "loglevel", "notice"); !strings.HasPrefix(got, "TRYAGAIN ") {
			t.Errorf("without a catalog: %s", got)
		}
		c.refuse(nil)
		if get(1, "timeout") != "77" || get(1, "loglevel") != "debug" || !slices.Equal(before, c.has()) {
			t.Errorf("what was refused has changed something: %q", c.has())
		}
		expect(t, clients[2], "OK", "CONFIG", "SET", "timeout", 5, "loglevel", "warning")
		if get(0, "timeout") != "5" || get(2, "loglevel") != "warning" || get(0, "loglevel") != "notice" {
			t.Error("settings of both kinds at once")
		}
		expect(t, clients[0], "OK", "CONFIG", "SET", "requirepass", "secret")
		late := redis.NewClient(&redis.Options{Addr: nodes[2].Addr().String(), MaxRetries: -1})
		defer late.Close()
		if got := do(t, late, "GET", "k"); !strings.HasPrefix(got, "NOAUTH") {
			t.Errorf("without the cluster's password: %s", got)
		}
	})
}

func TestScriptsInTheCatalog(t *testing.T) {
	nodes, clients := troupe(t, 3, 16, false)
	c := share(t, nodes)
	const body = "return 7"
	expect(t, clients[0], sha(body), "SCRIPT", "LOAD", body)
	if _, ok := c.Script(sha(body)); !ok {
		t.Error("the catalog has no script")
	}
	for _, g := range nodes { // as if all had been started again
		g.Node.Env.Scripts.Flush()
	}
	expect(t, clients[1], "[1]", "SCRIPT", "EXISTS", sha(body))
	expect(t, clients[2], "7", "EVALSHA", sha(body), 0)
	c.refuse(fmt.Errorf("no leader"))
	expect(t, clients[0], sha("return 8"), "SCRIPT", "LOAD", "return 8")
	expect(t, clients[2], "8", "EVALSHA", sha("return 8"), 0)
	expect(t, clients[0], "ERR no leader", "SCRIPT", "FLUSH")
	c.refuse(nil)
	expect(t, clients[1], "OK", "SCRIPT", "FLUSH")
	expect(t, clients[2], noScript, "EVALSHA", sha(body), 0)
}

// Commands for all nodes are carried out with a transaction, in the order of its queue.
func TestWideCommandsInTransactions(t *testing.T) {
	both(t, func(t *testing.T, nodes []*gateway.Gateway, clients []*redis.Client) {
		share(t, nodes)
		ctx := t.Context()
		victim := redis.NewClient(&redis.Options{Addr: nodes[2].Addr().String(), MaxRetries: -1, PoolSize: 1, ClientName: "victim"})
		defer victim.Close()
		expect(t, victim, "PONG", "PING")
		id := named(t, clients[0], "victim")
		const body = "return 1"
		words := [][]any{
			{"SET", "key1", "v"}, {"CLIENT", "KILL", "ID", id}, {"CLIENT", "KILL", "ID", id}, {"GET", "key1"},
			{"SCRIPT", "LOAD", body}, {"SCRIPT", "EXISTS", sha(body), sha("no")}, {"MGET", "key1", "key2", "key3"},
			{"CONFIG", "SET", "timeout", "9"}, {"CONFIG", "SET", "timeout", "x"}, {"CLIENT", "LIST", "ID", id},
			{"INFO", "cluster_totals"}, {"SET", "key2", "w"},
		}
		want := []string{"OK", "1", "0", "v", sha(body), "[1 0]", "[v <nil> <nil>]", "OK",
			"ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer", "",
			"cluster_nodes_counted:3", "OK"}
		replies, _ := clients[0].TxPipelined(ctx, func(p redis.Pipeliner) error {
			for _, w := range words {
				p.Do(ctx, w...)
			}
			return nil
		})
		for i, cmd := range replies {
			v, err := cmd.(*redis.Cmd).Result()
			got := fmt.Sprint(v)
			if err != nil {
				got = err.Error()
			}
			if got != want[i] && !(strings.HasPrefix(want[i], "cluster_nodes") && strings.Contains(got, want[i])) {
				t.Errorf("%v: %s, want %s", words[i], got, want[i])
			}
		}
		if got := nodes[1].Server.Config.Value("timeout"); got != "9" {
			t.Errorf("timeout %s", got)
		}
		// One that is not carried out does nothing.
		err := clients[1].Watch(ctx, func(tx *redis.Tx) error {
			clients[0].Set(ctx, "watched", "other", 0)
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Do(ctx, "SCRIPT", "FLUSH")
				p.Do(ctx, "CONFIG", "SET", "timeout", "10")
				return nil
			})
			return err
		}, "watched")
		if err != redis.TxFailedErr {
			t.Errorf("watched: %v", err)
		}
		expect(t, clients[0], "[1]", "SCRIPT", "EXISTS", sha(body))
		expect(t, clients[0], "map[timeout:9]", "CONFIG", "GET", "timeout")
	})
}

// What a node that does not answer might know or have to do is said to be so; one that
// is down has nothing to say.
func TestNodesThatDoNotAnswer(t *testing.T) {
	nodes, clients := troupe(t, 3, 16, false)
	where := nodes[0].Server.Env.Where
	follow := func(change func(d *directory.Directory)) {
		d := *where.Load()
		d.Epoch++
		d.Members = slices.Clone(d.Members)
		change(&d)
		nodes[0].Follow(&d)
	}
	follow(func(d *directory.Directory) { // up, and nobody listens there
		d.Members = append(d.Members, directory.Member{Number: 4, ID: strings.Repeat("4", 40), Name: "mute", Host: "127.0.0.1", StreamPort: 1, Incarnation: 1})
	})
	const body = "return 1"
	elsewhere := named(t, clients[1], "") // any of another node
	expect(t, clients[0], sha(body), "SCRIPT", "LOAD", body)
	expect(t, clients[0], "[1 0]", "SCRIPT", "EXISTS", sha(body), sha("no"))
	expect(t, clients[0], noScript, "EVALSHA", sha("no"), 0)
	for _, words := range [][]any{
		{"CLIENT", "LIST"}, {"CLIENT", "KILL", "TYPE", "pubsub"}, {"CLIENT", "KILL", "1.2.3.4:5"}, {"CLIENT", "KILL", "ID", 1<<10 | 4},
		{"CLIENT", "UNBLOCK", 1<<10 | 4}, {"SCRIPT", "FLUSH"}, {"SCRIPT", "KILL"}, {"CONFIG", "RESETSTAT"},
	} {
		if got := do(t, clients[0], words...); !strings.HasPrefix(got, "CLUSTERDOWN no answer from mute") {
			t.Errorf("%v: %s", words, got)
		}
	}
	expect(t, clients[0], "0", "CLIENT", "UNBLOCK", elsewhere)
	if got := do(t, clients[0], "INFO", "cluster_totals"); !strings.Contains(got, "cluster_nodes_counted:3\r\ncluster_nodes_silent:1\r\n") {
		t.Error(got)
	}
	follow(func(d *directory.Directory) {
		d.Members[2].State, d.Members[3].State = directory.Down, directory.Down
	})
	for _, words := range [][]any{{"CLIENT", "LIST"}, {"CLIENT", "KILL", "TYPE", "pubsub"}, {"SCRIPT", "FLUSH"}, {"CONFIG", "RESETSTAT"}} {
		if got := do(t, clients[0], words...); strings.HasPrefix(got, "CLUSTERDOWN") {
			t.Errorf("%v: %s", words, got)
		}
	}
	got := do(t, clients[0], "INFO", "everything")
	for _, want := range []string{"cluster_nodes_counted:2", "cluster_nodes_down:2", "cluster_shards_down:5", "troupe_shards_down:5"} {
		if !strings.Contains(got, want+"\r\n") {
			t.Errorf("INFO lacks %s: %s", want, got)
		}
	}
}
