package ranktree

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/troupedb/troupe/shard/data/rng"
	"pgregory.net/rapid"
)

// table is a Members whose freed references panic, so the tests notice a tree
// that keeps one.
type table struct {
	members [][]byte
}

func (t *table) Member(ref uint32) []byte {
	if t.members[ref] == nil {
		panic("a freed member was asked for")
	}
	return t.members[ref]
}

func (t *table) add(member string) uint32 {
	t.members = append(t.members, []byte(member))
	return uint32(len(t.members) - 1)
}

type pair struct {
	score  float64
	member string
	ref    uint32
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.member, b.member))
}

// model is the tree beside a sorted slice.
type model struct {
	t    *rapid.T
	tb   *table
	tree *Tree
	want []pair
}

func (m *model) find(p pair) (int, bool) { return slices.BinarySearchFunc(m.want, p, comparePairs) }

func (m *model) insert(score float64, member string) {
	p := pair{score, member, 0}
	i, there := m.find(p)
	p.ref = m.tb.add(member)
	if added := m.tree.Insert(score, p.ref); added == there {
		m.t.Fatalf("Insert(%v, %q) = %v", score, member, added)
	}
	if !there {
		m.want = slices.Insert(m.want, i, p)
	}
}

func (m *model) delete(p pair) {
	i, there := m.find(p)
	ref, ok := m.tree.Delete(p.score, []byte(p.member))
	if ok != there || ok && ref != m.want[i].ref {
		m.t.Fatalf("Delete(%v, %q) = %d, %v", p.score, p.member, ref, ok)
	}
	if ok {
		m.tb.members[ref] = nil
		m.want = slices.Delete(m.want, i, i+1)
	}
}

func (m *model) update(p pair, score float64) {
	i, there := m.find(p)
	moved := pair{score, p.member, 0}
	if _, taken := m.find(moved); taken && score != p.score {
		return // a set has one score a member
	}
	if ok := m.tree.Update(p.score, []byte(p.member), score); ok != there {
		m.t.Fatalf("Update(%v, %q, %v) = %v", p.score, p.member, score, ok)
	}
	if !there {
		return
	}
	moved.ref = m.want[i].ref
	m.want = slices.Delete(m.want, i, i+1)
	i, _ = m.find(moved)
	m.want = slices.Insert(m.want, i, moved)
}

func (m *model) deleteRange(start, count int) {
	var got []uint32
	m.tree.DeleteRange(start, count, func(_ float64, ref uint32) {
		got = append(got, ref)
		m.tb.members[ref] = nil
	})
	end := min(start+count, len(m.want))
	for i, p := range m.want[start:end] {
		if i >= len(got) || got[i] != p.ref {
			m.t.Fatalf("DeleteRange(%d, %d) removed %v", start, count, got)
		}
	}
	m.want = slices.Delete(m.want, start, end)
}

// burst does many operations of one kind, drawn from a seed so that a failing
// case stays small.
func (m *model) burst() {
	n := rapid.SampledFrom([]int{1, 5, 60, 300, 3000}).Draw(m.t, "n")
	kind := rapid.IntRange(0, 8).Draw(m.t, "kind")
	r := rng.New(rapid.Uint64().Draw(m.t, "seed"))
	score := func() float64 { return float64(r.Intn(200) - 100) }
	member := func() string { return strconv.Itoa(r.Intn(1000)) }
	some := func() pair {
		if len(m.want) == 0 || r.Intn(8) == 0 {
			return pair{score(), member(), 0}
		}
		return m.want[r.Intn(len(m.want))]
	}
	for i := range n {
		switch kind {
		case 0, 1:
			m.insert(score(), member())
		case 2:
			m.insert(200+float64(i), "rising")
		case 3:
			m.insert(-200-float64(i), "falling")
		case 4:
			m.insert(7, fmt.Sprintf("same%05d", r.Intn(5000)))
		case 5, 6:
			m.delete(some())
		case 7:
			p := some()
			m.update(p, p.score+float64(r.Intn(5)-2))
		}
	}
	if kind == 8 && len(m.want) > 0 {
		m.deleteRange(r.Intn(len(m.want)), n)
	}
}

func (m *model) check() {
	t, tree := m.t, m.tree
	if tree.Len() != len(m.want) {
		t.Fatalf("Len %d, want %d", tree.Len(), len(m.want))
	}
	checkNodes(t, tree)
	it, i := tree.At(0), 0
	for ; it.Valid(); it.Next() {
		if it.Ref() != m.want[i].ref || it.Score() != m.want[i].score {
			t.Fatalf("element %d is wrong going forward", i)
		}
		i++
	}
	back := tree.At(-1)
	for j := len(m.want) - 1; back.Valid(); back.Prev() {
		if back.Ref() != m.want[j].ref {
			t.Fatalf("element %d is wrong going backward", j)
		}
		i--
		j--
	}
	if i != 0 {
		t.Fatalf("the two ways differ by %d elements", i)
	}
	r := rng.New(1)
	for range min(200, len(m.want)) {
		m.checkRank(r.Intn(len(m.want)))
	}
	if it := tree.At(len(m.want)); it.Valid() {
		t.Fatal("there is an element behind the last")
	}
	if it := tree.At(-len(m.want) - 1); it.Valid() {
		t.Fatal("there is an element before the first")
	}
}

func (m *model) checkRank(i int) {
	p := m.want[i]
	it := m.tree.At(i)
	if it.Ref() != p.ref {
		m.t.Fatalf("At(%d) is wrong", i)
	}
	if got, ok := m.tree.Rank(p.score, []byte(p.member)); !ok || got != i {
		m.t.Fatalf("Rank(%v, %q) = %d, %v, want %d", p.score, p.member, got, ok, i)
	}
	if _, ok := m.tree.Rank(p.score, []byte(p.member+"x")); ok {
		m.t.Fatalf("Rank of an absent member is there")
	}
	for _, s := range []float64{p.score, p.score - 0.5, math.Inf(-1), math.Inf(1)} {
		for _, after := range []bool{false, true} {
			want, _ := slices.BinarySearchFunc(m.want, s, func(p pair, s float64) int {
				if p.score < s || after && p.score == s {
					return -1
				}
				return 1
			})
			if got := m.tree.RankScore(s, after); got != want {
				m.t.Fatalf("RankScore(%v, %v) = %d, want %d", s, after, got, want)
			}
			it := m.tree.SeekScore(s, after)
			if it.Valid() != (want < len(m.want)) || it.Valid() && it.Ref() != m.want[want].ref {
				m.t.Fatalf("SeekScore(%v, %v) is wrong", s, after)
			}
		}
	}
}

// checkNodes holds the invariants of every node and the account of memory.
func checkNodes(t *rapid.T, tree *Tree) {
	mem := 0
	var prev *node
	var walk func(n *node, depth int) int
	leafDepth := -1
	walk = func(n *node, depth int) int {
		mem += nodeBytes + cap(n.scores)*keyBytes
		if n.len() != len(n.refs) || n.len() > n.limit() || n.len() == 0 && n != tree.root {
			t.Fatalf("a node with %d keys", n.len())
		}
		if n.leaf() {
			if n.prev != prev || prev != nil && prev.next != n || leafDepth >= 0 && leafDepth != depth {
				t.Fatal("a leaf is out of place")
			}
			prev, leafDepth = n, depth
			return n.len()
		}
		mem += branchBytes
		sum := 0
		for i := range n.len() {
			kid := n.kids[i]
			got := walk(kid, depth+1)
			if int(n.counts[i]) != got || n.scores[i] != kid.scores[0] || n.refs[i] != kid.refs[0] {
				t.Fatalf("child %d: %d elements, told %d; its least key is not kept", i, got, n.counts[i])
			}
			sum += got
		}
		for _, kid := range n.kids[n.len():] {
			if kid != nil {
				t.Fatal("a removed child is kept alive")
			}
		}
		return sum
	}
	if got := walk(tree.root, 0); got != tree.length || prev.next != nil || mem != tree.mem {
		t.Fatalf("%d elements of %d, %d bytes of %d", got, tree.length, mem, tree.mem)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, tb: &table{}}
		m.tree = New(m.tb)
		for range rapid.IntRange(1, 12).Draw(t, "bursts") {
			m.burst()
		}
		m.check()
		m.deleteRange(0, len(m.want)/2)
		m.check()
		m.deleteRange(0, len(m.want))
		m.check()
	})
}

func TestSeekMember(t *testing.T) {
	tb := &table{}
	tree := New(tb)
	const n = 20_000
	for i := range n {
		tree.Insert(1, tb.add(fmt.Sprintf("%06d", (i*7919)%n*2)))
	}
	for i := range n {
		even, odd := fmt.Sprintf("%06d", i*2), fmt.Sprintf("%06d", i*2+1)
		for _, c := range []struct {
			member string
			after  bool
			want   int
		}{{even, false, i}, {even, true, i + 1}, {odd, false, i + 1}, {odd, true, i + 1}} {
			if got := tree.RankMember([]byte(c.member), c.after); got != c.want {
				t.Fatalf("RankMember(%s, %v) = %d, want %d", c.member, c.after, got, c.want)
			}
			it := tree.SeekMember([]byte(c.member), c.after)
			if it.Valid() != (c.want < n) || it.Valid() && string(tb.Member(it.Ref())) != fmt.Sprintf("%06d", c.want*2) {
				t.Fatalf("SeekMember(%s, %v) is wrong", c.member, c.after)
			}
		}
	}
}

// In a tree of three levels, a score that changes in place may be the key of
// its leaf, of its leaf's parent, or of neither.
func TestUpdateInPlaceKeepsKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tb := &table{}
		tree := New(tb)
		const n = 20_000
		for i := range n {
			tree.Insert(float64(i), tb.add("m"))
		}
		for range 50 {
			i := rapid.IntRange(0, n/leafCap-1).Draw(t, "leaf") * leafCap
			it := tree.At(i)
			score := it.Score()
			up := score + rapid.Float64Range(-0.2, 0.2).Draw(t, "by")
			if !tree.Update(score, tb.Member(it.Ref()), up) {
				t.Fatalf("Update(%v) found nothing", score)
			}
			if it = tree.At(i); it.Score() != up {
				t.Fatalf("score %v, want %v", it.Score(), up)
			}
		}
		if tree.root.kids[0].leaf() {
			t.Fatal("the tree is too low for this test")
		}
		checkNodes(t, tree)
	})
}

func TestOrderOfEqualAndSpecialScores(t *testing.T) {
	tb := &table{}
	tree := New(tb)
	inf, zero := math.Inf(1), math.Copysign(0, -1)
	for _, p := range []pair{{inf, "i", 0}, {0, "b", 0}, {-inf, "n", 0}, {zero, "a", 0}, {zero, "c", 0}, {0, "", 0}} {
		tree.Insert(p.score, tb.add(p.member))
	}
	var got []byte
	for it := tree.At(0); it.Valid(); it.Next() {
		got = append(append(got, tb.Member(it.Ref())...), ' ')
	}
	if !bytes.Equal(got, []byte("n  a b c i ")) {
		t.Errorf("order %q", got)
	}
	if tree.Insert(zero, tb.add("b")) {
		t.Error("-0 and 0 are two places")
	}
}

func TestMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		max  float64
		next func(i int, r *rng.Rand) float64
	}{
		{"one", 1, 200, func(i int, _ *rng.Rand) float64 { return 0 }},
		{"rising", 200_000, 14, func(i int, _ *rng.Rand) float64 { return float64(i) }},
		{"falling", 200_000, 14, func(i int, _ *rng.Rand) float64 { return float64(-i) }},
		{"random", 200_000, 21, func(_ int, r *rng.Rand) float64 { return r.Float64() }},
	} {
		tb, r := &table{members: [][]byte{[]byte("m")}}, rng.New(1)
		tree := New(tb)
		for i := range c.n {
			tree.Insert(c.next(i, r), 0)
		}
		if got := float64(tree.MemBytes()) / float64(tree.Len()); got > c.max {
			t.Errorf("%s: %.1f bytes an element, want at most %v", c.name, got, c.max)
		}
		tree.DeleteRange(1, c.n, nil)
		if got := tree.MemBytes(); got > 400 {
			t.Errorf("%s: one element left keeps %d bytes", c.name, got)
		}
	}
}

func TestLookupsDoNotAllocate(t *testing.T) {
	tb, r := &table{}, rng.New(1)
	tree := New(tb)
	for i := range 10_000 {
		tree.Insert(r.Float64(), tb.add(strconv.Itoa(i)))
	}
	it := tree.At(5000)
	score, member := it.Score(), tb.Member(it.Ref())
	if got := testing.AllocsPerRun(100, func() {
		tree.Rank(score, member)
		tree.At(77)
		tree.SeekScore(score, true)
		tree.Update(score, member, score)
	}); got != 0 {
		t.Errorf("%v allocations a round", got)
	}
}

const million = 1_000_000

func millionMembers() *table {
	tb := &table{members: make([][]byte, million)}
	for i := range tb.members {
		tb.members[i] = fmt.Appendf(nil, "member:%09d", i)
	}
	return tb
}

func benchmarkInsert(b *testing.B, next func(i int, r *rng.Rand) float64) {
	tb, r := millionMembers(), rng.New(1)
	tree := New(tb)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if i == million {
			tree, i = New(tb), 0
		}
		tree.Insert(next(i, r), uint32(i))
		i++
	}
	b.ReportMetric(float64(tree.MemBytes())/float64(tree.Len()), "B/elem")
}

func BenchmarkInsert(b *testing.B) {
	b.Run("random", func(b *testing.B) {
		benchmarkInsert(b, func(_ int, r *rng.Rand) float64 { return r.Float64() })
	})
	b.Run("rising", func(b *testing.B) {
		benchmarkInsert(b, func(i int, _ *rng.Rand) float64 { return float64(i) })
	})
	b.Run("same", func(b *testing.B) {
		benchmarkInsert(b, func(int, *rng.Rand) float64 { return 0 })
	})
}

func BenchmarkMillion(b *testing.B) {
	tb, r := millionMembers(), rng.New(1)
	tree, scores := New(tb), make([]float64, million)
	for i := range scores {
		scores[i] = r.Float64()
		tree.Insert(scores[i], uint32(i))
	}
	b.Run("Rank", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i := r.Intn(million)
			tree.Rank(scores[i], tb.members[i])
		}
	})
	b.Run("At", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tree.At(r.Intn(million))
		}
	})
	b.Run("InsertDelete", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i, s := r.Intn(million), r.Float64()
			tree.Delete(scores[i], tb.members[i])
			tree.Insert(s, uint32(i))
			scores[i] = s
		}
	})
	b.Run("Next", func(b *testing.B) {
		it := tree.At(0)
		for b.Loop() {
			if it.Next(); !it.Valid() {
				it = tree.At(0)
			}
		}
	})
}
