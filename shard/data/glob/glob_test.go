package glob

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		nocase     bool
		want       bool
	}{
		{"", "", false, true},
		{"", "a", false, false},
		{"*", "", false, false}, // redis: nothing is tried against an empty string
		{"**", "", false, false},
		{"*", "a", false, true},
		{"a*", "a", false, true},
		{"a**", "a", false, true},
		{"*a", "a", false, true},
		{"a?", "a", false, false},
		{"a*?", "a", false, false},
		{"h?llo", "hello", false, true},
		{"h*llo", "heeeello", false, true},
		{"*b*c", "abcbcd", false, false},
		{"*b*c", "abcbc", false, true},
		{"h[ae]llo", "hallo", false, true},
		{"h[^e]llo", "hello", false, false},
		{"h[^e]llo", "hallo", false, true},
		{"h[a-b]llo", "hbllo", false, true},
		{"h[b-a]llo", "hbllo", false, true},
		{`h\?llo`, "h?llo", false, true},
		{`h\?llo`, "hello", false, false},
		{`\`, `\`, false, true},
		{`a\`, `a\`, false, true},
		{`\\`, `\`, false, true},
		{"[", "[", false, false},
		{"[^", "x", false, true},
		{"[a", "a", false, true},
		{"[a", "b", false, false},
		{"[a*", "*", false, true},
		{"[]", "]", false, false},
		{"[]a]", "a]", false, false},
		{"[^]", "x", false, true},
		{"[a-]", "]", false, true}, // a range from a down to ], without an end
		{"[a-]", "_", false, true},
		{"[a-]", "-", false, false},
		{"[-a]", "-", false, true},
		{"[a-", "-", false, true},
		{`[\]]`, "]", false, true},
		{`[\`, `\`, false, true},
		{`[\A]`, "a", true, false}, // an escaped byte keeps its case
		{`[A]`, "a", true, true},
		{`\A`, "a", true, true},
		{"[A-C]", "b", true, true},
		{"[Z-a]", "b", true, false}, // folds to z-a, an empty range
		{"HeLLo", "hEllO", true, true},
		{"HeLLo", "hEllO", false, false},
		{"[\x80-\xff]", "\x90", false, true},
		{"[a-\xff]", "b", false, false}, // signed: \xff is below a
		{"[a-\xff]", "A", false, true},
		{"a\x00b", "a\x00b", false, true},
	} {
		if got := Match([]byte(c.pattern), []byte(c.s), c.nocase); got != c.want {
			t.Errorf("Match(%q, %q, %v) = %v", c.pattern, c.s, c.nocase, got)
		}
	}
}

// Both would take longer than the universe with a retry per star.
func TestManyStarsStayCheap(t *testing.T) {
	s := bytes.Repeat([]byte("a"), 5_000)
	if Match([]byte(strings.Repeat("a*", 500)+"b"), s, false) {
		t.Error("matched without a b")
	}
	if !Match([]byte(strings.Repeat("*a", 500)), s, false) {
		t.Error("did not match")
	}
}

// backtrack is the definition: a star is tried against every split. Redis takes
// at least one byte to look at before it tries anything, hence the first line.
func backtrack(p, s []byte, nocase bool) bool {
	if len(s) == 0 {
		return len(p) == 0
	}
	var rest func(p, s []byte) bool
	rest = func(p, s []byte) bool {
		switch {
		case len(p) == 0:
			return len(s) == 0
		case p[0] == '*':
			return rest(p[1:], s) || len(s) > 0 && rest(p, s[1:])
		case len(s) == 0:
			return false
		}
		next, ok := matchOne(p, 0, s[0], nocase)
		return ok && rest(p[next:], s[1:])
	}
	return rest(p, s)
}

func TestMatchAgainstBacktracking(t *testing.T) {
	patterns := rapid.StringMatching(`(\*|\?|a|b|A|\[ab\]|\[\^a\]|\\\*){0,8}`)
	strs := rapid.StringMatching(`[abA*]{0,10}`)
	rapid.Check(t, func(t *rapid.T) {
		p, s := []byte(patterns.Draw(t, "pattern")), []byte(strs.Draw(t, "s"))
		nocase := rapid.Bool().Draw(t, "nocase")
		if got, want := Match(p, s, nocase), backtrack(p, s, nocase); got != want {
			t.Fatalf("Match(%q, %q, %v) = %v", p, s, nocase, got)
		}
	})
}

func TestLiteralPrefix(t *testing.T) {
	for _, c := range []struct {
		pattern, prefix string
		exact           bool
	}{
		{"", "", true}, {"user:1", "user:1", true}, {"user:*", "user:", false}, {"*", "", false},
		{"a?b", "a", false}, {"a[b]", "a", false}, {`a\*`, "a", false}, {"a]^-", "a]^-", true},
	} {
		prefix, exact := LiteralPrefix([]byte(c.pattern))
		if string(prefix) != c.prefix || exact != c.exact {
			t.Errorf("LiteralPrefix(%q) = %q, %v", c.pattern, prefix, exact)
		}
	}
}

func TestLiteralPrefixHolds(t *testing.T) {
	patterns := rapid.StringMatching(`[ab]{0,3}[ab*?\[\]^\\]{0,4}`)
	strs := rapid.StringMatching(`[ab]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		p, s := []byte(patterns.Draw(t, "pattern")), []byte(strs.Draw(t, "s"))
		prefix, exact := LiteralPrefix(p)
		if !Match(p, s, false) {
			if exact && bytes.Equal(p, s) {
				t.Fatalf("exact %q does not match itself", p)
			}
			return
		}
		if !bytes.HasPrefix(s, prefix) || exact && !bytes.Equal(p, s) {
			t.Fatalf("%q matches %q, prefix %q, exact %v", s, p, prefix, exact)
		}
	})
}

// oddPatterns draws patterns dense in special bytes.
func oddPatterns() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[abcAZ*?\[\]^\-\\]{1,10}`),
		rapid.StringMatching(`(a|b|\*|\?|\[[abc\-]{0,4}\]|\[\^[abc\-]{0,4}\]|\\[ab*]){1,6}`),
		rapid.StringMatching(`[a-c]?\[\^?[a-c\]\\\-A-C]{0,6}`),
		rapid.Custom(func(t *rapid.T) string {
			return string(rapid.SliceOfN(rapid.SampledFrom([]byte("a*[]^-\\\x00\x7f\x80\xff")), 1, 8).Draw(t, "bytes"))
		}),
	)
}

func TestMatchAgainstRedisKeys(t *testing.T) {
	o := startOracle(t)
	keys := []string{
		"", "a", "b", "ab", "ba", "abc", "acb", "aab", "A", "Ab", "Z", "-", "^", "]", "[", "\\", "*", "a*", "a-", "[a", "[]", "a]", "_",
		"abcabcabc", "aaaaaaaaaa", "\x00", "a\x00", "\x80", "\xff", "\x7f", "\xffa", "b\\*", "c^-]",
	}
	for _, k := range keys {
		o.send([]string{"SET", k, "v"})
		o.reply()
	}
	const batch = 100
	for seed := range 40 {
		patterns := rapid.SliceOfN(oddPatterns(), batch, batch).Example(seed)
		for _, p := range patterns {
			o.send([]string{"KEYS", p})
		}
		for _, p := range patterns {
			got := matching(keys, p, false)
			if p == "*" {
				got = slices.Sorted(slices.Values(keys)) // KEYS takes a lone star as "all"
			}
			if want := slices.Sorted(slices.Values(o.reply())); !slices.Equal(got, want) {
				t.Errorf("%q matches %q, redis %q", p, got, want)
			}
		}
	}
}

func TestMatchNoCaseAgainstRedisCommandList(t *testing.T) {
	o := startOracle(t)
	o.send([]string{"COMMAND", "LIST"})
	names := o.reply()
	gen := rapid.StringMatching(`(\*|\?|[A-Ea-e]|S|[gG][eE]|\[[A-Za-z\-]{1,4}\]|\[\^[A-Ga-g\-]{1,3}\]|\\[sS]|\[\\[gG]\]?){1,5}\*?`)
	for seed := range 400 {
		p := gen.Example(seed)
		o.send([]string{"COMMAND", "LIST", "FILTERBY", "PATTERN", p})
		if got, want := matching(names, p, true), slices.Sorted(slices.Values(o.reply())); !slices.Equal(got, want) {
			t.Errorf("%q matches %q, redis %q", p, got, want)
		}
	}
}

func matching(all []string, pattern string, nocase bool) []string {
	var got []string
	for _, s := range all {
		if Match([]byte(pattern), []byte(s), nocase) {
			got = append(got, s)
		}
	}
	return slices.Sorted(slices.Values(got))
}

func FuzzMatch(f *testing.F) {
	for _, p := range []string{"*", "a*b", "[^a-z]", "[", `\`, "[a-", `[\]`, "***?[^"} {
		f.Add([]byte(p), []byte("abc"), false)
	}
	f.Fuzz(func(t *testing.T, p, s []byte, nocase bool) {
		if len(p) > 24 || len(s) > 12 { // the definition is exponential
			Match(p, s, nocase)
			return
		}
		if got, want := Match(p, s, nocase), backtrack(p, s, nocase); got != want {
			t.Fatalf("Match(%q, %q, %v) = %v, want %v", p, s, nocase, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range [][2]string{{"user:*", "user:1234567"}, {"*:12[0-9]*", "user:1234567"}, {"*foo*", "user:1234567890123"}} {
		p, s := []byte(c[0]), []byte(c[1])
		b.Run(c[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Match(p, s, false)
			}
		})
	}
}
