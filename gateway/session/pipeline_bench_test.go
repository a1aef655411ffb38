package session_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkPipeline is 16 commands on random keys that arrive together, of keyspaces of
// which the first fits the processor's caches and the last does not.
func BenchmarkPipeline(b *testing.B) {
	const (
		length = 16
		value  = "0123456789012345678901234567890123456789012345678901234567890123"
	)
	for _, keys := range []int{1_000, 10_000, 50_000, 1_000_000} {
		c := newClient(b)
		for i := range keys {
			c.run([]byte(encode(fmt.Sprintf("SET key:%012d %s", i, value))))
		}
		c.tick() // so that the node knows how many they are
		for name, form := range map[string]string{"GET": "GET key:%012d", "SET": "SET key:%012d " + value} {
			b.Run(fmt.Sprintf("%s/%d", name, keys), func(b *testing.B) {
				rnd := rand.New(rand.NewPCG(1, 2))
				inputs := make([][]byte, 1<<12)
				for i := range inputs {
					for range length {
						inputs[i] = append(inputs[i], encode(fmt.Sprintf(form, rnd.IntN(keys)))...)
					}
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					c.run(inputs[i%len(inputs)])
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/length, "ns/command")
			})
		}
	}
}
