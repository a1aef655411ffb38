package session_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
)

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

// A node that has handed over its shards and leaves answers what it was asked before:
// nobody is told that an outcome is unknown, or a node down.
func TestNodeLeavesWithCommandsUnderWay(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 3, portable)
		c := tr.dial(0)
		key, other := keyAt(1, 1), keyAt(4, 1) // at the node that leaves
		tr.busy(1, 1, func(waiting func(int)) {
			c.send(slices.Concat(words("SET", key, "x"), words("GET", key), words("SET", other, "x")))
			waiting(1)
			tr.change(func(d *directory.Directory) {
				d.Members = append(d.Members[:1], d.Members[2:]...)
				for i := range d.Places {
					if p := &d.Places[i]; p.Owner == 2 {
						p.Owner, p.Epoch, p.LostAt = 3, p.Epoch+1, int64(d.Epoch)
					}
				}
			})
			tr.follow(0)
			tr.follow(2)
			time.Sleep(20 * time.Millisecond)
		})
		for i, want := range []string{"+OK", "$x", "+OK"} {
			if got := c.read(); got != want {
				t.Errorf("reply %d is %q, want %q", i, got, want)
			}
		}
		c.expect("GET "+key, "nil") // which the new owner has
		tr.await("the end of the streams", func() bool { return !tr.nodes[0].Joined(2) })
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
