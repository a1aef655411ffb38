package hash_test

import (
	"fmt"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/hash"
	"github.com/troupedb/troupe/shard/keyspace"
	"pgregory.net/rapid"
)

// contents describes a hash: encoding and, in order for a listpack, its pairs.
func contents(h *hash.Hash) (encoding string, ordered []string, pairs map[string]string) {
	pairs = map[string]string{}
	h.Each(func(f, v hash.Value) bool {
		pairs[string(f.Append(nil))] = string(v.Append(nil))
		if h.Encoding() == "listpack" {
			ordered = append(ordered, string(f.Append(nil)))
		}
		return true
	})
	return h.Encoding(), ordered, pairs
}

// state describes all that the harness holds.
func state(h *enginetest.Harness) string {
	s := h.Snapshot() + "\n"
	for _, key := range []string{"h", "k"} {
		var k keyspace.Key
		h.Engine.KS.Key(&k, 0, []byte(key))
		if r := h.Engine.KS.Peek(&k); r != 0 {
			o := h.Engine.KS.Object(r).(*hash.Hash)
			s += fmt.Sprintln(contents(o))
			if n := len(pairsOf(o)); n != o.Len() {
				s += fmt.Sprintf("Len %d but %d pairs\n", o.Len(), n)
			}
		}
	}
	return s
}

func pairsOf(o *hash.Hash) map[string]string {
	_, _, pairs := contents(o)
	return pairs
}

var words = []string{"", "a", "b", "c", "12", "-5", "007", "long-value", "9223372036854775807", "1.5"}

// randomCommand draws a command that changes one of two hashes.
func randomCommand(t *rapid.T) []string {
	word := rapid.SampledFrom(words)
	cmd := rapid.SampledFrom([]string{"HSET", "HSET", "HSET", "HDEL", "HDEL", "HINCRBY", "HINCRBYFLOAT", "HSETNX"}).Draw(t, "cmd")
	args := []string{cmd, rapid.SampledFrom([]string{"h", "k"}).Draw(t, "key"), word.Draw(t, "field")}
	switch cmd {
	case "HSET":
		args = append(args, word.Draw(t, "value"), word.Draw(t, "field2"), word.Draw(t, "value2"))
	case "HSETNX":
		args = append(args, word.Draw(t, "value"))
	case "HDEL":
		args = append(args, word.Draw(t, "field2"), word.Draw(t, "field3"))
	case "HINCRBY", "HINCRBYFLOAT":
		args = append(args, fmt.Sprint(rapid.IntRange(-20, 20).Draw(t, "delta")))
	}
	return args
}

func TestRollbackProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		h.Config.HashMaxEntries = rapid.IntRange(1, 8).Draw(rt, "entries")
		h.Config.HashMaxValue = 8
		for range rapid.IntRange(0, 10).Draw(rt, "before") {
			h.DoArgs(randomCommand(rt)...)
		}
		before, used := state(h), h.Engine.KS.Arena.Used()
		h.Journal = new(keyspace.Journal)
		for range rapid.IntRange(1, 20).Draw(rt, "under journal") {
			h.DoArgs(randomCommand(rt)...)
		}
		h.Engine.KS.Rollback(h.Journal)
		if got := state(h); got != before {
			rt.Fatalf("after rollback\n%s\nbefore\n%s", got, before)
		}
		for h.Engine.KS.Garbage() {
			h.Engine.KS.Collect(1000)
		}
		if got := h.Engine.KS.Arena.Used(); got != used {
			rt.Fatalf("%d bytes in the arena after rollback, %d before", got, used)
		}
	})
}

// TestModel compares hashes in both encodings with a map.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		h.Config.HashMaxEntries = rapid.SampledFrom([]int{0, 3, 100}).Draw(rt, "entries")
		model := map[string]string{}
		field := rapid.SampledFrom(words)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			f, v := field.Draw(rt, "field"), field.Draw(rt, "value")
			_, had := model[f]
			want := ":0"
			if rapid.Bool().Draw(rt, "set") {
				if !had {
					want = ":1"
				}
				model[f] = v
				check(rt, h.DoArgs("HSET", "h", f, v), want)
			} else {
				if had {
					want = ":1"
				}
				delete(model, f)
				check(rt, h.DoArgs("HDEL", "h", f), want)
			}
			check(rt, h.DoArgs("HLEN", "h"), fmt.Sprintf(":%d", len(model)))
			if v, ok := model[f]; ok {
				check(rt, h.DoArgs("HGET", "h", f), fmt.Sprintf("$%d %s", len(v), v))
			} else {
				check(rt, h.DoArgs("HGET", "h", f), "$-1")
			}
		}
		if len(model) > 0 {
			if got := pairsOf(object(t, h, "h")); fmt.Sprint(got) != fmt.Sprint(model) {
				rt.Fatalf("hash %v, model %v", got, model)
			}
		}
	})
}

func check(t *rapid.T, got, want string) {
	t.Helper()
	if got != want && !(want == "$0 " && got == "$0") {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestImage(t *testing.T) {
	for _, n := range []int{1, 100, 3000} {
		h := newHarness(t)
		for i := range n {
			h.DoArgs("HSET", "h", fmt.Sprint("f", i), fmt.Sprint(i))
		}
		o := object(t, h, "h")
		loaded := hash.Load(h.Engine.KS, append([]byte(nil), o.AppendImage(nil)...)).(*hash.Hash)
		wantEncoding, wantOrder, want := contents(o)
		encoding, order, got := contents(loaded)
		if encoding != wantEncoding || fmt.Sprint(order) != fmt.Sprint(wantOrder) || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d fields: the loaded hash differs", n)
		}
		h.DoArgs("HSET", "h", "f0", "changed")
		if v, _ := loaded.Get([]byte("f0")); string(v.Append(nil)) != "0" {
			t.Errorf("%d fields: the loaded hash shares memory", n)
		}
	}
}
