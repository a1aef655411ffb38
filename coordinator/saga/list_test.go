package saga

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

func TestMoveElement(t *testing.T) {
	n := newLocalNode(t, 5)
	n.do("RPUSH a 1 2 3 4")
	n.expectEvents("rpush a@0")
	n.expect("LMOVE a b left RIGHT", "$1 1")
	n.expectEvents("rpush b@0", "lpop a@0")
	n.expect("RPOPLPUSH a b", "$1 4")
	n.expectEvents("lpush b@0", "rpop a@0")
	n.expect("LRANGE b 0 -1", "*2 $1 4 $1 1")
	n.expect("LMOVE b b LEFT RIGHT", "$1 4")
	n.expectEvents("rpush b@0", "lpop b@0")
	n.expect("LRANGE b 0 -1", "*2 $1 1 $1 4")
	n.expect("LMOVE b c LEFT LEFT", "$1 1")
	n.expect("LMOVE b c RIGHT RIGHT", "$1 4")
	n.expect("LMOVE c c RIGHT RIGHT", "$1 4")
	n.expect("LRANGE c 0 -1", "*2 $1 1 $1 4")
	n.expect("LLEN b", ":0")
	n.expect("LMOVE b c RIGHT RIGHT", "$-1")
	n.expect("RPOPLPUSH b b", "$-1")
	n.expectEvents("lpush c@0", "lpop b@0", "rpush c@0", "rpop b@0", "del b@0", "rpush c@0", "rpop c@0")
}

func TestMoveChecksBeforeItChanges(t *testing.T) {
	n := newLocalNode(t, 5)
	n.do("SET s v")
	n.do("RPUSH l a")
	n.events = nil
	n.expect("LMOVE l s LEFT LEFT", "-"+string(reply.ErrWrongType))
	n.expect("LMOVE s l LEFT LEFT", "-"+string(reply.ErrWrongType))
	n.expect("LMOVE s s LEFT LEFT", "-"+string(reply.ErrWrongType))
	n.expect("LMOVE none s LEFT LEFT", "$-1")
	n.expect("LMOVE l s UP LEFT", "-"+string(reply.ErrSyntax))
	n.expect("LMOVE l s LEFT UP", "-"+string(reply.ErrSyntax))
	n.expect("LRANGE l 0 -1", "*1 $1 a")
	n.expectEvents()
}

func TestMultiPop(t *testing.T) {
	n := newLocalNode(t, 5)
	n.do("RPUSH b 1 2 3 4 5")
	n.expect("LMPOP 2 a b LEFT", "*2 $1 b *1 $1 1")
	n.expect("LMPOP 3 a b b RIGHT count 2", "*2 $1 b *2 $1 5 $1 4")
	n.expect("BLMPOP 0 2 a b RIGHT", "*2 $1 b *1 $1 3")
	n.expect("LMPOP 2 a b LEFT COUNT 9223372036854775807", "*2 $1 b *1 $1 2")
	n.expect("LMPOP 2 a b LEFT", "*-1")
	n.do("SET s v")
	n.do("RPUSH l x")
	n.expect("LMPOP 3 none s l LEFT", "-"+string(reply.ErrWrongType))
	for _, c := range []struct{ line, want string }{
		{"LMPOP 0 l LEFT", "-" + string(reply.ErrNumKeys)},
		{"LMPOP -9223372036854775808 l LEFT", "-" + string(reply.ErrNumKeys)},
		{"LMPOP 1.5 l LEFT", "-" + string(reply.ErrNumKeys)},
		{"LMPOP 9223372036854775807 l LEFT", "-" + string(reply.ErrSyntax)},
		{"LMPOP 2 l LEFT", "-" + string(reply.ErrSyntax)},
		{"LMPOP 1 l LEFT COUNT", "-" + string(reply.ErrSyntax)},
		{"LMPOP 1 l LEFT COUNT 0", "-" + string(errPopCount)},
		{"LMPOP 1 l LEFT COUNT x y", "-" + string(errPopCount)},
		{"LMPOP 1 l LEFT COUNT 1 COUNT 1", "-" + string(reply.ErrSyntax)},
		{"BLMPOP x 0 l LEFT", "-" + string(reply.ErrNumKeys)},
		{"BLMPOP x 1 l LEFT", "-" + string(reply.ErrTimeoutNum)},
	} {
		n.expect(c.line, c.want)
	}
	n.expect("LRANGE l 0 -1", "*1 $1 x")
}

// blockOn runs a command that may block, and returns its reply and why it waits.
func (n *localNode) blockOn(line string) (string, *Blocked) {
	n.t.Helper()
	var args [][]byte
	for _, word := range strings.Fields(line) {
		args = append(args, []byte(word))
	}
	info, refusal := n.env.Table.Resolve(args)
	if refusal != "" {
		n.t.Fatal(refusal)
	}
	var why *Blocked
	out := &reply.Writer{Proto: n.proto}
	n.inline(&Call{Cmd: info, Args: args, DB: n.db, Now: n.now, Out: out, Block: func(b *Blocked) { why = b }})
	for _, arg := range args {
		clear(arg) // the connection's buffer is used again
	}
	return flat(out), why
}

// waiting returns the names of shards' keys that are awaited.
func (n *localNode) waiting() (keys int) {
	for _, h := range n.env.Shards {
		keys += h.Engine.Waiting()
	}
	return keys
}

func TestBlockingPopTakesWhatIsThere(t *testing.T) {
	n := newLocalNode(t, 5)
	n.do("RPUSH b 1 2 3 4")
	for _, c := range []struct{ line, want string }{
		{"BLPOP a b 0", "*2 $1 b $1 1"},
		{"BRPOP a b 0.5", "*2 $1 b $1 4"},
		{"BRPOPLPUSH b a 0", "$1 3"},
		{"BLMOVE a b LEFT RIGHT 0", "$1 3"},
		{"BLMPOP 0 2 a b LEFT COUNT 9", "*2 $1 b *2 $1 2 $1 3"},
	} {
		if got, why := n.blockOn(c.line); got != c.want || why != nil {
			t.Errorf("%s\n got %s, blocked %v\nwant %s", c.line, got, why != nil, c.want)
		}
	}
}

func TestBlockedPopIsServedOnce(t *testing.T) {
	for _, c := range []struct{ line, push, want, left string }{
		{"BLPOP k1 k2 k3 k1 2.5", "RPUSH k2 a b", "*2 $2 k2 $1 a ", "*1 $1 b"},
		{"BRPOP k1 k2 k3 2.5", "LPUSH k2 a b c", "*2 $2 k2 $1 a ", "*2 $1 c $1 b"},
		{"BLMPOP 2.5 3 k1 k2 k3 RIGHT COUNT 2", "RPUSH k2 a b c", "*2 $2 k2 *2 $1 c $1 b ", "*1 $1 a"},
		{"BLMPOP 2.5 3 k1 k2 k3 LEFT", "RPUSH k2 a b", "*2 $2 k2 *1 $1 a ", "*1 $1 b"},
	} {
		n := newLocalNode(t, 5)
		got, why := n.blockOn(c.line)
		if got != "" || why == nil {
			t.Fatalf("%s: got %q, blocked %v", c.line, got, why != nil)
		}
		if keys := string(slices.Concat(why.Keys...)); keys != "k1k2k3" || n.waiting() != 3 || why.Resume {
			t.Errorf("%s: waits for %s at %d keys, resume %v", c.line, keys, n.waiting(), why.Resume)
		}
		if why.Timeout != 2500 || string(why.TimedOut) != "*-1\r\n" || why.DB != 0 {
			t.Errorf("%s: %d ms, then %q, db %d", c.line, why.Timeout, why.TimedOut, why.DB)
		}
		var answers []string
		why.Waiter.Claim = func() bool { return len(answers) == 0 }
		why.Waiter.Done = func(b []byte) { answers = append(answers, strings.ReplaceAll(string(b), "\r\n", " ")) }
		n.do(c.push)
		n.do("RPUSH k3 other")
		if want := []string{c.want}; !slices.Equal(answers, want) {
			t.Errorf("%s: answers %q, want %q", c.line, answers, want)
		}
		n.expect("LRANGE k2 0 -1", c.left)
		n.expect("LLEN k3", ":1")
	}
}

func TestBlockedMoveWaitsForItsSource(t *testing.T) {
	n := newLocalNode(t, 5)
	n.db, n.proto = 3, reply.RESP3
	for _, line := range []string{"BLMOVE src dst LEFT RIGHT 0", "BRPOPLPUSH src dst 0"} {
		got, why := n.blockOn(line)
		if got != "" || why == nil {
			t.Fatalf("%s: got %q, blocked %v", line, got, why != nil)
		}
		if !why.Resume || len(why.Keys) != 1 || string(why.Keys[0]) != "src" || why.DB != 3 || why.Timeout != 0 {
			t.Errorf("%s: blocked as %+v", line, why)
		}
		if why.Waiter.Kind != keyspace.List || why.Waiter.Proto != reply.RESP3 || string(why.TimedOut) != "_\r\n" {
			t.Errorf("%s: waits as %+v, then %q", line, why.Waiter, why.TimedOut)
		}
	}
	if keys := n.waiting(); keys != 1 {
		t.Errorf("%d keys awaited", keys)
	}
}

// In EXEC nothing waits: the answer is that of a timeout, except that a move's
// is a null of its own.
func TestNoWaitInExec(t *testing.T) {
	n := newLocalNode(t, 5)
	got := n.exec(nil, "BLPOP a 0", "BRPOP a b 0", "BLMOVE a b LEFT LEFT 0", "BRPOPLPUSH a b 0", "BLMPOP 0 1 a LEFT",
		"BLMOVE a a LEFT LEFT 0", "RPUSH a x", "BLPOP a 0")
	if want := "*8 *-1 *-1 $-1 $-1 *-1 $-1 :1 *2 $1 a $1 x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if keys := n.waiting(); keys != 0 {
		t.Errorf("%d keys awaited", keys)
	}
}

func TestBlockingWrongTypes(t *testing.T) {
	n := newLocalNode(t, 5)
	n.do("SET s v")
	n.do("RPUSH l a")
	for _, line := range []string{"BLPOP none s l 0", "BLMOVE s l LEFT LEFT 0", "BLMOVE l s LEFT LEFT 0", "BRPOPLPUSH s s 0"} {
		if got, why := n.blockOn(line); got != "-"+string(reply.ErrWrongType) || why != nil {
			t.Errorf("%s: got %s, blocked %v", line, got, why != nil)
		}
	}
	n.expect("LLEN l", ":1")
}

func TestTimeouts(t *testing.T) {
	const bad = math.MinInt64
	for _, c := range []struct {
		text    string
		ms      int64
		refusal reply.Error
	}{
		{"0", 0, ""},
		{"1", 1000, ""},
		{"0.0001", 1, ""},
		{"1.0001", 1001, ""},
		{"+2.5e0", 2500, ""},
		{"0x10", 16000, ""},
		{"-0.0001", 0, ""}, // rounded up
		{"1e-400", 1, ""},
		{"-1e-400", 0, ""},
		{"-0.001", bad, reply.ErrTimeoutNeg},
		{"-1", bad, reply.ErrTimeoutNeg},
		{"9000000000", 9000000000000, ""},
		{"9223372036854775", maxTimeout, ""},
		{"9223372036854776", bad, reply.ErrTimeoutNeg},
		{"1e400", bad, reply.ErrTimeoutNeg},
		{"-1e400", bad, reply.ErrTimeoutNeg},
		{"inf", bad, reply.ErrTimeoutNeg},
		{"-inf", bad, reply.ErrTimeoutNeg},
		{"1e5000", bad, reply.ErrTimeoutNum},
		{"nan", bad, reply.ErrTimeoutNum},
		{"", bad, reply.ErrTimeoutNum},
		{" 1", bad, reply.ErrTimeoutNum},
		{"1x", bad, reply.ErrTimeoutNum},
		{strings.Repeat("9", 400), bad, reply.ErrTimeoutNeg},
	} {
		out := &reply.Writer{}
		ms, ok := readTimeout(&Tx{Args: [][]byte{[]byte(c.text)}, Out: out}, 0)
		if !ok {
			ms = bad
		}
		want := ""
		if c.refusal != "" {
			want = "-" + string(c.refusal)
		}
		if ms != c.ms || flat(out) != want {
			t.Errorf("%.20q: %d ms %q, want %d %q", c.text, ms, flat(out), c.ms, want)
		}
	}
}

func BenchmarkMoveElement(b *testing.B) {
	n := newLocalNode(b, 16)
	n.config.Notify = 0
	for i := range 100 {
		n.do(fmt.Sprintf("RPUSH a element:%d", i))
	}
	out := &reply.Writer{}
	call := Call{Cmd: n.env.Find("lmove"), Now: n.now, Out: out}
	there := [][]byte{nil, []byte("a"), []byte("b"), []byte("LEFT"), []byte("RIGHT")}
	back := [][]byte{nil, []byte("b"), []byte("a"), []byte("LEFT"), []byte("RIGHT")}
	b.ReportAllocs()
	for b.Loop() {
		out.Buf = out.Buf[:0]
		call.Args = there
		n.runner.Inline(&call)
		call.Args = back
		n.runner.Inline(&call)
	}
}

func BenchmarkBlockingPopAtOnce(b *testing.B) {
	n := newLocalNode(b, 16)
	n.config.Notify = 0
	n.do("RPUSH a stays")
	out := &reply.Writer{}
	push := [][]byte{nil, []byte("a"), []byte("element")}
	pop := [][]byte{nil, []byte("a"), []byte("0")}
	call := Call{Cmd: n.env.Find("blpop"), Args: pop, Now: n.now, Out: out, Block: func(*Blocked) {}}
	b.ReportAllocs()
	for b.Loop() {
		out.Buf = out.Buf[:0]
		n.single(n.env.Find("rpush"), push, out)
		n.runner.Inline(&call)
	}
}
