package conn_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/conn"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
)

const (
	endless  = "while true do end"
	busy     = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	notBusy  = "-NOTBUSY No scripts in execution right now."
	internal = "-ERR internal error: the command failed and may have been carried out in part"
)

func oneShard(c *gateway.Config) { c.Shards, c.Loops = 1, 1 }

// until sends a command again and again until its reply begins as wanted.
func (c *client) until(line, want string) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got := c.do(line)
		if strings.HasPrefix(got, want) {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s: still %s, want %s", line, got, want)
		}
	}
}

func (c *client) killed() {
	c.t.Helper()
	if got := c.read(); !strings.HasPrefix(got, "-ERR Script killed by user with SCRIPT KILL... script: ") {
		c.t.Errorf("the killed script answered %s", got)
	}
}

const unkillable = "-UNKILLABLE Sorry the script already executed write commands against the dataset. "

// writeForEver makes writer run a script that has written, and does not end. SCRIPT KILL
// may come between its beginning and its write: then it begins anew.
func (c *client) writeForEver(writer *client) {
	c.t.Helper()
	begin := func() { writer.sendWords("EVAL", "redis.call('set', 'x', '1') "+endless, "0") }
	begin()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		switch got := c.do("SCRIPT KILL"); {
		case strings.HasPrefix(got, unkillable):
			return
		case got == "+OK":
			writer.killed()
			begin()
		}
	}
	c.t.Fatal("no script has written")
}

// An endless script keeps nobody from being served, even where there is one event
// loop and one shard.
func TestEndlessScript(t *testing.T) {
	g := node(t, oneShard)
	script, other := dial(t, g), dial(t, g)
	other.expect("SCRIPT KILL", notBusy)
	script.sendWords("EVAL", endless, "0")
	other.expect("SET k v", "+OK")
	other.expect("MSET a 1 b 2", "+OK")
	other.expect("EVAL return{KEYS[1]} 1 k", `["k"]`)
	other.until("SCRIPT KILL", "+OK")
	script.killed()
	other.expect("SCRIPT KILL", notBusy)
	script.expect("GET k", `"v"`)

	script.sendWords("EVAL", "while true do pcall(function() while true do redis.call('get', 'k') end end) end", "0")
	other.until("SCRIPT KILL", "+OK")
	script.killed()
}

func TestScriptOfClientThatHasGone(t *testing.T) {
	g := node(t, oneShard)
	gone, killed, other := dial(t, g), dial(t, g), dial(t, g)
	gone.sendWords("EVAL", endless, "0")
	gone.c.Close()
	other.until("SCRIPT KILL", "+OK")
	other.until("SCRIPT KILL", notBusy)
	id := killed.do("CLIENT ID")
	killed.sendWords("EVAL", endless, "0")
	other.expect("CLIENT KILL ID "+id[1:], ":1")
	other.until("SCRIPT KILL", "+OK")
	other.until("SCRIPT KILL", notBusy)
}

func TestBusyReplies(t *testing.T) {
	g := node(t)
	script, other, queued := dial(t, g), dial(t, g), dial(t, g)
	other.expect("CONFIG SET lua-time-limit 1", "+OK")
	queued.expect("MULTI", "+OK")
	queued.expect("SET k v", "+QUEUED")
	script.sendWords("EVAL", endless, "0")
	other.until("PING", busy)
	other.expect("GET k", busy)
	other.expect("EVAL return 0", busy)
	other.expect("SCRIPT EXISTS x", busy)
	other.expect("SHUTDOWN", busy)
	other.expect("MULTI", "+OK")
	other.expect("SET k v", busy)
	queued.expect("EXEC", "-EXECABORT Transaction discarded because of: "+busy[1:])
	queued.expect("SCRIPT KILL", "+OK")
	script.killed()
	other.expect("SET k v", "+QUEUED")
	other.expect("EXEC", "-EXECABORT Transaction discarded because of previous errors.")
	other.expect("GET k", "nil")
	queued.expect("EXEC", "-ERR EXEC without MULTI")
}

// Scripts are killed whoever's they are; those that have written are not.
func TestKillManyScripts(t *testing.T) {
	g := node(t)
	a, b, writer, other := dial(t, g), dial(t, g), dial(t, g), dial(t, g)
	other.expect("CONFIG SET busy-reply-threshold 1", "+OK")
	for _, c := range []*client{a, b} {
		c.sendWords("EVAL", endless, "0")
	}
	both := make(chan struct{}, 2)
	for _, c := range []*client{a, b} {
		go func() {
			c.killed()
			both <- struct{}{}
		}()
	}
	for ended := 0; ended < 2; { // one may begin a little later
		other.do("SCRIPT KILL")
		select {
		case <-both:
			ended++
		case <-time.After(time.Millisecond):
		}
	}
	other.until("SCRIPT KILL", notBusy)
	other.expect("CONFIG SET busy-reply-threshold 0", "+OK")
	other.writeForEver(writer)
	other.expect("SET y 1", "+OK")
}

// A node stops whatever its scripts do.
func TestStopEndsScripts(t *testing.T) {
	g := node(t)
	c, other := dial(t, g), dial(t, g)
	other.writeForEver(c)
	g.Node.Env.Running.End()
	c.killed()
	if n, _ := g.Node.Env.Running.Kill(); n != 0 {
		t.Errorf("%d scripts run on", n)
	}
}

// A DEBUG that looks into shards does so in a transaction by messages too.
func TestDebugInSlowTransaction(t *testing.T) {
	c := dial(t, node(t))
	c.expect("MULTI", "+OK")
	c.expect("SET k v", "+QUEUED")
	c.sendWords("EVAL", "for i = 1, 1000000 do end return 1", "0")
	c.read()
	c.expect("DEBUG OBJECT k", "+QUEUED")
	c.expect("DEBUG OBJECT nokey", "+QUEUED")
	c.match("EXEC", `^\[\+OK :1 \+Value at:.* -ERR no such key\]$`)
}

func TestRandomNumbersDiffer(t *testing.T) {
	c := dial(t, node(t))
	seen := map[string]bool{}
	for range 20 {
		c.sendWords("EVAL", "return tostring(math.random())", "0")
		seen[c.read()] = true
	}
	if len(seen) != 20 {
		t.Errorf("20 scripts drew %d different numbers: %v", len(seen), seen)
	}
}

// stumbling starts a node with a local command that panics.
func stumbling(t *testing.T) *gateway.Gateway {
	t.Helper()
	row := command.Row{Name: "stumble", Group: command.GroupConnection, Arity: -1, Route: command.RouteLocal}
	before := conn.Commands
	defer func() { conn.Commands = before }()
	conn.Commands = append(slices.Clone(before), session.Command{Row: &row, Run: func(_ *session.Session, r *session.LocalCall) {
		r.Out.Array(2)
		panic("stumbled")
	}})
	return node(t)
}

func TestPanicCostsOneCommand(t *testing.T) {
	g := stumbling(t)
	c := dial(t, g)
	for _, line := range []string{"SET k 1", "STUMBLE", "GET k", "STUMBLE", "PING"} {
		c.send(line)
	}
	for _, want := range []string{"+OK", internal, `"1"`, internal, "+PONG"} {
		if got := c.read(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	c.expect("MULTI", "+OK")
	c.expect("SET k 2", "+QUEUED")
	c.expect("STUMBLE", "+QUEUED")
	c.expect("GET k", "+QUEUED")
	c.expect("EXEC", "[+OK "+internal+` "2"]`)
	c.sendWords("EVAL", "return redis.pcall('stumble')", "0")
	if got := c.read(); !strings.HasPrefix(got, internal) {
		t.Errorf("in a script: %s", got)
	}
	c.sendWords("EVAL", "for i = 1, 1000000 do end return redis.pcall('stumble')", "0")
	if got := c.read(); !strings.HasPrefix(got, internal) {
		t.Errorf("in a script by messages: %s", got)
	}
	if n := g.Server.Stats.Recovered.Load(); n != 5 {
		t.Errorf("%d panics were counted, want 5", n)
	}
}

// TestScriptsAskForMemory: a script is refused what needs memory, but not in the
// middle of its writes.
func TestScriptsAskForMemory(t *testing.T) {
	c := dial(t, node(t))
	c.expect("CONFIG SET maxmemory 1", "+OK")
	const oom = "OOM command not allowed"
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if strings.Contains(c.do("SET k v"), "OOM") {
			break // memory has been sampled
		}
		if time.Now().After(deadline) {
			t.Fatal("the limit never held")
		}
	}
	for script, refused := range map[string]bool{
		"return redis.call('set',KEYS[1],'v')":                               true,
		"redis.call('get',KEYS[1]); return redis.call('set',KEYS[1],'v')":    true,
		"redis.call('del',KEYS[1]); return redis.call('set',KEYS[1],'v').ok": false,
	} {
		c.sendWords("EVAL", script, "1", "k")
		if got := c.read(); strings.Contains(got, oom) != refused {
			t.Errorf("%s: %s", script, got)
		}
	}
	c.expect("CONFIG SET maxmemory 0", "+OK")
}
