package str_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/str"
	"pgregory.net/rapid"
)

func TestTranscripts(t *testing.T) {
	for name, lines := range map[string][]string{
		"append": {
			"APPEND k abc", ":3", "APPEND k def", ":6", "GET k", "$6 abcdef",
			"SET n 10", "+OK", "APPEND n 5", ":3", "INCR n", ":106", "SET n 1 PX 100", "+OK", "APPEND n x", ":2", "GET n", "$2 1x",
		},
		"decr": {
			"DECR k", ":-1", "DECRBY k 9", ":-10", "DECRBY k -20", ":10",
			"DECRBY k -9223372036854775808", "-ERR decrement would overflow",
			"DECRBY k 9223372036854775808", "-ERR value is not an integer or out of range",
			"SET k -9223372036854775808", "+OK", "DECR k", "-ERR increment or decrement would overflow",
			"INCRBY k -1", "-ERR increment or decrement would overflow", "INCRBY k 9223372036854775807", ":-1",
		},
		"incr": {
			"SET k 01", "+OK", "INCR k", "-ERR value is not an integer or out of range",
			"SET k 9223372036854775807", "+OK", "INCR k", "-ERR increment or decrement would overflow",
			"INCRBY k x", "-ERR value is not an integer or out of range",
		},
		"incrbyfloat": {
			"INCRBYFLOAT k 10.5", "$4 10.5", "INCRBYFLOAT k -0.5", "$2 10", "INCR k", ":11",
			"INCRBYFLOAT k nan", "-ERR value is not a valid float", "INCRBYFLOAT k inf", "-ERR increment would produce NaN or Infinity",
			"SET k x", "+OK", "INCRBYFLOAT k 1", "-ERR value is not a valid float",
		},
		"getset": {
			"GETSET k a", "$-1", "GETSET k 7", "$1 a", "INCR k", ":8", "GETDEL k", "$1 8", "GETDEL k", "$-1", "GET k", "$-1",
		},
		"getrange": {
			"SET k abcdef", "+OK", "GETRANGE k 0 -1", "$6 abcdef", "GETRANGE k -3 -2", "$2 de", "GETRANGE k -2 -3", "$0 ",
			"GETRANGE k 5 2", "$0 ", "GETRANGE k -100 100", "$6 abcdef", "GETRANGE k 6 6", "$0 ", "SUBSTR k 1 2", "$2 bc",
			"GETRANGE k -9223372036854775808 9223372036854775807", "$6 abcdef", "GETRANGE k -100 -100", "$1 a",
			"GETRANGE none 0 -1", "$0 ", "SET n 12345", "+OK", "GETRANGE n 1 3", "$3 234", "GETRANGE n 0 x", "-ERR value is not an integer or out of range",
		},
		"setrange": {
			"SETRANGE k 3 x", ":4", `GET k`, "$4 \x00\x00\x00x", "SETRANGE k 0 abc", ":4", "GET k", "$4 abcx",
			`SETRANGE k 2 ""`, ":4", `SETRANGE none 2 ""`, ":0", "GET none", "$-1", "SETRANGE k -1 a", "-ERR offset is out of range",
			"SETRANGE k 536870912 a", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
			"SETRANGE k 9223372036854775807 a", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
			"SET n 123", "+OK", "SETRANGE n 1 9", ":3", "INCR n", ":194", "SETRANGE n 5 1", ":6", "GET n", "$6 194\x00\x001",
			"STRLEN n", ":6", "STRLEN none", ":0", "SET m -120", "+OK", "STRLEN m", ":4",
		},
		"set": {
			"SET k v XX", "$-1", "SET k v NX GET", "$-1", "SET k w NX GET", "$1 v", "GET k", "$1 v", "SET k w XX GET", "$1 v", "GET k", "$1 w",
			"SET k w NX XX", "-ERR syntax error", "SET k v EX 10 PX 10", "-ERR syntax error", "SET k v EX", "-ERR syntax error",
			"SET k v EX 10 EX 20 NX", "$-1", "SET k v KEEPTTL EX 10", "-ERR syntax error", "SET k v EX 0", "-ERR invalid expire time in 'set' command",
			"SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command", "SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command",
			"SET k v EXAT 9223372036854775", "+OK", "SET k v PXAT 9223372036854775807", "+OK", "SET k v EX x", "-ERR value is not an integer or out of range",
			"SET k v EXAT 1", "+OK", "GET k", "$-1", "SETNX k v", ":1", "SETNX k w", ":0", "SETEX k 0 v", "-ERR invalid expire time in 'setex' command",
			"PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command", "SETEX k 10 v", "+OK", "PSETEX k 10 v", "+OK",
		},
		"getex": {
			"GETEX k", "$-1", "GETEX k EX 0", "$-1", "SET k v", "+OK", "GETEX k EX 0", "-ERR invalid expire time in 'getex' command",
			"GETEX k PERSIST EX 10", "-ERR syntax error", "GETEX k EX 10 PERSIST", "-ERR syntax error", "GETEX k NX", "-ERR syntax error",
			"GETEX k EX 10", "$1 v", "GETEX k PERSIST", "$1 v", "GETEX k EXAT 1", "$1 v", "GET k", "$-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := enginetest.New(t, str.Commands)
			for i := 0; i < len(lines); i += 2 {
				h.Expect(lines[i], lines[i+1])
			}
		})
	}
}

func TestEvents(t *testing.T) {
	h := enginetest.New(t, str.Commands)
	for _, step := range []struct {
		line   string
		events []string
	}{
		{"SET k v", []string{"set k"}},
		{"SET k v NX", nil},
		{"SET k 1 EX 10", []string{"set k", "expire k"}},
		{"INCR k", []string{"incrby k"}},
		{"DECRBY k 2", []string{"incrby k"}},
		{"INCRBYFLOAT k 1.5", []string{"incrbyfloat k"}},
		{"APPEND k x", []string{"append k"}},
		{`SETRANGE k 0 ""`, nil},
		{"SETRANGE k 0 y", []string{"setrange k"}},
		{"GETEX k", nil},
		{"GETEX k PERSIST", []string{"persist k"}},
		{"GETEX k PERSIST", nil},
		{"GETEX k PX 10", []string{"expire k"}},
		{"GETEX k PXAT 1", []string{"del k"}},
		{"GETSET k v", []string{"set k"}},
		{"GETDEL k", []string{"del k"}},
		{"GETDEL k", nil},
		{"SETNX k v", []string{"set k"}},
		{"SETEX k 1 v", []string{"set k", "expire k"}},
	} {
		h.Do(step.line)
		h.ExpectEvents(step.events...)
	}
}

func TestTimeToLiveKept(t *testing.T) {
	keeps := map[string]bool{
		"INCR k": true, "APPEND k 1": true, "SETRANGE k 0 1": true, "INCRBYFLOAT k 1": true, "SET k 1 KEEPTTL": true,
		"SET k 1": false, "GETSET k 1": false, "GETEX k PERSIST": false, "SETRANGE k 5 1": true,
	}
	for line, kept := range keeps {
		h := enginetest.New(t, str.Commands)
		h.Do("SET k 1 PX 100")
		h.Do(line)
		h.Now += 100
		if gone := h.Do("GET k") == "$-1"; gone != kept {
			t.Errorf("%s: expiry kept %v, want %v", line, gone, kept)
		}
	}
}

func TestStringLimit(t *testing.T) {
	h := enginetest.New(t, str.Commands)
	h.Config.MaxBulkLen = 5
	h.Expect("SET k abc", "+OK")
	h.Expect("APPEND k de", ":5")
	h.Expect("APPEND k f", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	h.Expect("SETRANGE k 4 xy", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	h.Expect("SETRANGE k 4 x", ":5")
	h.Expect("GET k", "$5 abcdx")
}

// TestRollback runs random commands under a journal and undoes them.
func TestRollback(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := enginetest.New(t, str.Commands)
		for range rapid.IntRange(0, 6).Draw(rt, "before") {
			h.DoArgs(draw(rt)...)
		}
		before := h.Snapshot()
		h.Journal = new(keyspace.Journal)
		for range rapid.IntRange(1, 12).Draw(rt, "within") {
			h.DoArgs(draw(rt)...)
		}
		h.Engine.KS.Rollback(h.Journal)
		if got := h.Snapshot(); got != before {
			rt.Fatalf("after rollback\n%s\nbefore\n%s", got, before)
		}
	})
}

// draw returns a random writing command on a few keys.
func draw(rt *rapid.T) []string {
	key := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key")
	val := rapid.SampledFrom([]string{"", "1", "-77", "text", strings.Repeat("x", 40), strings.Repeat("y", 5000), "1.5"}).Draw(rt, "value")
	n := rapid.SampledFrom([]string{"0", "1", "3", "50", "4500"}).Draw(rt, "number")
	return rapid.SampledFrom([][]string{
		{"SET", key, val}, {"SET", key, val, "PX", "5" + n}, {"SET", key, val, "KEEPTTL"}, {"APPEND", key, val},
		{"SETRANGE", key, n, val}, {"INCRBY", key, n}, {"INCRBYFLOAT", key, "0.25"}, {"GETDEL", key},
		{"GETEX", key, "PX", "1" + n}, {"GETEX", key, "PERSIST"}, {"GETSET", key, val},
	}).Draw(rt, "command")
}

// TestModel compares APPEND, SETRANGE and GETRANGE with a plain byte slice.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := enginetest.New(t, str.Commands)
		var model []byte
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			text := rapid.StringMatching(`[0-9]{1,4}|[a-z]{1,300}`).Draw(rt, "text")
			switch at := rapid.IntRange(0, 600).Draw(rt, "at"); rapid.IntRange(0, 2).Draw(rt, "op") {
			case 0:
				model = append(model, text...)
				h.DoArgs("APPEND", "k", text)
			case 1:
				for len(model) < at+len(text) {
					model = append(model, 0)
				}
				copy(model[at:], text)
				h.DoArgs("SETRANGE", "k", fmt.Sprint(at), text)
			default:
				end := at + len(text)
				want := ""
				if at < len(model) {
					want = string(model[at:min(end+1, len(model))])
				}
				if got := h.DoArgs("GETRANGE", "k", fmt.Sprint(at), fmt.Sprint(end)); got != fmt.Sprintf("$%d %s", len(want), want) {
					rt.Fatalf("GETRANGE %d %d of %q: %q", at, end, model, got)
				}
			}
		}
		if got := h.Do("GET k"); model != nil && got != fmt.Sprintf("$%d %s", len(model), model) {
			rt.Fatalf("got %q, want %q", got, model)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	h := enginetest.New(t, str.Commands)
	h.Config.Notify = 0
	h.Do("SET k " + strings.Repeat("v", 64))
	h.Do("SET n 1")
	for _, line := range []string{
		"GET k", "SET k " + strings.Repeat("w", 64), "INCR n", "DECRBY n 3", "GET n", "STRLEN n", "GETRANGE k 1 10",
		"SETRANGE k 3 abc", "SET k " + strings.Repeat("w", 64) + " EX 100", "SETNX n 1", "~get n", "~set k 1", "GETEX n",
	} {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		if n := testing.AllocsPerRun(50, func() { h.Raw(args) }); n != 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}

func TestIntegersAreKeptAsIntegers(t *testing.T) {
	h := enginetest.New(t, str.Commands)
	for _, text := range []string{"0", "-1", fmt.Sprint(math.MaxInt64), fmt.Sprint(math.MinInt64)} {
		h.DoArgs("SET", "k", text)
		if !strings.Contains(h.Snapshot(), "int=true") {
			t.Errorf("%s is not kept as an integer", text)
		}
		h.Expect("GET k", fmt.Sprintf("$%d %s", len(text), text))
	}
	for _, text := range []string{"", "-0", "+1", " 1", "1 ", "007", "9223372036854775808", "1e3"} {
		h.DoArgs("SET", "k", text)
		if !strings.Contains(h.Snapshot(), "int=false") {
			t.Errorf("%q is kept as an integer", text)
		}
	}
}
