package gateway_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/session"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: ", what)
		}
	}
}

// do sends a command as it is written, and returns the reply or the error as text.
func do(t *testing.T, c redis.UniversalClient, words ...any) string {
	t.Helper()
	v, err := c.Do(t.Context(), words...).Result()
	if err == redis.Nil {
		return "nil"
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(v)
}

func expect(t *testing.T, c redis.UniversalClient, want string, words ...any) {
	t.Helper()
	if got := do(t, c, words...); got != want {
		t.Errorf("%v: %s, want %s", words, got, want)
	}
}

func sha(body string) string {
	sum := sha1.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

const noScript = "NOSCRIPT No matching script. Please use EVAL."

// both runs a test on both drivers.
func both(t *testing.T, test func(t *testing.T, nodes []*gateway.Gateway, clients []*redis.Client)) {
	for _, portable := range []bool{false, true} {
		t.Run(fmt.Sprintf("portable=%v", portable), func(t *testing.T) {
			nodes, clients := troupe(t, 3, 16, portable)
			test(t, nodes, clients)
		})
	}
}

func TestScriptsAreTheClusters(t *testing.T) {
	both(t, func(t *testing.T, nodes []*gateway.Gateway, clients []*redis.Client) {
		const loaded, evaluated = "return {KEYS[1], ARGV[1]}", "return redis.call('GET', KEYS[1])"
		expect(t, clients[0], sha(loaded), "SCRIPT", "LOAD", loaded)
		for i, g := range nodes {
			if !g.Node.Env.Scripts.Exists(sha(loaded)) {
				t.Errorf("SCRIPT LOAD answered before node %d had the script", i+1)
			}
			expect(t, clients[i], "[k a]", "EVALSHA", sha(loaded), 1, "k", "a")
		}
		expect(t, clients[0], "OK", "SET", "key1", "value")
		expect(t, clients[1], "value", "EVAL", evaluated, 1, "key1")
		for _, c := range clients {
			expect(t, c, "[1 0 1]", "SCRIPT", "EXISTS", sha(evaluated), sha("nothing"), sha(loaded))
		}
		if nodes[2].Node.Env.Scripts.Exists(sha(evaluated)) {
			t.Error("EVAL has told other nodes unasked")
		}
		expect(t, clients[2], "value", "EVALSHA_RO", strings.ToUpper(sha(evaluated)), 1, "key1")
		if !nodes[2].Node.Env.Scripts.Exists(sha(evaluated)) {
			t.Error("what another node knew is not kept")
		}
		expect(t, clients[2], noScript, "EVALSHA", sha("nothing"), 0)
		expect(t, clients[2], noScript, "EVALSHA", "short", 0)
		nodes[1].Node.Env.Scripts.Flush() // as one that has come later
		expect(t, clients[1], "[k a]", "EVALSHA", sha(loaded), 1, "k", "a")
		expect(t, clients[2], "OK", "SCRIPT", "FLUSH")
		for _, c := range clients {
			expect(t, c, "[0 0]", "SCRIPT", "EXISTS", sha(evaluated), sha(loaded))
			expect(t, c, noScript, "EVALSHA", sha(loaded), 1, "k", "a")
		}
	})
}

// A pipeline keeps its order while scripts are looked for, and a transaction finds
// them too.
func TestScriptsAreFoundInTheirTurn(t *testing.T) {
	both(t, func(t *testing.T, _ []*gateway.Gateway, clients []*redis.Client) {
		ctx := t.Context()
		for round := range 5 {
			body := fmt.Sprintf("return redis.call('APPEND', KEYS[1], 'b%d')", round)
			expect(t, clients[0], sha(body), "SCRIPT", "LOAD", body)
			expect(t, clients[0], "OK", "SCRIPT", "FLUSH")
			expect(t, clients[0], "2", "EVAL", body, 1, fmt.Sprint("other", round))
			key := fmt.Sprint("key", round)
			for i, run := range []func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error){
				clients[1].Pipelined, clients[2].TxPipelined,
			} {
				replies, err := run(ctx, func(p redis.Pipeliner) error {
					p.Set(ctx, key, "a", 0)
					p.EvalSha(ctx, sha(body), []string{key})
					p.Get(ctx, key)
					return nil
				})
				if err != nil {
					t.Fatalf("way %d: %v", i, err)
				}
				if got := replies[2].(*redis.StringCmd).Val(); got != fmt.Sprint("ab", round) {
					t.Errorf("way %d: %s", i, got)
				}
			}
		}
	})
}

func TestScriptKillReachesAllNodes(t *testing.T) {
	nodes, clients := troupe(t, 3, 16, false)
	const endless = "while true do end"
	const notBusy = "NOTBUSY No scripts in execution right now."
	expect(t, clients[0], notBusy, "SCRIPT", "KILL")
	for _, at := range []int{1, 2, 0} {
		ended := make(chan error)
		go func() { ended <- clients[at].Eval(context.Background(), endless, nil).Err() }()
		until(t, "killed", func() bool { return do(t, clients[0], "SCRIPT", "KILL") == "OK" })
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "Script killed by user") {
			t.Errorf("killed: %v", err)
		}
		until(t, "over", func() bool { return do(t, clients[1], "SCRIPT", "KILL") == notBusy })
	}
	// Slow ones are ended before those that only run for long.
	for _, c := range clients {
		expect(t, c, "OK", "CONFIG", "SET", "busy-reply-threshold", 0)
	}
	spared, slow := make(chan error), make(chan error)
	go func() { spared <- clients[1].Eval(context.Background(), endless, nil).Err() }()
	until(t, "runs", func() bool { return nodes[1].Node.Env.Running.KillSlow().Running == 1 })
	expect(t, clients[2], "OK", "CONFIG", "SET", "busy-reply-threshold", 1)
	go func() { slow <- clients[2].Eval(context.Background(), endless, nil).Err() }()
	until(t, "slow", nodes[2].Node.Env.Running.Busy)
	expect(t, clients[0], "OK", "SCRIPT", "KILL")
	if err := <-slow; err == nil {
		t.Error("the slow one was not killed")
	}
	select {
	case err := <-spared:
		t.Errorf("another one was: %v", err)
	default:
	}
	expect(t, clients[0], "OK", "SCRIPT", "KILL")
	<-spared
}

// wait sends a command whose reply comes later.
func wait(t *testing.T, c *redis.Client, words ...any) chan string {
	t.Helper()
	reply := make(chan string, 1)
	go func() {
		v, err := c.Do(context.Background(), words...).Result()
		if err != nil && err != redis.Nil {
			reply <- err.Error()
			return
		}
		reply <- fmt.Sprint(v)
	}()
	return reply
}

func named(t *testing.T, c *redis.Client, name string) (clientID string) {
	t.Helper()
	for _, line := range splitLines(do(t, c, "CLIENT", "LIST")) {
		if strings.Contains(line, " name="+name+" ") {
			return strings.TrimPrefix(strings.Fields(line)[0], "id=")
		}
	}
	t.Fatalf("no client is called %s", name)
	return ""
}

func TestClientsAreTheClusters(t *testing.T) {
	both(t, func(t *testing.T, nodes []*gateway.Gateway, clients []*redis.Client) {
		var others []*redis.Client
		for i, g := range nodes {
			c := redis.NewClient(&redis.Options{
				Addr: g.Addr().String(), MaxRetries: -1, PoolSize: 1, ClientName: fmt.Sprint("client", i), ReadTimeout: -1,
			})
			t.Cleanup(func() { c.Close() })
			others = append(others, c)
			expect(t, c, "PONG", "PING")
			expect(t, clients[i], "PONG", "PING")
		}
		var ids []string
		for i := range others {
			id := named(t, clients[0], fmt.Sprint("client", i))
			expect(t, others[i], id, "CLIENT", "ID")
			if slices.Contains(ids, id) {
				t.Errorf("two clients are %s", id)
			}
			ids = append(ids, id)
		}
		lines := splitLines(do(t, clients[1], "CLIENT", "LIST", "ID", ids[2], ids[0], ids[2], 5))
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "id="+ids[2]+" ") || !strings.HasPrefix(lines[1], "id="+ids[0]+" ") {
			t.Errorf("CLIENT LIST ID: %q", lines)
		}
		for at := range others {
			for _, how := range []struct{ word, want string }{{"TIMEOUT", "<nil>"}, {"ERROR", "UNBLOCKED client unblocked via CLIENT UNBLOCK"}} {
				got := wait(t, others[at], "BLPOP", "nothing", 0)
				until(t, "unblocked", func() bool { return do(t, clients[1], "CLIENT", "UNBLOCK", ids[at], how.word) == "1" })
				if v := <-got; v != how.want {
					t.Errorf("unblocked by %s: %s", how.word, v)
				}
				expect(t, clients[1], "0", "CLIENT", "UNBLOCK", ids[at])
			}
		}
		// By number, by address in both forms, and by kind.
		expect(t, clients[0], "1", "CLIENT", "KILL", "ID", ids[1])
		expect(t, clients[0], "0", "CLIENT", "KILL", "ID", ids[1])
		addr := strings.TrimPrefix(strings.Fields(do(t, others[2], "CLIENT", "INFO"))[1], "addr=")
		expect(t, clients[0], "OK", "CLIENT", "KILL", addr)
		expect(t, clients[0], "ERR No such client", "CLIENT", "KILL", addr)
		if again := do(t, others[2], "CLIENT", "ID"); again == ids[2] {
			t.Error("a killed client goes on")
		}
		for _, g := range nodes {
			sub := redis.NewClient(&redis.Options{Addr: g.Addr().String()}).Subscribe(t.Context(), "news")
			if _, err := sub.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { sub.Close() })
		}
		expect(t, clients[2], "3", "CLIENT", "KILL", "TYPE", "PUBSUB")
		for _, c := range clients {
			c.Close()
		}
	})
}

func TestInfoOfTheCluster(t *testing.T) {
	both(t, func(t *testing.T, nodes []*gateway.Gateway, clients []*redis.Client) {
		for i := range 90 {
			expect(t, clients[i%3], "OK", "SET", fmt.Sprint("key", i), "v")
		}
		section := func(c *redis.Client, words ...any) map[string]string {
			fields := map[string]string{}
			for _, line := range splitLines(do(t, c, words...)) {
				name, value, _ := strings.Cut(line, ":")
				fields[name] = value
			}
			return fields
		}
		for _, words := range [][]any{{"INFO", "everything"}, {"INFO", "Cluster_Totals"}} {
			var got map[string]string
			until(t, "all are counted", func() bool { // loops add what they have counted after their turn
				got = section(clients[1], words...)
				return got["cluster_total_connections_received"] == "3"
			})
			for name, want := range map[string]string{
				"cluster_nodes": "3", "cluster_nodes_counted": "3", "cluster_nodes_silent": "0", "cluster_nodes_down": "0",
				"cluster_keys": "90", "cluster_expires": "0", "cluster_connected_clients": "3", "cluster_shards": "16", "cluster_shards_down": "0",
			} {
				if got[name] != want {
					t.Errorf("%v: %s is %q, want %s", words, name, got[name], want)
				}
			}
			var commands int
			if fmt.Sscan(got["cluster_total_commands_processed"], &commands); commands < 90 {
				t.Errorf("%d commands in all", commands)
			}
		}
		for i, c := range clients {
			if got := section(c, "INFO", "keyspace")["db0"]; !strings.HasPrefix(got, "keys=90,") {
				t.Errorf("db0: %s", got)
			}
			got := section(c, "INFO")
			if _, there := got["cluster_keys"]; there || got["connected_clients"] != "1" || got["tcp_port"] != fmt.Sprint(nodes[i].Addr().Port) {
				t.Errorf("INFO by default: clients %s, port %s, totals %v", got["connected_clients"], got["tcp_port"], there)
			}
		}
		expect(t, clients[1], "OK", "CONFIG", "RESETSTAT")
		for _, c := range clients {
			if got := section(c, "INFO", "stats")["keyspace_misses"]; got != "0" {
				t.Errorf("%s misses after RESETSTAT", got)
			}
			if n := info(t, c, "total_commands_processed"); n > 20 {
				t.Errorf("%d commands after RESETSTAT", n)
			}
		}
	})
}

// What is about keys works for those on other nodes.
func TestDebugOfTheCluster(t *testing.T) {
	nodes, clients := troupe(t, 3, 16, false)
	for _, g := range nodes {
		limits := *g.Server.Limits.Load()
		limits.Debug = session.DebugAll
		g.Server.Limits.Store(&limits)
	}
	for i := range 10 {
		expect(t, clients[0], "OK", "SET", fmt.Sprint("key", i), i)
		if got := do(t, clients[1], "DEBUG", "OBJECT", fmt.Sprint("key", i)); !strings.Contains(got, "encoding:int") {
			t.Error(got)
		}
	}
	for word, off := range map[string]bool{"0": true, "1": false} {
		expect(t, clients[2], "OK", "DEBUG", "SET-ACTIVE-EXPIRE", word)
		for i, g := range nodes {
			for _, h := range g.Node.Env.Shards {
				until(t, "idle", h.Lease.TryAcquire)
				if h.Engine.KS.ActiveExpiryOff != off {
					t.Errorf("node %d, shard %d: off is %v", i+1, h.Index, !off)
				}
				h.Lease.Release()
			}
		}
	}
}

func TestShutdownEndsOneNode(t *testing.T) {
	nodes, clients := troupe(t, 3, 16, false)
	if err := clients[1].Do(t.Context(), "SHUTDOWN", "NOSAVE").Err(); err == nil {
		t.Error("SHUTDOWN was answered")
	}
	select {
	case <-nodes[1].ShutdownAsked():
	case <-time.After(patience):
		t.Error("the node was not told")
	}
	for _, at := range []int{0, 2} {
		select {
		case <-nodes[at].ShutdownAsked():
			t.Errorf("node %d was told too", at+1)
		default:
		}
		expect(t, clients[at], "PONG", "PING")
	}
}
