package data

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"
)

func testHash(key []byte) uint64 { return xxh3.HashSeed(key, 7) }

// narrowHash makes collisions of places, tags and prefixes common.
func narrowHash(key []byte) uint64 { return testHash(key) & 0xE000_0000_0070_0003 }

func TestTableAgainstMap(t *testing.T) {
	for name, hash := range map[string]Hasher{"good": testHash, "narrow": narrowHash} {
		t.Run(name, func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { tableModel(t, hash) }) })
	}
}

func tableModel(t *rapid.T, hash Hasher) {
	a := NewArena()
	defer a.Close()
	var table Table
	model := map[string]string{}
	keys := rapid.SampledFrom([]int{3, 40, 600}).Draw(t, "keys")
	for range rapid.IntRange(1, 400).Draw(t, "steps") {
		key := []byte(fmt.Sprintf("key:%d", rapid.IntRange(0, keys).Draw(t, "key")))
		h := hash(key)
		r := table.Find(a, h, key)
		if want, ok := model[string(key)]; ok != (r != 0) || ok && string(a.Val(r)) != want {
			t.Fatalf("find %s: ref %d, model %q %v", key, r, want, ok)
		}
		if rapid.Bool().Draw(t, "delete") {
			if r != 0 {
				table.Remove(a, hash, h, r)
				a.Free(r)
				delete(model, string(key))
			}
			continue
		}
		val := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "val")
		if r == 0 {
			r = a.Alloc(1, key, len(val), 0)
			table.Insert(a, hash, h, r)
		} else if moved := a.Resize(r, len(val)); moved != r {
			table.Replace(h, r, moved)
			r = moved
		}
		copy(a.Val(r), val)
		model[string(key)] = string(val)
	}
	if table.Len() != len(model) {
		t.Fatalf("len %d, model %d", table.Len(), len(model))
	}
	seen := 0
	table.Each(func(r Ref) bool { seen++; return model[string(a.Key(r))] == string(a.Val(r)) })
	if seen != len(model) {
		t.Fatalf("each met %d of %d", seen, len(model))
	}
}

// TestTableScanGuarantee: what is there all along is met, while the table
// grows far and shrinks again under the scan.
func TestTableScanGuarantee(t *testing.T) {
	a := NewArena()
	defer a.Close()
	var table Table
	rnd := rand.New(rand.NewPCG(1, 2))
	insert := func(key string) Ref {
		r := a.Alloc(0, []byte(key), 0, 0)
		table.Insert(a, testHash, testHash([]byte(key)), r)
		return r
	}
	stable := map[string]bool{}
	for i := range 3000 {
		key := fmt.Sprintf("stable:%d", i)
		insert(key)
		stable[key] = false
	}
	var extra []Ref
	pos, done, calls := uint64(0), false, 0
	for !done {
		met := 0
		pos, done = table.Scan(a, testHash, pos, 10, func(r Ref) {
			met++
			if key := string(a.Key(r)); key[0] == 's' {
				if stable[key] {
					t.Fatalf("%s met twice", key)
				}
				stable[key] = true
			}
		})
		if met > 200 {
			t.Fatalf("a call for 10 met %d", met)
		}
		calls++
		for range 200 {
			if calls/40%2 == 0 {
				extra = append(extra, insert(fmt.Sprintf("extra:%d", rnd.Uint64())))
			} else if len(extra) > 0 {
				r := extra[len(extra)-1]
				extra = extra[:len(extra)-1]
				table.Remove(a, testHash, testHash(a.Key(r)), r)
				a.Free(r)
			}
		}
	}
	for key, met := range stable {
		if !met {
			t.Fatalf("%s never met in %d calls", key, calls)
		}
	}
}

func TestTableShrinksToNothing(t *testing.T) {
	a := NewArena()
	defer a.Close()
	var table Table
	var refs []Ref
	for i := range 20000 {
		key := []byte(fmt.Sprint(i))
		r := a.Alloc(0, key, 0, 0)
		table.Insert(a, testHash, testHash(key), r)
		refs = append(refs, r)
	}
	full := table.MemBytes()
	for _, r := range refs[:19900] {
		table.Remove(a, testHash, testHash(a.Key(r)), r)
		a.Free(r)
	}
	if small := table.MemBytes(); small > full/10 {
		t.Errorf("100 of 20000 records left: %d bytes of %d", small, full)
	}
	met := map[Ref]int{}
	for range 20000 {
		met[table.Random(rand.Uint64)]++
	}
	if len(met) != 100 {
		t.Errorf("Random met %d of 100 records", len(met))
	}
	for _, r := range refs[19900:] {
		table.Remove(a, testHash, testHash(a.Key(r)), r)
		a.Free(r)
	}
	if a.Used() != 0 || a.Resident() != 0 || table.Len() != 0 {
		t.Errorf("empty: used %d, resident %d, len %d", a.Used(), a.Resident(), table.Len())
	}
}

func TestRecordResizeAndExpiry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewArena()
		defer a.Close()
		key := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "key")
		val := rapid.SliceOfN(rapid.Byte(), 0, 9000).Draw(t, "val")
		r := a.Alloc(0x25, key, len(val), 0)
		copy(a.Val(r), val)
		a.SetClock(r, 0xABCDEF)
		expiry := int64(0)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "expiry") {
				expiry = rapid.SampledFrom([]int64{0, 1, -5, 1 << 60}).Draw(t, "at")
				r = a.SetExpiry(r, expiry)
			} else {
				n := rapid.SampledFrom([]int{0, 1, 60, 4000, 4096, 9000, 20000}).Draw(t, "n")
				kept := min(n, len(val))
				r = a.Resize(r, n)
				clear(a.Val(r)[kept:])
				val = append(append([]byte(nil), val[:kept]...), make([]byte, n-kept)...)
			}
			if string(a.Key(r)) != string(key) || string(a.Val(r)) != string(val) ||
				a.Expiry(r) != expiry || a.Tag(r) != 0x25 || a.Clock(r) != 0xABCDEF {
				t.Fatalf("record changed: expiry %d want %d, tag %x", a.Expiry(r), expiry, a.Tag(r))
			}
		}
		a.Free(r)
		if a.Used() != 0 {
			t.Fatalf("%d bytes used after the last free", a.Used())
		}
	})
}

func BenchmarkTableFind(b *testing.B) {
	a := NewArena()
	defer a.Close()
	var table Table
	keys := make([][]byte, 1<<20)
	for i := range keys {
		keys[i] = []byte(fmt.Sprintf("key:%012d", i))
		r := a.Alloc(0, keys[i], 32, 0)
		table.Insert(a, testHash, testHash(keys[i]), r)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key := keys[i*7919&(len(keys)-1)]
		if table.Find(a, testHash(key), key) == 0 {
			b.Fatal("missing")
		}
	}
	b.ReportMetric(float64(a.Used()+table.MemBytes())/float64(len(keys)), "B/key")
}

// An arena that keeps its pages does not go to the pool for each record that is its only
// one, and has one page of each class at most when it is empty.
func TestArenaKeeps(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		a := NewArena()
		defer a.Close()
		a.Keeps = keeps
		var refs []Ref
		for range 3 * pageBytes / 64 {
			refs = append(refs, a.Alloc(0, []byte("key"), 64, 0))
		}
		for _, r := range refs {
			a.Free(r)
		}
		if kept := a.Resident() == pageBytes; kept != keeps || a.Used() != 0 {
			t.Errorf("keeps %v: %d bytes are resident, %d used", keeps, a.Resident(), a.Used())
		}
		a.Free(a.Alloc(0, []byte("key"), 64, 0))
		if kept := a.Resident() == pageBytes; kept != keeps {
			t.Errorf("keeps %v: %d bytes are resident", keeps, a.Resident())
		}
	}
}

// BenchmarkTableGrow inserts a million records into as many tables as a node has slots,
// as clients do: one here, one there.
func BenchmarkTableGrow(b *testing.B) {
	const tables, keys = 16384, 1 << 20
	for b.Loop() {
		b.StopTimer()
		a := NewArena()
		all := make([]Table, tables)
		b.StartTimer()
		var key [8]byte
		for i := range uint64(keys) {
			binary.LittleEndian.PutUint64(key[:], i)
			h := testHash(key[:])
			all[h>>40%tables].Insert(a, testHash, h, a.Alloc(0, key[:], 64, 0))
		}
		b.StopTimer()
		a.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keys, "ns/record")
}
