package locks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func key(name string) Key { return Key{Name: name} }

var all = Key{All: true}

// granted runs the table until nobody can go on and tells who did, in order:
// sagas as their number, commands as they were named.
func granted(t *Table) string {
	var names []string
	for {
		w, ok := t.Next()
		if !ok {
			return strings.Join(names, " ")
		}
		if w.Run != nil {
			w.Run()
			names = append(names, lastCommand)
		} else {
			names = append(names, fmt.Sprint(w.Owner))
		}
	}
}

var lastCommand string

func command(name string) func() { return func() { lastCommand = name } }

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// expectNothing is for the end, when all have released what they had.
func expectNothing(t *testing.T, l *Table) {
	t.Helper()
	expect(t, "at the end", granted(l), "")
	if l.Len() != 0 || len(l.keys) != 0 || len(l.owners) != 0 {
		t.Errorf("left over: %+v", l)
	}
}

func TestQueueOfAKey(t *testing.T) {
	var l Table
	for _, what := range []string{"a free key", "one's own key"} {
		if !l.Acquire(key("a"), 5) {
			t.Fatalf("%s was not taken at once", what)
		}
	}
	l.Wait(key("a"), command("x"))
	if l.Acquire(key("a"), 7) || l.Acquire(key("a"), 3) {
		t.Fatal("a key that is held was taken")
	}
	l.Wait(key("a"), command("y"))
	expect(t, "while it is held", granted(&l), "")
	l.Release(5)
	expect(t, "the older saga first", granted(&l), "3")
	l.Release(3)
	// x came when 5 was the youngest known, so before 7; y after it.
	expect(t, "then by arrival", granted(&l), "x 7")
	l.Release(7)
	expect(t, "at last", granted(&l), "y")
	expectNothing(t, &l)
}

func TestAllKeys(t *testing.T) {
	var l Table
	l.Acquire(key("a"), 1)
	l.Acquire(key("b"), 2)
	if l.Acquire(all, 3) {
		t.Fatal("all keys were taken while some are held")
	}
	if l.Acquire(key("c"), 4) {
		t.Fatal("a younger saga overtook the one that waits for all keys")
	}
	if !l.Acquire(key("d"), 2) {
		t.Fatal("an older saga was stopped by a younger one that only waits")
	}
	l.Wait(key("e"), command("e"))
	if !l.Held(key("e")) || !l.Held(all) {
		t.Error("who comes later must wait too")
	}
	l.Release(1)
	expect(t, "one is still held", granted(&l), "")
	l.Release(2)
	expect(t, "all are free", granted(&l), "3")
	if !l.Taken(key("zz")) {
		t.Error("the holder of all keys holds each")
	}
	l.Release(3)
	expect(t, "after all keys", granted(&l), "4 e")
	l.Release(4)
	expect(t, "nobody is left", granted(&l), "")
}

func TestWaitersThatLeave(t *testing.T) {
	var l Table
	l.Acquire(key("a"), 1)
	l.Acquire(all, 2)
	l.Acquire(key("b"), 3)
	l.Release(2)
	expect(t, "whom the waiter for all keys has stopped", granted(&l), "3")
	l.Acquire(key("a"), 4)
	l.Release(4)
	l.Release(1)
	l.Release(3)
	if granted(&l); l.Len() != 0 || len(l.keys) != 0 {
		t.Errorf("left over: %+v", l)
	}
}

func TestHolders(t *testing.T) {
	var l Table
	for owner := uint64(9); owner > 3; owner-- {
		l.Acquire(key(fmt.Sprint("k", owner)), owner)
	}
	expect(t, "of all keys", fmt.Sprint(l.Holders(nil, all, 5)), "[4 6 7 8 9]")
	expect(t, "of one key", fmt.Sprint(l.Holders(nil, key("k4"), 5)), "[4]")
	expect(t, "of one's own", fmt.Sprint(l.Holders(nil, key("k5"), 5)), "[]")
}

func TestSharedKey(t *testing.T) {
	var l Table
	if !l.Share(key("a"), 5) || !l.Share(key("a"), 6) || !l.Share(key("a"), 5) {
		t.Fatal("those who share do not stop each other")
	}
	if l.Acquire(key("a"), 7) {
		t.Fatal("a key that others share was taken")
	}
	if l.Share(key("a"), 8) {
		t.Fatal("a younger one overtook one that waits")
	}
	if !l.Share(key("a"), 4) {
		t.Fatal("an older one was stopped by a younger one that only waits")
	}
	l.Wait(key("a"), command("x"))
	if !l.Taken(key("a")) || !l.Crowded() {
		t.Error("a shared key is taken")
	}
	expect(t, "who is in the way", fmt.Sprint(l.Holders(nil, key("a"), 5)), "[4 6]")
	l.Release(4)
	l.Release(6)
	expect(t, "one still has it", granted(&l), "")
	l.Release(5)
	expect(t, "one alone", granted(&l), "7")
	l.Share(key("a"), 9)
	l.Release(7)
	expect(t, "then all who share, and the command behind those it has met", granted(&l), "8")
	l.Release(8)
	expect(t, "and who came later", granted(&l), "x 9")
	l.Release(9)
	expectNothing(t, &l)
}

func TestAlone(t *testing.T) {
	var l Table
	for _, owner := range []uint64{3, 5, 7} {
		l.Share(key("a"), owner)
	}
	l.Share(key("b"), 5)
	if !l.Alone(key("b"), 5) || !l.Alone(key("zz"), 5) {
		t.Error("nobody is in the way")
	}
	if l.Alone(key("a"), 5) {
		t.Error("others still have the key")
	}
	l.Share(key("a"), 6)
	l.Release(3)
	expect(t, "one still has it", granted(&l), "")
	l.Release(7)
	expect(t, "nobody has it", granted(&l), "5")
	if !l.Alone(key("a"), 5) || l.Crowded() {
		t.Error("it has the key alone")
	}
	l.Release(5)
	expect(t, "who came later", granted(&l), "6")
	l.Release(6)
	expectNothing(t, &l)
}

func TestGivenToAYoungerOne(t *testing.T) {
	var l Table
	l.Acquire(key("a"), 1)
	l.Acquire(key("a"), 2)
	l.Release(1)
	l.Give(key("a"), 3)
	if !l.Outranked(key("a"), 3) {
		t.Error("an older saga waits for the key")
	}
	expect(t, "while it has it", granted(&l), "")
	l.Release(3)
	expect(t, "after it", granted(&l), "2")
	if l.Outranked(key("a"), 1) {
		t.Error("nobody waits any more")
	}
}

// TestRandom holds the table against what must be true of any: nobody holds
// what conflicts, each waiter that is left is stopped by a holder or by one that
// ranks before it, and when all have released, nothing is left.
func TestRandom(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 0))
		l := Table{Seed: seed, blur: uint8(seed%2) * 63} // with two hashes for all, or as many as there are
		ran, waited := 0, 0
		random := func() Key {
			if rng.IntN(8) == 0 {
				return all
			}
			return key(string(rune('a' + rng.IntN(4))))
		}
		for range 200 {
			owner := uint64(1 + rng.IntN(12))
			switch rng.IntN(5) {
			case 0, 1:
				if k := random(); owner%2 == 0 || k.All {
					l.Acquire(k, owner)
				} else if l.Share(k, owner) && rng.IntN(4) == 0 {
					l.Alone(k, owner)
				}
			case 2:
				if k := random(); l.Held(k) {
					waited++
					l.Wait(k, func() { ran++ })
				}
			default:
				l.Release(owner)
			}
			granted(&l)
			check(t, &l)
		}
		for owner := uint64(1); owner <= 12; owner++ {
			l.Release(owner)
			granted(&l)
		}
		if l.Len() != 0 || len(l.keys) != 0 || len(l.owners) != 0 || ran != waited {
			t.Fatalf("seed %d: left over: %+v; %d of %d commands ran", seed, l, ran, waited)
		}
	}
}

func check(t *testing.T, l *Table) {
	t.Helper()
	held, crowded := 0, 0
	for e := range l.entries() {
		k := e.key
		if len(e.sharers) > 1 {
			crowded++
		}
		holders := e.holders(nil, 0)
		held += len(holders)
		if w := l.whole.owner; w != 0 && slices.ContainsFunc(holders, func(o uint64) bool { return o != w }) {
			t.Fatalf("%v hold %q, and %d all keys", holders, k.Name, w)
		}
		if e.owner != 0 && len(e.sharers) > 0 {
			t.Fatalf("%d has %q alone, and %v share it", e.owner, k.Name, e.sharers)
		}
		if len(holders) == 0 && len(e.queue) == 0 {
			t.Fatalf("%q is kept for nobody", k.Name)
		}
		if !slices.IsSortedFunc(e.queue, func(a, b Waiter) int { return int(a.rank.age) - int(b.rank.age) }) {
			t.Fatalf("the queue of %q is out of order", k.Name)
		}
		free := l.whole.owner == 0 && len(e.queue) > 0 && (!e.held() || e.owner == 0 && e.queue[0].shares)
		if free && (len(l.whole.queue) == 0 || e.queue[0].rank.before(l.whole.queue[0].rank)) {
			t.Fatalf("the first waiter of %q waits for nobody", k.Name)
		}
	}
	if crowded != l.crowded {
		t.Fatalf("%d keys have several holders, %d are counted", crowded, l.crowded)
	}
	if held != l.held {
		t.Fatalf("%d keys are held, %d are counted", held, l.held)
	}
	if q := l.whole.queue; len(q) > 0 && l.wholeFree(q[0].Owner) {
		t.Fatal("the first waiter for all keys waits for nobody")
	}
}

// BenchmarkUncontended is a saga that locks ten free keys and ends.
func BenchmarkUncontended(b *testing.B) {
	var l Table
	keys := make([]Key, 10)
	for i := range keys {
		keys[i] = key(fmt.Sprint("key:", i))
	}
	b.ReportAllocs()
	for i := range b.N {
		for _, k := range keys {
			l.Acquire(k, uint64(i+1))
		}
		l.Release(uint64(i + 1))
		l.Next()
	}
}

// BenchmarkHot is a command that waits at a key with a thousand others.
func BenchmarkHot(b *testing.B) {
	var l Table
	l.Acquire(key("hot"), 1)
	for range 1000 {
		l.Wait(key("hot"), command(""))
	}
	b.ReportAllocs()
	for i := range b.N {
		l.Wait(key("hot"), command(""))
		l.Release(uint64(i + 1))
		l.Next()
		l.Give(key("hot"), uint64(i+2))
	}
}

func TestExpel(t *testing.T) {
	var l Table
	l.Acquire(key("a"), 5)
	var ran []string
	note := func(name string) func() { return func() { ran = append(ran, name) } }
	l.Wait(key("a"), note("x"))
	l.Acquire(key("a"), 7)
	l.Acquire(all, 8)
	l.Wait(key("b"), note("y"))
	l.Wait(all, note("z"))
	for _, run := range l.Expel() {
		run()
	}
	expect(t, "in their order", strings.Join(ran, " "), "x y z")
	expect(t, "sagas stay", granted(&l), "")
	l.Release(5)
	expect(t, "and go on", granted(&l), "7")
	l.Release(7)
	expect(t, "one after the other", granted(&l), "8")
	l.Release(8)
	expect(t, "until nobody is left", granted(&l), "")
	if l.Len() != 0 {
		t.Errorf("left over: %+v", l)
	}
}
