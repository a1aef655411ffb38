package conn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/gateway"
)

func TestSettingsReachAllShards(t *testing.T) {
	c := dial(t, node(t))
	c.expect("CONFIG SET hash-max-listpack-entries 1", "+OK")
	for i := range 30 {
		c.expect(fmt.Sprintf("HSET h%d a 1 b 2", i), ":2")
		c.expect(fmt.Sprintf("OBJECT ENCODING h%d", i), `"hashtable"`)
	}
}

func TestConfigGetAndSet(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	c.expect("CONFIG GET port", fmt.Sprintf(`["port" "%d"]`, g.Addr().Port))
	c.expect("CONFIG GET timeout TIMEOUT nothing", `["timeout" "0" "TIMEOUT" "0"]`)
	c.expect("CONFIG SET timeout 5 maxclients x", "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be parsed into an integer")
	c.expect("CONFIG GET timeout", `["timeout" "0"]`)
	c.expect("CONFIG SET timeout 5 maxclients", "-ERR syntax error")
	c.expect("CONFIG REWRITE", "-ERR The server is running without a config file")
	c.match("CONFIG HELP", "CONFIG <subcommand>")
	c.expect("CONFIG SET maxclients 1", "+OK")
	if got := dial(t, g).read(); got != "-ERR max number of clients reached" {
		t.Error(got)
	}
}

func TestMaxMemory(t *testing.T) {
	g := node(t)
	c, other := dial(t, g), dial(t, g)
	c.expect("SET k v", "+OK")
	c.expect("MULTI", "+OK")
	c.expect("SET k w", "+QUEUED")
	g.Server.Sample(1)
	other.expect("CONFIG SET maxmemory 1", "+OK")
	c.expect("EXEC", "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.")
	c.expect("SET k w", "-OOM command not allowed when used memory > 'maxmemory'.")
	c.expect("GET k", `"v"`)
	c.expect("MULTI", "+OK")
	c.expect("GET k", "-OOM command not allowed when used memory > 'maxmemory'.")
	c.expect("DISCARD", "+OK")
	c.expect("DEL k", ":1")
	other.expect("CONFIG SET maxmemory 0", "+OK")
	c.expect("SET k w", "+OK")
}

func TestWritesNeedReplicasWhereTheyAreDemanded(t *testing.T) {
	c := dial(t, node(t))
	c.expect("CONFIG SET min-replicas-to-write 1", "+OK")
	c.expect("SET k v", "-NOREPLICAS Not enough good replicas to write.")
	c.expect("GET k", "nil")
	c.expect("CONFIG SET min-replicas-to-write 0", "+OK")
	c.expect("SET k v", "+OK")
}

func TestDebugIsRefusedByDefault(t *testing.T) {
	const refused = `-ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, ` +
		`otherwise you need to set this option in the configuration file, and then restart the server.`
	c := dial(t, node(t, func(c *gateway.Config) { c.EnableDebug = "no" }))
	c.expect("DEBUG SLEEP 0", refused)
	c.expect("MULTI", "+OK")
	c.expect("DEBUG JMAP", refused)
	c.match("EXEC", "^-EXECABORT")
	c = dial(t, node(t, func(c *gateway.Config) { c.EnableDebug = "local" }))
	c.expect("DEBUG SLEEP 0", "+OK")
}

func TestDebugSleepStopsNobodyElse(t *testing.T) {
	g := node(t, func(c *gateway.Config) { c.Loops = 1 })
	sleeper, c := dial(t, g), dial(t, g)
	sleeper.expect("DEBUG SLEEP 0.001", "+OK")
	sleeper.expect("DEBUG SLEEP -1", "+OK")
	sleeper.expect("MULTI", "+OK")
	sleeper.expect("DEBUG SLEEP 1", "+QUEUED")
	sleeper.match("EXEC", `^\[-ERR DEBUG SLEEP cannot be part of a transaction`)
	sleeper.send("DEBUG SLEEP 1e9")
	c.expect("PING", "+PONG")
}

// The digests are redis-server 7.0.15's of the same values.
func TestDebugDigestIsRedis(t *testing.T) {
	c := dial(t, node(t))
	for _, line := range []string{
		"SET s hello", "SET n 12345 EX 1000", "RPUSH l a b 3", "SADD st a b c", "SADD is 1 2 3",
		"ZADD z 1 a 2.5 b -inf c", "HSET h f v g w",
	} {
		c.do(line)
	}
	want := []string{
		"+36b23a1456b2dce2c3ed252c456761301dba8060", "+074a6e8892a0b0b4fcf085794cb69322c36c9d00",
		"+09eb1fc9381ee92790d59930ab462945f8cd948b", "+593c2414786d75446e97f4ea5d4b731f3313da72",
		"+2a462a3f51a1db89738ebbeef0c47ce1bbc85246", "+f2ad7cda97b68291b8199d655f83d19f6e41e93c",
		"+d127864ed50239662bf61bafc9bda63c17da5b37", "+" + strings.Repeat("0", 40),
	}
	c.expect("DEBUG DIGEST-VALUE s n l st is z h no", "["+strings.Join(want, " ")+"]")
	c.expect("MULTI", "+OK")
	c.expect("DEBUG DIGEST-VALUE s", "+QUEUED")
	c.expect("EXEC", "[["+want[0]+"]]")
}

func TestDebugObjectAndOthers(t *testing.T) {
	c := dial(t, node(t))
	c.expect("DEBUG OBJECT k", "-ERR no such key")
	c.expect("SET k 1", "+OK")
	before := c.do("DEBUG OBJECT k")
	c.match("DEBUG OBJECT k", `^\+Value at:0x[0-9a-f]+ refcount:\d+ encoding:int serializedlength:8 lru:\d+ lru_seconds_idle:0$`)
	c.expect("INCR k", ":2")
	if after := c.do("DEBUG OBJECT k"); after != before {
		t.Errorf("INCR moved the value: %s, before %s", after, before)
	}
	c.expect("DEBUG PROTOCOL bignum", `"1234567999999999999999999999999999999"`)
	c.expect("DEBUG PROTOCOL array", "[:0 :1 :2]")
	c.expect("DEBUG PROTOCOL push", "-ERR RESP2 is not supported by this command")
	c.match("DEBUG PROTOCOL x", "^-ERR Wrong protocol type name")
	c.expect("DEBUG JMAP", "-ERR unknown subcommand or wrong number of arguments for 'JMAP'. Try DEBUG HELP.")
	c.match("DEBUG HELP", "DEBUG <subcommand>")
}

func TestActiveExpiryCanBeSuspended(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	c.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")
	for _, h := range g.Node.Env.Shards {
		h.Lease.TryAcquire()
		off := h.Engine.KS.ActiveExpiryOff
		h.Lease.Release()
		if !off {
			t.Errorf("shard %d still expires", h.Index)
		}
	}
	c.expect("DEBUG SET-ACTIVE-EXPIRE 1", "+OK")
	c.expect("SET k v PX 1", "+OK")
	for c.do("DBSIZE") != ":0" { // until it is gone by itself
	}
}
