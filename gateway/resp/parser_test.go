package resp

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func diff(t *testing.T, what string, got, want outcome) {
	t.Helper()
	if got.String() != want.String() {
		t.Errorf("%s:\n got %.2000s\nwant %.2000s", what, got, want)
	}
}

func TestCasesAgainstModel(t *testing.T) {
	for _, c := range streamCases {
		lim := c.limits()
		diff(t, c.String(), feed([]byte(c.in), &lim), model([]byte(c.in), &lim))
	}
}

// longestCut is the longest stream that is cut at every place, which costs its square.
const longestCut = 400

func TestCutAtEveryByte(t *testing.T) {
	for _, c := range streamCases {
		stream := []byte(c.in)
		if len(stream) > longestCut {
			continue
		}
		lim := c.limits()
		want := model(stream, &lim)
		diff(t, c.String()+", one byte a call", feed(stream, &lim, everyByte(stream)...), want)
		for cut := range stream {
			diff(t, c.String()+", cut at "+strconv.Itoa(cut), feed(stream, &lim, cut), want)
			diff(t, c.String()+", truncated at "+strconv.Itoa(cut), feed(stream[:cut], &lim), model(stream[:cut], &lim))
		}
	}
}

// grow feeds one byte a call from a buffer that is never moved.
func grow(t *testing.T, p *Parser, stream []byte, lim *Limits, each func(held int)) (o outcome) {
	t.Helper()
	from := 0
	for i := 1; i <= len(stream); i++ {
		n, err := feedBuffer(p, stream[from:i], lim, &o)
		from += n
		if err != "" {
			o.err = err
			return o
		}
		each(i - from)
	}
	o.rest = len(stream) - from
	return o
}

// A parser that began a command, or a line, again at each call would need 10^11 steps.
func TestLongCommandsByteByByte(t *testing.T) {
	many := make([]string, 40_000)
	for i := range many {
		many[i] = strconv.Itoa(i)
	}
	for name, stream := range map[string][]byte{
		"one big bulk":   encode("SET", "k", strings.Repeat("v", 1<<20)),
		"many arguments": encode(many...),
		"long inline":    []byte(strings.Repeat("a ", MaxInlineSize/2) + "\r\n"),
		"empty lines":    bytes.Repeat([]byte("\r\n*0\r\n*-1\r\n"), 50_000),
	} {
		lim := DefaultLimits()
		var p Parser
		got := grow(t, &p, bytes.Clone(stream), &lim, func(int) {})
		want := feed(stream, &lim)
		if got.String() != want.String() {
			t.Errorf("%s: differs byte by byte", name)
		}
	}
}

// What was searched once is not searched again: the parser remembers all but the last
// byte of an unfinished line.
func TestUnfinishedLineIsSearchedOnce(t *testing.T) {
	lim := DefaultLimits()
	for _, line := range []string{"PING ", "*1", "*2\r\n$4\r\nPING\r\n$1"} {
		var p Parser
		stream := []byte(line + strings.Repeat("1", 1000))
		grow(t, &p, stream, &lim, func(held int) {
			if !p.inBulk && p.pos+p.scanned < held-1 {
				t.Fatalf("%q: %d of %d bytes searched", line, p.pos+p.scanned, held)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxBulk, lim.MaxQuery = math.MaxInt64, math.MaxInt64
	for _, c := range []struct {
		in   string
		want int64
	}{
		{"", 0},
		{"*2\r\n", 0},
		{"*2\r\n$5\r", 0},
		{"*2\r\n$5\r\n", 7},
		{"*2\r\n$5\r\nabcde", 2},
		{"*2\r\n$5\r\nabcde\r", 1},
		{"*2\r\n$5\r\nabcde\r\n", 0},
		{"PING\r\n*2\r\n$5\r\nabcde\r\n$10\r\nab", 10},
		{"*1\r\n$9223372036854775807\r\n", math.MaxInt64},
		{"*1\r\n$9223372036854775807\r\na", math.MaxInt64},
		{"*1\r\n$9223372036854775807\r\nabc", math.MaxInt64 - 1},
		{"ECHO abc", 0},
	} {
		var p Parser
		if _, err := feedBuffer(&p, []byte(c.in), &lim, new(outcome)); err != "" {
			t.Fatal(err)
		}
		if got := p.Missing(); got != c.want {
			t.Errorf("%q: Missing() = %d, want %d", c.in, got, c.want)
		}
	}
}

// A caller that follows ReadRoom holds no more than twice what arrived, whatever was
// announced.
func TestReadRoomFollowsWhatArrived(t *testing.T) {
	lim := DefaultLimits()
	for _, perRead := range []int{1, 1000, math.MaxInt} {
		var p Parser
		head := "*2\r\n$4\r\nECHO\r\n$500000000\r\n"
		buf := []byte(head)
		for reads := 0; reads < 300 && len(buf) < 8<<20; reads++ {
			if _, n, err := p.Next(buf, &lim); n != 0 || err != nil {
				t.Fatal(n, err)
			}
			room := ReadRoom(len(buf), p.Missing())
			if room > max(len(buf), minRead) {
				t.Fatalf("room %d for %d bytes held", room, len(buf))
			}
			buf = append(buf, make([]byte, min(room, perRead))...)
		}
	}
	if got := ReadRoom(100_000, 20_000); got != 20_000 {
		t.Errorf("room %d when 20000 bytes are missing", got)
	}
	if got := ReadRoom(100_000, 5); got != minRead {
		t.Errorf("room %d when 5 bytes are missing", got)
	}
}

func TestQueryLimit(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxQuery = 1000
	fits := encode("ECHO", strings.Repeat("x", 1000-len("*2\r\n$4\r\nECHO\r\n$974\r\n\r\n")))
	if len(fits) != 1000 {
		t.Fatalf("%d bytes", len(fits))
	}
	over := encode("ECHO", strings.Repeat("x", 1001-len("*2\r\n$4\r\nECHO\r\n$975\r\n\r\n")))
	many := encode(slices.Repeat([]string{"abc"}, 200)...)
	for name, stream := range map[string][]byte{"over": over, "many": many} {
		for _, cuts := range [][]int{nil, {500}, everyByte(stream)} {
			o := feed(stream, &lim, cuts...)
			if o.err != ErrQuerySize.Error() || len(o.commands) != 0 {
				t.Errorf("%s: %v", name, o)
			}
		}
		if o := feed(stream[:1000], &lim); o.err != "" || o.rest != 1000 {
			t.Errorf("%s, 1000 bytes of it: %v", name, o)
		}
	}
	two := slices.Concat(fits, fits)
	for _, cuts := range [][]int{nil, {1500}, everyByte(two)} {
		if o := feed(two, &lim, cuts...); o.err != "" || len(o.commands) != 2 {
			t.Errorf("two commands that fit: %v", o)
		}
	}
}

// An announced length near the end of int64 does not wrap past the limit.
func TestQueryLimitDoesNotWrap(t *testing.T) {
	lim := Limits{MaxArgs: 10, MaxBulk: math.MaxInt64, MaxInline: 100, MaxQuery: 1000}
	for _, n := range []int64{math.MaxInt64, math.MaxInt64 - 20, math.MaxInt64 - 1000} {
		stream := append(encode("ECHO"), "*1\r\n$"+strconv.FormatInt(n, 10)+"\r\n"...)
		stream = append(stream, make([]byte, 1200)...)
		if o := feed(stream, &lim, 900); o.err != ErrQuerySize.Error() {
			t.Errorf("%d: %v", n, o)
		}
	}
}

// A bulk over the limit is refused when all of it is there, too.
func TestCompleteBulkOverLimit(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxBulk = 100
	for length, want := range map[int]string{100: "", 101: ErrBulkLength.Error()} {
		stream := encode("ECHO", strings.Repeat("x", length))
		for cut := range stream {
			if o := feed(stream, &lim, cut); o.err != want {
				t.Errorf("%d bytes, cut at %d: %v", length, cut, o)
			}
		}
	}
}

func TestLimitsAreReadAtEachHeader(t *testing.T) {
	lim := DefaultLimits()
	lim.Unauthenticated = true
	var p Parser
	stream := slices.Concat(encode("AUTH", "pw"), encode(slices.Repeat([]string{"a"}, 11)...))
	args, n, err := p.Next(stream, &lim)
	if err != nil || len(args) != 2 {
		t.Fatal(args, err)
	}
	lim.Unauthenticated = false
	if args, _, err := p.Next(stream[n:], &lim); err != nil || len(args) != 11 {
		t.Fatal(args, err)
	}

	p.Reset()
	stream = encode("ECHO", strings.Repeat("x", 2000), strings.Repeat("x", 2000))
	if args, n, err := p.Next(stream[:1000], &lim); len(args) != 0 || n != 0 || err != nil {
		t.Fatal(args, n, err)
	}
	lim.MaxBulk = 1999
	if _, _, err := p.Next(stream, &lim); err != ErrBulkLength {
		t.Errorf("%v for the bulk announced after the limit fell", err)
	}
	if p.spans[1] != (span{len("*3\r\n$4\r\nECHO\r\n$2000\r\n"), 2000 + len("*3\r\n$4\r\nECHO\r\n$2000\r\n")}) {
		t.Errorf("the bulk announced before was not taken: %v", p.spans)
	}
}

// A line limit that falls below what was already searched is an error, not a panic.
func TestInlineLimitFalls(t *testing.T) {
	lim := DefaultLimits()
	var p Parser
	line := []byte(strings.Repeat("a", 1000))
	if _, _, err := p.Next(line, &lim); err != nil {
		t.Fatal(err)
	}
	lim.MaxInline = 10
	if _, _, err := p.Next(append(line, "\r\n"...), &lim); err != ErrInlineSize {
		t.Error(err)
	}
}

func TestErrorIsFinal(t *testing.T) {
	lim := DefaultLimits()
	var p Parser
	if _, n, err := p.Next([]byte("\r\n*x\r\n"), &lim); err != ErrMultibulkLength || n != 2 {
		t.Fatal(n, err)
	}
	if args, n, err := p.Next([]byte(ping), &lim); err != ErrMultibulkLength || n != 0 || args != nil {
		t.Fatal(args, n, err)
	}
	p.Reset()
	if args, n, err := p.Next([]byte(ping), &lim); err != nil || n != len(ping) || len(args) != 1 {
		t.Fatal(args, n, err)
	}
}

func TestResetInTheMiddle(t *testing.T) {
	lim := DefaultLimits()
	whole := encode("ECHO", "abc")
	for cut := range whole {
		var p Parser
		if _, _, err := p.Next(whole[:cut], &lim); err != nil {
			t.Fatal(err)
		}
		p.Reset()
		if args, n, err := p.Next([]byte("PING\r\n"), &lim); err != nil || n != 6 || len(args) != 1 {
			t.Fatalf("cut at %d: %q %d %v", cut, args, n, err)
		}
	}
}

func TestLostBytesPanic(t *testing.T) {
	lim := DefaultLimits()
	var p Parser
	if _, _, err := p.Next([]byte("*2\r\n$4\r\nECHO\r\n"), &lim); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a caller that lost bytes went unnoticed")
		}
	}()
	_, _, _ = p.Next([]byte("$3\r\n"), &lim)
}

func TestErrorReply(t *testing.T) {
	got := string(ErrBulkLength.AppendReply([]byte("+OK\r\n")))
	if got != "+OK\r\n-ERR Protocol error: invalid bulk length\r\n" || ErrBulkLength.Silent() {
		t.Errorf("%q", got)
	}
	if got := ErrQuerySize.AppendReply(nil); len(got) != 0 || !ErrQuerySize.Silent() {
		t.Errorf("%q", got)
	}
}

func TestIsCrossProtocol(t *testing.T) {
	for name, want := range map[string]bool{
		"POST": true, "post": true, "Host:": true, "hOST:": true,
		"host": false, "posts": false, "": false, "ping": false, "hosts": false,
	} {
		if IsCrossProtocol([]byte(name)) != want {
			t.Errorf("%q: not %v", name, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, s := range []string{
		"", "0", "1", "9", "10", "99", "100", "123456789", "1234567890", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
		"99999999999999999999", "-99999999999999999999", "-", "-0", "-1", "+1", "01", "00", "1a", "a",
		" 1", "1 ", "1\n", "--1", "/", ":", "1/", "1:", "/1", ":1", "1/2", "1:2", strings.Repeat("9", 400),
	} {
		want, wantOK := modelNumber([]byte(s))
		if got, ok := parseInt([]byte(s)); ok != wantOK || ok && got != want {
			t.Errorf("parseInt(%q) = %d, %v", s, got, ok)
		}
		for _, after := range []string{"", "\r", "\r\n", "\r\nabcdef"} {
			v, next := shortLength([]byte("$"+s+after), 1)
			plain := wantOK && want >= 0 && len(s) <= maxShortDigits && len(after) >= 2
			if plain && (int64(v) != want || next != len(s)+3) || !plain && next != 0 {
				t.Errorf("shortLength(%q) = %d, %d", s+after, v, next)
			}
		}
	}
}

func TestDefaultLimits(t *testing.T) {
	want := Limits{MaxArgs: 2147483647, MaxBulk: 536870912, MaxInline: 65536, MaxQuery: 1073741824}
	if got := DefaultLimits(); got != want {
		t.Errorf("%+v", got)
	}
}
