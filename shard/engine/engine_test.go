package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/generic"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/list"
	"github.com/troupedb/troupe/shard/str"
)

func newHarness(t testing.TB) *enginetest.Harness {
	var loaders keyspace.Loaders
	return enginetest.New(t, slices.Concat(str.Commands, list.Commands, generic.Commands(&loaders)))
}

func key(h *enginetest.Harness, name string) *keyspace.Key {
	var k keyspace.Key
	h.Engine.KS.Key(&k, h.DB, []byte(name))
	return &k
}

func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name, before, between string
		unchanged             bool
	}{
		{"nothing", "SET k v", "GET k", true},
		{"set", "SET k v", "SET k v", false},
		{"another key", "SET k v", "SET l v", true},
		{"made", "", "SET k v", false},
		{"made elsewhere", "", "SET l v", true},
		{"deleted", "SET k v", "~del k", false},
		{"nothing deleted", "", "~del k", true},
		{"time to live", "SET k v", "PEXPIRE k 1000", false},
		{"refused", "SET k v", "SETNX k w", true},
		{"flushed", "SET k v", "~flushdb", false},
		{"flushed without it", "SET l v", "~flushall", true},
		{"swapped away", "SET k v", "~swapdb 0 1", false},
		{"swapped with nothing", "SET l v", "~swapdb 1 0", true},
		{"swapped with itself", "SET k v", "~swapdb 0 0", true},
		{"other databases flushed", "SET k v", "~swapdb 3 4", true},
	} {
		h := newHarness(t)
		if c.before != "" {
			h.Do(c.before)
		}
		version := h.Do("~watch k")[1:]
		h.Do(c.between)
		want := ":0"
		if c.unchanged {
			want = ":1"
		}
		if got := h.Do("~unchanged k " + version); got != want {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
		h.Do("~unwatch k")
		if n := h.Engine.Watched(); n != 0 {
			t.Errorf("%s: %d keys stay watched", c.name, n)
		}
	}
}

func TestWatchersAreIndependent(t *testing.T) {
	h := newHarness(t)
	first := h.Do("~watch k")[1:]
	h.Do("SET k v")
	second := h.Do("~watch k")[1:]
	h.Expect("~unchanged k "+first, ":0")
	h.Expect("~unchanged k "+second, ":1")
	h.Do("~unwatch k")
	h.Expect("~unchanged k "+second, ":1")
	h.Do("SET k w")
	h.Expect("~unchanged k "+second, ":0")
}

// A watch of before the shard was lost with its process is over, though somebody else
// watches the key now.
func TestWatchOfAnEarlierProcess(t *testing.T) {
	h := newHarness(t)
	h.Engine.Open(1)
	h.Do("~watch k")
	version := h.Do("~watch k")[1:]
	h = newHarness(t)
	h.Engine.Open(2)
	mine := h.Do("~watch k")[1:]
	h.Expect("~unchanged k "+version, ":0")
	h.Expect("~unchanged k "+mine, ":1")
}

func TestWatchAndExpiry(t *testing.T) {
	h := newHarness(t)
	h.Do("SET k v PX 100")
	version := h.Do("~watch k")[1:]
	h.Now += 99
	h.Expect("~unchanged k "+version, ":1")
	h.Now++
	h.Expect("~unchanged k "+version, ":0")

	h.Do("SET l v PX 100")
	h.Now += 100
	version = h.Do("~watch l")[1:] // past its time already: as good as absent
	h.Expect("~unchanged l "+version, ":1")
	h.Do("GET l")
	h.Expect("~unchanged l "+version, ":1")
}

// waiter waits for the head of a list; its reply goes to got.
func waiter(h *enginetest.Harness, got *[]string, name string) *engine.Waiter {
	claimed := false
	return &engine.Waiter{
		Claim: func() bool { was := claimed; claimed = true; return !was },
		Serve: h.Table.Lookup([]byte("LPOP")),
		Args:  func(key []byte) [][]byte { return [][]byte{[]byte("LPOP"), key} },
		Proto: 2,
		Kind:  keyspace.List,
		Done: func(reply []byte) {
			*got = append(*got, name+"="+strings.ReplaceAll(strings.TrimSpace(string(reply)), "\r\n", " "))
		},
	}
}

func TestWaitersAreServedInOrder(t *testing.T) {
	h := newHarness(t)
	var got []string
	for _, name := range []string{"first", "second", "third"} {
		h.Engine.Wait(key(h, "q"), waiter(h, &got, name))
	}
	h.Expect("RPUSH q a b", ":2")
	if want := []string{"first=$1 a", "second=$1 b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	h.Expect("TYPE q", "+none")
	h.Do("RPUSH q c d")
	if len(got) != 3 || got[2] != "third=$1 c" {
		t.Errorf("got %q", got)
	}
	h.Expect("LLEN q", ":1")
	if n := h.Engine.Waiting(); n != 0 {
		t.Errorf("%d keys are still awaited", n)
	}
}

func TestWaiterAtSeveralKeysIsServedOnce(t *testing.T) {
	h := newHarness(t)
	var got []string
	w := waiter(h, &got, "it")
	h.Engine.Wait(key(h, "p"), w)
	h.Engine.Wait(key(h, "q"), w)
	h.Do("RPUSH q x")
	h.Do("RPUSH p y")
	if len(got) != 1 {
		t.Errorf("served %q", got)
	}
	h.Expect("LRANGE p 0 -1", "*1 $1 y")
}

func TestWaiterIgnoresOtherTypesAndOtherDatabases(t *testing.T) {
	h := newHarness(t)
	var got []string
	h.Engine.Wait(key(h, "q"), waiter(h, &got, "it"))
	h.Do("SET q text")
	h.DB = 1
	h.Do("RPUSH q x")
	h.DB = 0
	if len(got) != 0 {
		t.Fatalf("served %q", got)
	}
	h.Do("~swapdb 0 1") // now database 0 has the list
	if want := []string{"it=$1 x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestForsake(t *testing.T) {
	h := newHarness(t)
	var got []string
	w := waiter(h, &got, "it")
	h.Engine.Wait(key(h, "q"), w)
	h.Engine.Forsake(key(h, "q"), w)
	h.Engine.Forsake(key(h, "q"), w)
	h.Do("RPUSH q x")
	if len(got) != 0 || h.Engine.Waiting() != 0 {
		t.Errorf("served %q, %d keys awaited", got, h.Engine.Waiting())
	}
}

func TestRenamedAndMovedValuesServeWaiters(t *testing.T) {
	h := newHarness(t)
	var got []string
	h.Do("RPUSH from x")
	h.Engine.Wait(key(h, "to"), waiter(h, &got, "renamed"))
	h.Expect("~rename from to", ":1")
	h.Do("RPUSH m y")
	h.DB = 2
	h.Engine.Wait(key(h, "m"), waiter(h, &got, "moved"))
	h.DB = 0
	h.Expect("~move m 2", ":1")
	if want := []string{"renamed=$1 x", "moved=$1 y"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTickExpires(t *testing.T) {
	h := newHarness(t)
	for i := range 5000 {
		h.Do(fmt.Sprintf("SET k%d v PX 10", i))
	}
	h.Do("SET kept v")
	h.Events = h.Events[:0]
	h.Now += 10
	ticks := 1
	for h.Engine.Tick(h.Now) {
		if ticks++; ticks > 100 {
			t.Fatal("there is always more")
		}
	}
	if ticks < 5 {
		t.Errorf("all went in %d ticks", ticks)
	}
	if n := h.Engine.KS.Len(0); n > 1+5000/4 {
		t.Errorf("%d keys left", n)
	}
	if len(h.Events) != 5001-h.Engine.KS.Len(0) || !strings.HasPrefix(h.Events[0], "expired k") {
		t.Errorf("%d events, the first %s", len(h.Events), h.Events[0])
	}
}

func TestChangesAreCounted(t *testing.T) {
	h := newHarness(t)
	for _, line := range []string{"SET a 1", "INCR a", "GET a", "SETNX a 2", "~del a", "~del a", "SET b 1", "SET c 1", "~flushdb"} {
		h.Do(line)
	}
	if got := h.Engine.Changes; got != 7 { // a flush counts its keys
		t.Errorf("%d changes, want 7", got)
	}
	if got := h.Engine.Commands; got != 9 {
		t.Errorf("%d commands, want 9", got)
	}
}

func TestHandleAllocatesNothing(t *testing.T) {
	h := newHarness(t)
	h.Config.Notify = 0
	for _, line := range []string{"SET k " + strings.Repeat("v", 64), "GET k", "INCR n", "EXPIRE k 1000", "TTL k", "~exists k", "~touch k", "TYPE k"} {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		h.Raw(args)
		if n := testing.AllocsPerRun(100, func() { h.Raw(args) }); n != 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}
