package robustness

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// warmUp is how long clients work before something happens, and after it is over.
const warmUp = 600 * time.Millisecond

// leads returns the node that leads the catalog, and the others.
func (c *cluster) leads() (leader *node, others []*node) {
	c.t.Helper()
	c.await("a leader", func() string {
		st := c.nodes[0].view()
		if leader = nil; st.Leader == 0 {
			return "nobody leads"
		}
		others = nil
		for _, n := range c.nodes {
			if m := memberOf(st, n.name); m != nil && m.Number == st.Leader {
				leader = n
			} else {
				others = append(others, n)
			}
		}
		return ""
	})
	return leader, others
}

// awaitState waits until a node sees another in a state.
func (c *cluster) awaitState(from, of *node, state string) {
	c.t.Helper()
	c.await(fmt.Sprintf("%s sees that %s is %s", from.name, of.name, state), func() string {
		st, err := from.status()
		if err != nil {
			return err.Error()
		}
		if m := memberOf(st, of.name); m == nil || m.State != state {
			return fmt.Sprintf("%+v", m)
		}
		return ""
	})
}

// awaitServed waits until a key is answered for, by way of a node.
func (c *cluster) awaitServed(from *node, key string) {
	c.t.Helper()
	c.await(key+" is served", func() string {
		v, err := from.ask("EXISTS", key)
		if err != nil || v.Kind == wire.Error {
			return fmt.Sprint(v.Format(), err)
		}
		return ""
	})
}

// keyOn returns a key with the prefix that a node has.
func (c *cluster) keyOn(n *node, prefix string) string {
	c.t.Helper()
	st := n.view()
	for _, s := range st.Shards {
		if s.Owner == st.Self {
			return keyIn(prefix, s.Shard, len(st.Shards))
		}
	}
	c.t.Fatalf("%s has no shards", n.name)
	return ""
}

// mixed puts keys of both types on the node that fails and on others.
func mixed(victim, b, d *node) [historyKeys]*node {
	return [historyKeys]*node{victim, b, victim, d, d, b}
}

var victimKeys = []int{0, 2} // as mixed has them

// TestClusterSurvivesKill: a node is killed; the keys of the others go on, its own are
// refused at once, and are empty when it is back.
func TestClusterSurvivesKill(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"the leader of the catalog", "a follower"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			c.start(c.nodes...)
			fill(t, c.nodes[0], 2000) // early: nodes tell of their keys now and then
			c.settle(c.nodes...)
			victim, others := c.leads()
			if who == "a follower" {
				victim, others = others[0], []*node{victim, others[1]}
			}
			lost := memberOf(victim.view(), victim.name).Shards
			q := startInquest(c, random(t), mixed(victim, others[0], others[1]), c.nodes...)
			time.Sleep(warmUp)
			killed := time.Now()
			victim.kill()
			c.awaitState(others[0], victim, "down")
			c.awaitState(others[1], victim, "down")
			t.Logf("found down after %v", time.Since(killed))
			if v, err := others[0].ask("GET", q.keys[0]); err != nil || !strings.HasPrefix(string(v.Text), "CLUSTERDOWN") {
				t.Errorf("a key of a node that is down: %s %v", v.Format(), err)
			}
			time.Sleep(warmUp)
			victim.start()
			victim.awaitStart()
			c.awaitServed(others[0], q.keys[0])
			c.awaitServed(others[0], q.keys[2])
			q.lose(killed, victimKeys...)
			c.settle(c.nodes...)
			time.Sleep(warmUp)
			q.check(t)
			checkLoss(t, others[0], victim, lost, killed)
		})
	}
}

// checkLoss: the status tells since when the shards of a node that was killed are
// empty, and about how much was lost.
func checkLoss(t *testing.T, from, victim *node, shards int, killed time.Time) {
	t.Helper()
	st, keys, seen := from.view(), int64(0), 0
	for _, s := range st.Shards {
		if s.LostAt == 0 {
			continue
		}
		seen++
		keys += s.LostKeys
		if at := time.UnixMilli(s.LostAt); at.Before(killed) || at.After(time.Now()) {
			t.Errorf("shard %d lost its data at %v, the node was killed at %v", s.Shard, at, killed)
		}
	}
	if seen != shards || keys == 0 {
		t.Errorf("%d shards of %s have lost data, %d keys in all; it had %d shards", seen, victim.name, keys, shards)
	}
}

// TestClusterForgets: the shards of a node that is killed and forgotten are empty,
// on the other nodes.
func TestClusterForgets(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3)
	victim, a, b := c.nodes[2], c.nodes[0], c.nodes[1]
	fill(t, a, 2000)
	lost := memberOf(victim.view(), victim.name).Shards
	q := startInquest(c, random(t), mixed(victim, a, b), a, b)
	time.Sleep(warmUp)
	if v, err := a.ask("TROUPE", "FORGET", victim.name); err != nil || v.Kind != wire.Error {
		t.Errorf("FORGET of a node that is up: %s %v", v.Format(), err)
	}
	killed := time.Now()
	victim.kill()
	c.awaitState(a, victim, "down")
	a.order("TROUPE", "FORGET", victim.name)
	c.awaitServed(b, q.keys[0])
	c.awaitServed(b, q.keys[2])
	q.lose(killed, victimKeys...)
	c.settle(a, b)
	time.Sleep(warmUp)
	q.check(t)
	checkLoss(t, a, victim, lost, killed)
	victim.start() // it is a new node
	victim.awaitStart()
	c.settle(c.nodes...)
}

const pauseFor = 10 * time.Second

// pause stops a node, whose clients wait as long as it stands still.
func (q *inquest) pause(victim *node) {
	q.mu.Lock()
	q.paused = victim
	q.mu.Unlock()
	victim.signal(syscall.SIGSTOP)
}

// TestClusterSurvivesPause: a node that stands still for a while is taken for down,
// and goes on with its data afterwards.
func TestClusterSurvivesPause(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"the leader of the catalog", "a follower"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, 3)
			victim, others := c.leads()
			if who == "a follower" {
				victim, others = others[0], []*node{victim, others[1]}
			}
			// The clients of the victim wait as long as it does.
			q := startInquest(c, random(t), mixed(victim, others[0], others[1]), c.nodes...)
			time.Sleep(warmUp)
			q.pause(victim)
			paused := time.Now()
			c.awaitState(others[0], victim, "down")
			time.Sleep(pauseFor - time.Since(paused))
			victim.signal(syscall.SIGCONT)
			c.awaitState(others[0], victim, "up")
			c.awaitServed(others[0], q.keys[0])
			time.Sleep(warmUp)
			q.check(t) // nothing is lost
			for _, s := range others[0].view().Shards {
				if s.LostAt != 0 {
					t.Errorf("shard %+v", s)
				}
			}
		})
	}
}

// TestClusterFences: a node that was given up while it stood still does not answer
// from what it has.
func TestClusterFences(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3)
	victim, a := c.nodes[2], c.nodes[0]
	home := memberOf(a.view(), victim.name).Number
	var keys []string
	for _, s := range a.view().Shards {
		if s.Owner == home {
			keys = append(keys, keyIn("fenced:", s.Shard, len(a.view().Shards)))
		}
	}
	for _, k := range keys {
		a.order("SET", k, "old")
	}
	var asked []*wire.Conn
	for range 20 {
		asked = append(asked, dial(t, victim.addr()))
		do(t, asked[len(asked)-1], "PING")
	}
	victim.signal(syscall.SIGSTOP)
	defer victim.signal(syscall.SIGCONT)
	c.awaitState(a, victim, "down")
	a.order("TROUPE", "FORGET", victim.name)
	for _, k := range keys {
		c.awaitServed(a, k)
		a.order("SET", k, "new")
	}
	// These wait in the victim's sockets when it wakes up.
	for i, conn := range asked {
		send(t, conn, "GET", keys[i%len(keys)])
		send(t, conn, "SET", keys[i%len(keys)], "lost?")
		send(t, conn, "MGET", keys[0], keys[len(keys)-1])
	}
	victim.signal(syscall.SIGCONT)
	accepted := map[string]bool{}
	for i, conn := range asked {
		get, set, mget := receive(t, conn), receive(t, conn), receive(t, conn)
		if strings.Contains(get, "old") || strings.Contains(mget, "old") {
			t.Errorf("the node that was given up answers from its old data: %s, %s, %s", get, set, mget)
		}
		accepted[keys[i%len(keys)]] = accepted[keys[i%len(keys)]] || set == "+OK"
	}
	for _, k := range keys {
		want := "new"
		if accepted[k] {
			want = "lost?"
		}
		c.awaitServed(a, k)
		if got := a.order("GET", k); got != want {
			t.Errorf("%s is %q, want %q", k, got, want)
		}
	}
	c.settle(c.nodes...)
}
