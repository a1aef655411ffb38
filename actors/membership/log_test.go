package membership

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/serf/serf"
)

func TestReporter(t *testing.T) {
	said := &logs{}
	at := time.Unix(1000, 0)
	r := &reporter{logger: said.logger(), now: func() time.Time { return at }}
	lines := func() int { return strings.Count(said.String(), "\n") }
	write := func(line string) {
		if n, err := r.Write([]byte(line + "\n")); n != len(line)+1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	write("[DEBUG] memberlist: Stream connection from=1.2.3.4:5")
	write("[INFO] serf: EventMemberJoin: a 127.0.0.1")
	write("[ERR] memberlist: Push/Pull with a failed: EOF")
	write("no level")
	write("[no end")
	if lines() != 0 || r.bad.Load() != 0 {
		t.Errorf("logged for an operator: %s", said)
	}
	for range 1000 {
		write("[ERR] memberlist: msg type (77) not supported from=1.2.3.4:5")
	}
	if lines() != 1 || r.bad.Load() != 1000 {
		t.Errorf("%d lines, %d counted", lines(), r.bad.Load())
	}
	at = at.Add(warnEvery)
	write("[ERR] memberlist: Decrypt packet failed: " + strings.Repeat("x", 5000))
	if lines() != 2 || !strings.Contains(said.String(), "more_since_last=999") || len(said.String()) > 2000 {
		t.Errorf("%s", said)
	}
}

func TestParseMember(t *testing.T) {
	c := Config{Name: "a", Cluster: "blue", ID: id("a"), Incarnation: 1 << 63, ClientPort: 1, ActorPort: 2, StreamPort: 65535, Zone: "n"}
	good := func() serf.Member {
		return serf.Member{Name: "a", Addr: net.IPv4(10, 0, 0, 1), Port: 7946, Tags: c.tags(id("b")), Status: serf.StatusLeaving}
	}
	s := good()
	m, err := parseMember(&s)
	want := Member{Name: "a", ID: id("a"), Addr: "10.0.0.1", GossipPort: 7946, ClientPort: 1, ActorPort: 2, StreamPort: 65535,
		Zone: "n", Cluster: "blue", ClusterID: id("b"), Incarnation: 1 << 63}
	if err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
	for tag, values := range map[string][]string{
		tagVersion: {"", "2"}, tagCluster: {"", "a b", strings.Repeat("x", 65)}, tagClusterID: {"1", id("g"), id("A")},
		tagID: {"", "abc"}, tagIncarnation: {"", "-1", "zzzzzzzzzzzzzz"}, tagPorts: {"", "1,2", "1,2,65536", "1,2,-3", "1,2,3,4"}, tagZone: {"/"},
	} {
		for _, value := range values {
			s := good()
			s.Tags[tag] = value
			if m, err := parseMember(&s); err == nil {
				t.Errorf("tag %s=%q: %+v", tag, value, m)
			}
		}
	}
	s = good()
	s.Name = "a/b"
	if _, err := parseMember(&s); err == nil {
		t.Error("a name with a slash")
	}
	c.Cluster, c.Zone, c.Incarnation, c.Isolated = strings.Repeat("c", maxName), strings.Repeat("z", maxName), 1<<64-1, true
	c.ClientPort, c.ActorPort = 65535, 65535
	size := 0
	for k, v := range c.tags(id("b")) {
		size += len(k) + len(v) + 4
	}
	if size > 500 {
		t.Errorf("the longest tags have %d bytes, serf's limit is 512", size)
	}
}

func TestResolve(t *testing.T) {
	got, err := resolve(context.Background(), []string{"10.0.0.1", "[fd00::1]:9", "fd00::2", "10.0.0.1:7946", "x:y:z"})
	want := "10.0.0.1:7946 [fd00::1]:9 [fd00::2]:7946"
	if strings.Join(got, " ") != want || err == nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Name: "a", Cluster: "blue", ID: id("a")}
	if _, err := good.complete(); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(*Config){
		"name": func(c *Config) { c.Name = "a/b" }, "cluster": func(c *Config) { c.Cluster = "" }, "zone": func(c *Config) { c.Zone = " " },
		"identity": func(c *Config) { c.ID = "1" }, "cluster's identity": func(c *Config) { c.ClusterID = "1" },
		"key": func(c *Config) { c.Key = make([]byte, 17) }, "port": func(c *Config) { c.Port = 70000 },
		"address": func(c *Config) { c.Bind = "no.such.host.invalid" },
	} {
		c := good
		spoil(&c)
		if _, err := c.complete(); err == nil {
			t.Errorf("a bad %s is taken", what)
		}
	}
}
