package saga

import (
	"math/rand/v2"
	"testing"

	"github.com/troupedb/troupe/shard/engine"
)

// One whose saga has committed is told so whatever it says, and told what its
// coordinator meant to tell it.
func TestOutcomes(t *testing.T) {
	var o Outcomes
	o.Missed(1, &engine.Order{Kind: engine.OrderUndo, Saga: 6, Attempt: 1, Visit: 5})
	o.Missed(1, &engine.Order{Kind: engine.OrderCommit, Saga: 7, Attempt: 1, Visit: 5})
	for _, kind := range []engine.AnswerKind{engine.AnswerRan, engine.AnswerWound, engine.AnswerDecided} {
		if got := o.Orphan(answer(kind, 1, 9)); got == nil || got.Kind != engine.OrderCommit || got.Attempt != 1 || got.Visit != 5 {
			t.Errorf("the answer %d is answered %+v", kind, got)
		}
		if got := o.Orphan(answer(kind, 2, 9)); got == nil || got.Kind == engine.OrderCommit {
			t.Errorf("at another shard the answer %d is answered %+v", kind, got)
		}
		if got := o.Orphan(&engine.Answer{Kind: kind, Saga: 6, Shard: 1}); got == nil || got.Kind == engine.OrderCommit {
			t.Errorf("of one that is undone the answer %d is answered %+v", kind, got)
		}
	}
	if got := o.Orphan(answer(engine.AnswerUndone, 1, 5)); got != nil {
		t.Errorf("one that has ended is told %+v", got)
	}
	if got := o.Orphan(answer(engine.AnswerCommitted, 1, 5)); got == nil || got.Kind != engine.OrderForget {
		t.Errorf("one that has committed is told %+v", got)
	}
	if got := o.Orphan(answer(engine.AnswerRan, 1, 5)); got == nil || got.Kind != engine.OrderUndo {
		t.Errorf("after that: %+v", got)
	}
}

// One that is back does what it still had to do.
func TestOutcomesWithSteps(t *testing.T) {
	var o Outcomes
	word := []byte("key")
	o.Missed(1, &engine.Order{Kind: engine.OrderCommit, Saga: 7, Now: 3, Steps: []engine.SagaStep{{Key: 1, Args: [][]byte{nil, word}}}})
	word[0] = '!' // it was lent
	got := o.Orphan(answer(engine.AnswerRan, 1, 5))
	if got == nil || got.Now != 3 || len(got.Steps) != 1 || string(got.Steps[0].Args[1]) != "key" {
		t.Errorf("it is told %+v", got)
	}
}

// A decision that may have been made on one node that is down makes its saga doubtful;
// one that is held does not, as nobody follows it.
func TestDoubtfulOutcomes(t *testing.T) {
	var o Outcomes
	o.Missed(1, &engine.Order{Kind: engine.OrderDecide, Saga: 6, Attempt: 1, Visit: 5, Hold: true})
	o.Missed(1, &engine.Order{Kind: engine.OrderDecide, Saga: 7, Attempt: 1, Visit: 5})
	if o.Doubtful(6) || !o.Doubtful(7) || o.Doubtful(8) {
		t.Errorf("doubtful: %v, %v, %v", o.Doubtful(6), o.Doubtful(7), o.Doubtful(8))
	}
	if got := o.Orphan(answer(engine.AnswerRan, 2, 5)); got == nil || got.Kind != engine.OrderUndo {
		t.Errorf("a participant is told %+v", got)
	}
}

// The newest are kept, and no more than there is room for.
func TestOutcomesAreBounded(t *testing.T) {
	var o Outcomes
	add := func(i int) { o.Missed(i%7, &engine.Order{Kind: engine.OrderCommit, Saga: engine.SagaID(i + 1)}) }
	has := func(i int) bool { return o.known[outcome{engine.SagaID(i + 1), i % 7}] != nil }
	for i := range maxOutcomes + 100 {
		add(i)
		add(i)
	}
	if len(o.known) != maxOutcomes || len(o.order) != maxOutcomes {
		t.Errorf("%d are known, %d in order", len(o.known), len(o.order))
	}
	if has(0) || has(99) || !has(100) || !has(maxOutcomes+99) {
		t.Error("not the newest are kept")
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 3 * maxOutcomes {
		if i := r.IntN(4 * maxOutcomes); r.IntN(2) == 0 {
			o.Orphan(&engine.Answer{Kind: engine.AnswerCommitted, Saga: engine.SagaID(i + 1), Shard: i % 7})
		} else {
			add(i)
		}
		if len(o.known) > maxOutcomes || len(o.order) > maxOutcomes {
			t.Fatalf("%d are known, %d in order", len(o.known), len(o.order))
		}
	}
}
