package quicklist

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func text(c *Cursor) string { return string(c.Value().Append(nil)) }

func forward(l *List) []string {
	got := []string{}
	for c := l.Front(); c.Valid(); c.Next() {
		got = append(got, text(&c))
	}
	return got
}

func backward(l *List) []string {
	got := []string{}
	for c := l.Back(); c.Valid(); c.Prev() {
		got = append(got, text(&c))
	}
	slices.Reverse(got)
	return got
}

type model struct {
	l    *List
	want []string
}

func drawText(t *rapid.T) string {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return strings.Repeat("p", rapid.IntRange(60, 90).Draw(t, "len")) // about the node limit
	case 1, 2, 3:
		return strconv.Itoa(rapid.IntRange(-5000, 5000).Draw(t, "int"))
	case 4, 5:
		return strings.Repeat("m", rapid.IntRange(10, 40).Draw(t, "len"))
	}
	return rapid.StringMatching(`[a-d]{0,4}`).Draw(t, "s")
}

func (m *model) step(t *rapid.T) {
	s := drawText(t)
	b := []byte(s)
	op := rapid.IntRange(0, 11).Draw(t, "op")
	n := len(m.want)
	if n == 0 {
		op %= 4
	}
	i := rapid.IntRange(0, max(n-1, 0)).Draw(t, "i")
	switch op {
	case 0, 4:
		m.l.PushBack(b)
		m.want = append(m.want, s)
	case 1, 5:
		m.l.PushFront(b)
		m.want = slices.Insert(m.want, 0, s)
	case 2:
		m.pop(t, true)
	case 3:
		m.pop(t, false)
	case 6:
		m.l.InsertBefore(m.l.Index(i), b)
		m.want = slices.Insert(m.want, i, s)
	case 7:
		m.l.InsertAfter(m.l.Index(i-n), b)
		m.want = slices.Insert(m.want, i+1, s)
	case 8:
		m.l.Replace(m.l.Index(i), b)
		m.want[i] = s
	case 9:
		k := rapid.IntRange(0, 8).Draw(t, "count")
		m.l.RemoveRange(i, k)
		m.want = slices.Delete(m.want, i, min(i+k, n))
	case 10:
		m.deleteWalk(t, i, false)
	case 11:
		m.deleteWalk(t, i, true)
	}
	clear(b) // the list must hold a copy
}

func (m *model) pop(t *rapid.T, front bool) {
	pop, at := m.l.PopBack, len(m.want)-1
	if front {
		pop, at = m.l.PopFront, 0
	}
	v, ok := pop()
	if ok != (len(m.want) > 0) {
		t.Fatalf("pop from %d elements: %v", len(m.want), ok)
	}
	if !ok {
		return
	}
	if got := string(v.Append(nil)); got != m.want[at] {
		t.Fatalf("popped %q, want %q", got, m.want[at])
	}
	m.want = slices.Delete(m.want, at, at+1)
}

// deleteWalk removes some of the elements that it meets from i on.
func (m *model) deleteWalk(t *rapid.T, i int, back bool) {
	c := m.l.Index(i)
	for c.Valid() {
		if text(&c) != m.want[i] {
			t.Fatalf("walk is at %q, want %q at %d", text(&c), m.want[i], i)
		}
		kill := rapid.Bool().Draw(t, "delete")
		switch {
		case kill && back:
			m.l.DeleteBackward(&c)
			m.want = slices.Delete(m.want, i, i+1)
			i--
		case kill:
			m.l.Delete(&c)
			m.want = slices.Delete(m.want, i, i+1)
		case back:
			c.Prev()
			i--
		default:
			c.Next()
			i++
		}
	}
	if back && i != -1 || !back && i != len(m.want) {
		t.Fatalf("walk ended at %d of %d", i, len(m.want))
	}
}

func (m *model) check(t *rapid.T) {
	if f := forward(m.l); !slices.Equal(f, m.want) {
		t.Fatalf("forward %q\nwant %q", f, m.want)
	}
	if b := backward(m.l); !slices.Equal(b, m.want) {
		t.Fatalf("backward %q\nwant %q", b, m.want)
	}
	if m.l.Len() != len(m.want) {
		t.Fatalf("Len %d, want %d", m.l.Len(), len(m.want))
	}
	for i, s := range m.want {
		for _, at := range []int{i, i - len(m.want)} {
			if c := m.l.Index(at); text(&c) != s {
				t.Fatalf("Index(%d) = %q, want %q", at, text(&c), s)
			}
		}
	}
	for _, i := range []int{len(m.want), -len(m.want) - 1} {
		if c := m.l.Index(i); c.Valid() {
			t.Fatalf("Index(%d) of %d is there", i, len(m.want))
		}
	}
	checkNodes(t, m.l)
}

// checkNodes holds what the doc promises of nodes and of the account of memory.
func checkNodes(t *rapid.T, l *List) {
	mem, nodes := 0, uint32(0)
	for n, prev := l.head, (*node)(nil); n != nil; n, prev = n.next, n {
		if n.prev != prev {
			t.Fatal("broken links")
		}
		if n.count < 1 || n.count > l.limit.count {
			t.Fatalf("%d elements in a node", n.count)
		}
		if bound := int(l.limit.bytes); !n.plain && n.used() > bound || n.plain && n.used() <= bound-10 {
			t.Fatalf("%d bytes in a node, plain %v", n.used(), n.plain)
		}
		mem, nodes = mem+nodeBytes+cap(n.buf), nodes+1
	}
	if mem != l.mem || nodes != l.nodes {
		t.Fatalf("account: %d bytes in %d nodes, in truth %d in %d", l.mem, l.nodes, mem, nodes)
	}
}

func TestModel(t *testing.T) {
	limits := []limit{{bytes: 80, count: 1000}, {bytes: 400, count: 1000}, {bytes: 80, count: 1}, {bytes: 80, count: 3}}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{l: &List{limit: rapid.SampledFrom(limits).Draw(t, "limit")}}
		for range rapid.IntRange(1, 60).Draw(t, "ops") {
			m.step(t)
		}
		m.check(t)
	})
}

func TestFill(t *testing.T) {
	for fill, want := range map[int]limit{
		-1: {4096, countAny}, -2: {8192, countAny}, -5: {65536, countAny}, -99: {65536, countAny},
		0: {8192, 1}, 1: {8192, 1}, 128: {8192, 128}, 1 << 30: {8192, 1<<15 - 1},
	} {
		if got := New(fill).limit; got != want {
			t.Errorf("fill %d: %+v, want %+v", fill, got, want)
		}
	}
}

func TestBigElementHasItsOwnNode(t *testing.T) {
	l := New(DefaultFill)
	big := bytes.Repeat([]byte("b"), 100_000)
	l.PushBack([]byte("1"))
	l.PushBack(big)
	l.PushFront(big)
	l.PushFront([]byte("0"))
	c := l.Index(2)
	l.InsertAfter(c, big)
	c = l.Index(0)
	l.Replace(c, big)
	if l.nodes != 5 || !l.head.plain || l.head.used() != len(big) {
		t.Fatalf("%d nodes, first plain %v", l.nodes, l.head.plain)
	}
	c = l.Index(-1)
	l.Replace(c, []byte("small"))
	if c = l.Back(); l.tail.plain || text(&c) != "small" {
		t.Error("a plain node stays plain")
	}
}

func TestIndexInLongList(t *testing.T) {
	const n = 100_000
	l := New(DefaultFill)
	for i := range n {
		l.PushBack(strconv.AppendInt(nil, int64(i), 10))
	}
	for i := 0; i < n; i += 997 {
		if c := l.Index(i); c.Value().Int != int64(i) {
			t.Fatalf("Index(%d) = %d", i, c.Value().Int)
		}
	}
	l.RemoveRange(10, n-20)
	if c := l.Index(10); l.Len() != 20 || c.Value().Int != n-10 {
		t.Errorf("after RemoveRange: %d elements, the 10th %d", l.Len(), c.Value().Int)
	}
	l.RemoveRange(20, 5)
	l.RemoveRange(0, 0)
	if l.Len() != 20 {
		t.Error("empty ranges removed something")
	}
}

func TestMemoryStaysTight(t *testing.T) {
	v := bytes.Repeat([]byte("v"), 30) // 32 bytes as an entry
	for _, c := range []struct{ n, perElement int }{{1, 130}, {4, 75}, {10, 52}, {100, 45}, {100_000, 34}} {
		for _, front := range []bool{false, true} {
			l := New(DefaultFill)
			for range c.n {
				if front {
					l.PushFront(v)
				} else {
					l.PushBack(v)
				}
			}
			if got := l.MemBytes() / c.n; got > c.perElement {
				t.Errorf("%d elements take %d bytes each", c.n, got)
			}
			l.RemoveRange(1, c.n-1)
			if l.MemBytes() > 600 {
				t.Errorf("1 of %d elements keeps %d bytes", c.n, l.MemBytes())
			}
		}
	}
}

// A queue and a list pushed at both ends in turn must not grow without bound.
func TestMovingWindow(t *testing.T) {
	l := New(DefaultFill)
	for i := range 50_000 {
		l.PushBack([]byte("0123456789"))
		if i%2 == 1 {
			l.PushFront([]byte("abc"))
		}
		if l.Len() > 100 {
			l.PopFront()
			l.PopBack()
		}
	}
	if l.MemBytes() > 16<<10 {
		t.Errorf("%d elements keep %d bytes", l.Len(), l.MemBytes())
	}
}

// A queue of a few elements slides in its buffer, which must not be twice as
// large for it.
func TestSmallQueueStaysTight(t *testing.T) {
	v := bytes.Repeat([]byte("v"), 64) // 66 bytes as an entry
	for _, front := range []bool{false, true} {
		l := New(DefaultFill)
		push, pop := l.PushBack, l.PopFront
		if front {
			push, pop = l.PushFront, l.PopBack
		}
		for range 20 {
			push(v)
		}
		// The first of the two runs is not counted.
		if got := testing.AllocsPerRun(1, func() {
			for range 1000 {
				push(v)
				pop()
			}
		}); got != 0 {
			t.Errorf("front %v: %v allocations", front, got)
		}
		if got := l.MemBytes(); l.Len() != 20 || got > 1900 {
			t.Errorf("front %v: %d elements of 66 bytes keep %d bytes", front, l.Len(), got)
		}
	}
}

func TestSizesAreWhatTheyAreCountedAs(t *testing.T) {
	if n, l := unsafe.Sizeof(node{}), unsafe.Sizeof(List{}); n != nodeBytes || l > listBytes || l <= listBytes-16 {
		t.Errorf("a node takes %d bytes, a List %d", n, l)
	}
}

func TestPushDoesNotAllocate(t *testing.T) {
	l := New(DefaultFill)
	v := []byte("0123456789abcdef")
	for range 1000 {
		l.PushBack(v)
		l.PushFront(v)
	}
	if got := testing.AllocsPerRun(1000, func() {
		l.PushBack(v)
		l.PushFront(v)
		l.PopBack()
		l.PopFront()
	}); got != 0 {
		t.Errorf("%v allocations a round", got)
	}
}

func BenchmarkPush(b *testing.B) {
	for _, size := range []int{16, 64} {
		v := bytes.Repeat([]byte("v"), size)
		for name, push := range map[string]func(*List, []byte){"back": (*List).PushBack, "front": (*List).PushFront} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				l := New(DefaultFill)
				for b.Loop() {
					push(l, v)
					if l.Len() == 1_000_000 {
						l = New(DefaultFill)
					}
				}
				b.ReportMetric(float64(l.MemBytes())/float64(l.Len()), "B/elem")
			})
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	v, l := bytes.Repeat([]byte("v"), 32), New(DefaultFill)
	for range 1000 {
		l.PushBack(v)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.PushBack(v)
		l.PopFront()
	}
}

func BenchmarkIndexOfMillion(b *testing.B) {
	v, l := bytes.Repeat([]byte("v"), 32), New(DefaultFill)
	for range 1_000_000 {
		l.PushBack(v)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		l.Index(i)
		i = (i + 387_431) % 1_000_000
	}
}

func BenchmarkSmallList(b *testing.B) {
	v := bytes.Repeat([]byte("v"), 32)
	b.ReportAllocs()
	for b.Loop() {
		l := New(DefaultFill)
		for range 10 {
			l.PushBack(v)
		}
	}
}
