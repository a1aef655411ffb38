package membership

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/troupedb/troupe/actors/directory"
)

// host is a node as far as Proto.Actor is concerned.
type host struct {
	*Membership
	cluster *cluster.Cluster
	store   *directory.Store
	mu      sync.Mutex
	members map[string]string
}

func startHost(t *testing.T, c Config, d *directory.Directory) *host {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.ActorPort = free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	h := &host{Membership: start(t, c), store: directory.NewStore(d)}
	quiet := slog.New(slog.DiscardHandler)
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
	h.cluster = NewCluster(system, h.Membership, h.store, remote.Configure("127.0.0.1", c.ActorPort))
	// MemberList.Members takes no lock; the event is what can be relied on.
	system.EventStream.Subscribe(func(event any) {
		if topology, ok := event.(*cluster.ClusterTopology); ok {
			members := map[string]string{}
			for _, m := range topology.Members {
				members[m.Id] = m.Address()
			}
			h.mu.Lock()
			h.members = members
			h.mu.Unlock()
		}
	})
	h.cluster.StartMember()
	t.Cleanup(func() { h.cluster.Shutdown(false) })
	return h
}

func (h *host) directoryMember(n directory.Number) directory.Member {
	return directory.Member{Number: n, ID: h.conf.ID, Host: "127.0.0.1", ActorPort: h.conf.ActorPort}
}

// listed are the addresses of the members that Proto.Actor has at h, by identity.
func (h *host) listed() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.members
}

func TestProviderAndLookup(t *testing.T) {
	if raceDetector {
		t.Skip("a second Proto.Actor remote in a process sets gRPC's global logger while the first one logs")
	}
	t.Parallel()
	base := freeBase(t)
	a := startHost(t, config(t, base, "a"), nil)
	b := startHost(t, config(t, base, "b"), nil)
	join(t, b.Membership, a.Membership)
	for _, h := range []*host{a, b} {
		eventually(t, "both are listed at "+h.conf.Name, func() bool {
			all := h.listed()
			return len(all) == 2 && all[MemberID(a.conf.ID, 1)] == fmt.Sprint("127.0.0.1:", a.conf.ActorPort) &&
				all[MemberID(b.conf.ID, 1)] == fmt.Sprint("127.0.0.1:", b.conf.ActorPort)
		})
	}
	// A request to a shard's identity goes to its owner.
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*wrapperspb.StringValue); ok {
			ctx.Respond(wrapperspb.String(m.Value + " at b"))
		}
	})
	if _, err := b.cluster.ActorSystem.Root.SpawnNamed(props, ShardActor(1)); err != nil {
		t.Fatal(err)
	}
	places := func(epoch uint64, state directory.State) *directory.Directory {
		second := b.directoryMember(2)
		second.State = state
		return &directory.Directory{Slots: directory.Even(2), Epoch: epoch, Members: []directory.Member{a.directoryMember(1), second},
			Places: []directory.Place{{Owner: 1, Epoch: 1}, {Owner: 2, Epoch: 1}}}
	}
	a.store = directory.NewStore(places(1, directory.Up))
	a.cluster.IdentityLookup.(*Lookup).store = a.store
	got, err := a.cluster.Request("1", ShardKind, wrapperspb.String("asked"))
	if err != nil {
		t.Fatal(err)
	}
	if got := got.(*wrapperspb.StringValue).Value; got != "asked at b" {
		t.Errorf("%q answered", got)
	}
	a.store.Advance(places(2, directory.Down))
	if pid := a.cluster.Get("1", ShardKind); pid != nil {
		t.Errorf("the shard of a member that is down is at %v", pid)
	}
	// A member that fails stays listed; as another process it is another member.
	_ = b.Shutdown()
	until(t, a.Membership, "b", failed(b.Membership))
	if len(a.listed()) != 2 {
		t.Errorf("after b failed: %v", a.listed())
	}
	c := config(t, base, "b")
	c.Incarnation = 2
	again := start(t, c)
	join(t, again, a.Membership)
	eventually(t, "b's new process is listed", func() bool {
		all := a.listed()
		return len(all) == 2 && all[MemberID(c.ID, 2)] != ""
	})
	if err := again.Leave(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b has left", func() bool { return len(a.listed()) == 1 })
}

func TestProviderKeepsWhoIsForgotten(t *testing.T) {
	m := &Membership{conf: Config{}, reporter: &reporter{logger: slog.New(slog.DiscardHandler), now: time.Now}}
	p := NewProvider(m)
	is := func(what string, list []Member, want ...string) {
		t.Helper()
		got := map[string]bool{}
		for _, m := range p.merge(list) {
			got[m.Id] = true
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
		for _, id := range want {
			if !got[id] {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	a, b := Member{Name: "a", ID: "1", Incarnation: 7}, Member{Name: "b", ID: "2", Incarnation: 8}
	is("both", []Member{a, b}, "1-7", "2-8")
	b.Status = Failed
	is("b failed", []Member{a, b}, "1-7", "2-8")
	is("b is forgotten", []Member{a}, "1-7", "2-8")
	b.Status, b.Incarnation = Alive, 9
	is("b is back", []Member{a, b}, "1-7", "2-9")
	b.Status = Left
	is("b has left", []Member{a, b}, "1-7")
	many := make([]Member, 2*directory.MaxMembers)
	for i := range many {
		many[i] = Member{Name: strconv.Itoa(i), ID: strconv.Itoa(i)}
	}
	if n := len(p.merge(many)); n != directory.MaxMembers {
		t.Errorf("%d members are listed", n)
	}
}

func TestLookup(t *testing.T) {
	d := &directory.Directory{Slots: directory.Even(4), Epoch: 1,
		Members: []directory.Member{{Number: 1, Host: "10.0.0.1", ActorPort: 7950}, {Number: 2, Host: "fd00::2", ActorPort: 7951, State: directory.Leaving},
			{Number: 3, Host: "10.0.0.3", ActorPort: 7952, State: directory.Down}},
		Places: []directory.Place{{Owner: 1}, {Owner: 2}, {Owner: 3}, {Owner: 9}}}
	l := NewLookup(directory.NewStore(d))
	for _, c := range []struct{ kind, identity, want string }{
		{"shard", "0", "10.0.0.1:7950/shard-0"},
		{"shard", "1", "[fd00::2]:7951/shard-1"},
		{"shard", "2", ""}, // down
		{"shard", "3", ""}, // nobody we know
		{"shard", "4", ""}, {"shard", "-1", ""}, {"shard", "x", ""}, {"shard", "", ""},
		{"prototopic", "0", ""},
	} {
		got := ""
		if pid := l.Get(cluster.NewClusterIdentity(c.identity, c.kind)); pid != nil {
			got = pid.Address + "/" + pid.Id
		}
		if got != c.want {
			t.Errorf("%s %q is at %q, want %q", c.kind, c.identity, got, c.want)
		}
	}
	if pid := NewLookup(directory.NewStore(nil)).Get(cluster.NewClusterIdentity("0", "shard")); pid != nil {
		t.Errorf("without a directory: %v", pid)
	}
}
