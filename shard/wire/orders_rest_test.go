package wire

import (
	"testing"

	"github.com/troupedb/troupe/shard/engine"
)

// The memory of a large order is not kept, nor what the words of any name.
func TestOrdersRest(t *testing.T) {
	var r Orders
	r.order.Steps, r.order.Record = make([]engine.SagaStep, keptItems+1), []byte("large")
	r.Rest()
	if r.order.Steps != nil || r.order.Record != nil {
		t.Error("a large order is kept")
	}
	r.words = append(make([][]byte, 0, 4), []byte("large"))
	r.order.Steps = []engine.SagaStep{{Args: r.words}}
	r.Rest()
	if r.order.Steps == nil || r.order.Steps[0].Args != nil || r.words[:1][0] != nil {
		t.Error("a short order is not kept empty")
	}
}
