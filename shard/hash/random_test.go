package hash_test

import (
	"fmt"
	"strings"
	"testing"
)

// bulks splits a flat RESP2 array of bulk strings.
func bulks(t *testing.T, r string) (values []string) {
	t.Helper()
	words := strings.Split(r, " ")
	if words[0][0] != '*' || words[0] != fmt.Sprintf("*%d", len(words)/2) {
		t.Fatalf("not an array: %s", r)
	}
	for i := 2; i < len(words); i += 2 {
		values = append(values, words[i])
	}
	return values
}

func TestRandomField(t *testing.T) {
	h := newHarness(t)
	h.Do("HSET h a 1")
	h.Expect("HRANDFIELD h", "$1 a")
	h.Expect("HRANDFIELD none", "$-1")
	h.Expect("HRANDFIELD none 3", "*0")
	h.Expect("HRANDFIELD h 0", "*0")
	h.Expect("HRANDFIELD h 0 WITHVALUES", "*0")
	h.Expect("HRANDFIELD h 9223372036854775807", "*1 $1 a")
	h.Expect("HRANDFIELD h 2 WITHVALUES", "*2 $1 a $1 1")
	h.Expect("HRANDFIELD h -2 withvalues", "*4 $1 a $1 1 $1 a $1 1")
	h.Expect("HRANDFIELD h -3", "*3 $1 a $1 a $1 a")
	h.Proto = 3
	h.Expect("HRANDFIELD h 2 WITHVALUES", "*1 *2 $1 a $1 1")
	h.Expect("HRANDFIELD h -2 WITHVALUES", "*2 *2 $1 a $1 1 *2 $1 a $1 1")
	h.Expect("HRANDFIELD none", "_")
}

func TestRandomFieldErrors(t *testing.T) {
	h := newHarness(t)
	h.Do("HSET h a 1")
	h.Expect("HRANDFIELD h x foo", "-ERR value is not an integer or out of range")
	h.Expect("HRANDFIELD h 1 foo", "-ERR syntax error")
	h.Expect("HRANDFIELD h 1 withvalues x", "-ERR syntax error")
	h.Expect("HRANDFIELD h -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	h.Expect("HRANDFIELD h -9223372036854775807 WITHVALUES", "-ERR value is out of range")
	h.Expect("HRANDFIELD h 4611686018427387904 WITHVALUES", "-ERR value is out of range")
	h.Expect("HRANDFIELD h -9223372036854775807", "-ERR value is out of range")
	h.Expect("HRANDFIELD none -9223372036854775807", "*0")
}

func TestRandomFieldIsFair(t *testing.T) {
	for _, n := range []int{30, 300} {
		h := newHarness(t)
		for i := range n {
			h.Do(fmt.Sprintf("HSET h f%d %d", i, i))
		}
		for _, count := range []int{5, n / 2, n - 1} {
			seen := map[string]int{}
			const rounds = 300
			for range rounds {
				values := bulks(t, h.Do(fmt.Sprintf("HRANDFIELD h %d WITHVALUES", count)))
				distinct := map[string]bool{}
				for i := 0; i < len(values); i += 2 {
					if "f"+values[i+1] != values[i] {
						t.Fatalf("field %s with value %s", values[i], values[i+1])
					}
					distinct[values[i]] = true
					seen[values[i]]++
				}
				if len(distinct) != count {
					t.Fatalf("%d distinct fields of %d, want %d", len(distinct), n, count)
				}
			}
			// A field is there count/n of the time; the seed is fixed.
			for f, times := range seen {
				if mean := rounds * count / n; times > 3*mean+10 {
					t.Errorf("%s of %d was chosen %d times of about %d", f, n, times, mean)
				}
			}
			if len(seen) != n && rounds*count/n > 20 {
				t.Errorf("%d of %d fields were ever chosen by count %d", len(seen), n, count)
			}
		}
	}
}

func TestScan(t *testing.T) {
	h := newHarness(t)
	h.Do("HSET h a 1 b 2 12 3")
	h.Expect("HSCAN h 0", "*2 $1 0 *6 $1 a $1 1 $1 b $1 2 $2 12 $1 3")
	h.Expect("HSCAN h 77 COUNT 1", "*2 $1 0 *6 $1 a $1 1 $1 b $1 2 $2 12 $1 3")
	h.Expect("HSCAN h 0 MATCH 1*", "*2 $1 0 *2 $2 12 $1 3")
	h.Expect("HSCAN h 0 MATCH *", "*2 $1 0 *6 $1 a $1 1 $1 b $1 2 $2 12 $1 3")
	h.Expect("HSCAN none 0", "*2 $1 0 *0")
	h.Expect("HSCAN none 0 COUNT x", "*2 $1 0 *0")
	h.Expect("HSCAN h x", "-ERR invalid cursor")
	h.Expect("HSCAN h 0 COUNT", "-ERR syntax error")
	h.Expect("HSCAN h 0 COUNT 0", "-ERR syntax error")
	h.Expect("HSCAN h 0 COUNT x", "-ERR value is not an integer or out of range")
	h.Expect("HSCAN h 0 TYPE string", "-ERR syntax error")
}

func TestScanTable(t *testing.T) {
	h := newHarness(t)
	const n = 5000
	for i := range n {
		h.Do(fmt.Sprintf("HSET h f%d %d", i, i))
	}
	for _, options := range []string{"", "COUNT 1", "COUNT 700", "COUNT 9223372036854775807"} {
		seen, cursor, calls := map[string]string{}, "0", 0
		for {
			words := strings.Split(h.Do("HSCAN h "+cursor+" "+options), " ")
			cursor = words[2]
			for i := 5; i < len(words); i += 4 {
				seen[words[i]] = words[i+2]
			}
			if calls++; cursor == "0" || calls > 4*n {
				break
			}
			if calls == 3 { // what is there all the time is met, whatever comes and goes
				for i := range n {
					h.Do(fmt.Sprintf("HSET h x%d 1", i))
				}
			} else if calls == 6 {
				for i := range n {
					h.Do(fmt.Sprintf("HDEL h x%d", i))
				}
			}
		}
		for i := range n {
			if seen[fmt.Sprint("f", i)] != fmt.Sprint(i) {
				t.Fatalf("%q: field f%d was not met in %d calls", options, i, calls)
			}
		}
	}
	if got := h.Do("HSCAN h 274877906944"); got != "*2 $1 0 *0" {
		t.Errorf("past the end: %s", got)
	}
}
