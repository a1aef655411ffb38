package conn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/gateway"
)

func (c *client) id() string {
	c.t.Helper()
	return strings.TrimPrefix(c.do("CLIENT ID"), ":")
}

func TestClientNames(t *testing.T) {
	c := dial(t, node(t))
	c.expect("CLIENT GETNAME", "nil")
	c.expect("CLIENT SETNAME me", "+OK")
	c.expect("CLIENT GETNAME", `"me"`)
	c.sendWords("CLIENT", "SETNAME", "not me")
	if got := c.read(); got != "-ERR Client names cannot contain spaces, newlines or special characters." {
		t.Error(got)
	}
	c.expect("CLIENT SETNAME ''", "+OK")
	c.expect("CLIENT GETNAME", "nil")
}

func TestClientListAndInfo(t *testing.T) {
	g := node(t)
	c, other := dial(t, g), dial(t, g)
	c.expect("SELECT 3", "+OK")
	c.match("CLIENT INFO", `^"id=\d+ addr=127.0.0.1:\d+ laddr=127.0.0.1:\d+ fd=\d+ name= age=0 idle=0 flags=N db=3 sub=0 psub=0 ssub=0 `+
		`multi=-1 qbuf=\d+ qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=\d+ events=r cmd=client\|info user=default redir=-1 resp=2\\n"$`)
	other.expect("MULTI", "+OK")
	other.expect("SET key value", "+QUEUED")
	c.match("CLIENT LIST ID "+other.id2(c), `flags=x db=0 .* multi=1 .* multi-mem=11 .* obl=0 .* events=r cmd=set `)
	c.match("CLIENT LIST", `^"id=.*cmd=client\|list.*\\nid=.*\\n"$|^"id=.*\\nid=.*cmd=client\|list.*\\n"$`)
	c.expect("CLIENT LIST TYPE pubsub", `""`)
	c.expect("CLIENT LIST ID 0", `""`)
	c.expect("CLIENT LIST ID x", "-ERR Invalid client ID")
	c.expect("CLIENT LIST TYPE x", "-ERR Unknown client type 'x'")
	c.expect("CLIENT LIST x", "-ERR syntax error")
}

// id2 returns the number of the connection without sending anything on it.
func (c *client) id2(by *client) string {
	c.t.Helper()
	for _, line := range strings.Split(by.do("CLIENT LIST"), `\n`) {
		if strings.Contains(line, "addr="+c.c.LocalAddr().String()+" ") {
			return strings.TrimPrefix(strings.Trim(strings.Fields(line)[0], `"`), "id=")
		}
	}
	c.t.Fatal("not listed")
	return ""
}

func TestClientKill(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	for range 4 { // on both loops
		victim := dial(t, g)
		id := victim.id()
		c.expect("CLIENT KILL ID "+id, ":1")
		c.expect("CLIENT LIST ID "+id, `""`)
		c.expect("CLIENT KILL ID "+id, ":0")
		if got := victim.read(); got != "closed" {
			t.Error(got)
		}
	}
	victim := dial(t, g)
	victim.do("PING")
	c.expect("CLIENT KILL "+victim.c.LocalAddr().String(), "+OK")
	c.expect("CLIENT KILL 127.0.0.1:1", "-ERR No such client")
	c.expect("CLIENT KILL ID 0", "-ERR client-id should be greater than 0")
	c.expect("CLIENT KILL USER nobody", "-ERR No such user 'nobody'")
	c.expect("CLIENT KILL TYPE x", "-ERR Unknown client type 'x'")
	c.expect("CLIENT KILL ID", "-ERR No such client") // the old form, of an address
	c.expect("CLIENT KILL ID 1 SKIPME", "-ERR syntax error")
	me := c.id()
	c.expect("CLIENT KILL ID "+me, ":0")
	c.expect("CLIENT KILL ID "+me+" SKIPME no", ":1")
	if got := c.read(); got != "closed" {
		t.Error(got)
	}
	for g.Server.ClientCount() > 0 { // the last is forgotten just after it is closed
		time.Sleep(time.Millisecond)
	}
}

func TestClientReply(t *testing.T) {
	c := dial(t, node(t))
	for _, line := range []string{
		"CLIENT REPLY OFF", "SET k v", "BOGUS", "CLIENT REPLY SKIP", "DEBUG SLEEP 0.001", "EXEC", // all unanswered
		"CLIENT REPLY ON", "GET k",
		"CLIENT REPLY SKIP", "DEBUG SLEEP 0.001", "GET k",
		"CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "ECHO no", "ECHO yes",
		"CLIENT REPLY SKIP", "CLIENT REPLY ON",
	} {
		c.send(line)
	}
	for i, want := range []string{"+OK", `"v"`, `"v"`, `"yes"`, "+OK"} {
		if got := c.read(); got != want {
			t.Errorf("reply %d: %s, want %s", i, got, want)
		}
	}
	c.expect("CLIENT REPLY x", "-ERR syntax error")
}

func TestClientUnblock(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	for _, withError := range []bool{false, true, false, true} { // on both loops
		blocked := dial(t, g)
		id := blocked.id()
		blocked.send("BLPOP nothing 0")
		for !strings.Contains(c.do("CLIENT LIST ID "+id), "flags=b ") {
			time.Sleep(time.Millisecond)
		}
		if withError {
			c.expect("CLIENT UNBLOCK "+id+" ERROR", ":1")
			if got := blocked.read(); got != "-UNBLOCKED client unblocked via CLIENT UNBLOCK" {
				t.Error(got)
			}
		} else {
			c.expect("CLIENT UNBLOCK "+id, ":1")
			if got := blocked.read(); got != "nil" {
				t.Error(got)
			}
		}
		blocked.expect("PING", "+PONG")
		c.expect("CLIENT UNBLOCK "+id, ":0")
	}
	c.expect("CLIENT UNBLOCK x", "-ERR value is not an integer or out of range")
	c.expect("CLIENT UNBLOCK 1 x", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
}

func TestIdleClientsAreClosed(t *testing.T) {
	g := node(t)
	idle, blocked, c := dial(t, g), dial(t, g), dial(t, g)
	idle.expect("PING", "+PONG")
	blocked.send("BLPOP nothing 0")
	for !strings.Contains(c.do("CLIENT LIST"), "flags=b ") {
		time.Sleep(time.Millisecond)
	}
	later := time.Now().Add(time.Hour).UnixMilli()
	g.Server.ReapIdle(later)
	idle.expect("PING", "+PONG") // timeout is 0
	c.expect("CONFIG SET timeout 600", "+OK")
	g.Server.ReapIdle(time.Now().UnixMilli())
	idle.expect("PING", "+PONG")
	g.Server.ReapIdle(later)
	if got := idle.read(); got != "closed" {
		t.Error(got)
	}
	dial(t, g).expect("LPUSH nothing x", ":1")
	if got := blocked.read(); got != `["nothing" "x"]` {
		t.Error(got)
	}
}

func TestOutputLimitClosesAClient(t *testing.T) {
	g := node(t, func(c *gateway.Config) { c.Loops = 1 })
	c, greedy := dial(t, g), dial(t, g)
	c.sendWords("SET", "big", strings.Repeat("x", 100_000))
	c.read()
	c.sendWords("CONFIG", "SET", "client-output-buffer-limit", "normal 50000 0 0")
	c.read()
	greedy.expect("GET big", "closed")
	c.match("INFO stats", `client_output_buffer_limit_disconnections:1\\r`)
}
