package keyspace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/slot"
	"pgregory.net/rapid"
)

const start = 1_000_000

func newKeyspace(t testing.TB) *keyspace.Keyspace {
	ks := keyspace.New(0, slot.Count, 7)
	ks.Advance(start)
	t.Cleanup(ks.Close)
	return ks
}

// box is an object of so many elements.
type box struct {
	name     string
	size     int
	released bool
}

func (*box) Kind() keyspace.Kind { return keyspace.List }
func (*box) Encoding() string    { return "box" }
func (b *box) Len() int          { return b.size }
func (*box) MemBytes() int64     { return 0 }
func (b *box) Release(n int) bool {
	b.released = true
	b.size -= min(n, b.size)
	return b.size == 0
}

func put(ks *keyspace.Keyspace, db int, name, val string, expiry int64) {
	var k keyspace.Key
	ks.Key(&k, db, []byte(name))
	copy(ks.PutString(&k, ks.Peek(&k), keyspace.Raw, len(val), expiry), val)
}

func get(ks *keyspace.Keyspace, db int, name string) string {
	var k keyspace.Key
	ks.Key(&k, db, []byte(name))
	if r := ks.Find(&k); r != 0 {
		return string(ks.Arena.Val(r))
	}
	return "-"
}

// dump describes all that a keyspace holds; it fails if what it keeps of its
// size is wrong, or an object that a key has was released.
func dump(t testing.TB, ks *keyspace.Keyspace) string {
	t.Helper()
	var lines []string
	for db := range keyspace.Databases {
		n, volatile := 0, 0
		ks.Scan(db, 0, 1<<62, func(r data.Ref) {
			n++
			value := string(ks.Arena.Val(r))
			if ks.Kind(r) != keyspace.String {
				b := ks.Object(r).(*box)
				if b.released {
					t.Errorf("key %q has a released object", ks.Arena.Key(r))
				}
				value = b.name
			}
			if ks.Expiry(r) != 0 {
				volatile++
			}
			lines = append(lines, fmt.Sprintf("%d %q %v %d %d %d %q", db, ks.Arena.Key(r), ks.Kind(r), ks.StringEncoding(r),
				ks.Expiry(r), ks.Arena.Clock(r), value))
		})
		if n != ks.Len(db) || volatile != ks.Volatile(db) {
			t.Errorf("database %d: found %d keys, %d volatile; counted %d, %d", db, n, volatile, ks.Len(db), ks.Volatile(db))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// change does something random to one of a few keys.
func change(rt *rapid.T, ks *keyspace.Keyspace, serial int) {
	names := []string{"a", "b", "{a}c", "d"}
	draw := func(label string) (k keyspace.Key) {
		ks.Key(&k, rapid.IntRange(0, 1).Draw(rt, "db"), []byte(rapid.SampledFrom(names).Draw(rt, label)))
		return k
	}
	k := draw("key")
	r := ks.Find(&k)
	expiry := rapid.SampledFrom([]int64{0, start + 1000, start + 5000}).Draw(rt, "expiry")
	size := rapid.SampledFrom([]int{0, 3, 100, 5000}).Draw(rt, "size")
	switch op := rapid.IntRange(0, 8).Draw(rt, "op"); {
	case op == 0:
		copy(ks.PutString(&k, r, keyspace.Raw, size, expiry), strings.Repeat("x", size))
	case op == 1:
		ks.PutObject(&k, r, &box{name: fmt.Sprint(serial), size: size + 1}, expiry)
	case op == 2:
		ks.Flush(int(k.DB))
	case op == 3:
		ks.Swap(0, 1)
	case r == 0:
	case op == 4:
		ks.Remove(&k, r)
	case op == 5:
		ks.SetExpiry(&k, r, expiry)
	case op == 6 && ks.Kind(r) == keyspace.String:
		from := rapid.IntRange(0, 200).Draw(rt, "from")
		val := ks.EditString(&k, r, from, from+size)
		for i := from; i < from+size; i++ {
			val[i] = 'e'
		}
	case op == 7:
		to := draw("to")
		if ks.Peek(&to) == 0 {
			ks.Move(&k, r, &to)
		}
	default:
		ks.Advance(ks.Now() + 500)
	}
}

func TestRollbackRestoresEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ks := newKeyspace(t)
		for i := range rapid.IntRange(0, 12).Draw(rt, "before") {
			change(rt, ks, i)
		}
		before := live(t, ks)
		var j keyspace.Journal
		ks.Record(&j)
		for i := range rapid.IntRange(1, 20).Draw(rt, "within") {
			change(rt, ks, 100+i)
			ks.Collect(50)
		}
		now := ks.Now()
		ks.Record(nil)
		ks.Rollback(&j)
		// What expired meanwhile is back, and unseen because its time has come.
		var expected []string
		for _, line := range strings.Split(before, "\n") {
			if f := strings.Fields(line); len(f) > 4 && (f[4] == "0" || f[4] > fmt.Sprint(now)) {
				expected = append(expected, withoutClock(line))
			}
		}
		var got []string
		for _, line := range strings.Split(live(t, ks), "\n") {
			if line != "" {
				got = append(got, withoutClock(line))
			}
		}
		if !slices.Equal(got, expected) {
			rt.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(expected, "\n"))
		}
	})
}

// live is dump after all expired keys were looked for.
func live(t testing.TB, ks *keyspace.Keyspace) string {
	for range 4 {
		ks.ExpireSome(1000, func(*keyspace.Key) bool { return false })
	}
	return dump(t, ks)
}

// withoutClock drops the time of the last access, which reading changes.
func withoutClock(line string) string {
	f := strings.Fields(line)
	return strings.Join(slices.Delete(f, 5, 6), " ")
}

func TestForgetMakesFinal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ks := newKeyspace(t)
		var j keyspace.Journal
		ks.Record(&j)
		for i := range rapid.IntRange(1, 20).Draw(rt, "changes") {
			change(rt, ks, i)
		}
		ks.Record(nil)
		after := live(t, ks)
		ks.Forget(&j)
		for ks.Garbage() {
			ks.Collect(100)
		}
		if got := dump(t, ks); got != after {
			rt.Fatalf("got\n%s\nwant\n%s", got, after)
		}
		for db := range keyspace.Databases {
			ks.Flush(db)
		}
		for ks.Garbage() {
			ks.Collect(100)
		}
		if used := ks.Arena.Used(); used != 0 {
			rt.Fatalf("%d bytes leaked", used)
		}
	})
}

func TestMoveKeepsTheObjectItself(t *testing.T) {
	ks := newKeyspace(t)
	var from, to keyspace.Key
	ks.Key(&from, 0, []byte("from"))
	ks.Key(&to, 3, []byte("to"))
	b := &box{name: "it", size: 1000}
	ks.PutObject(&from, 0, b, start+99)
	ks.Move(&from, ks.Peek(&from), &to)
	if r := ks.Peek(&to); r == 0 || ks.Object(r) != keyspace.Object(b) || ks.Expiry(r) != start+99 || b.released {
		t.Error("the object did not arrive whole")
	}
	if ks.Peek(&from) != 0 || ks.Len(0) != 0 || ks.Volatile(0) != 0 || ks.Volatile(3) != 1 {
		t.Error("something stayed behind")
	}
}

func TestExpiry(t *testing.T) {
	ks := newKeyspace(t)
	put(ks, 0, "k", "v", start+10)
	ks.Advance(start + 9)
	if got := get(ks, 0, "k"); got != "v" {
		t.Errorf("a millisecond early: %s", got)
	}
	ks.Advance(start + 10)
	if got := get(ks, 0, "k"); got != "-" || ks.Len(0) != 0 || ks.ExpiredTotal() != 1 {
		t.Errorf("in time: %s, %d keys, %d expired", got, ks.Len(0), ks.ExpiredTotal())
	}
	ks.Advance(start)
	if ks.Now() != start+10 {
		t.Error("time went back")
	}
}

type expiredNames []string

func (e *expiredNames) Expired(k *keyspace.Key) { *e = append(*e, string(k.Name)) }

func TestActiveExpiry(t *testing.T) {
	ks := newKeyspace(t)
	var events expiredNames
	ks.Events = &events
	const n = 3000
	for i := range n {
		expiry := int64(0)
		if i%3 > 0 {
			expiry = start + int64(i%3) // two thirds
		}
		put(ks, i%2, fmt.Sprint(i), "v", expiry)
	}
	ks.Advance(start + 1)
	spared := func(k *keyspace.Key) bool { return string(k.Name) == "1" }
	for range 40 {
		if got := ks.ExpireSome(100, spared); got > 2*1024 {
			t.Fatalf("one call removed %d keys", got)
		}
	}
	if want := n/3 - 1; len(events) != want || ks.Len(0)+ks.Len(1) != n-want {
		t.Errorf("%d expired, %d left; want %d expired", len(events), ks.Len(0)+ks.Len(1), want)
	}
	ks.ActiveExpiryOff = true
	ks.Advance(start + 2)
	if got := ks.ExpireSome(1000, spared); got != 0 {
		t.Errorf("switched off, it removed %d", got)
	}
}

// TestScanGuarantee changes the keyspace between the pages of a scan: what is
// there from beginning to end is met.
func TestScanGuarantee(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ks := newKeyspace(t)
		tagged := rapid.Bool().Draw(rt, "all in one slot")
		name := func(prefix string, i int) string {
			if tagged {
				return fmt.Sprintf("{t}%s%d", prefix, i)
			}
			return fmt.Sprintf("%s%d", prefix, i)
		}
		lasting, passing := rapid.IntRange(0, 1500).Draw(rt, "lasting"), rapid.IntRange(0, 3000).Draw(rt, "passing")
		for i := range lasting {
			put(ks, 0, name("stay", i), "v", 0)
		}
		for i := range passing {
			put(ks, 0, name("go", i), "v", 0)
		}
		met := map[string]bool{}
		serial := 0
		for pos := uint64(0); pos < keyspace.ScanEnd; {
			pos = ks.Scan(0, pos, rapid.IntRange(1, 400).Draw(rt, "count"), func(r data.Ref) { met[string(ks.Arena.Key(r))] = true })
			for range rapid.IntRange(0, 300).Draw(rt, "changes") {
				if serial++; rapid.Bool().Draw(rt, "add") {
					put(ks, 0, name("new", serial), "v", 0)
				} else {
					var k keyspace.Key
					ks.Key(&k, 0, []byte(name("go", serial)))
					if r := ks.Peek(&k); r != 0 {
						ks.Remove(&k, r)
					}
				}
			}
		}
		for i := range lasting {
			if !met[name("stay", i)] {
				rt.Fatalf("%s was never met", name("stay", i))
			}
		}
	})
}

func TestScanOfPartOfTheSlots(t *testing.T) {
	const first, count = 5000, 100
	ks := keyspace.New(first, count, 1)
	t.Cleanup(ks.Close)
	var k keyspace.Key
	ks.KeyInSlot(&k, 0, first+count-1, []byte("last"))
	ks.PutString(&k, 0, keyspace.Raw, 0, 0)
	met := 0
	next := ks.Scan(0, 0, 10, func(data.Ref) { met++ })
	if met != 1 || next != uint64(first+count)<<data.ScanBits {
		t.Errorf("met %d, next slot %d", met, next>>data.ScanBits)
	}
}

func TestFlushIsFreedInPieces(t *testing.T) {
	for _, tag := range []string{"", "{one slot}"} {
		ks := newKeyspace(t)
		const n = 20000
		for i := range n {
			put(ks, 0, fmt.Sprint(tag, i), "value", 0)
		}
		if got := ks.Flush(0); got != n || ks.Len(0) != 0 {
			t.Errorf("flushed %d keys, %d left", got, ks.Len(0))
		}
		put(ks, 0, "new", "v", 0)
		const piece = 500
		for ks.Garbage() {
			before := ks.Arena.Used()
			ks.Collect(piece)
			if freed := before - ks.Arena.Used(); freed > 24*(piece+1024) {
				t.Fatalf("%s: one piece freed %d bytes", tag, freed)
			}
		}
		if got := get(ks, 0, "new"); got != "v" {
			t.Errorf("%s: a key made after the flush: %s", tag, got)
		}
		ks.Flush(0)
		for ks.Garbage() {
			ks.Collect(piece)
		}
		if used := ks.Arena.Used(); used != 0 {
			t.Errorf("%s: %d bytes leaked", tag, used)
		}
	}
}

func TestRandomIsFair(t *testing.T) {
	ks := newKeyspace(t)
	const n = 20
	for i := range n {
		put(ks, 0, fmt.Sprintf("{%d}k%d", i%3, i), "v", 0)
	}
	put(ks, 0, "gone", "v", start+1)
	ks.Advance(start + 1)
	state := uint64(1)
	next := func() uint64 { // a linear congruence, mixed
		state = state*6364136223846793005 + 1442695040888963407
		return state ^ state>>29
	}
	drawn := map[string]int{}
	for range 200 * n {
		drawn[string(ks.Arena.Key(ks.Random(0, next)))]++
	}
	if len(drawn) != n {
		t.Errorf("drew %d of %d keys", len(drawn), n)
	}
	for name, times := range drawn {
		if times < 100 || times > 350 {
			t.Errorf("%s was drawn %d times, about 200 expected", name, times)
		}
	}
}

func TestFrequencies(t *testing.T) {
	ks := newKeyspace(t)
	ks.SetLFU(true)
	put(ks, 0, "k", "v", 0)
	var k keyspace.Key
	ks.Key(&k, 0, []byte("k"))
	fresh := ks.Frequency(ks.Peek(&k))
	for range 1000 {
		ks.Find(&k)
	}
	used := ks.Frequency(ks.Peek(&k))
	if fresh != 5 || used < 8 || used > 40 {
		t.Errorf("new %d, after 1000 uses %d", fresh, used)
	}
	ks.Advance(start + 3*60_000)
	if aged := ks.Frequency(ks.Peek(&k)); aged != used-3 {
		t.Errorf("after three minutes %d, was %d", aged, used)
	}
	ks.Advance(start + 1000*60_000)
	if aged := ks.Frequency(ks.Peek(&k)); aged != 0 {
		t.Errorf("after a thousand minutes %d", aged)
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	ks := newKeyspace(t)
	put(ks, 0, "k", "value", start+1000)
	name, val := []byte("k"), []byte("other")
	var k keyspace.Key
	n := testing.AllocsPerRun(100, func() {
		ks.Key(&k, 0, name)
		copy(ks.PutString(&k, ks.Find(&k), keyspace.Raw, len(val), start+1000), val)
		copy(ks.EditString(&k, ks.Find(&k), 1, 3), "ab")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
