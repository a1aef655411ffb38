package session_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A long pipeline of commands that are carried out here, elsewhere, on several nodes,
// by the connection, or not at all, is answered in its order.
func TestPipelinesKeepTheirOrder(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		var all sync.WaitGroup
		for i := range tr.nodes {
			all.Go(func() { mixedPipeline(tr.dial(i), i, 2000) })
		}
		all.Wait()
	})
}

// mixedPipeline sends n commands at once on keys of its own. It computes their
// replies as a map would give them.
func mixedPipeline(c *rawClient, seed, n int) {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	counters := map[string]int{}
	var want []string
	var in []byte
	add := func(reply string, list ...string) {
		in = append(in, words(list...)...)
		want = append(want, reply)
	}
	for i := range n {
		k := fmt.Sprintf("p%d.%d", seed, r.IntN(40))
		switch r.IntN(12) {
		case 0, 1, 2, 3:
			counters[k]++
			add(fmt.Sprint(":", counters[k]), "INCR", k)
		case 4, 5, 6:
			if counters[k] == 0 {
				add("nil", "GET", k)
			} else {
				add(fmt.Sprint("$", counters[k]), "GET", k)
			}
		case 7:
			add("$"+fmt.Sprint(i), "ECHO", fmt.Sprint(i))
		case 8:
			if counters[k] > 0 {
				add("-WRONGTYPE Operation against a key holding the wrong kind of value", "LPUSH", k, "x")
			}
		case 9:
			add("-ERR wrong number of arguments for 'get' command", "GET", k, k)
		case 10:
			other := fmt.Sprintf("p%d.%d", seed, r.IntN(40))
			there := 0
			for _, key := range []string{k, other} {
				if counters[key] > 0 {
					there++
				}
			}
			add(fmt.Sprint(":", there), "EXISTS", k, other)
		case 11:
			counters[k] = i + 1
			add("+OK", "SET", k, fmt.Sprint(i+1))
		}
	}
	sent := make(chan struct{})
	go func() { defer close(sent); c.send(in) }()
	for i, w := range want {
		if got := c.read(); got != w {
			c.t.Errorf("reply %d of client %d is %q, want %q", i, seed, got, w)
			break
		}
	}
	<-sent
}

// busy keeps a shard from running until the end of f, once a request waits there.
func (tr *troupe) busy(i, index int, f func(waiting func(n int))) {
	h := tr.nodes[i].Node.Env.Shards[index]
	for !h.Lease.TryAcquire() {
		runtime.Gosched()
	}
	defer h.Lease.Release()
	f(func(n int) {
		tr.await("requests at the busy shard", func() bool { return h.Lease.UserMessageCount() >= n })
	})
}

// What is quick waits for what is slow, wherever that is.
func TestSlowRepliesFirst(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		for _, where := range []int{0, 1, 2} {
			c := tr.dial(0)
			slow, far, near := keyAt(where, 1), keyAt(where+3, 2), keyAt(3, 3)
			tr.busy(where, where, func(waiting func(int)) {
				c.send(slices.Concat(
					words("SET", slow, "slow"), words("SET", far, "far"), words("SET", near, "near"),
					words("GET", keyAt(5, 4)), words("STRLEN", near), words("PING"), words("GET", slow),
				))
				waiting(1)
				if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
					t.Fatal(err)
				}
				if b, err := c.in.Peek(1); err == nil {
					t.Fatalf("answered %q before its turn", b)
				}
			})
			for _, want := range []string{"+OK", "+OK", "+OK", "nil", ":4", "+PONG", "$slow"} {
				if got := c.read(); got != want {
					t.Fatalf("slow at node %d: %q, want %q", where+1, got, want)
				}
			}
		}
	})
}

// CLIENT REPLY is obeyed by commands that are carried out elsewhere.
func TestClientReplyAndForwarding(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		c := tr.dial(0)
		far, near := keyAt(1, 1), keyAt(0, 1)
		for range 20 {
			c.expect(
				"DEL "+far+" "+near, ":"+c.do("EXISTS", far, near)[1:],
				"INCR "+far, ":1",
				"CLIENT REPLY SKIP", "",
				"INCR "+far, "",
				"INCR "+far, ":3",
				"CLIENT REPLY SKIP", "",
				"INCR "+near, "",
				"GET "+far, "$3",
				"CLIENT REPLY OFF", "",
				"INCR "+far, "",
				"INCR "+near, "",
				"LPUSH "+far+" x", "",
				"GET "+far, "",
				"CLIENT REPLY ON", "+OK",
				"GET "+far, "$4",
				"GET "+near, "$2",
			)
		}
	})
}

// A client that has said its last gets all replies before its connection ends.
func TestHalfClosedClients(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		for round := range 5 {
			c := tr.dial(round % 3)
			var in []byte
			const count = 500
			for i := range count {
				in = append(in, words("APPEND", keyAt(i%troupeShards, 100+round), "x")...)
			}
			c.send(in)
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			for i := range count {
				if got, want := c.read(), fmt.Sprint(":", i/troupeShards+1); got != want {
					t.Fatalf("reply %d is %s, want %s", i, got, want)
				}
			}
			if b, err := io.ReadAll(c.in); len(b) > 0 || err != nil {
				t.Fatalf("then %q, %v", b, err)
			}
		}
	})
}

func TestLargeValuesAcrossNodes(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		var all sync.WaitGroup
		for i := range tr.nodes {
			all.Go(func() {
				c := tr.dial(i)
				var in []byte
				for j := range 2 {
					value := strings.Repeat(string(rune('a'+j)), 5<<20)
					in = append(in, words("SET", keyAt(j, i), value)...)
					in = append(in, words("STRLEN", keyAt(j, i))...)
					in = append(in, words("GET", keyAt(j, i))...)
				}
				go func() {
					if _, err := c.Write(in); err != nil {
						t.Error(err)
					}
				}()
				for j := range 2 {
					for _, want := range []string{"+OK", fmt.Sprint(":", 5<<20), "$" + strings.Repeat(string(rune('a'+j)), 5<<20)} {
						if got := c.read(); got != want {
							t.Errorf("got %.20q of %d bytes, want %.20q", got, len(got), want)
							return
						}
					}
				}
			})
		}
		all.Wait()
	})
}

func TestRESP3AcrossNodes(t *testing.T) {
	tr := newTroupe(t, 3, false)
	for i := range tr.nodes {
		c := tr.dial(i)
		c.do("HELLO", "3")
		for _, index := range []int{0, 1, 2} {
			k := keyAt(index, 1)
			c.expect(
				"DEL "+k, c.read3(k),
				"HSET "+k+" f v", ":1",
				"HGETALL "+k, "%[$f $v]",
				"HGET "+k+" nothing", "_",
				"DEL "+k, ":1",
				"ZADD "+k+" 1.5 m", ":1",
				"ZSCORE "+k+" m", ",1.5",
				"DEL "+k, ":1",
				"SADD "+k+" m", ":1",
				"SMEMBERS "+k, "~[$m]",
			)
			old := tr.dial(i)
			old.expect("SMEMBERS "+k, "*[$m]") // another client of the same loop and stream
		}
	}
}

// read3 tells what DEL will answer.
func (c *rawClient) read3(key string) string { return c.do("EXISTS", key) }

// Errors of forwarded commands count at the node of the client, as its own do.
func TestForwardedErrorsAreCounted(t *testing.T) {
	tr := newTroupe(t, 3, false)
	c := tr.dial(0)
	far := keyAt(1, 1)
	c.expect("CONFIG RESETSTAT", "+OK", "SET "+far+" text", "+OK")
	for range 3 {
		if got := c.do("LPUSH", far, "x"); !strings.HasPrefix(got, "-WRONGTYPE") {
			t.Fatal(got)
		}
	}
	if got := c.do("INCR", far); !strings.HasPrefix(got, "-ERR") {
		t.Fatal(got)
	}
	if got := c.info("cmdstat_lpush"); !strings.Contains(got, "calls=3,") || !strings.HasSuffix(got, "failed_calls=3") {
		t.Errorf("cmdstat_lpush:%s", got)
	}
	for field, want := range map[string]string{"errorstat_WRONGTYPE": "count=3", "errorstat_ERR": "count=1", "total_error_replies": "4"} {
		if got := c.info(field); got != want {
			t.Errorf("%s:%s, want %s", field, got, want)
		}
	}
}

// CLIENT LIST shows its own client with the input that it came in, though it is
// answered when the other nodes have told of theirs.
func TestClientListShowsItsOwnInput(t *testing.T) {
	for _, nodes := range []int{1, 2} {
		c := newTroupe(t, nodes, false).dial(0)
		if got := c.do("CLIENT", "LIST"); !strings.Contains(got, " qbuf=26 ") || !strings.Contains(got, " cmd=client|list ") {
			t.Errorf("%d nodes: %s", nodes, got)
		}
	}
}

// Blocked clients, transactions and single commands take turns on one connection.
func TestForwardingBetweenOtherCommands(t *testing.T) {
	tr := newTroupe(t, 3, false)
	c := tr.dial(0)
	far, near := keyAt(1, 1), keyAt(0, 1)
	for range 20 {
		c.expect(
			"SET "+far+" 1", "+OK",
			"MULTI", "+OK",
			"INCR "+far, "+QUEUED",
			"INCR "+near, "+QUEUED",
			"EXEC", "*[:2 "+c.next(near)+"]",
			"INCR "+far, ":3",
			"SELECT 1", "+OK",
			"GETDEL "+far, "nil",
			"SET "+far+" other", "+OK",
			"GETDEL "+far, "$other",
			"SELECT 0", "+OK",
			"GET "+far, "$3",
			"MSET "+far+" 7 "+near+" 0", "+OK",
			"GET "+far, "$7",
			"EVAL return(redis.call('INCR',KEYS[1])) 1 "+far, ":8",
			"GET "+far, "$8",
			"DEL "+far, ":1",
			"RPUSH "+far+" a", ":1",
			"BLPOP "+far+" 1", "*[$"+far+" $a]",
			"EXISTS "+far, ":0",
		)
	}
}

// next is what INCR will answer.
func (c *rawClient) next(key string) string {
	n, _ := strconv.Atoi(strings.TrimPrefix(c.do("GET", key), "$"))
	return fmt.Sprint(":", n+1)
}

func mallocs(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.Mallocs - before.Mallocs)
}

// In steady state forwarding a command allocates nothing, on neither side.
func TestForwardingDoesNotAllocate(t *testing.T) {
	tr := newTroupe(t, 2, false)
	for name, list := range map[string][]string{"GET": {"GET", keyAt(1, 1)}, "SET": {"SET", keyAt(1, 1), "value"}} {
		c := tr.dial(0)
		in := words(list...)
		c.do("SET", keyAt(1, 1), "value")
		out := make([]byte, 64)
		once := func() {
			if _, err := c.Write(in); err != nil {
				t.Fatal(err)
			}
			if _, err := c.TCPConn.Read(out); err != nil {
				t.Fatal(err)
			}
		}
		for range 200 {
			once()
		}
		const count = 1500
		began := time.Now()
		busy := mallocs(func() {
			for range count {
				once()
			}
		})
		// What the nodes do unasked allocates too.
		took := time.Since(began)
		idle := mallocs(func() { time.Sleep(took) })
		if busy > idle+count/3 {
			t.Errorf("%s: %d allocations in %d commands, %d without", name, busy, count, idle)
		}
	}
}
