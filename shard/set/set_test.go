package set_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/set"
	"github.com/troupedb/troupe/shard/str"
)

func newHarness(t testing.TB) *enginetest.Harness {
	return enginetest.New(t, append(append(set.Commands[:0:0], set.Commands...), str.Commands...))
}

// object returns the set at key.
func object(t testing.TB, h *enginetest.Harness, key string) *set.Set {
	t.Helper()
	var k keyspace.Key
	h.Engine.KS.Key(&k, h.DB, []byte(key))
	r := h.Engine.KS.Peek(&k)
	if r == 0 {
		t.Fatalf("no key %s", key)
	}
	return h.Engine.KS.Object(r).(*set.Set)
}

func TestAddAndRemove(t *testing.T) {
	h := newHarness(t)
	h.Expect("SADD s 3 1 2 1", ":3")
	h.Expect("SADD s 1", ":0")
	h.Expect("SMEMBERS s", "*3 $1 1 $1 2 $1 3")
	h.Expect("SCARD s", ":3")
	h.Expect("SISMEMBER s 2", ":1")
	h.Expect("SISMEMBER s 02", ":0")
	h.Expect("SADD s 02 +2 -0", ":3")
	h.Expect("SISMEMBER s 02", ":1")
	h.Expect("SMISMEMBER s 1 5 -0", "*3 :1 :0 :1")
	h.Expect("SMISMEMBER none 1 5", "*2 :0 :0")
	h.Expect("SREM s 02 5 1 1", ":2")
	h.Expect("SREM s 5", ":0")
	h.Expect("SREM none 5", ":0")
	h.ExpectEvents("sadd s", "sadd s", "srem s")
	h.Expect("SREM s 2 3 +2 -0 9", ":4")
	h.ExpectEvents("srem s", "del s")
	h.Expect("SCARD s", ":0")
	h.Expect("SMEMBERS s", "*0")
	h.Expect("SISMEMBER s 1", ":0")
	if got := h.Snapshot(); got != "" {
		t.Errorf("an empty set stays: %s", got)
	}
	h.Proto = 3
	h.Do("SADD s a")
	h.Expect("SMEMBERS s", "~1 $1 a")
	h.Expect("SMEMBERS none", "~0")
	h.Expect("SMISMEMBER s a b", "*2 :1 :0")
}

func TestWrongType(t *testing.T) {
	h := newHarness(t)
	h.Do("SET k v")
	for _, line := range []string{
		"SADD k 1", "SREM k 1", "SCARD k", "SISMEMBER k 1", "SMISMEMBER k 1", "SMEMBERS k", "SPOP k", "SPOP k 0",
		"SRANDMEMBER k", "SRANDMEMBER k 0", "SSCAN k 0", "SSCAN k 0 COUNT x", `~sinter k "*0\r\n"`, `~sdiff k "*0\r\n"`,
	} {
		h.Expect(line, "-WRONGTYPE Operation against a key holding the wrong kind of value")
	}
}

func TestEncodings(t *testing.T) {
	h := newHarness(t)
	h.Config.SetMaxIntset = 3
	encoding := func(line, want string) {
		t.Helper()
		h.Do(line)
		if got := object(t, h, strings.Fields(line)[1]).Encoding(); got != want {
			t.Errorf("%s: encoding %s, want %s", line, got, want)
		}
	}
	encoding("SADD n 1 2 3", "intset")
	encoding("SADD n 3", "intset")
	encoding("SADD n 4", "hashtable")
	encoding("SREM n 4 3 2", "hashtable")
	h.Expect("SMEMBERS n", "*1 $1 1")
	encoding("SADD s a", "hashtable")
	encoding("SADD i -9223372036854775808", "intset")
	encoding("SADD i 9223372036854775807", "intset")
	encoding("SADD i 9223372036854775808", "hashtable")
	h.Expect("SMISMEMBER i -9223372036854775808 9223372036854775807 9223372036854775808", "*3 :1 :1 :1")
	encoding("SADD k 1 2 3", "intset")
	h.Config.SetMaxIntset = 2 // a smaller limit holds from the next new member on
	encoding("SADD k 3", "intset")
	encoding("SADD k 4", "hashtable")
	h.Config.SetMaxIntset = 0
	encoding("SADD z 1", "hashtable")
}

func TestMemoryAndRelease(t *testing.T) {
	h := newHarness(t)
	const n = 3000
	for i := range n {
		h.Do(fmt.Sprintf("SADD s m%d", i))
	}
	o, used := object(t, h, "s"), h.Engine.KS.Arena.Used()
	if got := o.MemBytes(); got < used/2 || got > 2*used {
		t.Errorf("MemBytes %d, arena %d", got, used)
	}
	for i := 0; !o.Release(100); i++ {
		if o.Len() != n-100*(i+1) {
			t.Fatalf("%d members left after %d pieces", o.Len(), i+1)
		}
	}
	// Only the record of the key is left.
	if used := h.Engine.KS.Arena.Used(); used > 32 {
		t.Errorf("%d bytes stay in the arena", used)
	}
}

func TestScan(t *testing.T) {
	h := newHarness(t)
	h.Do("SADD s 3 12 1")
	h.Expect("SSCAN s 0", "*2 $1 0 *3 $1 1 $1 3 $2 12")
	h.Expect("SSCAN s 77 COUNT 1", "*2 $1 0 *3 $1 1 $1 3 $2 12")
	h.Expect("SSCAN s 0 MATCH 1*", "*2 $1 0 *2 $1 1 $2 12")
	h.Expect("SSCAN none 0", "*2 $1 0 *0")
	h.Expect("SSCAN none 0 COUNT x", "*2 $1 0 *0")
	h.Expect("SSCAN s x", "-ERR invalid cursor")
	h.Expect("SSCAN s 0 COUNT", "-ERR syntax error")
	h.Expect("SSCAN s 0 COUNT 0", "-ERR syntax error")
	h.Expect("SSCAN s 0 COUNT x", "-ERR value is not an integer or out of range")
	h.Expect("SSCAN s 0 TYPE string", "-ERR syntax error")
}

func TestScanTable(t *testing.T) {
	h := newHarness(t)
	const n = 5000
	for i := range n {
		h.Do(fmt.Sprintf("SADD s m%d", i))
	}
	for _, options := range []string{"", "COUNT 1", "COUNT 700", "COUNT 9223372036854775807 MATCH m*"} {
		seen, cursor := map[string]bool{}, "0"
		for calls := 0; ; calls++ {
			words := strings.Split(h.Do("SSCAN s "+cursor+" "+options), " ")
			cursor = words[2]
			for i := 5; i < len(words); i += 2 {
				seen[words[i]] = true
			}
			if cursor == "0" || calls > 4*n {
				break
			}
		}
		if len(seen) != n {
			t.Errorf("%q: %d of %d members met", options, len(seen), n)
		}
	}
}
