package saga

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// courier carries a coordinator's orders to the shards of a node, and their answers back.
type courier struct {
	n       *localNode
	c       *Coordinator
	orders  []func()
	answers []*engine.Answer
	kinds   []string // of the orders, as "run 2": with so many steps
	reply   string
}

func (d *courier) Order(at int, o *engine.Order) {
	d.kinds = append(d.kinds, fmt.Sprint(orderNames[o.Kind], " ", len(o.Steps)))
	own := o.Own()
	d.orders = append(d.orders, func() { d.n.env.Shards[at].Engine.Order(own) })
}
func (d *courier) Answer(a *engine.Answer) { d.answers = append(d.answers, a.Own()) }
func (d *courier) Post(func())             { panic("nothing is to be posted") }
func (d *courier) Blocked(*Blocked)        { panic("nobody is to be blocked") }
func (d *courier) Reply(out *reply.Writer, _ []func()) {
	d.kinds = append(d.kinds, "reply")
	d.reply = flat(out)
}

// byMessages runs a line as a saga whose scripts have drafts, and returns its reply.
func (n *localNode) byMessages(id engine.SagaID, args [][]byte) *courier {
	n.t.Helper()
	d := &courier{n: n}
	for i, h := range n.env.Shards {
		h.Engine.Join(i, d)
	}
	if n.env.NewDraft == nil {
		n.env.Config.Store(n.config)
		n.env.NewDraft = func() *engine.Engine {
			return engine.New(engine.Options{
				Slots: slot.Count, Seed: 99, Handlers: engine.Handlers(n.env.Table, shard.Commands()), Effects: &localEffects{},
			})
		}
	}
	info, refusal := n.env.Table.Resolve(args)
	if refusal != "" {
		n.t.Fatal(refusal)
	}
	d.c = n.env.NewCoordinator(id, &Call{Cmd: info, Args: args, DB: n.db, Now: n.now, Out: &reply.Writer{Proto: n.proto}}, d, nil)
	d.c.Start()
	for len(d.orders)+len(d.answers) > 0 {
		orders, answers := d.orders, d.answers
		d.orders, d.answers = nil, nil
		for _, carry := range orders {
			carry()
		}
		for _, a := range answers {
			d.c.Answer(a)
		}
	}
	if !d.c.Ended() {
		n.t.Fatalf("%s has not ended", args)
	}
	for i, h := range n.env.Shards {
		if h.Engine.Sagas() != 0 || h.Engine.AnyLocked() {
			n.t.Fatalf("%s: something is left at shard %d", args, i)
		}
	}
	return d
}

func scriptOf(text string, words ...string) [][]byte {
	args := [][]byte{[]byte("EVAL"), []byte(text)}
	for _, w := range words {
		args = append(args, []byte(w))
	}
	return args
}

// A script that only reads takes one round trip, one that writes two, however many
// commands it calls.
func TestDraftRoundTrips(t *testing.T) {
	n := newLocalNode(t, 8)
	n.do("SET from 10")
	for _, test := range []struct {
		name, text string
		kinds      []string
	}{
		{"reads", "return redis.call('GET', KEYS[1]) .. redis.call('EXISTS', KEYS[2], KEYS[3])", []string{
			"run 1", "run 1", "run 1", "reply", "commit 0", "commit 0", "commit 0",
		}},
		{"writes", "for i = 1, 3 do redis.call('DECR', KEYS[1]) redis.call('INCR', KEYS[2]) end return redis.call('GET', KEYS[2])", []string{
			"run 1", "run 1", "run 1", "decide 3", "reply", "commit 3", "commit 0", "forget 0",
		}},
		{"finds a key late", "redis.call('DECR', KEYS[1]) redis.call('INCR', 'to') return redis.call('INCR', 'late')", []string{
			"run 1", "run 1", "run 1", // and what was done on the draft:
			"run 1", "run 1", "run 1", "decide 0", "reply", "commit 0", "commit 0", "commit 0", "forget 0",
		}},
		{"leaves it to chance", "return redis.call('SPOP', KEYS[3])", []string{
			"run 1", "run 1", "run 1", "run 1", "reply", "commit 0", "commit 0", "commit 0",
		}},
		{"would write", "return redis.call('SET', KEYS[1], 5, 'NX') or redis.call('HDEL', KEYS[2], 'f') or 1", []string{
			"run 1", "run 1", "run 1", "reply", "commit 0", "commit 0", "commit 0",
		}},
	} {
		if test.name == "would write" {
			n.do("DEL to")
		}
		if d := n.byMessages(7, scriptOf(test.text, "3", "from", "to", "neither")); !slices.Equal(d.kinds, test.kinds) {
			t.Errorf("%s: %q, and the reply %s", test.name, d.kinds, d.reply)
		}
	}
	n.expect("GET from", "$1 6")
}

// What is too large for a draft, or may end while the saga does, stays where it is.
func TestNotOnDrafts(t *testing.T) {
	n := newLocalNode(t, 8)
	n.do("SET large " + strings.Repeat("x", maxDraftValue+1))
	n.do("SET soon 1 PX 9999")
	n.do("SET late 1 PX 10000")
	for i, name := range []string{"large", "soon", "late"} {
		d := n.byMessages(engine.SagaID(i+1), scriptOf("return redis.call('APPEND', KEYS[1], 'y')", "1", name))
		drafted := slices.Contains(d.kinds, "decide 1")
		if want := name == "late"; drafted != want {
			t.Errorf("%s: %q", name, d.kinds)
		}
	}
	d := n.byMessages(4, scriptOf("for i = 1, 3 do redis.call('APPEND', KEYS[1], ARGV[1]) end", "1", "much", strings.Repeat("x", maxDraftBytes/2)))
	if !slices.Contains(d.kinds, "decide 0") {
		t.Errorf("much: %q", d.kinds)
	}
	n.expect("STRLEN much", fmt.Sprint(":", maxDraftBytes/2*3))
	for _, h := range n.env.Shards { // somebody's clock is ahead
		h.Engine.KS.Advance(n.now + 1)
	}
	n.do("SET late 1 PX 10000")
	for _, h := range n.env.Shards {
		h.Engine.KS.Advance(n.now + 2)
	}
	if d := n.byMessages(5, scriptOf("return redis.call('APPEND', KEYS[1], 'y')", "1", "late")); !slices.Contains(d.kinds, "decide 0") {
		t.Errorf("late, by another's clock: %q", d.kinds)
	}
	n.expect("STRLEN large", fmt.Sprint(":", maxDraftValue+2))
	n.expect("GET soon", "$2 1y")
}

// A node keeps few drafts, and none that a defect has left in the middle of a command.
func TestKeptDrafts(t *testing.T) {
	n := newLocalNode(t, 1)
	n.byMessages(1, scriptOf("return 1", "1", "k"))
	var open []*draft
	for range keptDrafts + 3 {
		open = append(open, n.env.openDraft(n.now))
	}
	open[0].inside = true
	for _, d := range open {
		n.env.closeDraft(d)
	}
	if kept := len(n.env.drafts); kept != keptDrafts {
		t.Errorf("%d drafts are kept", kept)
	}
	for len(n.env.drafts) > 0 {
		if d := <-n.env.drafts; d == open[0] {
			t.Error("one is kept that was left in the middle")
		}
	}
}

// A draft of before the clock was set back is not used any more.
func TestDraftsFollowTheClock(t *testing.T) {
	n := newLocalNode(t, 1)
	n.byMessages(1, scriptOf("return 1", "1", "k"))
	d := n.env.openDraft(n.now)
	d.engine.KS.Advance(n.now + draftMargin)
	n.env.closeDraft(d)
	if again := n.env.openDraft(n.now); again == d {
		t.Error("it is used")
	}
}

// templates are commands on the declared keys A, B and C and the numbers N.
var templates = strings.Split(strings.TrimSpace(`
SET A N|GET A|INCR A|INCRBY B N|APPEND A xN|SETRANGE A 3 y|GETRANGE A 0 2|GETDEL A|SETNX A N|STRLEN A
DEL A|DEL A B|EXISTS A B C|EXPIRE A 1000|PEXPIRE A 90000|TTL A|PERSIST A|SET A N PX 50000|SET A N KEEPTTL|TYPE A
LPUSH A N|RPUSH A N x|RPOP A|LLEN A|LRANGE A 0 -1|LSET A 0 N|LINSERT A BEFORE x y|LTRIM A 0 2|LMOVE A B LEFT RIGHT
HSET A f N|HINCRBY A f N|HGET A f|HDEL A f|HLEN A|SADD A N|SREM A N|SCARD A|SISMEMBER A N|SMOVE A B N
ZADD A N m|ZADD A N n|ZINCRBY A 1 m|ZRANGE A 0 -1|ZREM A m|ZSCORE A m|ZPOPMIN A|ZUNIONSTORE C 2 A B|SUNIONSTORE C A B
MSET A N B N|MGET A B C|MSETNX A N B N|BITOP AND C A B|SETBIT A 9 1|RENAME A B|COPY A B|SINTERCARD 2 A B|OBJECT ENCODING A
EXPIRE A 0|PEXPIRE A 5|SET A N PX 3|EXPIREAT A 1|NOSUCH A|INCR A B|SPOP A|LPUSH other N|GET other
SET A N PXAT 9999999999999|PEXPIREAT A 9999999999999`), "\n")

// randomScript returns a script of random commands on declared keys, whose errors are
// replies like others.
func randomScript(rng *rand.Rand, keys []string) [][]byte {
	var all []string
	for _, line := range templates {
		all = append(all, strings.Split(line, "|")...)
	}
	var calls []string
	for range 1 + rng.IntN(6) {
		words := strings.Fields(all[rng.IntN(len(all))])
		for i, w := range words {
			switch {
			case i > 0 && len(w) == 1 && w[0] >= 'A' && w[0] <= 'C':
				words[i] = fmt.Sprintf("KEYS[%d]", 1+rng.IntN(len(keys)))
			case i > 0 && strings.HasSuffix(w, "N") && len(w) <= 2:
				words[i] = fmt.Sprintf("'%s%d'", w[:len(w)-1], rng.IntN(5))
			default:
				words[i] = "'" + w + "'"
			}
		}
		calls = append(calls, "redis.pcall("+strings.Join(words, ",")+")")
	}
	return scriptOf("return {"+strings.Join(calls, ",")+"}", append([]string{fmt.Sprint(len(keys))}, keys...)...)
}

// Scripts on drafts, by messages, do what they do inline: replies, values, expiries and
// events.
func TestDraftsAreTheSame(t *testing.T) {
	a, b := newLocalNode(t, 4), newLocalNode(t, 4)
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"k1", "k2", "k3", "k4", "k5", "k6"}
	drafted := 0
	for i := range 4000 {
		keys := make([]string, 1+rng.IntN(3))
		for j := range keys {
			keys[j] = names[rng.IntN(len(names))]
		}
		args := randomScript(rng, keys)
		a.events, b.events = nil, nil
		d := a.byMessages(engine.SagaID(i+1), args)
		if want := b.run(args); d.reply != want {
			t.Fatalf("%d: %s\n got %s\nwant %s", i, args, d.reply, want)
		}
		if slices.ContainsFunc(d.kinds, func(k string) bool { return strings.HasPrefix(k, "decide ") && k != "decide 0" }) {
			drafted++
		}
		if got, want := a.changes(), b.changes(); !slices.Equal(got, want) {
			t.Fatalf("%d: %s\nevents %q\nwant   %q", i, args, got, want)
		}
		for _, k := range append(names, "other") {
			for _, look := range []string{"~image ", "PTTL "} {
				if got, want := a.do(look+k), b.do(look+k); got != want {
					t.Fatalf("%d: %s\n%s%s\n got %q\nwant %q", i, args, look, k, got, want)
				}
			}
		}
		a.now, b.now = a.now+int64(i%7), b.now+int64(i%7)
	}
	if drafted < 1000 {
		t.Errorf("only %d scripts have ended on their drafts", drafted)
	}
}

// changes are the events of the last call, without those of looking at keys, which a
// draft does with all that are declared: that one is not there, or has come to its end.
func (n *localNode) changes() []string {
	all := slices.DeleteFunc(slices.Clone(n.events), func(e string) bool {
		return strings.HasPrefix(e, "keymiss") || strings.HasPrefix(e, "expired")
	})
	slices.Sort(all)
	return all
}
