package robustness

import (
	"fmt"
	"slices"
	"sort"
	"testing"

	"github.com/anishathalye/porcupine"
)

// pending is the outcome of what may take effect later, or never: its end is after
// everything else, when nobody looks.
const pending = "?"

// never is after everything else.
const never = int64(1<<63 - 1)

// withPending is a model that knows such outcomes, too.
func withPending(m porcupine.Model, effect func(s state, input any) state) porcupine.Model {
	step := m.Step
	m.Step = func(s, input, output any) (bool, any) {
		if output == pending {
			return true, effect(s.(state), input)
		}
		return step(s, input, output)
	}
	return m
}

// until is a history as it was at a moment: what had not ended yet is pending.
func until(h []porcupine.Operation, moment int64) (cut []porcupine.Operation) {
	for _, o := range h {
		if o.Call > moment {
			continue
		}
		if o.Return > moment {
			o.Output, o.Return = pending, never
		}
		cut = append(cut, o)
	}
	return cut
}

// explain finds the reply that no order of the operations explains any more, and
// shows what was under way then, and shortly before.
func explain(t *testing.T, m porcupine.Model, h []porcupine.Operation) {
	t.Helper()
	const before = 40
	h = slices.Clone(h)
	slices.SortFunc(h, func(a, b porcupine.Operation) int { return int(min(max(a.Return-b.Return, -1), 1)) })
	first := sort.Search(len(h), func(i int) bool {
		return porcupine.CheckOperationsTimeout(m, until(h, h[i].Return), decideLimit) != porcupine.Ok
	})
	if first == len(h) {
		t.Error("all beginnings of the history can be explained")
		return
	}
	shown := ""
	for _, o := range until(h, h[first].Return)[max(0, first-before):] {
		shown += fmt.Sprintf("%9d … %9d  %v → %v\n", o.Call/1000, o.Return/1000, o.Input, o.Output)
	}
	t.Errorf("reply %d cannot be explained (times in µs):\n%v → %v\nbefore it:\n%s", first, h[first].Input, h[first].Output, shown)
}
