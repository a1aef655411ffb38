package data

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestLikelyRecord: what is fetched ahead is nearly always what the lookup will compare
// with, and where it is not, nothing is harmed.
func TestLikelyRecord(t *testing.T) {
	a := NewArena()
	defer a.Close()
	var table Table
	const keys = 20000
	at := map[string]Ref{}
	for i := range keys {
		key := fmt.Sprint("key:", i)
		vlen := 10
		if i%100 == 0 {
			vlen = 2 * maxBlock // a large record
		}
		at[key] = a.Alloc(0, []byte(key), vlen, 0)
		table.Insert(a, testHash, testHash([]byte(key)), at[key])
	}
	hits := 0
	for key, r := range at {
		h := testHash([]byte(key))
		if !table.PrefetchGroup(h) {
			t.Fatalf("%s: no group", key)
		}
		table.PrefetchRecord(a, h)
		if table.likely(h) == r {
			hits++
		}
	}
	if hits < keys*8/10 {
		t.Errorf("%d of %d records are fetched", hits, keys)
	}
}

// TestPrefetchOfAnything: no state of a table is one in which fetching ahead fails, or
// changes what is found.
func TestPrefetchOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewArena()
		defer a.Close()
		var table Table
		here := map[string]Ref{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "key"))
			h := narrowHash([]byte(key))
			table.PrefetchGroup(h)
			table.PrefetchRecord(a, h)
			if r := table.Find(a, h, []byte(key)); r != here[key] {
				t.Fatalf("%s: found %d, want %d", key, r, here[key])
			}
			if r := here[key]; r != 0 {
				table.Remove(a, narrowHash, h, r)
				a.Free(r)
				delete(here, key)
				continue
			}
			here[key] = a.Alloc(0, []byte(key), rapid.SampledFrom([]int{0, 9, 2 * maxBlock}).Draw(t, "size"), 0)
			table.Insert(a, narrowHash, h, here[key])
		}
	})
}
