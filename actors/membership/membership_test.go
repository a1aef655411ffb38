package membership

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = 20 * time.Second // for what takes a second or two

func id(c string) string { return strings.Repeat(c, hexID)[:hexID] }

// freeBase returns the first of a range of ports of which the first few are free.
func freeBase(t *testing.T) int {
	t.Helper()
	for range 100 {
		base := 12000 + rand.IntN(300)*64
		var held []net.Listener
		for port := base; port < base+8; port++ {
			if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
				held = append(held, l)
			}
		}
		closeAll(held)
		if len(held) == 8 {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func config(t *testing.T, base int, name string) Config {
	t.Helper()
	return Config{
		Name: name, BasePort: base, Cluster: "test", ID: id(fmt.Sprintf("%x", name)), Incarnation: 1,
		ClientPort: 6380, ActorPort: 7950, StreamPort: 7960, Zone: "north",
		Timing: Timing{Rejoin: 300 * time.Millisecond, Patience: 500 * time.Millisecond},
	}
}

func start(t *testing.T, c Config) *Membership {
	t.Helper()
	m, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Shutdown() })
	return m
}

func (m *Membership) addr() string { self := m.Self(); return self.GossipAddr() }

func join(t *testing.T, m *Membership, to ...*Membership) {
	t.Helper()
	for _, other := range to {
		if err := m.Join([]string{other.addr()}); err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// sees tells what m thinks of the member of this name, "" if it knows none.
func sees(m *Membership, name string) string {
	for _, member := range m.Members() {
		if member.Name == name {
			return fmt.Sprintf("%v %d at %s", member.Status, member.Incarnation, member.GossipAddr())
		}
	}
	return ""
}

func until(t *testing.T, m *Membership, name, want string) {
	t.Helper()
	var got string
	defer func() {
		if t.Failed() {
			t.Logf("%s sees %s as %q", m.conf.Name, name, got)
		}
	}()
	eventually(t, fmt.Sprintf("%s sees %s as %q", m.conf.Name, name, want), func() bool {
		got = sees(m, name)
		return got == want
	})
}

func alive(m *Membership) string {
	return fmt.Sprintf("alive %d at %s", m.conf.Incarnation, m.addr())
}

func failed(m *Membership) string {
	return fmt.Sprintf("failed %d at %s", m.conf.Incarnation, m.addr())
}

// logs is a logger whose lines can be read.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestMembersFailAndLeave(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	var mu sync.Mutex
	var told []string
	c := config(t, base, "a")
	c.Key = bytes.Repeat([]byte{7}, 32)
	c.ClusterID = id("c")
	c.OnChange = func(list []Member) {
		mu.Lock()
		defer mu.Unlock()
		var line []string
		for _, m := range list {
			line = append(line, m.Name+" "+m.Status.String())
		}
		told = append(told, strings.Join(line, ", "))
	}
	a := start(t, c)
	c.OnChange = nil
	var others []*Membership
	for _, name := range []string{"b", "c"} {
		c.Name, c.ID = name, id(fmt.Sprintf("%x", name))
		m := start(t, c)
		join(t, m, a)
		others = append(others, m)
	}
	b, d := others[0], others[1]
	for _, m := range []*Membership{a, b, d} {
		for _, other := range []*Membership{a, b, d} {
			until(t, m, other.conf.Name, alive(other))
		}
	}
	want := Member{Name: "b", ID: id("62"), Addr: "127.0.0.1", GossipPort: b.port, ActorPort: 7950, StreamPort: 7960,
		ClientPort: 6380, Zone: "north", Cluster: "test", ClusterID: id("c"), Incarnation: 1}
	if got := d.Members()[1]; got != want {
		t.Errorf("c sees b as %+v, want %+v", got, want)
	}
	if err := b.Shutdown(); err != nil {
		t.Fatal(err)
	}
	until(t, a, "b", failed(b))
	until(t, d, "b", failed(b))
	if err := d.Leave(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "c has left", func() bool { return strings.HasPrefix(sees(a, "c"), "left") })
	eventually(t, "the last list is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return told[len(told)-1] == "a alive, b failed, c left"
	})
	mu.Lock()
	defer mu.Unlock()
	if told[0] != "a alive" {
		t.Errorf("first told %q", told[0])
	}
	for i := 1; i < len(told); i++ {
		if told[i] == told[i-1] && i > 3 {
			t.Errorf("told twice: %q", told[i])
		}
	}
}

// TestComesBack: a process that is started anew is taken back at once, at its old
// address or another, before or after it was seen to fail, or after it has left.
func TestComesBack(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	a, b := start(t, config(t, base, "a")), start(t, config(t, base, "b"))
	join(t, b, a)
	c := config(t, base, "c")
	life := func(port int, end func(*Membership)) *Membership {
		c.Incarnation, c.Port = c.Incarnation+1, port
		m := start(t, c)
		join(t, m, a)
		until(t, a, "c", alive(m))
		until(t, b, "c", alive(m))
		until(t, m, "b", alive(b))
		if end != nil {
			end(m)
		}
		return m
	}
	down := func(m *Membership) { _ = m.Shutdown() }
	one := life(base+5, down)
	two := life(base+5, down) // at once, in place
	until(t, a, "c", failed(two))
	until(t, b, "c", failed(two))
	three := life(base+6, down) // after its failure, elsewhere
	four := life(base+7, down)  // at once, elsewhere: nobody knows yet that three is gone
	until(t, a, "c", failed(four))
	life(base+7, func(m *Membership) { _ = m.Leave(); _ = m.Shutdown() })
	until(t, a, "c", fmt.Sprintf("left %d at %s", c.Incarnation, four.addr()))
	life(base+5, nil)
	_, _ = one, three
}

// TestComesBackAfterReap: serf has forgotten the member, and it knows nobody; the
// address in the catalog brings it back.
func TestComesBackAfterReap(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	c := config(t, base, "a")
	c.Timing.Reap, c.Timing.ReapEvery = 300*time.Millisecond, 100*time.Millisecond
	a := start(t, c)
	c.Name, c.ID = "b", id("b")
	b := start(t, c)
	join(t, b, a)
	until(t, a, "b", alive(b))
	_ = b.Shutdown()
	eventually(t, "b is forgotten", func() bool { return sees(a, "b") == "" })
	a.SetKnown(func() []string { return []string{"no.such.host.invalid:1", b.addr()} })
	c.Incarnation, c.Port = 2, b.port
	back := start(t, c)
	until(t, a, "b", alive(back))
	until(t, back, "a", alive(a))
}

// TestRemembered: within serf's memory the address that failed is called, though
// nobody gave it.
func TestRemembered(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	a := start(t, config(t, base, "a"))
	c := config(t, base, "b")
	b := start(t, c)
	join(t, b, a)
	_ = b.Shutdown()
	until(t, a, "b", failed(b))
	c.Incarnation, c.Port = 2, b.port
	back := start(t, c)
	until(t, a, "b", alive(back))
}

// TestNamesake: who comes second with a name is not listed, the first stays, and the
// second's log says why. Neither is stopped.
func TestNamesake(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	a, first := start(t, config(t, base, "a")), start(t, config(t, base, "b"))
	join(t, first, a)
	until(t, a, "b", alive(first))
	c, said := config(t, base, "b"), &logs{}
	c.ID, c.Logger = id("e"), said.logger()
	second := start(t, c)
	join(t, second, a)
	eventually(t, "the log says so", func() bool { return strings.Contains(said.String(), "a name is one node's") })
	for range 10 {
		if got := sees(a, "b"); got != alive(first) {
			t.Fatalf("a sees b as %s", got)
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = first.Shutdown()
	until(t, a, "b", alive(second)) // it presents itself for a while
}

func TestJoinAnswers(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	a := start(t, config(t, base, "a"))
	if err := a.Join([]string{a.addr()}); !errors.Is(err, ErrSelf) {
		t.Errorf("joining itself: %v", err)
	}
	nobody := net.JoinHostPort("127.0.0.1", strconv.Itoa(base+7))
	if err := a.Join([]string{nobody}); !errors.Is(err, ErrNoNode) {
		t.Errorf("joining nobody: %v", err)
	}
	for _, addr := range []string{"", "host:port", "127.0.0.1:0", "127.0.0.1:70000"} {
		if err := a.Join([]string{addr}); err == nil {
			t.Errorf("joined %q", addr)
		}
	}
	b := start(t, config(t, base, "b"))
	if err := b.Join([]string{"127.0.0.1:70000", nobody, b.addr(), a.addr()}); err != nil {
		t.Errorf("one of four answers: %v", err)
	}
	_, err := Start(func() Config { c := config(t, base, "c"); c.Port = a.port; return c }())
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a port asked for that is not free: %v", err)
	}
}

func TestJoinLoopWaits(t *testing.T) {
	t.Parallel()
	base := freeBase(t)
	a := start(t, config(t, base, "a"))
	c := config(t, base, "b")
	c.Port = base + 3
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		// localhost has several addresses where there is IPv6; the node is at one.
		done <- a.JoinLoop(ctx, []string{"localhost:" + strconv.Itoa(c.Port)})
	}()
	time.Sleep(50 * time.Millisecond)
	b := start(t, c)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	until(t, b, "a", alive(a))
	cancel()
	if err := a.JoinLoop(ctx, []string{"127.0.0.1:1"}); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrNoNode) {
		t.Errorf("a loop called off: %v", err)
	}
}
