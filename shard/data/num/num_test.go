package num

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseInt(t *testing.T) {
	accepted := map[string]int64{
		"0": 0, "7": 7, "-1": -1, "10": 10, "-90": -90,
		"9223372036854775807":  math.MaxInt64,
		"-9223372036854775808": math.MinInt64,
	}
	for s, want := range accepted {
		if got, ok := ParseInt([]byte(s)); !ok || got != want {
			t.Errorf("ParseInt(%q) = %d, %v", s, got, ok)
		}
	}
	for _, s := range []string{
		"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "1e3", "0x1", "1_0", "a", "\x00", "1\x00",
		"9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
		"99999999999999999999", "-99999999999999999999", "100000000000000000000", strings.Repeat("9", 400),
	} {
		if got, ok := ParseInt([]byte(s)); ok {
			t.Errorf("ParseInt(%q) = %d, want refusal", s, got)
		}
	}
}

func TestIntRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "v") >> rapid.IntRange(0, 63).Draw(t, "shift")
		b := AppendInt([]byte("x"), v)
		if string(b) != "x"+strconv.FormatInt(v, 10) {
			t.Fatalf("AppendInt(%d) = %q", v, b)
		}
		if IntLen(v) != len(b)-1 {
			t.Fatalf("IntLen(%d) = %d, want %d", v, IntLen(v), len(b)-1)
		}
		if got, ok := ParseInt(b[1:]); !ok || got != v {
			t.Fatalf("ParseInt(%q) = %d, %v", b[1:], got, ok)
		}
	})
}

func TestIntLenAtPowersOfTen(t *testing.T) {
	for p, n := int64(1), 0; n < 19; p, n = p*10, n+1 {
		for _, v := range []int64{p, p - 1, p + 1, -p, 1 - p, math.MinInt64, math.MaxInt64} {
			if want := len(strconv.FormatInt(v, 10)); IntLen(v) != want {
				t.Errorf("IntLen(%d) = %d, want %d", v, IntLen(v), want)
			}
		}
	}
}

// ParseInt accepts exactly the texts that the standard library writes.
func TestParseIntAcceptsOnlyCanonical(t *testing.T) {
	gen := rapid.StringMatching(`[-+ 0]?[0-9]{0,21}`)
	rapid.Check(t, func(t *rapid.T) {
		s := gen.Draw(t, "s")
		want, err := strconv.ParseInt(s, 10, 64)
		canonical := err == nil && strconv.FormatInt(want, 10) == s
		got, ok := ParseInt([]byte(s))
		if ok != canonical || (ok && got != want) {
			t.Fatalf("ParseInt(%q) = %d, %v; canonical %v", s, got, ok, canonical)
		}
	})
}

func TestParseFloat(t *testing.T) {
	accepted := map[string]float64{
		"0": 0, "1": 1, "-1.5": -1.5, "+3": 3, ".5": .5, "5.": 5, "1e3": 1000, "1E+3": 1000, "5.0e-1": .5,
		"0010": 10, "inf": math.Inf(1), "+INF": math.Inf(1), "-Infinity": math.Inf(-1),
		"0x10": 16, "-0X1.8": -1.5, "0x1p4": 16, "0x.8p1": 1, "0e99999999999999": 0,
		"0." + strings.Repeat("0", 400) + "1e401": 1,
		strings.Repeat("9", 300):                  1e300,
		"4.9e-324":                                math.SmallestNonzeroFloat64,
		"9007199254740993":                        9007199254740992,
	}
	for s, want := range accepted {
		if got, ok := ParseFloat([]byte(s)); !ok || got != want {
			t.Errorf("ParseFloat(%q) = %v, %v; want %v", s, got, ok, want)
		}
	}
	if v, ok := ParseFloat([]byte("-0")); !ok || !math.Signbit(v) {
		t.Errorf("-0 lost its sign: %v, %v", v, ok)
	}
	for _, s := range []string{
		"", " 1", "1 ", "\t1", "nan", "-NaN", "nan(1)", "infi", "in", ".", "+", "-", "+-1", "1e", "1e+", "e1", "0x", "0x.", "0x1p",
		"1_000", "0x_1p0", "1,5", "1.5.", "1\x00", "abc", "1e400", "-1e400", "1e-400", strings.Repeat("9", 400), "0b1", "0o7", "1f",
		"1e99999999999999999999", "1e-99999999999999999999", "0x1p99999",
	} {
		if got, ok := ParseFloat([]byte(s)); ok {
			t.Errorf("ParseFloat(%q) = %v, want refusal", s, got)
		}
	}
}

func TestAppendFloats(t *testing.T) {
	for _, c := range []struct {
		v                     float64
		reply, stored, humane string
	}{
		{0, "0", "0", "0"},
		{math.Copysign(0, -1), "-0", "-0", "0"},
		{3, "3", "3", "3"},
		{-12.5, "-12.5", "-12.5", "-12.5"},
		{0.1, "0.10000000000000001", "0.10000000000000001", "0.10000000000000001"},
		{1e16, "10000000000000000", "10000000000000000", "10000000000000000"},
		{1e17, "1e+17", "100000000000000000", "100000000000000000"},
		{-1e18, "-1e+18", "-1000000000000000000", "-1000000000000000000"},
		{1 << 62, "4.6116860184273879e+18", "4611686018427387904", "4611686018427387904"},
		{1 << 63, "9.2233720368547758e+18", "9.2233720368547758e+18", "9223372036854775808"},
		{1e-5, "1.0000000000000001e-05", "1.0000000000000001e-05", "0.00001"},
		{1e100, "1e+100", "1e+100", "10000000000000000159028911097599180468360808563945281389781327557747838772170381060813469985856815104"},
		{1e-300, "1e-300", "1e-300", "0"},
		{-1e-300, "-1e-300", "-1e-300", "0"},
		{math.Inf(1), "inf", "inf", "inf"},
		{math.Inf(-1), "-inf", "-inf", "-inf"},
	} {
		got := [3]string{string(AppendFloat17(nil, c.v)), string(AppendDouble(nil, c.v)), string(AppendHuman([]byte("x"), c.v))}
		if want := [3]string{c.reply, c.stored, "x" + c.humane}; got != want {
			t.Errorf("%v: got %q, want %q", c.v, got, want)
		}
	}
}

func TestDoubleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		if math.IsNaN(v) {
			return
		}
		for _, text := range [][]byte{AppendFloat17(nil, v), AppendDouble(nil, v)} {
			got, ok := ParseFloat(text)
			if !ok || math.Float64bits(got) != math.Float64bits(v) {
				t.Fatalf("%x reads back from %q as %x, %v", v, text, got, ok)
			}
		}
	})
}

func TestAddLongDouble(t *testing.T) {
	nines := strings.Repeat("9", 400)
	for _, c := range []struct {
		a, b, want string
		err        error
	}{
		{"3.0", "0.1", "3.1", nil},
		{"5.0e3", "2.0e2", "5200", nil},
		{"10.50", "0.1", "10.6", nil},
		{"10.6", "-5", "5.6", nil},
		{"0", "0", "0", nil},
		{"1", "-1", "0", nil},
		{"-0", "-0", "0", nil},
		{"-1e-30", "0", "0", nil},
		{"1e15", "0.1", "1000000000000000.09997558593750000", nil}, // trimmed below
		{"9223372036854775807", "1", "9223372036854775808", nil},
		{"0x10", "1", "17", nil},
		{nines, "0", "", nil},
		{"1e4932", "1e4932", "", ErrNaNOrInf},
		{"inf", "1", "", ErrNaNOrInf},
		{"1", "-inf", "", ErrNaNOrInf},
		{"inf", "-inf", "", ErrNaNOrInf},
		{"1e5000", "1", "", ErrNotFloat},
		{"1e-5000", "1", "", ErrNotFloat},
		{"1", "nan", "", ErrNotFloat},
		{" 1", "1", "", ErrNotFloat},
		{"", "1", "", ErrNotFloat},
		{strings.Repeat("0", maxLongText), "1", "1", nil},
		{strings.Repeat("0", maxLongText+1), "1", "", ErrNotFloat},
		{"1e999999999999999999999", "1", "", ErrNotFloat},
		{"0e999999999999999999999", "1", "1", nil},
	} {
		got, err := AddLongDouble([]byte("x"), []byte(c.a), []byte(c.b))
		if !errors.Is(err, c.err) {
			t.Errorf("%.30s + %.30s: error %v, want %v", c.a, c.b, err, c.err)
			continue
		}
		want := c.want
		if strings.Contains(want, ".") {
			want = strings.TrimRight(want, "0")
		}
		if c.err == nil && want != "" && string(got) != "x"+want {
			t.Errorf("%.30s + %.30s = %q, want %q", c.a, c.b, got, want)
		}
		if c.err != nil && string(got) != "x" {
			t.Errorf("%.30s + %.30s: error left %q in dst", c.a, c.b, got)
		}
	}
}

func TestLongDoubleFromInt(t *testing.T) {
	a, b := LongDoubleFromInt(math.MaxInt64), LongDoubleFromInt(math.MinInt64)
	if got, err := AddLong(nil, &a, &b); err != nil || string(got) != "-1" {
		t.Errorf("got %q, %v", got, err)
	}
	if inf, ok := ParseLongDouble([]byte("-inf")); !ok || !inf.IsInf() || a.IsInf() {
		t.Error("IsInf is wrong")
	}
}

// numberTexts draws numbers and near-numbers in every form strtod knows.
func numberTexts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[-+]?[0-9]{1,19}`),
		rapid.StringMatching(`[-+]?[0-9]{0,20}\.[0-9]{0,20}`),
		rapid.StringMatching(`[-+]?[0-9]{0,3}\.?[0-9]{0,20}[eE][-+]?[0-9]{1,2}`),
		rapid.StringMatching(`[-+]?[0-9]\.?[0-9]{0,25}[eE][-+]?[0-9]{1,4}`),
		rapid.StringMatching(`[-+]?0[xX][0-9a-fA-F]{0,20}\.?[0-9a-fA-F]{0,3}([pP][-+]?[0-9]{0,3})?`),
		rapid.StringMatching(`[-+ ]?(inf|INFINITY|nan|infin|0x|\.|e)[ 1]?`),
		rapid.StringMatching(`[-+.0-9eExp_ ]{0,8}`),
	)
}

const oracleBatch = 200

func TestFloatAgainstRedis(t *testing.T) {
	o := startOracle(t)
	gen := rapid.SliceOfN(numberTexts(), oracleBatch, oracleBatch)
	// A member over 64 bytes keeps redis's set out of the compact encoding,
	// which drops the sign of a zero score.
	member := strings.Repeat("m", 65)
	for seed := range 25 {
		texts := gen.Example(seed)
		for _, s := range texts {
			o.send([]string{"DEL", "z"}, []string{"ZADD", "z", s, member}, []string{"ZSCORE", "z", member})
		}
		for _, s := range texts {
			o.reply()
			added, score := o.reply(), o.reply()
			v, ok := ParseFloat([]byte(s))
			if ok != (added == "1") {
				t.Errorf("ParseFloat(%q) accepted %v, redis said %q", s, ok, added)
			} else if got := string(AppendFloat17(nil, v)); ok && got != score {
				t.Errorf("%q: score %q, redis %q", s, got, score)
			}
		}
	}
}

func TestLongDoubleAgainstRedis(t *testing.T) {
	o := startOracle(t)
	gen := rapid.SliceOfN(numberTexts(), oracleBatch, oracleBatch)
	for seed := range 25 {
		texts := gen.Example(seed)
		for i := 0; i+1 < len(texts); i += 2 {
			o.send([]string{"SET", "k", texts[i]}, []string{"INCRBYFLOAT", "k", texts[i+1]})
		}
		for i := 0; i+1 < len(texts); i += 2 {
			o.reply()
			want := o.reply()
			got, err := AddLongDouble(nil, []byte(texts[i]), []byte(texts[i+1]))
			if err != nil {
				got = []byte("-ERR " + err.Error())
			}
			if string(got) != want {
				t.Errorf("%q + %q = %q, redis %q", texts[i], texts[i+1], got, want)
			}
		}
	}
}

func BenchmarkParseInt(b *testing.B) {
	in := []byte("-1234567890123")
	b.ReportAllocs()
	for b.Loop() {
		ParseInt(in)
	}
}

func BenchmarkParseFloat(b *testing.B) {
	for _, s := range []string{"12345", "3.14159", "-1.7976931348623157e308"} {
		in := []byte(s)
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ParseFloat(in)
			}
		})
	}
}

func BenchmarkAppendFloat17(b *testing.B) {
	buf := make([]byte, 0, 32)
	for _, v := range []float64{42, 3.14159} {
		b.Run(strconv.FormatFloat(v, 'g', -1, 64), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				AppendFloat17(buf, v)
			}
		})
	}
}

func BenchmarkAddLongDouble(b *testing.B) {
	x, y, buf := []byte("10.5"), []byte("0.1"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AddLongDouble(buf, x, y); err != nil {
			b.Fatal(err)
		}
	}
}
