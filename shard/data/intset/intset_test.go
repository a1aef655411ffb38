package intset

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/troupedb/troupe/shard/data/rng"
	"pgregory.net/rapid"
)

// The layout is shared with dumps, so it is pinned byte for byte.
func TestLayout(t *testing.T) {
	s := New()
	for _, v := range []int64{5, -1, 256} {
		s, _ = s.Add(v)
	}
	if want := []byte{2, 0, 0, 0, 3, 0, 0, 0, 0xff, 0xff, 5, 0, 0, 1}; !bytes.Equal(s, want) {
		t.Fatalf("got % x, want % x", s, want)
	}
	s, _ = s.Add(1 << 16)
	want := []byte{4, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 5, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}
	if !bytes.Equal(s, want) {
		t.Fatalf("got % x, want % x", s, want)
	}
}

func TestWidensAtTheBounds(t *testing.T) {
	for _, c := range []struct {
		v     int64
		width int
	}{
		{math.MaxInt16, 2}, {math.MinInt16, 2}, {math.MaxInt16 + 1, 4}, {math.MinInt16 - 1, 4},
		{math.MaxInt32, 4}, {math.MinInt32, 4}, {math.MaxInt32 + 1, 8}, {math.MinInt32 - 1, 8},
		{math.MaxInt64, 8}, {math.MinInt64, 8},
	} {
		s, _ := New().Add(0)
		if s.Has(c.v) {
			t.Errorf("an empty set has %d", c.v)
		}
		s, added := s.Add(c.v)
		if !added || s.width() != c.width || !s.Has(c.v) || !s.Has(0) || s.Len() != 2 {
			t.Errorf("%d: added %v, width %d, want %d", c.v, added, s.width(), c.width)
		}
	}
}

func TestValid(t *testing.T) {
	good := New()
	for v := range int64(3) {
		good, _ = good.Add(v)
	}
	if !Valid(good) || !Valid(New()) {
		t.Fatal("a set of our own is refused")
	}
	for name, spoil := range map[string]func(b []byte) []byte{
		"empty":      func([]byte) []byte { return nil },
		"truncated":  func(b []byte) []byte { return b[:len(b)-1] },
		"longer":     func(b []byte) []byte { return append(b, 0) },
		"width 3":    func(b []byte) []byte { b[0] = 3; return b },
		"width 0":    func(b []byte) []byte { b[0] = 0; return b },
		"count":      func(b []byte) []byte { b[4]++; return b },
		"huge count": func(b []byte) []byte { b[7] = 0xff; return b },
		"unsorted":   func(b []byte) []byte { b[8] = 9; return b },
		"duplicate":  func(b []byte) []byte { b[8] = 1; return b },
	} {
		if Valid(spoil(slices.Clone(good))) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestModel(t *testing.T) {
	values := rapid.OneOf(
		rapid.Int64Range(-20, 20),
		rapid.Int64Range(math.MinInt16-2, math.MaxInt16+2),
		rapid.Int64Range(math.MinInt32-2, math.MaxInt32+2),
		rapid.Int64(),
	)
	rapid.Check(t, func(t *rapid.T) {
		s, model := New(), map[int64]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "ops") {
			v := values.Draw(t, "v")
			var changed bool
			if rapid.IntRange(0, 2).Draw(t, "op") > 0 {
				s, changed = s.Add(v)
				if changed == model[v] {
					t.Fatalf("Add(%d) = %v", v, changed)
				}
				model[v] = true
			} else {
				s, changed = s.Remove(v)
				if changed != model[v] {
					t.Fatalf("Remove(%d) = %v", v, changed)
				}
				delete(model, v)
			}
			if s.Has(v) != model[v] {
				t.Fatalf("Has(%d) = %v", v, s.Has(v))
			}
		}
		check(t, s, model)
	})
}

func check(t *rapid.T, s Set, model map[int64]bool) {
	want := make([]int64, 0, len(model))
	for v := range model {
		want = append(want, v)
	}
	slices.Sort(want)
	got := make([]int64, 0, s.Len())
	for v := range s.All {
		got = append(got, v)
	}
	if !slices.Equal(got, want) || s.Len() != len(want) || !Valid(s) {
		t.Fatalf("got %d, want %d, valid %v", got, want, Valid(s))
	}
	for i, v := range want {
		if s.At(i) != v {
			t.Fatalf("At(%d) = %d, want %d", i, s.At(i), v)
		}
	}
}

func TestRandomReachesAll(t *testing.T) {
	s, seen, r := New(), map[int64]int{}, rng.New(1)
	for v := range int64(10) {
		s, _ = s.Add(v * 1000)
	}
	for range 1000 {
		seen[s.Random(r)]++
	}
	if len(seen) != 10 {
		t.Errorf("1000 draws from 10 elements met only %v", seen)
	}
}

func TestAllStops(t *testing.T) {
	s, _ := New().Add(1)
	s, _ = s.Add(2)
	for v := range s.All {
		if v == 2 {
			t.Fatal("went on after break")
		}
		break
	}
}

func TestMemoryStaysTight(t *testing.T) {
	s := New()
	for v := range int64(512) {
		s, _ = s.Add(v)
		if s.MemBytes() > len(s)+len(s)/4+shrinkSlack {
			t.Fatalf("%d elements keep %d bytes for %d", s.Len(), s.MemBytes(), len(s))
		}
	}
	for v := range int64(500) {
		s, _ = s.Remove(v)
	}
	if s.MemBytes() > 200 {
		t.Errorf("12 elements keep %d bytes", s.MemBytes())
	}
}

func BenchmarkAddRemove512(b *testing.B) {
	s, r := New(), rng.New(1)
	for s.Len() < 512 {
		s, _ = s.Add(int64(r.Intn(30000)))
	}
	b.ReportAllocs()
	for b.Loop() {
		v := int64(r.Intn(30000))
		var added bool
		if s, added = s.Add(v); added {
			s, _ = s.Remove(v)
		}
	}
}

func BenchmarkHas512(b *testing.B) {
	s, r := New(), rng.New(1)
	for s.Len() < 512 {
		s, _ = s.Add(int64(r.Intn(30000)))
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Has(int64(r.Intn(30000)))
	}
}
