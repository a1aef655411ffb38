package generic_test

import (
	"fmt"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

func TestSlotKeys(t *testing.T) {
	const keys = 300
	h := newHarness(t)
	in := slot.Of([]byte("{a}"))
	next := "x" // a key of a slot that a scan may run on into
	for i := 0; slot.Of([]byte(next)) <= in || slot.Of([]byte(next)) > in+20; i++ {
		next = fmt.Sprint("n", i)
	}
	ask := func(name string, args ...any) []byte {
		words := [][]byte{[]byte(name)}
		for _, a := range args {
			words = append(words, fmt.Append(nil, a))
		}
		return h.Raw(words)
	}
	h.Expect(fmt.Sprint("~slotlen ", in), ":0")
	if got := string(ask("~slotkeys", in, 10)); got != "*0\r\n" {
		t.Errorf("an empty slot has %q", got)
	}
	h.Expect("SET "+next+" v", "+OK")
	for i := range keys {
		h.Expect(fmt.Sprintf("SET {a}%d v", i), "+OK")
	}
	h.Expect(fmt.Sprint("~slotlen ", in), fmt.Sprint(":", keys))
	for _, count := range []int{0, 1, 7, keys, keys + 50} {
		names := map[string]bool{}
		total, foreign := 0, 0
		reply.Elements(ask("~slotkeys", in, count), func(v reply.Value) {
			total++
			names[string(v.Bulk)] = true
			if slot.Of(v.Bulk) != in {
				foreign++
			}
		})
		if want := min(count, keys); len(names) != want || total != want || foreign > 0 {
			t.Errorf("%d asked for: %d names, %d different, %d of other slots", count, total, len(names), foreign)
		}
	}
}
