package workload

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// A Source yields the numbers that replace one kind of placeholder.
// Sources are not safe for concurrent use: each loop owns its own.
type Source interface {
	Next() uint64
}

// NewSource returns a source over [0, n): uniform when skew is 0, else zipf
// with that exponent. It panics when n is 0, since there is no number to yield.
func NewSource(n uint64, skew float64, seed, stream uint64) Source {
	if n == 0 {
		panic("workload: a source over no numbers")
	}
	pcg := rand.NewPCG(seed, stream)
	if skew == 0 {
		return &uniform{n: n, rng: pcg}
	}
	return newZipf(n, skew, rand.New(pcg))
}

type uniform struct {
	n   uint64
	rng *rand.PCG
}

// Next scales 64 random bits to [0, n); the bias is below n/2^64.
func (u *uniform) Next() uint64 {
	hi, _ := bits.Mul64(u.rng.Uint64(), u.n)
	return hi
}

// Sequence yields 0, 1, … below its end, and then begins again.
type Sequence struct {
	end, next uint64
}

// NewSequence returns the numbers below end in order. It panics when end is 0.
func NewSequence(end uint64) *Sequence {
	if end == 0 {
		panic("workload: a sequence of no numbers")
	}
	return &Sequence{end: end}
}

// Next returns the next number of the sequence.
func (s *Sequence) Next() uint64 {
	n := s.next
	s.next++
	if s.next == s.end {
		s.next = 0
	}
	return n
}

// zipf draws rank k of [0, n) with a probability in proportion to
// 1/(k+1)^skew by rejection inversion (Hörmann and Derflinger, 1996). Unlike
// math/rand/v2's Zipf it also takes exponents of 1 and below, such as the 0.99
// that YCSB made customary, and it needs no table of n entries.
type zipf struct {
	n, skew     float64
	low, high   float64 // the inverted range: integral(1.5)-1 and integral(n+0.5)
	squeeze     float64 // a draw this close below its rank is accepted without evaluating integral
	rng         *rand.Rand
	lastOfRange uint64
}

func newZipf(n uint64, skew float64, rng *rand.Rand) *zipf {
	z := &zipf{n: float64(n), skew: skew, rng: rng, lastOfRange: n - 1}
	z.low = z.integral(1.5) - 1
	z.high = z.integral(z.n + 0.5)
	z.squeeze = 2 - z.inverse(z.integral(2.5)-z.density(2))
	return z
}

func (z *zipf) Next() uint64 {
	for {
		u := z.high + z.rng.Float64()*(z.low-z.high)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.squeeze || u >= z.integral(k+0.5)-z.density(k) {
			return min(uint64(k)-1, z.lastOfRange)
		}
	}
}

func (z *zipf) density(x float64) float64 {
	return math.Exp(-z.skew * math.Log(x))
}

// integral is the antiderivative of density, (x^(1-s)-1)/(1-s), in a form that
// stays exact where s is near 1.
func (z *zipf) integral(x float64) float64 {
	l := math.Log(x)
	return l * ratioExpm1((1-z.skew)*l)
}

func (z *zipf) inverse(y float64) float64 {
	t := max(y*(1-z.skew), -1)
	return math.Exp(y * ratioLog1p(t))
}

// seriesBelow is where (e^x-1)/x and log(1+x)/x switch to their series: there
// the quotient loses digits and at 0 is undefined.
const seriesBelow = 1e-8

func ratioExpm1(x float64) float64 {
	if math.Abs(x) > seriesBelow {
		return math.Expm1(x) / x
	}
	return 1 + x/2
}

func ratioLog1p(x float64) float64 {
	if math.Abs(x) > seriesBelow {
		return math.Log1p(x) / x
	}
	return 1 - x/2
}
