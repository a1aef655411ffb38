package session

import (
	"fmt"
	"testing"
)

// TestKeySet: no key is ever missed, few are found that are not there, and nothing is
// left after clear, whether there were few keys or many.
func TestKeySet(t *testing.T) {
	var b keySet
	if b.has([]byte("key")) {
		t.Error("a key in the empty set")
	}
	for _, keys := range []int{1, 8, 9, 160} {
		for i := range keys {
			b.add(fmt.Append(nil, "key", i))
		}
		wrong := 0
		for i := range 10000 {
			switch has := b.has(fmt.Append(nil, "key", i)); {
			case i < keys && !has:
				t.Fatalf("of %d keys, %d is missed", keys, i)
			case i >= keys && has:
				wrong++
			}
		}
		if wrong > 100 {
			t.Errorf("with %d keys, %d of 10000 others are found", keys, wrong)
		}
		b.clear()
		for i := range 10000 {
			if b.has(fmt.Append(nil, "key", i)) {
				t.Fatalf("after %d keys and clear, %d is found", keys, i)
			}
		}
		for _, word := range b.bits {
			if word != 0 {
				t.Fatalf("after %d keys and clear a bit is left", keys)
			}
		}
	}
}
