package coordinator

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkContended is MSET of ten keys on four shards from four goroutines,
// inline where the leases are to be had; msgs/op is the share that went by messages.
func BenchmarkContended(b *testing.B) {
	const goroutines = 4
	r := newRig(b, 4)
	var messages atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for g := range goroutines {
		wg.Go(func() {
			mine := *r
			mine.runner = r.node.Env.NewRunner()
			set := []string{"MSET"}
			for i := range 10 {
				set = append(set, fmt.Sprint("key", g, ":", i), "value")
			}
			call := mine.call(set)
			for range b.N / goroutines {
				call.Out.Buf = call.Out.Buf[:0]
				if !mine.runner.Inline(call) {
					messages.Add(1)
					mine.submit(call)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(messages.Load())/float64(b.N), "msgs/op")
}
