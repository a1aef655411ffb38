package list

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"pgregory.net/rapid"
)

// drawCommand returns a random command on one of two keys.
func drawCommand(t *rapid.T) []string {
	key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")
	text := func() string {
		switch rapid.IntRange(0, 5).Draw(t, "form") {
		case 0:
			return fmt.Sprint(rapid.Int64().Draw(t, "int"))
		case 1:
			return strings.Repeat("w", rapid.IntRange(0, 12_000).Draw(t, "long"))
		default:
			return rapid.SampledFrom([]string{"", "x", "y", "7", "07"}).Draw(t, "word")
		}
	}
	place := func() string {
		return fmt.Sprint(rapid.SampledFrom([]int64{0, 1, 2, 3, 5, 9, 100, -1, -2, -3, -7, 1<<63 - 1, -1 << 63}).Draw(t, "place"))
	}
	end := func() string { return rapid.SampledFrom([]string{"LEFT", "RIGHT"}).Draw(t, "end") }
	switch rapid.IntRange(0, 13).Draw(t, "command") {
	case 0, 1, 2:
		name := rapid.SampledFrom([]string{"LPUSH", "RPUSH", "LPUSHX", "RPUSHX"}).Draw(t, "push")
		args := []string{name, key}
		for range rapid.IntRange(1, 8).Draw(t, "n") {
			args = append(args, text())
		}
		return args
	case 3:
		return []string{rapid.SampledFrom([]string{"LPOP", "RPOP"}).Draw(t, "pop"), key}
	case 4:
		return []string{rapid.SampledFrom([]string{"LPOP", "RPOP"}).Draw(t, "pop"), key, place()}
	case 5:
		return []string{"LSET", key, place(), text()}
	case 6:
		return []string{"LTRIM", key, place(), place()}
	case 7:
		return []string{"LREM", key, place(), text()}
	case 8:
		return []string{"LINSERT", key, rapid.SampledFrom([]string{"BEFORE", "after", "at"}).Draw(t, "where"), text(), text()}
	case 9:
		return drawPos(t, key, text, place)
	case 10:
		return []string{"LINDEX", key, place()}
	case 11:
		return []string{"LRANGE", key, place(), place()}
	case 12:
		return []string{"~lpopfirst", key, end(), "2"}
	default:
		return []string{"~lrotate", key, end(), end()}
	}
}

func drawPos(t *rapid.T, key string, text, place func() string) []string {
	args := []string{"LPOS", key, text()}
	for _, option := range []string{"RANK", "COUNT", "maxlen"} {
		if rapid.Bool().Draw(t, option) {
			args = append(args, option, place())
		}
	}
	return args
}

// contents are all elements of both keys and how the keyspace describes them.
func contents(h *enginetest.Harness) string {
	return h.Do("LRANGE a 0 -1") + "\n" + h.Do("LRANGE b 0 -1") + "\n" + h.Snapshot()
}

// Whatever commands run under a journal, rolling it back brings everything back.
func TestRollback(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		h := enginetest.New(outer, Commands)
		h.Config.ListMaxSize = rapid.SampledFrom([]int{-2, -1, 1, 3}).Draw(t, "fill")
		for range rapid.IntRange(0, 10).Draw(t, "before") {
			h.DoArgs(drawCommand(t)...)
		}
		var key keyspace.Key
		h.Engine.KS.Key(&key, 0, []byte("a"))
		if r := h.Engine.KS.Peek(&key); r != 0 {
			h.Engine.KS.SetExpiry(&key, r, h.Now+1000)
		}
		was := contents(h)
		var j keyspace.Journal
		h.Journal = &j
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			h.DoArgs(drawCommand(t)...)
		}
		h.Journal = nil
		h.Engine.KS.Rollback(&j)
		if got := contents(h); got != was {
			t.Fatalf("rolled back to\n%.2000s\nfrom\n%.2000s", got, was)
		}
	})
}
