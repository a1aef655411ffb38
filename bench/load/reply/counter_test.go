package reply

import (
	"errors"
	"strings"
	"testing"
)

// stream holds one reply of every shape: the wanted figures stand beside it.
const stream = "+OK\r\n" +
	":-12\r\n" +
	"$5\r\nhello\r\n" +
	"$0\r\n\r\n" +
	"$-1\r\n" +
	"*-1\r\n" +
	"*0\r\n" +
	"-ERR wrong\r\n" +
	"$8\r\n*2\r\n-E\r\n\r\n" + // a bulk that looks like RESP must be skipped
	"*3\r\n*2\r\n:1\r\n$2\r\nab\r\n*0\r\n*1\r\n-WRONGTYPE no\r\n" +
	"+\r\n"

const (
	wantReplies = 11
	wantErrors  = 2
	wantNulls   = 2
)

func check(t *testing.T, c *Counter) {
	t.Helper()
	if c.Replies != wantReplies || c.Errors != wantErrors || c.Nulls != wantNulls {
		t.Fatalf("replies %d errors %d nulls %d, want %d %d %d", c.Replies, c.Errors, c.Nulls, wantReplies, wantErrors, wantNulls)
	}
	if c.FirstError != "ERR wrong" {
		t.Fatalf("first error %q", c.FirstError)
	}
	if c.Partial() {
		t.Fatal("something is left over")
	}
}

func TestWholeStream(t *testing.T) {
	var c Counter
	n, err := c.Feed([]byte(stream))
	if err != nil || n != wantReplies {
		t.Fatalf("completed %d, %v", n, err)
	}
	check(t, &c)
}

func TestCutAtEveryByte(t *testing.T) {
	for cut := range len(stream) + 1 {
		var c Counter
		a, errA := c.Feed([]byte(stream[:cut]))
		b, errB := c.Feed([]byte(stream[cut:]))
		if errA != nil || errB != nil || a+b != wantReplies {
			t.Fatalf("cut at %d: %d+%d replies, %v, %v", cut, a, b, errA, errB)
		}
		check(t, &c)
	}
}

func TestOneByteAtATime(t *testing.T) {
	var c Counter
	total := 0
	for i := range len(stream) {
		n, err := c.Feed([]byte(stream[i : i+1]))
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if total != wantReplies {
		t.Fatalf("%d replies", total)
	}
	check(t, &c)
}

func TestTruncatedReplyIsNotCounted(t *testing.T) {
	for _, one := range []string{"+OK\r\n", "$5\r\nhello\r\n", "*2\r\n:1\r\n*1\r\n$-1\r\n", "*1\r\n$0\r\n\r\n"} {
		for cut := 1; cut < len(one); cut++ {
			var c Counter
			n, err := c.Feed([]byte(one[:cut]))
			if err != nil || n != 0 || !c.Partial() {
				t.Fatalf("%q: %d replies, %v, partial %v", one[:cut], n, err, c.Partial())
			}
		}
	}
}

func TestRefusesWhatIsNotRESP(t *testing.T) {
	for _, bad := range []string{
		"HTTP/1.1 400 Bad Request\r\n", "+OK\n", "\r\n", "$-2\r\n", "$x\r\n", "$\r\n", "$99999999999\r\n", "$600000000\r\n",
		"*-2\r\n", "*99999999999\r\n", "*123456789012\r\n", "$1a\r\n", "_\r\n",
		"+" + strings.Repeat("a", maxLineBytes),
	} {
		var c Counter
		_, err := c.Feed([]byte(bad))
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func TestCarriedLineIsBounded(t *testing.T) {
	var c Counter
	chunk := []byte("+" + strings.Repeat("a", maxLineBytes/2))
	if _, err := c.Feed(chunk); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Feed(chunk); !errors.Is(err, ErrProtocol) {
		t.Fatalf("a line over the bound passed: %v", err)
	}
}

func TestFeedDoesNotAllocate(t *testing.T) {
	var c Counter
	replies := []byte(strings.Repeat("+OK\r\n$3\r\nabc\r\n*2\r\n:1\r\n:2\r\n", 64))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := c.Feed(replies); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations a feed", n)
	}
}

func BenchmarkFeedPipelineOf64(b *testing.B) {
	var c Counter
	replies := []byte(strings.Repeat("+OK\r\n", 64))
	b.SetBytes(int64(len(replies)))
	for b.Loop() {
		if _, err := c.Feed(replies); err != nil {
			b.Fatal(err)
		}
	}
}
