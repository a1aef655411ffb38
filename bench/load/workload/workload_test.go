package workload

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var shape = Shape{Keys: 1000, Collections: 7, ValueSize: 5, Seed: 1}

// words reads RESP commands back, so that templates are judged by what they say.
func words(t *testing.T, b []byte) [][]string {
	t.Helper()
	var out [][]string
	line := func() string {
		end := bytes.Index(b, []byte("\r\n"))
		if end < 0 {
			t.Fatalf("no line in %q", b)
		}
		l := string(b[:end])
		b = b[end+2:]
		return l
	}
	number := func(prefix string) int {
		l := line()
		n, err := strconv.Atoi(strings.TrimPrefix(l, prefix))
		if err != nil || !strings.HasPrefix(l, prefix) {
			t.Fatalf("%q is no %s line", l, prefix)
		}
		return n
	}
	for len(b) > 0 {
		cmd := make([]string, number("*"))
		for i := range cmd {
			n := number("$")
			cmd[i] = string(b[:n])
			if string(b[n:n+2]) != "\r\n" {
				t.Fatalf("bulk %q is not of its length", b)
			}
			b = b[n+2:]
		}
		out = append(out, cmd)
	}
	return out
}

// listed is a source of given numbers.
type listed []uint64

func (l listed) source() *listed { return &l }

func (l *listed) Next() uint64 {
	n := (*l)[0]
	*l = (*l)[1:]
	return n
}

func TestTemplateIsPatchedInPlace(t *testing.T) {
	tpl := Compile([][]string{{"HSET", "h:" + CollectionPlaceholder, "f:" + KeyPlaceholder, "__rand_other"}}, 2)
	buf := bytes.Clone(tpl.Bytes)
	from := &Sources{
		KeySpace:        listed{999_999_999_998, 999_999_999_999}.source(),
		CollectionSpace: listed{3, 7}.source(),
		MemberSpace:     NewSequence(1),
	}
	tpl.Patch(buf, from)
	want := [][]string{
		{"HSET", "h:000000000003", "f:999999999998", "__rand_other"},
		{"HSET", "h:000000000007", "f:999999999999", "__rand_other"},
	}
	if got := words(t, buf); !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%q", got)
	}
	from[CollectionSpace] = NewSequence(1)
	from[KeySpace] = listed{3, 3}.source() // shorter numbers must wipe the longer ones
	tpl.Patch(buf, from)
	if got := words(t, buf)[0][2]; got != "f:000000000003" {
		t.Fatalf("%q", got)
	}
	if words(t, tpl.Bytes)[0][1] != "h:000000000000" {
		t.Fatal("the template itself was changed")
	}
	if tpl.Requests != 2 || tpl.Replies != 2 {
		t.Fatalf("%d requests, %d replies", tpl.Requests, tpl.Replies)
	}
}

func TestPutDigits(t *testing.T) {
	b := []byte("102030405060")
	for _, c := range []struct {
		n    uint64
		want string
	}{{0, "000000000000"}, {7, "000000000007"}, {MaxNumbers - 1, "999999999999"}, {1002, "000000001002"}} {
		putDigits(b, c.n)
		if string(b) != c.want {
			t.Errorf("%d: %s", c.n, b)
		}
	}
}

func TestPatchDoesNotAllocate(t *testing.T) {
	w, err := ByName("mset", shape)
	if err != nil {
		t.Fatal(err)
	}
	tpl := Compile(w.Request, 16)
	buf, from := bytes.Clone(tpl.Bytes), shape.Sources(0.99, 1)
	if n := testing.AllocsPerRun(50, func() { tpl.Patch(buf, from) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestEveryWorkloadIsWellFormed(t *testing.T) {
	for _, name := range Names() {
		w, err := ByName(strings.ToLower(name), shape)
		if err != nil {
			t.Fatal(err)
		}
		tpl := Compile(w.Request, 3)
		buf := bytes.Clone(tpl.Bytes)
		tpl.Patch(buf, shape.Sources(0, 1))
		if strings.Contains(string(buf), "__rand_") {
			t.Errorf("%s: a placeholder is left in %q", name, buf)
		}
		if got := words(t, buf); len(got) != tpl.Replies || got[len(got)-1][0] != name {
			t.Errorf("%s: %q", name, got)
		}
		if w.MustHit && w.Prefill == nil {
			t.Errorf("%s must hit what nobody wrote", name)
		}
		if w.About == "" {
			t.Errorf("%s says nothing about itself", name)
		}
	}
}

func TestUnknownWorkloadNamesTheKnown(t *testing.T) {
	_, err := ByName("FROB", shape)
	if err == nil || !strings.Contains(err.Error(), "SUNION") {
		t.Fatalf("%v", err)
	}
}

func TestUniformStaysInBoundsAndReachesThem(t *testing.T) {
	s := NewSource(10, 0, 1, 2)
	seen := map[uint64]int{}
	for range 2000 {
		seen[s.Next()]++
	}
	if len(seen) != 10 || seen[0] == 0 || seen[9] == 0 {
		t.Fatalf("%v", seen)
	}
}

func TestZipfStaysInBounds(t *testing.T) {
	for _, skew := range []float64{0.01, 0.5, 0.99, 1, 1.00000001, 1.5, 3} {
		for _, n := range []uint64{1, 2, 3, 1000, MaxNumbers} {
			s := NewSource(n, skew, 7, 7)
			for range 2000 {
				if k := s.Next(); k >= n {
					t.Fatalf("skew %v of %d: %d", skew, n, k)
				}
			}
		}
	}
}

// TestZipfFollowsItsLaw compares the shares of the first ranks with the exact
// ones; the seed is fixed, so the outcome is too.
func TestZipfFollowsItsLaw(t *testing.T) {
	const n, draws = 100, 200_000
	for _, skew := range []float64{0.5, 0.99, 1, 1.5} {
		total := 0.0
		for k := 1; k <= n; k++ {
			total += math.Pow(float64(k), -skew)
		}
		seen := make([]int, n)
		s := NewSource(n, skew, 3, 4)
		for range draws {
			seen[s.Next()]++
		}
		for _, k := range []int{0, 1, 2, 9, 99} {
			want := math.Pow(float64(k+1), -skew) / total
			got := float64(seen[k]) / draws
			if math.Abs(got-want) > 5*math.Sqrt(want/draws) {
				t.Errorf("skew %v rank %d: share %.5f, want %.5f", skew, k, got, want)
			}
		}
	}
}

func TestSourcesAreReproducible(t *testing.T) {
	draw := func(stream uint64) (all []uint64) {
		s := shape.Sources(0.99, stream)
		for range 100 {
			all = append(all, s[KeySpace].Next())
		}
		return all
	}
	if !slices.Equal(draw(1), draw(1)) {
		t.Fatal("the same seed and stream differ")
	}
	if slices.Equal(draw(1), draw(2)) {
		t.Fatal("two streams are the same")
	}
}

func TestSequenceCoversEveryNumberAndBeginsAgain(t *testing.T) {
	s := NewSequence(5)
	for i := range uint64(12) {
		if got := s.Next(); got != i%5 {
			t.Fatalf("number %d is %d", i, got)
		}
	}
}

func TestValueHasItsSizeAndSeed(t *testing.T) {
	if v := shape.Value(); len(v) != 5 || v != shape.Value() {
		t.Fatalf("%q", v)
	}
	if (Shape{}).Value() != "" {
		t.Fatal("an empty value is not empty")
	}
}

func BenchmarkPatch(b *testing.B) {
	for _, skew := range []float64{0, 0.99} {
		b.Run(strconv.FormatFloat(skew, 'g', -1, 64), func(b *testing.B) {
			s := Shape{Keys: 1_000_000, Collections: 1, ValueSize: 64}
			w, _ := ByName("GET", s)
			tpl := Compile(w.Request, 64)
			buf, from := bytes.Clone(tpl.Bytes), s.Sources(skew, 1)
			for b.Loop() {
				tpl.Patch(buf, from)
			}
		})
	}
}
