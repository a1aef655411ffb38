package set_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/set"
	"pgregory.net/rapid"
)

// members returns all members, sorted.
func members(s *set.Set) (all []string) {
	s.Each(func(m []byte) bool {
		all = append(all, string(m))
		return true
	})
	slices.Sort(all)
	return all
}

// state describes all that the harness holds.
func state(h *enginetest.Harness) string {
	text := h.Snapshot() + "\n"
	for _, key := range []string{"s", "k"} {
		var k keyspace.Key
		h.Engine.KS.Key(&k, 0, []byte(key))
		if r := h.Engine.KS.Peek(&k); r != 0 {
			if s, ok := h.Engine.KS.Object(r).(*set.Set); ok {
				text += fmt.Sprintln(s.Encoding(), s.Len(), members(s))
				if s.Encoding() == "intset" {
					text += fmt.Sprintf("%x\n", s.AppendImage(nil)) // its width too
				}
			}
		}
	}
	return text
}

var words = []string{"", "a", "b", "0", "1", "12", "-5", "007", "70000", "-9223372036854775808", "9223372036854775807"}

// randomCommand draws a command that changes one of two sets.
func randomCommand(t *rapid.T) []string {
	word := rapid.SampledFrom(words)
	cmd := rapid.SampledFrom([]string{"SADD", "SADD", "SADD", "SREM", "SREM", "SPOP", "~sstore"}).Draw(t, "cmd")
	args := []string{cmd, rapid.SampledFrom([]string{"s", "k"}).Draw(t, "key")}
	switch cmd {
	case "SADD", "SREM":
		return append(args, word.Draw(t, "member"), word.Draw(t, "member2"), word.Draw(t, "member3"))
	case "SPOP":
		return append(args, fmt.Sprint(rapid.IntRange(0, 6).Draw(t, "count")))
	}
	return append(args, encode(rapid.SliceOfN(word, 0, 5).Draw(t, "members")...), "sunionstore")
}

// encode returns an array of bulk strings.
func encode(members ...string) string {
	text := fmt.Sprintf("*%d\r\n", len(members))
	for _, m := range members {
		text += fmt.Sprintf("$%d\r\n%s\r\n", len(m), m)
	}
	return text
}

func TestRollbackProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		h.Config.SetMaxIntset = rapid.IntRange(0, 6).Draw(rt, "ints")
		for range rapid.IntRange(0, 8).Draw(rt, "before") {
			h.DoArgs(randomCommand(rt)...)
		}
		collect(h)
		before, used := state(h), h.Engine.KS.Arena.Used()
		h.Journal = new(keyspace.Journal)
		for range rapid.IntRange(1, 20).Draw(rt, "under journal") {
			h.DoArgs(randomCommand(rt)...)
		}
		h.Engine.KS.Rollback(h.Journal)
		collect(h)
		if got := state(h); got != before {
			rt.Fatalf("after rollback\n%s\nbefore\n%s", got, before)
		}
		if got := h.Engine.KS.Arena.Used(); got != used {
			rt.Fatalf("%d bytes in the arena after rollback, %d before", got, used)
		}
	})
}

func collect(h *enginetest.Harness) {
	for h.Engine.KS.Garbage() {
		h.Engine.KS.Collect(1000)
	}
}

// TestModel compares sets in both encodings with a map.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		h.Config.SetMaxIntset = rapid.SampledFrom([]int{0, 3, 100}).Draw(rt, "ints")
		model := map[string]bool{}
		word := rapid.SampledFrom(words)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			m, cmd := word.Draw(rt, "member"), "SREM"
			changes := model[m]
			if rapid.Bool().Draw(rt, "add") {
				cmd, changes = "SADD", !model[m]
				model[m] = true
			} else {
				delete(model, m)
			}
			check(rt, h.DoArgs(cmd, "s", m), boolReply(changes))
			check(rt, h.DoArgs("SISMEMBER", "s", m), boolReply(model[m]))
			check(rt, h.DoArgs("SCARD", "s"), fmt.Sprintf(":%d", len(model)))
		}
		var want []string
		for m := range model {
			want = append(want, m)
		}
		slices.Sort(want)
		if len(want) > 0 && !slices.Equal(members(object(t, h, "s")), want) {
			rt.Fatalf("set %q, model %q", members(object(t, h, "s")), want)
		}
	})
}

func boolReply(v bool) string {
	if v {
		return ":1"
	}
	return ":0"
}

func check(t *rapid.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestImage(t *testing.T) {
	for _, prefix := range []string{"", "m"} {
		for _, n := range []int{1, 300, 3000} {
			h := newHarness(t)
			addMany(h, prefix, n)
			o := object(t, h, "s")
			loaded := set.Load(h.Engine.KS, slices.Clone(o.AppendImage(nil))).(*set.Set)
			if loaded.Encoding() != o.Encoding() || !slices.Equal(members(loaded), members(o)) {
				t.Errorf("%q %d members: the loaded set differs", prefix, n)
			}
			h.Do("SADD s 99999 new")
			h.Do("SREM s " + prefix + "0")
			if loaded.Len() != n || !loaded.Has([]byte(prefix+"0")) {
				t.Errorf("%q %d members: the loaded set shares memory", prefix, n)
			}
		}
	}
}

// TestRollbackOfAWiderInteger restores the array's width too.
func TestRollbackOfAWiderInteger(t *testing.T) {
	h := newHarness(t)
	h.Do("SADD s 1 2")
	before := state(h)
	h.Journal = new(keyspace.Journal)
	h.Do("SADD s 70000")
	h.Do("SADD s 3")
	h.Engine.KS.Rollback(h.Journal)
	if got := state(h); got != before {
		t.Errorf("after rollback\n%s\nbefore\n%s", got, before)
	}
}
