package listpack

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// texts draws elements of every encoding, and near its bounds.
func texts() *rapid.Generator[string] {
	long := func(n int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"x", "1"}).Draw(t, "fill"), n+rapid.IntRange(-2, 2).Draw(t, "off"))
		})
	}
	return rapid.OneOf(
		rapid.StringMatching(`[a-c]{0,3}`),
		rapid.StringMatching(`-?[0-9]{1,20}`),
		rapid.Custom(func(t *rapid.T) string {
			bits := rapid.SampledFrom([]int{7, 12, 15, 23, 31, 63}).Draw(t, "bits")
			v := int64(uint64(1)<<bits) + int64(rapid.IntRange(-2, 2).Draw(t, "off"))
			if rapid.Bool().Draw(t, "neg") {
				v = -v
			}
			return strconv.FormatInt(v, 10)
		}),
		long(62), long(125), long(4095), long(16380),
	)
}

func build(elems ...string) Pack {
	p := New()
	for _, e := range elems {
		p = p.Append([]byte(e))
	}
	return p
}

// text reads the element at off.
func text(p Pack, off int) string { return string(p.Get(off).Append(nil)) }

func forward(p Pack) []string {
	got := []string{}
	for off := p.First(); off != None; off = p.Next(off) {
		got = append(got, text(p, off))
	}
	return got
}

func backward(p Pack) []string {
	got := []string{}
	for off := p.Last(); off != None; off = p.Prev(off) {
		got = append(got, text(p, off))
	}
	slices.Reverse(got)
	return got
}

// The layout is shared with dumps, so it is pinned byte for byte.
func TestLayout(t *testing.T) {
	p := build("", "ab", "127", "128", "-1", "-32768", "8388607", "-2147483648", "2147483648")
	want := "2b000000" + "0900" + "80" + "01" + "826162" + "03" + "7f" + "01" + "c080" + "02" + "dfff" + "02" +
		"f10080" + "03" + "f2ffff7f" + "04" + "f300000080" + "05" + "f40000008000000000" + "09" + "ff"
	want = fmt.Sprintf("%02x", len(want)/2) + want[2:]
	if got := fmt.Sprintf("%x", []byte(p)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEncodingBounds(t *testing.T) {
	for _, c := range []struct {
		text      string
		enc, back int
	}{
		{"0", 1, 1}, {"127", 1, 1}, {"128", 2, 1}, {"-1", 2, 1}, {"4095", 2, 1}, {"4096", 3, 1}, {"-4096", 2, 1}, {"-4097", 3, 1},
		{"32767", 3, 1}, {"32768", 4, 1}, {"8388607", 4, 1}, {"8388608", 5, 1}, {"2147483647", 5, 1}, {"2147483648", 9, 1},
		{"9223372036854775808", 20, 1}, {"01", 3, 1}, {"-0", 3, 1},
		{strings.Repeat("a", 63), 64, 1}, {strings.Repeat("a", 64), 66, 1}, {strings.Repeat("a", 125), 127, 1},
		{strings.Repeat("a", 126), 128, 2}, {strings.Repeat("a", 4095), 4097, 2}, {strings.Repeat("a", 4096), 4101, 2},
		{strings.Repeat("a", 16377), 16382, 2}, {strings.Repeat("a", 16378), 16383, 3},
		{strings.Repeat("a", 1<<21-7), 1<<21 - 2, 3}, {strings.Repeat("a", 1<<21-6), 1<<21 - 1, 4},
	} {
		e := Str([]byte(c.text))
		if e.enc != c.enc || e.back != c.back {
			t.Errorf("%.20s (%d bytes): %d+%d bytes, want %d+%d", c.text, len(c.text), e.enc, e.back, c.enc, c.back)
		}
		p := build("x", c.text, "y")
		if !Valid(p) || text(p, p.Seek(1)) != c.text || text(p, p.Prev(p.Last())) != c.text {
			t.Errorf("%.20s (%d bytes) does not read back", c.text, len(c.text))
		}
	}
}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		stored string
		isInt  bool
	}{{"12", true}, {"-9223372036854775808", true}, {"", false}, {"012", false}, {"abc", false}} {
		v := build(c.stored)[headerLen:]
		got := ValueAt(v)
		if got.IsInt() != c.isInt || got.Len() != len(c.stored) || !got.Equal([]byte(c.stored)) || got.Equal([]byte("0"+c.stored)) {
			t.Errorf("%q: %+v", c.stored, got)
		}
	}
}

type model struct {
	p    Pack
	want []string
}

func (m *model) step(t *rapid.T, draw *rapid.Generator[string]) {
	s := draw.Draw(t, "text")
	n := len(m.want)
	op := rapid.IntRange(0, 7).Draw(t, "op")
	if n == 0 {
		op %= 2
	}
	switch op {
	case 0:
		m.p, m.want = m.p.Append([]byte(s)), append(m.want, s)
		return
	case 1:
		m.p, m.want = m.p.Prepend([]byte(s)), slices.Insert(m.want, 0, s)
		return
	}
	i := rapid.IntRange(0, n-1).Draw(t, "i")
	off := m.p.Seek(i)
	switch op {
	case 2:
		m.p, m.want = m.p.InsertBefore(off, []byte(s)), slices.Insert(m.want, i, s)
	case 3:
		m.p, m.want = m.p.InsertAfter(off, []byte(s)), slices.Insert(m.want, i+1, s)
	case 4:
		m.p = m.p.Replace(off, []byte(s))
		m.want[i] = s
	case 5:
		v := rapid.Int64().Draw(t, "v")
		m.p = m.p.ReplaceInt(off, v)
		m.want[i] = strconv.FormatInt(v, 10)
	case 6:
		k := rapid.IntRange(0, 4).Draw(t, "n")
		m.p = m.p.Delete(off, k)
		m.want = slices.Delete(m.want, i, min(i+k, n))
	case 7:
		k := rapid.IntRange(0, 4).Draw(t, "n")
		m.p = m.p.DeleteRange(i-n, k)
		m.want = slices.Delete(m.want, i, min(i+k, n))
	}
}

func (m *model) check(t *rapid.T, probe string) {
	if !Valid(m.p) {
		t.Fatalf("invalid: % x", []byte(m.p))
	}
	if f, b := forward(m.p), backward(m.p); !slices.Equal(f, m.want) || !slices.Equal(b, m.want) {
		t.Fatalf("forward %.40q, backward %.40q, want %.40q", f, b, m.want)
	}
	n := len(m.want)
	if m.p.Len() != n || m.p.Seek(n) != None || m.p.Seek(-n-1) != None {
		t.Fatalf("Len %d, want %d", m.p.Len(), n)
	}
	for i, s := range m.want {
		if a, b := m.p.Seek(i), m.p.Seek(i-n); a != b || text(m.p, a) != s {
			t.Fatalf("Seek(%d) = %d, from the end %d", i, a, b)
		}
	}
	for skip := range 3 {
		want := None
		for i := 0; i < n; i += skip + 1 {
			if m.want[i] == probe {
				want = m.p.Seek(i)
				break
			}
		}
		if got := m.p.Find(m.p.First(), []byte(probe), skip); got != want {
			t.Fatalf("Find(%.20q, skip %d) = %d, want %d", probe, skip, got, want)
		}
	}
}

func TestModel(t *testing.T) {
	draw := texts()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{p: New()}
		for range rapid.IntRange(1, 25).Draw(t, "ops") {
			m.step(t, draw)
		}
		probe := draw.Draw(t, "probe")
		if len(m.want) > 0 && rapid.Bool().Draw(t, "present") {
			probe = rapid.SampledFrom(m.want).Draw(t, "which")
		}
		m.check(t, probe)
		if again := FromEntries(m.p.Entries(), m.p.Len()); !bytes.Equal(again, m.p) {
			t.Fatal("FromEntries(Entries) differs")
		}
	})
}

func TestCountBeyondHeader(t *testing.T) {
	const n = countUnknown + 10
	p := New()
	for i := range n {
		p = p.AppendInt(int64(i % 100))
	}
	if p.count() != countUnknown || p.Len() != n || !Valid(p) {
		t.Fatalf("count %d, Len %d", p.count(), p.Len())
	}
	if off := p.Seek(n - 1); off != p.Last() || p.Seek(-1) != off || p.Seek(n) != None {
		t.Error("Seek at the end is wrong")
	}
	p = p.Delete(p.First(), 5)
	if p.Len() != n-5 {
		t.Fatalf("Len %d after deletion", p.Len())
	}
	p = p.DeleteRange(-20, 20)
	if p.count() != n-25 || p.Len() != n-25 || !Valid(p) {
		t.Fatalf("count %d, Len %d, want %d", p.count(), p.Len(), n-25)
	}
}

// A loaded pack may hold an integer as a string; it is found all the same.
func TestFindIntegerStoredAsString(t *testing.T) {
	p := FromEntries([]byte{enc6Str | 1, '5', 2, enc6Str | 1, 'a', 2}, 2)
	if !Valid(p) || p.Find(p.First(), []byte("5"), 0) != headerLen || p.Find(p.First(), []byte("a"), 0) != headerLen+3 {
		t.Error("not found")
	}
	if New().Find(New().First(), []byte("5"), 0) != None {
		t.Error("found in an empty pack")
	}
}

func TestValidRefuses(t *testing.T) {
	base := build("a", "bc", "300", strings.Repeat("x", 70))
	if !Valid(base) || !Valid(New()) {
		t.Fatal("a pack of our own is refused")
	}
	for i := range base {
		if Valid(base[:i]) {
			t.Errorf("accepted when cut to %d bytes", i)
		}
	}
	entry := func(b ...byte) []byte { return FromEntries(b, 1) }
	for name, b := range map[string][]byte{
		"no encoding":         entry(0xf5, 1),
		"end inside":          entry(eof, 1),
		"string past the end": entry(enc6Str|9, 'a', 2),
		"12 bits cut":         entry(enc12Str),
		"32 bits cut":         entry(enc32Str, 1),
		"32 bits huge":        entry(enc32Str, 0xff, 0xff, 0xff, 0xff, 5),
		"backward length":     entry(enc6Str|1, 'a', 3),
		"backward overlong":   entry(enc6Str|1, 'a', 0, 0x82),
		"no backward length":  entry(5),
		"count too high":      FromEntries([]byte{5, 1}, 2),
		"count too low":       FromEntries([]byte{5, 1}, 0),
	} {
		if Valid(b) {
			t.Errorf("%s: accepted % x", name, b)
		}
	}
}

func TestMemoryStaysTight(t *testing.T) {
	p := New()
	for i := range 200 {
		p = p.Append([]byte("value" + strconv.Itoa(i)))
		if p.MemBytes() > len(p)*3/2+16 {
			t.Fatalf("%d bytes kept for %d", p.MemBytes(), len(p))
		}
	}
	if p = p.DeleteRange(1, 199); p.MemBytes() > 2*len(p)+shrinkSlack {
		t.Errorf("%d bytes kept for %d after deletion", p.MemBytes(), len(p))
	}
}

func TestFits(t *testing.T) {
	if p := New(); !p.Fits(1<<20) || p.Fits(MaxBytes) || p.Fits(math.MaxInt) {
		t.Error("Fits is wrong")
	}
}

// redis's DUMP of a small hash is a type byte, a length and the listpack.
func TestLayoutAgainstRedisDump(t *testing.T) {
	o := startOracle(t)
	const hashListpack = 16
	o.send([]string{"CONFIG", "SET", "hash-max-listpack-value", "100000"})
	o.reply()
	gen := rapid.SliceOfNDistinct(texts(), 1, 12, rapid.ID[string])
	for seed := range 200 {
		fields := gen.Example(seed)
		args, p := []string{"HSET", "h"}, New()
		for i, f := range fields {
			v := fields[len(fields)-1-i]
			args = append(args, f, v)
			p = p.Append([]byte(f)).Append([]byte(v))
		}
		o.send([]string{"DEL", "h"}, args, []string{"DUMP", "h"})
		o.reply()
		o.reply()
		dump := []byte(o.reply())
		if dump[0] != hashListpack {
			t.Fatalf("type %d", dump[0])
		}
		if !bytes.Contains(dump, p) {
			t.Fatalf("%.30q: redis's bytes differ from % x", fields, []byte(p))
		}
	}
}

func FuzzValid(f *testing.F) {
	f.Add([]byte(New()))
	f.Add([]byte(build("a", "1", "-70000", "8388608", strings.Repeat("z", 5000))))
	f.Add([]byte(FromEntries([]byte{enc32Str, 1, 0, 0, 0, 'a', 6}, countUnknown)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !Valid(b) {
			return
		}
		p := Pack(bytes.Clone(b))
		there, back := forward(p), backward(p)
		if !slices.Equal(there, back) || len(there) != p.Len() {
			t.Fatalf("forward %q, backward %q, Len %d", there, back, p.Len())
		}
		for i, s := range there {
			if off := p.Find(p.First(), []byte(s), 0); off == None || text(p, off) != s || text(p, p.Seek(i)) != s {
				t.Fatalf("%q at %d is not found", s, i)
			}
		}
		if p = p.Append([]byte("tail")).Prepend([]byte("-1")); !Valid(p) {
			t.Fatal("invalid after additions")
		}
		if p = p.DeleteRange(0, p.Len()); !Valid(p) || p.First() != None || p.Last() != None {
			t.Fatal("invalid after deletions")
		}
	})
}

func BenchmarkFind(b *testing.B) {
	p := New()
	for i := range 64 {
		p = p.Append([]byte("field:" + strconv.Itoa(i))).Append([]byte("some value of thirty-two bytes.."))
	}
	last := []byte("field:63")
	b.ReportAllocs()
	for b.Loop() {
		p.Find(headerLen, last, 1)
	}
}

func BenchmarkAppend128(b *testing.B) {
	v := []byte("some value of thirty-two bytes..")
	b.ReportAllocs()
	n := 0
	p := New()
	for b.Loop() {
		if n++; n == 128 {
			p, n = New(), 0
		}
		p = p.Append(v)
	}
}

func BenchmarkReplaceSameSize(b *testing.B) {
	p := New()
	for i := range 128 {
		p = p.AppendInt(int64(1000 + i))
	}
	off := p.Seek(64)
	b.ReportAllocs()
	for b.Loop() {
		p = p.ReplaceInt(off, 2000)
	}
}
