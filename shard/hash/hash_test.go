package hash_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/hash"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/str"
)

func newHarness(t testing.TB) *enginetest.Harness {
	return enginetest.New(t, append(append(hash.Commands[:0:0], hash.Commands...), str.Commands...))
}

// object returns the hash at key.
func object(t testing.TB, h *enginetest.Harness, key string) *hash.Hash {
	t.Helper()
	var k keyspace.Key
	h.Engine.KS.Key(&k, h.DB, []byte(key))
	r := h.Engine.KS.Peek(&k)
	if r == 0 {
		t.Fatalf("no key %s", key)
	}
	return h.Engine.KS.Object(r).(*hash.Hash)
}

func TestSetAndGet(t *testing.T) {
	h := newHarness(t)
	h.Expect("HSET h a 1 b x a 2", ":2")
	h.Expect("HGET h a", "$1 2")
	h.Expect("HGET h z", "$-1")
	h.Expect("HGET none a", "$-1")
	h.Expect("HMSET h c 3", "+OK")
	h.Expect("HMGET h c z b", "*3 $1 3 $-1 $1 x")
	h.Expect("HMGET none c z", "*2 $-1 $-1")
	h.Expect("HSETNX h c 4", ":0")
	h.Expect("HSETNX h d 4", ":1")
	h.Expect("HSETNX new d 4", ":1")
	h.Expect("HLEN h", ":4")
	h.Expect("HLEN none", ":0")
	h.Expect("HSTRLEN h b", ":1")
	h.Expect("HSTRLEN h z", ":0")
	h.Expect("HEXISTS h b", ":1")
	h.Expect("HEXISTS h z", ":0")
	h.Expect("HEXISTS none z", ":0")
	h.ExpectEvents("hset h", "hset h", "hset h", "hset new")
	h.Expect("HSET h a", "-ERR wrong number of arguments for 'hset' command")
	h.Expect("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command")
	h.Expect("HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command")
	h.ExpectEvents()
}

func TestDelete(t *testing.T) {
	h := newHarness(t)
	h.Do("HSET h a 1 b 2 c 3")
	h.ExpectEvents("hset h")
	h.Expect("HDEL h a z a", ":1")
	h.Expect("HDEL h z", ":0")
	h.Expect("HDEL none z", ":0")
	h.ExpectEvents("hdel h")
	h.Expect("HDEL h b c d", ":2")
	h.ExpectEvents("hdel h", "del h")
	h.Expect("HLEN h", ":0")
	if got := h.Snapshot(); got != "" {
		t.Errorf("an empty hash stays: %s", got)
	}
}

func TestWhole(t *testing.T) {
	h := newHarness(t)
	h.Do("HSET h a 1 b x")
	h.Expect("HGETALL h", "*4 $1 a $1 1 $1 b $1 x")
	h.Expect("HKEYS h", "*2 $1 a $1 b")
	h.Expect("HVALS h", "*2 $1 1 $1 x")
	h.Expect("HGETALL none", "*0")
	h.Expect("HKEYS none", "*0")
	h.Proto = 3
	h.Expect("HGETALL h", "%2 $1 a $1 1 $1 b $1 x")
	h.Expect("HGETALL none", "%0")
	h.Expect("HKEYS h", "*2 $1 a $1 b")
	h.Expect("HVALS none", "*0")
	h.Expect("HGET h z", "_")
}

func TestIncrement(t *testing.T) {
	h := newHarness(t)
	h.Expect("HINCRBY h n 5", ":5")
	h.Expect("HINCRBY h n -7", ":-2")
	h.Expect("HINCRBY h n 9223372036854775807", ":9223372036854775805")
	h.Expect("HINCRBY h n 3", "-ERR increment or decrement would overflow")
	h.Expect("HSET h min -9223372036854775808 text abc space \" 1\"", ":3")
	h.Expect("HINCRBY h min -1", "-ERR increment or decrement would overflow")
	h.Expect("HINCRBY h min 1", ":-9223372036854775807")
	h.Expect("HINCRBY h text 1", "-ERR hash value is not an integer")
	h.Expect("HINCRBY h space 1", "-ERR hash value is not an integer")
	h.Expect("HINCRBY h n 1.5", "-ERR value is not an integer or out of range")
	h.Expect("HINCRBY h n 9223372036854775808", "-ERR value is not an integer or out of range")
	h.Expect("HINCRBYFLOAT h f 10.5", "$4 10.5")
	h.Expect("HINCRBYFLOAT h f 0.1", "$4 10.6")
	h.Expect("HINCRBYFLOAT h f -10.6", "$1 0")
	h.Expect("HINCRBYFLOAT h text 1", "-ERR hash value is not a float")
	h.Expect("HINCRBYFLOAT h f abc", "-ERR value is not a valid float")
	h.Expect("HINCRBYFLOAT h f nan", "-ERR value is not a valid float")
	h.Expect("HINCRBYFLOAT h f inf", "-ERR value is NaN or Infinity")
	h.Expect("HSET h huge 1e4932", ":1")
	h.Expect("HINCRBYFLOAT h huge 1e4932", "-ERR increment would produce NaN or Infinity")
	h.Expect("HINCRBYFLOAT new f 3.0", "$1 3")
	h.Expect("SET s v", "+OK")
	h.Expect("HINCRBY s f x", "-ERR value is not an integer or out of range")
	h.ExpectEvents("hincrby h", "hincrby h", "hincrby h", "hset h", "hincrby h", "hincrbyfloat h",
		"hincrbyfloat h", "hincrbyfloat h", "hset h", "hincrbyfloat new", "set s")
}

func TestWrongType(t *testing.T) {
	h := newHarness(t)
	h.Do("SET s v")
	for _, line := range []string{
		"HSET s a 1", "HMSET s a 1", "HSETNX s a 1", "HGET s a", "HMGET s a", "HGETALL s", "HKEYS s",
		"HVALS s", "HLEN s", "HSTRLEN s a", "HEXISTS s a", "HDEL s a", "HINCRBY s a 1",
		"HINCRBYFLOAT s a 1", "HRANDFIELD s", "HRANDFIELD s 2", "HSCAN s 0", "HSCAN s 0 COUNT x",
	} {
		h.Expect(line, "-WRONGTYPE Operation against a key holding the wrong kind of value")
	}
}

func TestEncodings(t *testing.T) {
	h := newHarness(t)
	h.Config.HashMaxEntries, h.Config.HashMaxValue = 3, 5
	encoding := func(line, want string) {
		t.Helper()
		h.Do(line)
		if got := object(t, h, strings.Fields(line)[1]).Encoding(); got != want {
			t.Errorf("%s: encoding %s, want %s", line, got, want)
		}
	}
	encoding("HSET n a 1 b 2 c 3", "listpack")
	encoding("HSET n a 9", "listpack")
	encoding("HSET n d 4", "hashtable")
	h.Expect("HMGET n a b c d", "*4 $1 9 $1 2 $1 3 $1 4")
	encoding("HDEL n a b c", "hashtable")
	encoding("HSET v a 12345", "listpack")
	encoding("HSET v a 123456", "hashtable")
	encoding("HSET f abcdef 1", "hashtable")
	encoding("HSETNX x abcdef 1", "hashtable")
	encoding("HINCRBY i a 12345", "listpack")
	encoding("HINCRBY i a 912345", "hashtable")
	encoding("HINCRBYFLOAT j a 1.00001", "hashtable")
	encoding("HSET k a 1 b 2 c 3", "listpack")
	h.Config.HashMaxEntries = 2 // a smaller limit holds from the next change on
	encoding("HSET k a 2", "hashtable")
}

func TestMemory(t *testing.T) {
	h := newHarness(t)
	for i := range 1000 {
		h.Do(fmt.Sprintf("HSET h f%d %d", i, i))
	}
	o, used := object(t, h, "h"), h.Engine.KS.Arena.Used()
	if got := o.MemBytes(); got < used/2 || got > 2*used {
		t.Errorf("MemBytes %d, arena %d", got, used)
	}
	for i := range 1000 {
		h.Do(fmt.Sprintf("HDEL h f%d", i))
	}
	if used := h.Engine.KS.Arena.Used(); used != 0 {
		t.Errorf("%d bytes stay in the arena", used)
	}
}

// TestRelease leaves only the record of the key.
func TestRelease(t *testing.T) {
	h := newHarness(t)
	for i := range 3000 {
		h.Do(fmt.Sprintf("HSET h f%d %s", i, strings.Repeat("v", i+1)))
	}
	o := object(t, h, "h")
	for i := 0; !o.Release(100); i++ {
		if o.Len() != 3000-100*(i+1) {
			t.Fatalf("%d fields left after %d pieces", o.Len(), i+1)
		}
	}
	if used := h.Engine.KS.Arena.Used(); used > 32 {
		t.Errorf("%d bytes stay in the arena", used)
	}
}
