package set_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/troupedb/troupe/shard/set"
)

func TestFilterSteps(t *testing.T) {
	for _, table := range []bool{false, true} {
		h := newHarness(t)
		h.Do("SADD s 1 2 3")
		if table {
			h.Do("SADD s x")
		}
		in := encode("5", "3", "a", "1", "01")
		check := func(want string, words ...string) {
			t.Helper()
			if got := h.DoArgs(words...); got != want {
				t.Errorf("table %v: %q = %s, want %s", table, words, got, want)
			}
		}
		check("*2 $1 3 $1 1", set.Inter, "s", in)
		check("*0", set.Inter, "none", in)
		check("*3 $1 5 $1 a $2 01", set.Diff, "s", in)
		check("*5 $1 5 $1 3 $1 a $1 1 $2 01", set.Diff, "none", in)
		check("*0", set.Inter, "s", encode())
	}
}

func TestStoreStep(t *testing.T) {
	h := newHarness(t)
	h.Do("SET d v PX 1000")
	h.Events = nil
	if got := h.DoArgs(set.Store, "d", encode("2", "1", "2"), "sunionstore"); got != ":2" {
		t.Errorf("store replies %s", got)
	}
	h.Expect("SMEMBERS d", "*2 $1 1 $1 2")
	h.ExpectEvents("sunionstore d")
	h.Now += 1000 // the expiry went with the old value
	h.Expect("SCARD d", ":2")
	if got := h.DoArgs(set.Store, "d", encode(), "sunionstore"); got != ":0" {
		t.Errorf("store of nothing replies %s", got)
	}
	h.DoArgs(set.Store, "none", encode(), "sunionstore")
	h.ExpectEvents("del d")
	if got := h.Snapshot(); got != "" {
		t.Errorf("left: %s", got)
	}
}

// TestBuilder tries numbers whose headers are as long as announced, or shorter.
func TestBuilder(t *testing.T) {
	for _, c := range []struct{ most, n int }{{0, 0}, {5, 5}, {10, 9}, {10, 10}, {100000, 3}, {1 << 40, 12}} {
		b := set.Build([]byte("before"), c.most)
		want := fmt.Sprintf("before~%d\r\n", c.n)
		for i := range c.n {
			if i%2 == 0 {
				b.Add([]byte("$1\r\nx\r\n"))
			} else {
				b.AddAll(1, []byte("$1\r\nx\r\n"))
			}
			want += "$1\r\nx\r\n"
		}
		if got := b.End('~'); string(got) != want {
			t.Errorf("most %d, %d members: %q, want %q", c.most, c.n, got, want)
		}
	}
}

func TestReader(t *testing.T) {
	r := set.Members(encode("", "abc", "\r\n")).Parse()
	if r.Left != 3 {
		t.Fatalf("%d members, want 3", r.Left)
	}
	for _, want := range []string{"", "abc", "\r\n"} {
		member, encoded := r.Next()
		if string(member) != want || !bytes.Equal(encoded, fmt.Appendf(nil, "$%d\r\n%s\r\n", len(want), want)) {
			t.Errorf("member %q encoded %q, want %q", member, encoded, want)
		}
	}
	if r.Left != 0 || len(r.Rest()) != 0 {
		t.Errorf("left over: %d members, %q", r.Left, r.Rest())
	}
}

func TestExistingMembersDoNotAllocate(t *testing.T) {
	for _, prefix := range []string{"", "m"} {
		h := newHarness(t)
		h.Config.Notify = 0
		addMany(h, prefix, 300)
		for _, words := range [][]string{
			{"SADD", "s", prefix + "5"}, {"SISMEMBER", "s", prefix + "5"}, {"SMISMEMBER", "s", prefix + "5", "z"},
			{"SCARD", "s"}, {"SREM", "s", "z"}, {set.Inter, "s", encode(prefix+"1", "z")},
		} {
			var args [][]byte
			for _, w := range words {
				args = append(args, []byte(w))
			}
			h.Raw(args)
			if got := testing.AllocsPerRun(100, func() { h.Raw(args) }); got != 0 {
				t.Errorf("%q: %q allocates %v times", prefix, words, got)
			}
		}
	}
}
