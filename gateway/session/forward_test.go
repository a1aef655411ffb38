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
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
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

// Shards change hands while clients write, and nodes learn of it one after the other,
// in any order: every command is carried out once, in the order of its client's, and
// none fails. A shard is empty after each change, as the process that had it before
// counts as gone.
func TestWritersWhileShardsMove(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		var stop atomic.Bool
		var writing sync.WaitGroup
		var empties, commands atomic.Int64
		for who := range 6 {
			c := tr.dial(who % 3)
			writing.Go(func() {
				n, e := c.successors(who, &stop)
				commands.Add(int64(n))
				empties.Add(int64(e))
			})
		}
		r := rand.New(rand.NewPCG(1, 1))
		moves := 0
		for began := time.Now(); time.Since(began) < time.Second || moves < 50; moves++ {
			tr.move(r)
			time.Sleep(time.Duration(r.IntN(4)) * time.Millisecond)
		}
		stop.Store(true)
		writing.Wait()
		t.Logf("%d commands, %d moves, %d keys were lost on purpose", commands.Load(), moves, empties.Load())
		// Each of six writers has two keys a shard.
		if most := int64(moves)*6*2 + 6*2*troupeShards; empties.Load() > most || commands.Load() == 0 {
			t.Errorf("%d keys were empty after %d moves and %d commands", empties.Load(), moves, commands.Load())
		}
	})
}

// move gives a shard to another node. The one that has it learns of it first.
func (tr *troupe) move(r *rand.Rand) {
	index := r.IntN(troupeShards)
	from := int(tr.dir.Places[index].Owner) - 1
	to := (from + 1 + r.IntN(2)) % 3
	tr.change(func(d *directory.Directory) {
		p := &d.Places[index]
		p.Owner, p.Epoch, p.LostAt = directory.Number(to+1), p.Epoch+1, int64(d.Epoch)
	})
	tr.follow(from)
	tr.settle(from, index)
	for _, i := range r.Perm(3) {
		tr.follow(i)
		if r.IntN(2) == 0 {
			time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
		}
	}
}

// successors pipelines SET key n GET with growing n until it is to stop: each must
// answer the n before, or nothing where the key's shard has changed hands.
func (c *rawClient) successors(who int, stop *atomic.Bool) (commands, empties int) {
	const keys = 2 * troupeShards
	var last [keys]int
	r := rand.New(rand.NewPCG(uint64(who), 7))
	for !stop.Load() {
		var in []byte
		var order []int
		for range 1 + r.IntN(64) {
			k := r.IntN(keys)
			if r.IntN(3) == 0 && len(order) > 0 {
				k = order[len(order)-1]
			}
			order = append(order, k)
			last[k]++
			in = append(in, words("SET", keyAt(k%troupeShards, 1000+100*who+k), fmt.Sprint(last[k]), "GET")...)
			last[k]++
			in = append(in, words("SET", keyAt(k%troupeShards, 1000+100*who+k), fmt.Sprint(last[k]), "GET")...)
			last[k]--
			order = append(order, k)
			last[k]++
		}
		c.send(in)
		sofar := last
		for _, k := range order {
			sofar[k]--
		}
		for _, k := range order {
			sofar[k]++
			commands++
			switch got := c.read(); got {
			case "nil":
				empties++
			case fmt.Sprint("$", sofar[k]-1):
			default:
				c.t.Errorf("client %d: SET key%d %d GET answers %.100q", who, k, sofar[k], got)
				return commands, empties
			}
		}
	}
	return commands, empties
}

// A node dies with commands under way: of a write it is said that its outcome is not
// known, of a read that the node is down. What went to other nodes is answered, in
// order. Once the directory has it that the node is down, that is said at once.
func TestNodeDiesWithCommandsUnderWay(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		c, later := tr.dial(0), tr.dial(0)
		dead, far, near := keyAt(1, 1), keyAt(2, 1), keyAt(0, 1)
		stopped := make(chan struct{})
		tr.busy(1, 1, func(waiting func(int)) {
			c.send(slices.Concat(
				words("SET", dead, "x"), words("SET", far, "x"), words("GET", dead),
				words("SET", near, "x"), words("INCR", dead), words("GET", near),
			))
			waiting(3)
			go func() { defer close(stopped); tr.stop(1) }()
			for _, want := range []string{
				"-UNKNOWN The connection to the node that has the key broke; it is unknown whether the command was carried out", "+OK",
				"-CLUSTERDOWN The node that has the key is down", "+OK", "-UNKNOWN", "$x",
			} {
				if got := c.read(); !strings.HasPrefix(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
			}
		})
		<-stopped
		// Before anybody says that it is down it is waited for.
		c.send(words("SET", dead, "y"))
		c.send(words("GET", far))
		later.send(words("GET", dead))
		tr.change(func(d *directory.Directory) { d.Members[1].State = directory.Down })
		tr.follow(0)
		tr.follow(2)
		for _, want := range []string{"-CLUSTERDOWN", "$x"} {
			if got := c.read(); !strings.HasPrefix(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if got := later.read(); !strings.HasPrefix(got, "-CLUSTERDOWN") {
			t.Errorf("a read is answered %q", got)
		}
		began := time.Now()
		for range 10 {
			c.expect("GET "+dead, "-CLUSTERDOWN The node that has the key is down", "GET "+near, "$x")
		}
		if took := time.Since(began); took > patience/2 {
			t.Errorf("it took %v", took)
		}
	})
}

// A shard that nobody opens is waited for, but not for ever, and nothing was done.
func TestShardThatNobodyHas(t *testing.T) {
	t.Parallel()
	tr := newTroupe(t, 3, false)
	c := tr.dial(0)
	lost, near := keyAt(1, 1), keyAt(0, 1)
	// Node 1 takes it that the shard is at node 2 under a newer epoch.
	tr.change(func(d *directory.Directory) { d.Places[1].Epoch = 9 })
	tr.follow(0)
	began := time.Now()
	c.expect("SET "+near+" x", "+OK")
	c.send(words("SET", lost, "x"))
	c.send(words("GET", near))
	for _, want := range []string{"-CLUSTERDOWN The node that has the key cannot be reached", "$x"} {
		if got := c.read(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("given up after %v", took)
	}
	if got := tr.dial(1).do("GET", lost); got != "nil" {
		t.Errorf("it was carried out all the same: %q", got)
	}
	c.send(words("SET", lost, "x"))
	time.Sleep(20 * time.Millisecond)
	tr.follow(1)
	tr.follow(2)
	if got := c.read(); got != "+OK" {
		t.Errorf("once the shard is there: %q", got)
	}
}

// Streams break again and again under writers: what is not known is said to be, and
// nothing is carried out twice.
func TestNothingIsCarriedOutTwice(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		var stop atomic.Bool
		var writing sync.WaitGroup
		type count struct{ acknowledged, unknown int }
		var counts [6]map[string]*count
		for who := range counts {
			c := tr.dial(who % 3)
			counts[who] = map[string]*count{}
			for k := range troupeShards {
				counts[who][keyAt(k, 2000+who)] = &count{}
			}
			writing.Go(func() {
				for !stop.Load() {
					var in []byte
					var order []string
					for range 5 {
						for k := range counts[who] {
							in = append(in, words("INCR", k)...)
							order = append(order, k)
						}
					}
					c.send(in)
					for _, k := range order {
						switch got := c.read(); {
						case got[0] == ':':
							counts[who][k].acknowledged++
						case strings.HasPrefix(got, "-UNKNOWN"):
							counts[who][k].unknown++
						case strings.HasPrefix(got, "-CLUSTERDOWN"): // nothing was done
						default:
							t.Error(got)
						}
					}
				}
			})
		}
		for i := range 60 {
			node, other := tr.nodes[i%3], directory.Number((i+1+i/3%2)%3+1)
			node.Server.Streams.Suspect(other, true)
			node.Server.Streams.Suspect(other, false)
			time.Sleep(5 * time.Millisecond)
		}
		stop.Store(true)
		writing.Wait()
		unknown := 0
		for who := range counts {
			c := tr.dial((who + 1) % 3)
			for k, n := range counts[who] {
				var got string
				tr.await("the streams", func() bool { got = c.do("GET", k); return got[0] != '-' })
				done, err := strconv.Atoi(strings.TrimPrefix(strings.Replace(got, "nil", "$0", 1), "$"))
				if err != nil || done < n.acknowledged || done > n.acknowledged+n.unknown {
					t.Errorf("%s is %s after %d acknowledged and %d unknown", k, got, n.acknowledged, n.unknown)
				}
				unknown += n.unknown
			}
		}
		t.Logf("%d of unknown outcome", unknown)
	})
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
