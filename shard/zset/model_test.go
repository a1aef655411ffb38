package zset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"pgregory.net/rapid"
)

// model is a sorted set as a sorted slice.
type model []element

func (m model) find(member []byte) int {
	return slices.IndexFunc(m, func(e element) bool { return bytes.Equal(e.member, member) })
}

func (m *model) put(member []byte, score float64) {
	if i := m.find(member); i >= 0 {
		*m = slices.Delete(*m, i, i+1)
	}
	*m = append(*m, element{member, score})
	slices.SortFunc(*m, func(a, b element) int {
		if a.score != b.score {
			if a.score < b.score {
				return -1
			}
			return 1
		}
		return bytes.Compare(a.member, b.member)
	})
}

// describe shows content, order and encoding.
func describe(z *ZSet) string {
	var b strings.Builder
	b.WriteString(z.Encoding())
	for cur := z.At(0); cur.Valid(); cur.Next() {
		fmt.Fprintf(&b, " %q=%v", cur.Member(), cur.Score())
	}
	return b.String()
}

// check compares everything that can be asked of z with the model.
func (m model) check(t *rapid.T, z *ZSet) {
	if z.Len() != len(m) {
		t.Fatalf("%d elements, want %d", z.Len(), len(m))
	}
	up := z.walk(Window{0, len(m)}, false)
	down := z.walk(Window{0, len(m)}, true)
	for i, want := range m {
		last := m[len(m)-1-i]
		if !bytes.Equal(up.Member(), want.member) || up.Score() != want.score {
			t.Fatalf("rank %d is %q %v, want %q %v", i, up.Member(), up.Score(), want.member, want.score)
		}
		if !bytes.Equal(down.Member(), last.member) {
			t.Fatalf("rank %d from the end is %q, want %q", i, down.Member(), last.member)
		}
		if at := z.Find(want.member); !at.Found || at.Score != want.score {
			t.Fatalf("%q is not found with %v", want.member, want.score)
		}
		if rank, ok := z.Rank(want.member); !ok || rank != i {
			t.Fatalf("%q has rank %d, want %d", want.member, rank, i)
		}
		up.advance()
		down.advance()
	}
	if up.Valid() || down.Valid() {
		t.Fatal("a walk goes on behind the last element")
	}
}

func (m model) checkScores(t *rapid.T, z *ZSet, r scoreRange) {
	first, n := 0, 0
	for _, e := range m {
		switch {
		case !r.aboveMin(e.score):
			first++
		case r.belowMax(e.score):
			n++
		}
	}
	if got := z.scores(&r); got.N != n || n > 0 && got.First != first {
		t.Fatalf("%+v selects %+v, want %d from %d on", r, got, n, first)
	}
}

// one makes a random change to z and to the model.
func (m *model) one(t *rapid.T, ks *keyspace.Keyspace, cfg *engine.Config, z *ZSet) {
	member := []byte(rapid.SampledFrom([]string{
		"", "a", "b", "c", "12", "-3", "d", "e", "f", "g", "007", "a long member, too long for a listpack",
	}).Draw(t, "member"))
	score := float64(rapid.IntRange(-2, 2).Draw(t, "score"))
	at := z.Find(member)
	switch op := rapid.IntRange(0, 9).Draw(t, "op"); {
	case op == 9 && len(*m) > 1:
		first := rapid.IntRange(0, len(*m)-1).Draw(t, "first")
		n := rapid.IntRange(0, min(3, len(*m)-first)).Draw(t, "n")
		z.RemoveWindow(ks, Window{first, n})
		*m = slices.Delete(*m, first, first+n)
	case op >= 7 && at.Found:
		z.Remove(ks, at, member)
		i := m.find(member)
		*m = slices.Delete(*m, i, i+1)
	case at.Found:
		z.Rescore(ks, at, member, score)
		m.put(member, score)
	default:
		z.Add(ks, cfg, at, member, score)
		m.put(member, score)
	}
}

// TestModel changes a sorted set at random, in and out of journals, some of which
// are rolled back, and compares it with a model after every step.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ks := keyspace.New(0, 1, 1)
		defer ks.Close()
		cfg := engine.DefaultConfig()
		cfg.ZSetMaxEntries = rapid.IntRange(0, 12).Draw(t, "entries")
		cfg.ZSetMaxValue = 20
		z, m := New(), model{}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			var j keyspace.Journal
			before, modelBefore := describe(z), slices.Clone(m)
			undone := rapid.Bool().Draw(t, "undone")
			if undone {
				ks.Record(&j)
			}
			for range rapid.IntRange(1, 15).Draw(t, "changes") {
				m.one(t, ks, cfg, z)
				m.check(t, z)
			}
			low, high := float64(rapid.IntRange(-3, 3).Draw(t, "low")), float64(rapid.IntRange(-3, 3).Draw(t, "high"))
			m.checkScores(t, z, scoreRange{low, high, rapid.Bool().Draw(t, "min open"), rapid.Bool().Draw(t, "max open")})
			if !undone {
				continue
			}
			ks.Record(nil)
			ks.Rollback(&j)
			if got := describe(z); got != before {
				t.Fatalf("after rollback\n%s\nbefore\n%s", got, before)
			}
			m = modelBefore
			m.check(t, z)
		}
	})
}

func TestRanks(t *testing.T) {
	z := New()
	ks := keyspace.New(0, 1, 1)
	defer ks.Close()
	for _, member := range []string{"a", "b", "c", "d"} {
		z.Add(ks, engine.DefaultConfig(), Place{}, []byte(member), 0)
	}
	const most, least = 1<<63 - 1, -1 << 63
	for _, c := range []struct {
		start, stop int64
		reverse     bool
		want        Window
	}{
		{0, -1, false, Window{0, 4}}, {least, most, false, Window{0, 4}}, {1, 2, false, Window{1, 2}},
		{0, 1, true, Window{2, 2}}, {-1, -1, true, Window{0, 1}}, {2, 1, false, Window{}}, {4, 9, false, Window{}},
		{0, -5, false, Window{}}, {-100, 0, true, Window{3, 1}}, {0, least, true, Window{}}, {most, most, false, Window{}},
	} {
		if got := z.ranks(c.start, c.stop, c.reverse); got != c.want {
			t.Errorf("ranks %d to %d, reverse %t: %+v, want %+v", c.start, c.stop, c.reverse, got, c.want)
		}
	}
}

func TestLimit(t *testing.T) {
	w := Window{First: 10, N: 5}
	for _, c := range []struct {
		offset, count int64
		reverse       bool
		want          Window
	}{
		{0, -1, false, w}, {0, -1, true, w}, {1, 2, false, Window{11, 2}}, {1, 2, true, Window{12, 2}},
		{4, 100, false, Window{14, 1}}, {4, 100, true, Window{10, 1}}, {5, 1, false, Window{}}, {-1, 1, false, Window{}},
		{0, 1<<63 - 1, true, w}, {2, -1 << 63, false, Window{12, 3}},
	} {
		if got := w.limit(c.offset, c.count, c.reverse); got != c.want {
			t.Errorf("limit %d %d, reverse %t: %+v, want %+v", c.offset, c.count, c.reverse, got, c.want)
		}
	}
	if got := w.limit(0, 0, false); got.N != 0 {
		t.Errorf("limit 0 0 leaves %+v", got)
	}
}
