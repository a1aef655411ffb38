package coordinator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// company is a loop whose clients' calls are gathered.
type company struct {
	posted chan func()
	out    map[uint64]string
}

func newCompany() *company {
	return &company{make(chan func(), 1024), map[uint64]string{}}
}

func (*company) Order(directory.Number, int, *engine.Order) bool { return false }
func (c *company) Post(f func())                                 { c.posted <- f }
func (*company) On(any) bool                                     { return false }
func (c *company) Done(ticket uint64, out []byte)                { c.out[ticket] += string(out) }

// await lets the loop run until so many replies are there.
func (c *company) await(r *rig, g *Gatherer, n int) {
	t := r.t
	t.Helper()
	for deadline := time.After(patience); len(c.out) < n; {
		if g.Begin(r.now); len(c.out) >= n {
			return
		}
		select {
		case f := <-c.posted:
			f()
		case <-deadline:
			t.Fatalf("%d of %d replies came: %v", len(c.out), n, c.out)
		}
	}
}

// gather carries calls out together, and returns their replies.
func (r *rig) gather(g *Gatherer, calls ...*saga.Call) (replies []string) {
	t := r.t.(*testing.T)
	c := newCompany()
	for i, call := range calls {
		if !g.Gather(c, uint64(i), call) {
			t.Fatalf("%q was not gathered", call.Args)
		}
	}
	c.await(r, g, len(calls))
	r.drain(c.posted)
	for i := range calls {
		replies = append(replies, flat([]byte(c.out[uint64(i)])))
	}
	return replies
}

// TestGathered: a call that is gathered leaves what one leaves that an actor runs.
func TestGathered(t *testing.T) {
	a, b := newRig(t, 5), newRig(t, 5)
	g, gathered := b.sagas.NewGatherer(), 0
	agree(t, a, b, a.submit, func(c *saga.Call) string {
		if ok, _ := b.node.Env.Gathers(c); !ok {
			return b.submit(c)
		}
		gathered++
		text := b.gather(g, c)[0]
		return text
	})
	if gathered < 10 {
		t.Errorf("only %d calls were gathered", gathered)
	}
}

// together are calls that one group carries out.
var together = [][]string{
	{"MSET a 1 b 2 c 3", "DEL a nosuch", "MSET a 1 odd", "EXEC", "UNLINK b", "MSET a 5 l 6", "DEL nosuch"},
	{"MGET a b c l", "EXISTS a b c a", "TOUCH a nosuch", "EXEC", "MGET nosuch", "MGET a a"},
}

// TestGroup: calls in company have the replies that they have one after the other.
func TestGroup(t *testing.T) {
	a, b := newRig(t, 5), newRig(t, 5)
	g := b.sagas.NewGatherer()
	g.reads.most, g.writes.most = maxGroup, maxGroup
	for _, lines := range together {
		var wanted []string
		var calls []*saga.Call
		for _, line := range lines {
			make := func(r *rig) *saga.Call {
				words := strings.Fields(line)
				if words[0] != "EXEC" {
					return r.call(words)
				}
				if lines[0] == together[0][0] {
					return r.call(words, []string{"SET", "e", "7"}, []string{"GET", "c"}, []string{"LPUSH", "e", "x"})
				}
				return r.call(words, []string{"GET", "e"}, []string{"LLEN", "e"})
			}
			wanted = append(wanted, a.submit(make(a)))
			calls = append(calls, make(b))
		}
		if got := b.gather(g, calls...); !slices.Equal(got, wanted) {
			t.Errorf("replies %q\n    want %q", got, wanted)
		}
		if da, db := a.dump(), b.dump(); da != db {
			t.Errorf("the states differ:\n%s\n\n%s", da, db)
		}
	}
}

// TestGroupsOfOneKind: calls of another database, or another version of the protocol,
// and those that are too many or too large are another group's, or none's.
func TestGroupsOfOneKind(t *testing.T) {
	r := newRig(t, 5)
	g, c := r.sagas.NewGatherer(), newCompany()
	r.submit(r.call(fields("MSET a 1 b 2")))
	other, resp3, large := r.call(fields("MGET a b")), r.call(fields("MGET a x")), r.call(fields("MGET a b"))
	other.DB = 1
	resp3.Out.Proto = 3
	large.Args[1] = make([]byte, maxGroupCall+1)
	if g.Gather(c, 9, large) || g.Gather(c, 9, r.call(fields("RENAME a b"))) {
		t.Error("calls were gathered that must be by themselves")
	}
	g.reads.most = 2
	for i, call := range []*saga.Call{r.call(fields("MGET a b")), other, resp3, r.call(fields("MGET b")), r.call(fields("MGET a")), r.call(fields("MGET b a"))} {
		g.Gather(c, uint64(i), call)
	}
	c.await(r, g, 6)
	for i, want := range []string{"*2 $1 1 $1 2", "*2 $-1 $-1", "*2 $1 1 _", "*1 $1 2", "*1 $1 1", "*2 $1 2 $1 1"} {
		if got := flat([]byte(c.out[uint64(i)])); got != want {
			t.Errorf("reply %d is %q, want %q", i, got, want)
		}
	}
	r.drain(c.posted)
	if g.reads.running != 0 {
		t.Errorf("%d groups run", g.reads.running)
	}
}

func fields(line string) []string { return strings.Fields(line) }

// tripwire makes a shard panic when a key of it expires.
type tripwire struct{}

func (tripwire) Expired(*keyspace.Key) { panic("stumbled") }

// TestGroupFallsApart: what one call ends in is not the others' matter.
func TestGroupFallsApart(t *testing.T) {
	r := newRig(t, 5)
	bad := "bad"
	at := r.node.Env.ShardOf([]byte(bad))
	r.on(at, func(e *engine.Engine) { e.KS.ActiveExpiryOff = true })
	r.submit(r.call([]string{"EXEC"}, []string{"SET", bad, "x", "PX", "10"}))
	r.on(at, func(e *engine.Engine) { e.KS.Events = tripwire{} })
	r.now += 20
	g := r.sagas.NewGatherer()
	g.writes.most = maxGroup
	got := r.gather(g, r.call(fields("MSET a 1 b 2")), r.call([]string{"MSET", "c", "3", bad, "4"}), r.call(fields("DEL a nosuch")))
	if got[0] != "+OK" || got[1] != "-"+string(saga.ErrUndone) || got[2] != ":1" {
		t.Errorf("replies %q", got)
	}
	if got := r.submit(r.call(fields("MGET a b c"))); got != "*3 $-1 $1 2 $-1" {
		t.Errorf("then %q", got)
	}
}

// TestGroupIsRefused: what was gathered is not begun by a node that may not serve.
func TestGroupIsRefused(t *testing.T) {
	r := newRig(t, 5)
	g, c := r.sagas.NewGatherer(), newCompany()
	g.Gather(c, 1, r.call(fields("MGET a b")))
	g.Gather(c, 2, r.call(fields("MSET a 1 b 2")))
	g.Refuse(saga.ErrDown)
	if want := "-" + string(saga.ErrDown) + "\r\n"; c.out[1] != want || c.out[2] != want || g.Waits() {
		t.Errorf("replies %v", c.out)
	}
}

// TestNoGroupBesideOneThatIsAway: while a node is away, calls are by themselves.
func TestNoGroupBesideOneThatIsAway(t *testing.T) {
	r, _ := newPeerRig(t)
	if r.sagas.NewGatherer().Gather(newCompany(), 1, r.call([]string{"MGET", r.nameAt(here)})) {
		t.Error("a call was gathered")
	}
}
