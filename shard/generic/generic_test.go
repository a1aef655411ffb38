package generic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/generic"
	"github.com/troupedb/troupe/shard/hash"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/list"
	"github.com/troupedb/troupe/shard/set"
	"github.com/troupedb/troupe/shard/str"
	"github.com/troupedb/troupe/shard/zset"
	"pgregory.net/rapid"
)

func newHarness(t testing.TB) *enginetest.Harness {
	loaders := keyspace.Loaders{
		keyspace.List: list.Load, keyspace.Set: set.Load, keyspace.SortedSet: zset.Load, keyspace.Hash: hash.Load,
	}
	return enginetest.New(t, slices.Concat(generic.Commands(&loaders), str.Commands, list.Commands, set.Commands, zset.Commands, hash.Commands))
}

func TestExpire(t *testing.T) {
	h := newHarness(t)
	for _, s := range [][2]string{
		{"EXPIRE k 10", ":0"}, {"SET k v", "+OK"}, {"TTL k", ":-1"}, {"TTL none", ":-2"}, {"PEXPIRETIME k", ":-1"},
		{"EXPIRE k 10 XX", ":0"}, {"EXPIRE k 10 GT", ":0"}, {"EXPIRE k 10 LT", ":1"}, {"EXPIRE k 10 LT", ":0"}, {"EXPIRE k 9 GT", ":0"},
		{"EXPIRE k 20 NX", ":0"}, {"EXPIRE k 20 XX GT", ":1"}, {"TTL k", ":20"}, {"PTTL k", ":20000"}, {"EXPIRETIME k", ":1700000020"},
		{"EXPIRE k 10 NX GT", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
		{"EXPIRE k 10 GT LT", "-ERR GT and LT options at the same time are not compatible"},
		{"EXPIRE k x FOO", "-ERR Unsupported option FOO"}, {"EXPIRE k x NX XX", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
		{"EXPIRE k x", "-ERR value is not an integer or out of range"},
		{"EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
		{"EXPIRE k -9223372036854775808", "-ERR invalid expire time in 'expire' command"},
		{"PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
		{"PEXPIREAT k 9223372036854775807", ":1"}, {"EXPIRETIME k", ":9223372036854776"}, {"PEXPIRETIME k", ":9223372036854775807"},
		{"PERSIST k", ":1"}, {"PERSIST k", ":0"}, {"PERSIST none", ":0"}, {"PEXPIRE k 1499", ":1"}, {"TTL k", ":1"},
		{"PEXPIRE k 1500", ":1"}, {"TTL k", ":2"}, {"EXPIREAT k 1", ":1"}, {"TYPE k", "+none"}, {"SET k v", "+OK"},
		{"PEXPIRE k -9223372036854775808", ":1"}, {"TYPE k", "+none"},
	} {
		h.Expect(s[0], s[1])
	}
}

func TestExpireEvents(t *testing.T) {
	h := newHarness(t)
	for _, step := range []struct {
		line   string
		events []string
	}{
		{"SET k v", []string{"set k"}},
		{"EXPIRE k 10", []string{"expire k"}},
		{"EXPIRE k 5 GT", nil},
		{"PERSIST k", []string{"persist k"}},
		{"EXPIRE k 0", []string{"del k"}},
		{"~del k", nil},
		{"SET k v", []string{"set k"}},
		{"~del k", []string{"del k"}},
	} {
		h.Do(step.line)
		h.ExpectEvents(step.events...)
	}
}

func TestObject(t *testing.T) {
	h := newHarness(t)
	h.Do("RPUSH l a")
	long := strings.Repeat("x", 45)
	for _, s := range [][2]string{
		{"SET k 12", "+OK"}, {"OBJECT ENCODING k", "$3 int"}, {"OBJECT REFCOUNT k", ":2147483647"},
		{"SET k 10000", "+OK"}, {"OBJECT REFCOUNT k", ":1"}, {"SET k abc", "+OK"}, {"OBJECT ENCODING k", "$6 embstr"},
		{"APPEND k d", ":4"}, {"OBJECT ENCODING k", "$3 raw"}, {"SET k abc", "+OK"}, {"OBJECT ENCODING k", "$6 embstr"},
		{"SET k " + long, "+OK"}, {"OBJECT ENCODING k", "$3 raw"}, {"SET k " + long[:44], "+OK"}, {"OBJECT ENCODING k", "$6 embstr"},
		{"OBJECT ENCODING l", "$9 quicklist"}, {"OBJECT ENCODING none", "$-1"}, {"OBJECT IDLETIME k", ":0"}, {"OBJECT REFCOUNT none", "$-1"},
		{"OBJECT FREQ k", "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."},
		{"MEMORY USAGE k SAMPLES -1", "-ERR syntax error"}, {"MEMORY USAGE k SAMPLES", "-ERR syntax error"}, {"MEMORY USAGE none", "$-1"},
	} {
		h.Expect(s[0], s[1])
	}
	h.Now += 7000
	h.Expect("OBJECT IDLETIME k", ":7")
	h.Expect("TYPE k", "+string") // no access
	h.Expect("OBJECT IDLETIME k", ":7")
	h.Do("GET k")
	h.Expect("OBJECT IDLETIME k", ":0")
	small, large := h.Do("MEMORY USAGE k"), 0
	h.DoArgs("SET", "k", strings.Repeat("x", 100000))
	if _, err := fmt.Sscanf(h.Do("MEMORY USAGE k SAMPLES 0"), ":%d", &large); err != nil || large < 100000 || small == fmt.Sprint(":", large) {
		t.Errorf("usage %s and then %d", small, large)
	}
}

func TestObjectUnderLFU(t *testing.T) {
	h := newHarness(t)
	h.Config.LFU = true
	h.Engine.SetConfig(h.Config)
	h.Expect("OBJECT FREQ none", "$-1")
	h.Do("SET k v")
	h.Expect("OBJECT FREQ k", ":5")
	for range 50 {
		h.Do("GET k")
	}
	if got := h.Do("OBJECT FREQ k"); got == ":5" || got == ":0" {
		t.Errorf("after 50 uses %s", got)
	}
	h.Expect("OBJECT IDLETIME k", "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
}

// fill makes a value of each type under the type's name, of n elements.
func fill(h *enginetest.Harness, n int) (keys []string) {
	h.DoArgs("SET", "string", strings.Repeat("s", n))
	h.DoArgs("SET", "int", fmt.Sprint(n))
	for i := range n {
		h.Do(fmt.Sprintf("RPUSH list item:%d", i))
		h.Do(fmt.Sprintf("SADD intset %d", i))
		h.Do(fmt.Sprintf("SADD set member:%d", i))
		h.Do(fmt.Sprintf("ZADD zset %d.5 member:%d", i%7, i))
		h.Do(fmt.Sprintf("HSET hash field:%d %d", i, i))
	}
	return []string{"string", "int", "list", "intset", "set", "zset", "hash"}
}

// content shows all of a key's value.
func content(h *enginetest.Harness, key string) string {
	read := map[string]string{"+string": "GET %s", "+list": "LRANGE %s 0 -1", "+set": "SMEMBERS %s", "+zset": "ZRANGE %s 0 -1 WITHSCORES", "+hash": "HGETALL %s"}
	kind := h.Do("TYPE " + key)
	words := strings.Fields(h.Do(fmt.Sprintf(read[kind], key)))
	if kind == "+set" || kind == "+hash" { // in no order
		slices.Sort(words)
	}
	return strings.Join(append(words, kind, h.Do("OBJECT ENCODING "+key), h.Do("PEXPIRETIME "+key)), " ")
}

// TestImages takes values of all types and encodings to another key by image.
func TestImages(t *testing.T) {
	for _, n := range []int{1, 50, 700} {
		h := newHarness(t)
		for i, key := range fill(h, n) {
			if i%2 == 0 {
				h.Do("PEXPIRE " + key + " 5000")
			}
			was := content(h, key)
			image := h.Raw([][]byte{[]byte("~image"), []byte(key)})
			image = slices.Clone(image[slices.Index(image, '\n')+1 : len(image)-2])
			if got := content(h, key); got != was {
				t.Errorf("%d: %s was changed by its image\n got %s\nwas %s", n, key, got, was)
			}
			h.Events = h.Events[:0]
			h.Raw([][]byte{[]byte("~put"), []byte("to"), image, []byte("copy_to")})
			h.ExpectEvents("copy_to to")
			h.Do("~drop " + key + " rename_from")
			h.ExpectEvents("rename_from " + key)
			clear(image) // nothing may be kept of it
			if got := content(h, "to"); got != was {
				t.Errorf("%d: %s arrived as\n    %s\nwas %s", n, key, got, was)
			}
		}
	}
	h := newHarness(t)
	h.Expect("~image none", "$-1")
}

func TestRenameAndMoveInOneShard(t *testing.T) {
	h := newHarness(t)
	for _, key := range fill(h, 300) {
		was := content(h, key)
		h.Do("SET there x EX 99")
		h.Events = h.Events[:0]
		h.Expect("~rename "+key+" there NX", ":0")
		h.ExpectEvents()
		h.Expect("~rename "+key+" there", ":1")
		h.ExpectEvents("rename_from "+key, "rename_to there")
		if got := content(h, "there"); got != was {
			t.Errorf("%s arrived as\n    %s\nwas %s", key, got, was)
		}
		h.Expect("~move there 5", ":1")
		h.ExpectEvents("move_from there", "move_to there")
		h.Expect("~move there 5", ":0")
		h.DB = 5
		if got := content(h, "there"); got != was {
			t.Errorf("%s moved as\n    %s\nwas %s", key, got, was)
		}
		h.Expect("~move there 6", ":1")
		h.DB = 0
		h.Do("~flushall")
		fill(h, 300)
	}
	h.Expect("~rename none there", "-ERR no such key")
}

func TestRollback(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		for _, key := range fill(h, rapid.SampledFrom([]int{1, 30}).Draw(rt, "elements")) {
			if rapid.Bool().Draw(rt, "expires") {
				h.Do("PEXPIRE " + key + " 100000")
			}
		}
		before, contents := h.Snapshot(), allContents(h)
		h.Journal = new(keyspace.Journal)
		keys := []string{"string", "list", "set", "zset", "hash", "new"}
		for range rapid.IntRange(1, 10).Draw(rt, "commands") {
			a, b := rapid.SampledFrom(keys).Draw(rt, "a"), rapid.SampledFrom(keys).Draw(rt, "b")
			if a == b {
				continue
			}
			h.Do(rapid.SampledFrom([]string{
				"~del " + a, "~rename " + a + " " + b, "~move " + a + " 1", "~flushdb", "~flushall", "~swapdb 0 1",
				"EXPIRE " + a + " 5", "EXPIRE " + a + " -5", "PERSIST " + a, "~drop " + a + " x", "SET " + a + " v",
			}).Draw(rt, "command"))
		}
		h.Engine.KS.Rollback(h.Journal)
		h.Journal = nil
		if got := h.Snapshot(); got != before {
			rt.Fatalf("after rollback\n%s\nbefore\n%s", got, before)
		}
		if got := allContents(h); got != contents {
			rt.Fatalf("after rollback\n%s\nbefore\n%s", got, contents)
		}
	})
}

func allContents(h *enginetest.Harness) string {
	var lines []string
	for _, key := range []string{"string", "list", "set", "zset", "hash"} {
		lines = append(lines, content(h, key))
	}
	return strings.Join(lines, "\n")
}
