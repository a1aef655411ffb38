package engine_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/engine"
)

// ignore takes answers that nobody wants.
type ignore struct{ visit uint64 }

func (i *ignore) Answer(a *engine.Answer) { i.visit = a.Visit }

// BenchmarkOrder is a participant's life: it runs one step, and commits.
func BenchmarkOrder(b *testing.B) {
	for _, line := range []string{"GET key", "SET key value"} {
		b.Run(line, func(b *testing.B) {
			p := newPart(b)
			p.Do("SET key value")
			sink := &ignore{}
			steps := p.run(1, 1, 1, line).Steps
			o := &engine.Order{}
			b.ReportAllocs()
			for i := range b.N {
				id := engine.SagaID(i + 2)
				*o = engine.Order{Saga: id, Attempt: 1, Round: 1, Proto: 2, Now: p.Now, Steps: steps, Sink: sink}
				p.Engine.Order(o)
				*o = engine.Order{Kind: engine.OrderCommit, Saga: id, Attempt: 1, Visit: sink.visit, Quiet: true, Now: p.Now, Sink: sink}
				p.Engine.Order(o)
			}
		})
	}
}
