package membership

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestClustersNeverMerge(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	var said logs
	with := func(name, cluster, clusterID string) *Membership {
		c := config(t, base, name)
		c.Cluster, c.ClusterID, c.Logger = cluster, clusterID, said.logger()
		return start(t, c)
	}
	one, two := with("a", "blue", id("1")), with("b", "blue", id("2"))
	other := with("c", "red", "")
	refuses := func(from, to *Membership, words ...string) {
		t.Helper()
		before := to.Stats().Refused
		err := from.Join([]string{to.addr()})
		var refusal *Refusal
		if !errors.As(err, &refusal) {
			t.Fatalf("%s joins %s: %v", from.conf.Name, to.conf.Name, err)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not say %q", err, word)
			}
		}
		eventually(t, "the other side refuses as well", func() bool { return to.Stats().Refused > before })
	}
	refuses(two, one, `belongs to cluster "blue" (id `+id("1")+`), this one to "blue" (id `+id("2")+`)`)
	refuses(other, one, `belongs to cluster "blue" (id `+id("1"), `this one to "red" (no id yet)`)
	// A node without a cluster takes part in one, and then in no other.
	joiner := with("d", "blue", "")
	join(t, joiner, one)
	until(t, one, "d", alive(joiner))
	refuses(joiner, two, id("1"), id("2"))
	if err := joiner.SetClusterID(id("2")); err == nil {
		t.Error("a node with members of one cluster became one of another")
	}
	if err := joiner.SetClusterID(id("1")); err != nil {
		t.Error(err)
	}
	eventually(t, "d's cluster is known to a", func() bool {
		for _, m := range one.Members() {
			if m.Name == "d" {
				return m.ClusterID == id("1")
			}
		}
		return false
	})
	for _, m := range []*Membership{two, other} {
		if n := len(m.Members()); n != 1 {
			t.Errorf("%s knows %d members", m.conf.Name, n)
		}
	}
	if !strings.Contains(said.String(), "two clusters never merge") {
		t.Error("the log does not say why nodes were refused")
	}
}

func TestIsolated(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	a := start(t, config(t, base, "a"))
	c := config(t, base, "b")
	c.Isolated = true
	b := start(t, c)
	for _, pair := range [][2]*Membership{{a, b}, {b, a}} {
		var refusal *Refusal
		if err := pair[0].Join([]string{pair[1].addr()}); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "--isolated") {
			t.Errorf("%s joins %s: %v", pair[0].conf.Name, pair[1].conf.Name, err)
		}
	}
	if addrs, bootstrap, err := b.Discover(t.Context()); err != nil || !bootstrap || addrs != nil {
		t.Errorf("an isolated node: %v, %v, %v", addrs, bootstrap, err)
	}
}

func TestGossipKeys(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	with := func(name string, key string) (*Membership, *logs) {
		c := config(t, base, name)
		said := &logs{}
		c.Key, c.Logger = []byte(key), said.logger()
		return start(t, c), said
	}
	blue, blueSaid := with("a", "0123456789abcdef")
	red, _ := with("b", "fedcba98765432100123456789abcdef")
	none, noneSaid := with("c", "")
	for _, c := range []struct {
		from, to *Membership
		said     string
		log      *logs
		logged   string
	}{
		{red, blue, "that node has another gossip key than this one", blueSaid, "another gossip key"},
		{none, blue, "that node has a gossip key, this one has none", blueSaid, "no gossip key, this one has one"},
		{blue, none, "that node has no gossip key, this one has one", noneSaid, "a gossip key, this one has none"},
	} {
		err := c.from.Join([]string{c.to.addr()})
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), c.said) {
			t.Errorf("%s joins %s: %v", c.from.conf.Name, c.to.conf.Name, err)
		}
		eventually(t, c.to.conf.Name+" logs "+c.logged, func() bool { return strings.Contains(c.log.String(), c.logged) })
		time.Sleep(warnEvery) // the log's limit
	}
	if _, err := Start(func() Config { c := config(t, base, "d"); c.Key = []byte("short"); return c }()); err == nil {
		t.Error("a key of five bytes")
	}
}
