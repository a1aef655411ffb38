package membership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// discovery is what a node's Discover came to; founders set their identity as a
// node does once its catalog is there.
type discovery struct {
	m         *Membership
	addrs     []string
	bootstrap bool
	err       error
}

func discover(ctx context.Context, m *Membership) discovery {
	d := discovery{m: m}
	d.addrs, d.bootstrap, d.err = m.Discover(ctx)
	if d.bootstrap {
		time.Sleep(100 * time.Millisecond) // what founding takes
		d.err = m.SetClusterID(m.conf.ID)
	}
	return d
}

// TestStartedAtOnce: nodes started in the same instant are one cluster.
func TestStartedAtOnce(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	const nodes = 5
	results := make([]discovery, nodes)
	var all sync.WaitGroup
	for i := range nodes {
		all.Go(func() {
			m, err := Start(config(t, base, fmt.Sprint("n", i)))
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = m.Shutdown() })
			results[i] = discover(t.Context(), m)
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	founders := 0
	for _, d := range results {
		if d.err != nil {
			t.Fatal(d.err)
		}
		if d.bootstrap {
			founders++
			if d.m.port != base {
				t.Errorf("port %d founded the cluster", d.m.port)
			}
		} else if len(d.addrs) == 0 {
			t.Errorf("%s found nobody", d.m.conf.Name)
		}
	}
	if founders != 1 {
		t.Errorf("%d founders", founders)
	}
	for _, d := range results {
		eventually(t, "all know all", func() bool { return len(d.m.others()) == nodes-1 })
	}
}

// TestStrangersDoNotCount: below are a program that says nothing, one that talks
// nonsense, a node of another cluster, one with another key and one to be alone.
func TestStrangersDoNotCount(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	silent, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(base)))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	loud, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(base+1)))
	if err != nil {
		t.Fatal(err)
	}
	defer loud.Close()
	go func() {
		for {
			c, err := loud.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 smtp.example.org ESMTP\r\n"))
			_ = c.Close()
		}
	}()
	for i, change := range []func(*Config){
		func(c *Config) { c.Cluster, c.ClusterID = "other", id("9") },
		func(c *Config) { c.Key = []byte("0123456789abcdef") },
		func(c *Config) { c.Isolated = true },
	} {
		c := config(t, base, fmt.Sprint("stranger", i))
		change(&c)
		start(t, c)
	}
	m, late := start(t, config(t, base, "m")), start(t, config(t, base, "late"))
	if m.port != base+5 || late.port != base+6 {
		t.Fatalf("ports %d and %d above %d", m.port, late.port, base)
	}
	found := make(chan discovery, 1)
	go func() { found <- discover(t.Context(), late) }()
	if d := discover(t.Context(), m); d.err != nil || !d.bootstrap {
		t.Fatalf("%+v", d)
	}
	if d := <-found; d.err != nil || d.bootstrap || len(d.addrs) != 1 || d.addrs[0] != m.addr() {
		t.Fatalf("%+v", d)
	}
	// One that takes a lower port later finds the cluster above it.
	_ = silent.Close()
	low := start(t, config(t, base, "low"))
	if low.port != base {
		t.Fatalf("port %d", low.port)
	}
	if d := discover(t.Context(), low); d.err != nil || d.bootstrap || len(d.addrs) != 1 || d.addrs[0] != m.addr() {
		t.Fatalf("%+v", d)
	}
}

// TestPortsForOtherThings: the nodes' ports for actors are among those for gossip;
// asking there would take Timing.Patience.
func TestPortsForOtherThings(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	with := func(name string, actors int) *Membership {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(base+actors)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		c := config(t, base, name)
		c.ActorPort, c.Timing.Patience = base+actors, time.Hour
		return start(t, c)
	}
	low, high := with("low", 0), with("high", 4)
	if low.port != base+1 || high.port != base+2 {
		t.Fatalf("ports %d and %d above %d", low.port, high.port, base)
	}
	found := make(chan discovery, 1)
	go func() { found <- discover(t.Context(), high) }()
	if d := discover(t.Context(), low); d.err != nil || !d.bootstrap {
		t.Fatalf("%+v", d)
	}
	if d := <-found; d.err != nil || d.bootstrap || len(d.addrs) != 1 {
		t.Fatalf("%+v", d)
	}
}

// TestFounderDies: who waits for a node that goes away founds the cluster itself.
func TestFounderDies(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	low, high := start(t, config(t, base, "low")), start(t, config(t, base, "high"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if addrs, bootstrap, err := high.Discover(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, %v, %v: a node before it has no cluster yet", addrs, bootstrap, err)
	}
	_ = low.Shutdown()
	if d := discover(t.Context(), high); d.err != nil || !d.bootstrap {
		t.Fatalf("%+v", d)
	}
}

// TestNobodyGetsBelowAFounder: the ports below a founder are held until there is a
// cluster, so that one that starts then waits for it.
func TestNobodyGetsBelowAFounder(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	c := config(t, base, "founder")
	c.Port = base + 3
	founder := start(t, c)
	if _, bootstrap, err := founder.Discover(t.Context()); err != nil || !bootstrap {
		t.Fatal(bootstrap, err)
	}
	next := start(t, config(t, base, "next"))
	if next.port != base+4 {
		t.Errorf("port %d was taken, the founder has %d", next.port, founder.port)
	}
	found := make(chan discovery, 1)
	go func() { found <- discover(t.Context(), next) }()
	time.Sleep(300 * time.Millisecond)
	if err := founder.SetClusterID(id("f")); err != nil {
		t.Fatal(err)
	}
	if d := <-found; d.err != nil || d.bootstrap || len(d.addrs) != 1 {
		t.Fatalf("%+v", d)
	}
	if low := start(t, config(t, base, "low")); low.port != base {
		t.Errorf("the ports were not given back: %d", low.port)
	}
}
