package rng

import (
	"math"
	"testing"
)

// The first values of SplitMix64 from seed 1234567, as published with the
// algorithm: the sequence is part of the replicated state and must not change.
func TestSequenceIsPinned(t *testing.T) {
	r := New(1234567)
	for i, want := range []uint64{
		6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
	} {
		if got := r.Uint64(); got != want {
			t.Errorf("value %d = %d, want %d", i, got, want)
		}
	}
}

func TestCopyContinuesAlike(t *testing.T) {
	a := New(9)
	a.Uint64()
	b := *a
	for range 10 {
		if x, y := a.Uint64(), b.Uint64(); x != y {
			t.Fatalf("copy diverged: %d, %d", x, y)
		}
	}
}

func TestIntnIsUniform(t *testing.T) {
	const draws = 120_000
	for _, n := range []int{1, 2, 3, 7, 10, 64} {
		r, seen := New(uint64(n)), make([]int, n)
		for range draws {
			seen[r.Intn(n)]++
		}
		want := float64(draws) / float64(n)
		for v, got := range seen {
			if math.Abs(float64(got)-want) > 6*math.Sqrt(want) {
				t.Errorf("Intn(%d): %d came %d times, want about %.0f", n, v, got, want)
			}
		}
	}
}

// At 3·2^61 a plain modulo or an unrejected multiply would favour a third of
// the values two to one.
func TestIntnRejectsUnequalShares(t *testing.T) {
	const n, draws = 3 << 61, 30_000
	r, below := New(5), 0
	for range draws {
		v := r.Intn(n)
		if v < 0 {
			t.Fatal("out of range")
		}
		if v%3 == 0 {
			below++
		}
	}
	if want := draws / 3.0; math.Abs(float64(below)-want) > 6*math.Sqrt(want) {
		t.Errorf("multiples of 3 came %d times, want about %.0f", below, want)
	}
}

func TestIntnRefusesEmptyRange(t *testing.T) {
	for _, n := range []int{0, -1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Intn(%d) did not panic", n)
				}
			}()
			New(1).Intn(n)
		}()
	}
}

func TestFloat64(t *testing.T) {
	r, sum := New(3), 0.0
	const draws = 100_000
	for range draws {
		v := r.Float64()
		if v < 0 || v >= 1 {
			t.Fatalf("%v is outside [0, 1)", v)
		}
		sum += v
	}
	if mean := sum / draws; math.Abs(mean-0.5) > 0.01 {
		t.Errorf("mean %v", mean)
	}
}

func BenchmarkIntn(b *testing.B) {
	r := New(1)
	b.ReportAllocs()
	for b.Loop() {
		r.Intn(1000)
	}
}
