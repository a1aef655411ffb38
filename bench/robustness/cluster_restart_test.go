package robustness

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupedb/troupe/gateway/session"
)

// startWithDirs starts a cluster whose nodes keep the catalog on disk.
func startWithDirs(t *testing.T, n int) *cluster {
	t.Helper()
	c := newCluster(t, n)
	for _, n := range c.nodes {
		n.dir = t.TempDir()
	}
	c.start(c.nodes...)
	c.settle(c.nodes...)
	return c
}

// identities is what must be the same after a restart.
func identities(st *session.ClusterStatus) []string {
	all := []string{st.ID, st.Name}
	for _, n := range st.Nodes {
		all = append(all, fmt.Sprintf("%s is %s, number %d", n.Name, n.ID, n.Number))
	}
	slices.Sort(all[2:])
	return all
}

// TestClusterRestarts: any two of five voters may be killed, and the catalog goes on;
// all of them, and it is the same cluster when they are back.
func TestClusterRestarts(t *testing.T) {
	t.Parallel()
	const keys = 1000
	c := startWithDirs(t, 5)
	c.await("five voters", func() string {
		if st := c.nodes[0].view(); len(st.Voters) != 5 {
			return fmt.Sprint(st.Voters)
		}
		return ""
	})
	before := identities(c.nodes[0].view())
	fill(t, c.nodes[0], keys)

	leader, others := c.leads()
	leader.kill()
	others[0].kill()
	asked, to := others[1], others[2]
	c.awaitState(asked, leader, "down")
	c.awaitState(asked, others[0], "down")
	shard := slices.IndexFunc(asked.view().Shards, func(s session.ShardStatus) bool { return s.Owner == memberOf(asked.view(), asked.name).Number })
	asked.order("TROUPE", "MOVE", fmt.Sprint(shard), to.name)
	c.await("a shard moves where three of five are left", func() string {
		if s := to.view().Shards[shard]; s.Owner != memberOf(to.view(), to.name).Number {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	c.start(leader, others[0])
	c.settle(c.nodes...)

	earlier := c.nodes[2].view().Shards
	killed := time.Now()
	for _, n := range c.nodes {
		n.signal(syscall.SIGKILL)
	}
	for _, n := range c.nodes {
		<-n.done
	}
	c.start(c.nodes...)
	c.settle(c.nodes...)
	for _, n := range c.nodes {
		if after := identities(n.view()); !slices.Equal(after, before) {
			t.Errorf("%s sees after the restart %v, before it was %v", n.name, after, before)
		}
	}
	if got := c.nodes[1].order("DBSIZE"); got != "0" {
		t.Errorf("DBSIZE is %s where all data was in memory", got)
	}
	for i, s := range c.nodes[2].view().Shards {
		// Those of the first two are empty: the loss of nothing hides no earlier one.
		if s.LostAt < killed.UnixMilli() && earlier[i].LostKeys == 0 {
			t.Errorf("shard %d lost its data at %d, all nodes were killed at %d", s.Shard, s.LostAt, killed.UnixMilli())
		}
	}
	after := startTraffic(t, 1, 1, c.nodes...)
	time.Sleep(time.Second)
	after.verify(c.nodes[0])
}

// TestClusterStopsTogether: nodes that are told to end at the same time do not wait
// for each other.
func TestClusterStopsTogether(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 4)
	for _, n := range c.nodes {
		n.signal(syscall.SIGTERM)
	}
	end := time.After(patience / 2)
	for _, n := range c.nodes {
		select {
		case <-n.done:
			if code := n.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("%s ended with %d", n.name, code)
			}
		case <-end:
			t.Fatalf("%s has not ended", n.name)
		}
	}
}
