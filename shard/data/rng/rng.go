package rng

import "math/bits"

// Rand is a generator; it is a plain value, so a copy continues independently
// from the same point. It is not safe for concurrent use.
type Rand struct {
	state uint64
}

// SplitMix64's published constants.
const (
	gamma = 0x9e3779b97f4a7c15 // odd, so the state visits all 2^64 words
	mixA  = 0xbf58476d1ce4e5b9
	mixB  = 0x94d049bb133111eb
)

// New returns a generator whose sequence is a function of seed alone.
func New(seed uint64) *Rand { return &Rand{state: seed} }

// Uint64 returns 64 uniform bits.
func (r *Rand) Uint64() uint64 {
	r.state += gamma
	z := r.state
	z = (z ^ z>>30) * mixA
	z = (z ^ z>>27) * mixB
	return z ^ z>>31
}

// Intn returns a uniform number in [0, n). It panics if n is not positive.
func (r *Rand) Intn(n int) int {
	if n <= 0 {
		panic("rng: Intn needs a positive bound")
	}
	bound := uint64(n)
	hi, lo := bits.Mul64(r.Uint64(), bound)
	if lo < bound {
		// Lemire's method: 2^64 mod bound draws fall outside the equal shares.
		for excess := -bound % bound; lo < excess; {
			hi, lo = bits.Mul64(r.Uint64(), bound)
		}
	}
	return int(hi)
}

// Float64 returns a uniform multiple of 2^-53 in [0, 1).
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) / (1 << 53) }
