package resp

import (
	"math/rand"
	"slices"
	"testing"
)

// longestFuzzed bounds a stream, because the model's time is quadratic; the small limits
// are all reached well below.
const longestFuzzed = 4096

// FuzzParser: nothing panics, nothing beyond the buffer is consumed, and a stream means
// the same in one piece, byte by byte, in any cut, and to the model.
func FuzzParser(f *testing.F) {
	for i, c := range streamCases {
		if len(c.in) <= longestCut {
			f.Add([]byte(c.in), int64(i), c.unauth, i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed int64, unauth, small bool) {
		if len(stream) > longestFuzzed {
			return
		}
		lim := DefaultLimits()
		lim.Unauthenticated = unauth
		if small {
			lim = smallLimits(unauth)
		}
		want := model(stream, &lim)
		diff(t, "whole", feed(stream, &lim), want)
		rng := rand.New(rand.NewSource(seed))
		cuts := make([]int, rng.Intn(8))
		for i := range cuts {
			cuts[i] = rng.Intn(len(stream) + 1)
		}
		slices.Sort(cuts)
		diff(t, "cut", feed(stream, &lim, cuts...), want)
		if len(stream) <= longestCut {
			diff(t, "byte by byte", feed(stream, &lim, everyByte(stream)...), want)
		}
	})
}
