package saga

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pairs of keys, in one shard of four and in two.
var keyPairs = [][2]string{{"{t}from", "{t}to"}, {"a", "b"}}

func TestKeyPairsLieAsTheyShould(t *testing.T) {
	n := newLocalNode(t, 4)
	for i, p := range keyPairs {
		if same := n.env.ShardOf([]byte(p[0])) == n.env.ShardOf([]byte(p[1])); same != (i == 0) {
			t.Errorf("%v: in one shard %v", p, same)
		}
	}
}

func TestCountingPrograms(t *testing.T) {
	n := newLocalNode(t, 4)
	n.do("MSET a 1 b 2 c 3 d 4")
	n.events = nil
	n.expect("EXISTS a b a none", ":3")
	n.expect("TOUCH a b none", ":2")
	n.expect("EXISTS a", ":1")
	n.expectEvents()
	n.expect("DEL a b a none", ":2")
	n.expectEvents("del a@0", "del b@0")
	n.expect("UNLINK c", ":1")
	n.expect("DBSIZE", ":1")
}

func TestRename(t *testing.T) {
	for _, p := range keyPairs {
		n := newLocalNode(t, 4)
		from, to := p[0], p[1]
		both := from + " " + to
		n.expect("RENAME "+both, "-ERR no such key")
		n.expect("RENAMENX "+both, "-ERR no such key")
		n.do("SET " + from + " v PX 5000")
		n.do("RPUSH " + to + " x")
		n.expect("RENAME "+from+" "+from, "+OK")
		n.expect("RENAMENX "+from+" "+from, ":0")
		n.expect("RENAMENX "+both, ":0")
		n.events = nil
		n.expect("RENAME "+both, "+OK")
		n.expectEvents("rename_from "+from+"@0", "rename_to "+to+"@0")
		n.expect("MGET "+both, "*2 $-1 $1 v")
		n.expect("PTTL "+to, ":5000")
		n.expect("RENAMENX "+to+" "+from, ":1")
		n.expect("MGET "+both, "*2 $1 v $-1")
	}
}

func TestCopy(t *testing.T) {
	for _, p := range keyPairs {
		n := newLocalNode(t, 4)
		both := p[0] + " " + p[1]
		n.expect("COPY "+both, ":0")
		n.do("SET " + p[0] + " v PX 5000")
		n.events = nil
		n.expect("COPY "+both, ":1")
		n.expectEvents("copy_to " + p[1] + "@0")
		n.expect("COPY "+both, ":0")
		n.expect("COPY "+both+" REPLACE", ":1")
		n.expect("PTTL "+p[1], ":5000")
		n.expect("COPY "+both+" DB 0 REPLACE", ":1")
		n.expect("COPY "+both+" DB 16", "-ERR DB index is out of range")
		n.expect("COPY "+both+" DB x", "-ERR value is not an integer or out of range")
		n.expect("COPY "+both+" DB 99999999999", "-ERR value is out of range, value must between -2147483648 and 2147483647")
		n.expect("COPY "+both+" DB", "-ERR syntax error")
		n.expect("COPY "+p[0]+" "+p[0], "-ERR source and destination objects are the same")
		n.events = nil
		n.expect("COPY "+p[0]+" "+p[0]+" DB 3", ":1")
		n.expectEvents("copy_to " + p[0] + "@3")
		n.db = 3
		n.expect("GET "+p[0], "$1 v")
	}
}

func TestMove(t *testing.T) {
	n := newLocalNode(t, 4)
	n.expect("MOVE k 1", ":0")
	n.do("SET k v PX 5000")
	n.expect("MOVE k 0", "-ERR source and destination objects are the same")
	n.expect("MOVE k 16", "-ERR DB index is out of range")
	n.expect("MOVE k -1", "-ERR DB index is out of range")
	n.events = nil
	n.expect("MOVE k 1", ":1")
	n.expectEvents("move_from k@0", "move_to k@1")
	n.do("SET k again")
	n.expect("MOVE k 1", ":0")
	n.db = 1
	n.expect("GET k", "$1 v")
	n.expect("PTTL k", ":5000")
}

func TestDatabases(t *testing.T) {
	n := newLocalNode(t, 4)
	n.do("MSET a 1 b 2 c 3")
	n.expect("SWAPDB 0 1", "+OK")
	n.expect("DBSIZE", ":0")
	n.expect("RANDOMKEY", "$-1")
	n.expect("KEYS *", "*0")
	n.db = 1
	n.expect("DBSIZE", ":3")
	n.expect("KEYS [ac]", sorted(n.do("KEYS [ac]"), "*2 $1 a $1 c", "*2 $1 c $1 a"))
	n.expect("SWAPDB 1 16", "-ERR DB index is out of range")
	n.expect("SWAPDB x 1", "-ERR invalid first DB index")
	n.expect("SWAPDB 1 x", "-ERR invalid second DB index")
	n.expect("FLUSHDB FAST", "-ERR syntax error")
	n.db = 0
	n.expect("FLUSHDB", "+OK")
	n.db = 1
	n.expect("DBSIZE", ":3")
	n.expect("FLUSHALL ASYNC", "+OK")
	n.expect("DBSIZE", ":0")
}

// sorted returns got if it is one of the choices, else the first of them.
func sorted(got string, choices ...string) string {
	if slices.Contains(choices, got) {
		return got
	}
	return choices[0]
}

func TestRandomKeyDrawsFromAllShards(t *testing.T) {
	n := newLocalNode(t, 4)
	drawn := map[string]bool{}
	for i := range 12 {
		n.do(fmt.Sprintf("SET k%d v", i))
	}
	n.do("SET gone v PX 1")
	n.now++
	for range 600 {
		drawn[n.do("RANDOMKEY")] = true
	}
	if len(drawn) != 12 {
		t.Errorf("drew %d different keys of 12", len(drawn))
	}
	n.do("FLUSHALL")
	n.do("SET gone v PX 1")
	n.now++
	n.expect("RANDOMKEY", "$-1")
}

// scanAll follows the cursors to the end.
func scanAll(n *localNode, options string) (met []string, calls int) {
	n.t.Helper()
	for cursor := "0"; ; {
		words := strings.Fields(n.do("SCAN " + cursor + " " + options)) // *2 $n cursor *m ($n key)*
		for i := 5; i < len(words); i += 2 {
			met = append(met, words[i])
		}
		if calls++; calls > 10000 {
			n.t.Fatal("the scan never ends")
		}
		if cursor = words[2]; cursor == "0" {
			slices.Sort(met)
			return met, calls
		}
	}
}

func TestScan(t *testing.T) {
	for _, shards := range []int{1, 4, 7} {
		n := newLocalNode(t, shards)
		if met, calls := scanAll(n, ""); len(met) != 0 || calls != 1 {
			t.Errorf("of nothing: %q in %d calls", met, calls)
		}
		var want []string
		for i := range 500 {
			n.do(fmt.Sprintf("SET k%d v", i))
			want = append(want, fmt.Sprintf("k%d", i))
		}
		slices.Sort(want)
		n.do("RPUSH list x")
		n.do("SET gone v PX 1")
		n.now++
		for _, count := range []int{1, 10, 77, 1000} {
			met, calls := scanAll(n, fmt.Sprintf("COUNT %d MATCH k*", count))
			if !slices.Equal(met, want) {
				t.Errorf("%d shards, COUNT %d: met %d keys", shards, count, len(met))
			}
			if calls > 2+502/count {
				t.Errorf("%d shards, COUNT %d: %d calls", shards, count, calls)
			}
		}
		if met, _ := scanAll(n, "TYPE LIST COUNT 9223372036854775807"); !slices.Equal(met, []string{"list"}) {
			t.Errorf("lists: %q", met)
		}
		if met, _ := scanAll(n, "TYPE stream"); len(met) != 0 {
			t.Errorf("streams: %q", met)
		}
		if met, _ := scanAll(n, "MATCH k49?"); len(met) != 10 {
			t.Errorf("k49?: %q", met)
		}
	}
}

func TestScanRefusals(t *testing.T) {
	n := newLocalNode(t, 2)
	n.do("SET k v")
	for _, s := range [][2]string{
		{"SCAN x", "-ERR invalid cursor"}, {"SCAN 1x", "-ERR invalid cursor"}, {"SCAN -", "-ERR invalid cursor"},
		{"SCAN 18446744073709551616", "-ERR invalid cursor"}, {"SCAN 18446744073709551615", "*2 $1 0 *0"}, {"SCAN -1", "*2 $1 0 *0"},
		{"SCAN 0 COUNT 0", "-ERR syntax error"}, {"SCAN 0 COUNT x", "-ERR value is not an integer or out of range"},
		{"SCAN 0 COUNT", "-ERR syntax error"}, {"SCAN 0 FOO 1", "-ERR syntax error"}, {"SCAN +0", "*2 $1 0 *1 $1 k"},
	} {
		n.expect(s[0], s[1])
	}
}

func TestExec(t *testing.T) {
	n := newLocalNode(t, 4)
	if got, want := n.exec(nil, "MSET a 1 b x c 3", "INCR a", "INCR b", "MGET a b c", "RENAME a z", "GET z"),
		"*6 +OK :2 -ERR value is not an integer or out of range *3 $1 2 $1 x $1 3 +OK $1 2"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := n.exec(nil); got != "*0" {
		t.Errorf("nothing queued: %s", got)
	}
	if got, want := n.exec(nil, "SELECT 2", "SET k v", "MSET k2 v k3 v", "DBSIZE", "SELECT 0", "DBSIZE"), "*6 +OK +OK +OK :3 +OK :3"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	n.db = 2
	n.expect("DBSIZE", ":3")
}

func TestExecWatches(t *testing.T) {
	for _, c := range []struct {
		db      int
		between string
		runs    bool
	}{
		{0, "GET a", true}, {0, "SET a 1", false}, {0, "SET b 1", false}, {0, "SET c 1", true}, {3, "SET a 1", true}, {3, "SET d 1", false},
		{0, "RENAME a b", false}, {0, "FLUSHALL", false}, {0, "SWAPDB 0 1", false}, {0, "SWAPDB 1 2", true}, {5, "FLUSHDB", true},
	} {
		n := newLocalNode(t, 4)
		n.do("SET a v")
		watches := []Watch{n.watch(0, "a"), n.watch(0, "b"), n.watch(3, "d")}
		n.db = c.db
		n.do(c.between)
		n.db = 0
		want := "*-1"
		if c.runs {
			want = "*1 +OK"
		}
		if got := n.exec(watches, "SET done 1"); got != want {
			t.Errorf("%s in %d: got %s, want %s", c.between, c.db, got, want)
		}
		if done := n.do("EXISTS done") == ":1"; done != c.runs {
			t.Errorf("%s in %d: done %v", c.between, c.db, done)
		}
		n.proto = 3
		if !c.runs && n.exec(watches, "SET done 1") != "_" {
			t.Errorf("no null in RESP3")
		}
	}
}
