package set_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/sample"
)

// bulks splits a flat RESP2 array of bulk strings.
func bulks(t *testing.T, r string) (values []string) {
	t.Helper()
	words := strings.Split(r, " ")
	if words[0] != fmt.Sprintf("*%d", len(words)/2) {
		t.Fatalf("not an array: %s", r)
	}
	for i := 2; i < len(words); i += 2 {
		values = append(values, words[i])
	}
	return values
}

func TestPopAndRandomMember(t *testing.T) {
	h := newHarness(t)
	for _, member := range []string{"7", "a"} {
		h.Do("SADD s " + member)
		h.Expect("SRANDMEMBER s", "$1 "+member)
		h.Expect("SRANDMEMBER s 5", "*1 $1 "+member)
		h.Expect("SRANDMEMBER s -2", "*2 $1 "+member+" $1 "+member)
		h.Expect("SRANDMEMBER s 0", "*0")
		h.Expect("SPOP s 0", "*0")
		h.Events = nil
		h.Expect("SPOP s", "$1 "+member)
		h.ExpectEvents("spop s", "del s")
		h.Do("SADD s " + member)
		h.Expect("SPOP s 2", "*1 $1 "+member)
		h.ExpectEvents("sadd s", "spop s", "del s")
	}
	h.Expect("SPOP none", "$-1")
	h.Expect("SPOP none 2", "*0")
	h.Expect("SRANDMEMBER none", "$-1")
	h.Expect("SRANDMEMBER none -2", "*0")
	h.ExpectEvents()
	h.Proto = 3
	h.Expect("SPOP none 2", "~0")
	h.Expect("SPOP none", "_")
	h.Expect("SRANDMEMBER none 2", "*0")
	h.Do("SADD s a")
	h.Expect("SRANDMEMBER s 1", "*1 $1 a")
	h.Expect("SPOP s 1", "~1 $1 a")
}

func TestRandomErrors(t *testing.T) {
	h := newHarness(t)
	h.Do("SADD s a")
	h.Expect("SPOP s -1", "-ERR value is out of range, must be positive")
	h.Expect("SPOP s x", "-ERR value is out of range, must be positive")
	h.Expect("SPOP s 9223372036854775808", "-ERR value is out of range, must be positive")
	h.Expect("SPOP s 1 2", "-ERR syntax error")
	h.Expect("SRANDMEMBER s x", "-ERR value is not an integer or out of range")
	h.Expect("SRANDMEMBER s 1 2", "-ERR syntax error")
	h.Expect("SRANDMEMBER s -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	h.Expect("SRANDMEMBER s -9223372036854775807", "-ERR value is out of range")
	h.Expect(fmt.Sprintf("SRANDMEMBER s -%d", sample.MaxDraws+1), "-ERR value is out of range")
	h.Expect("SRANDMEMBER s 9223372036854775807", "*1 $1 a")
	h.Expect("SPOP s 9223372036854775807", "*1 $1 a")
}

func addMany(h *enginetest.Harness, prefix string, n int) {
	for i := range n {
		h.Do(fmt.Sprintf("SADD s %s%d", prefix, i))
	}
}

func TestRandomMembersAreFair(t *testing.T) {
	for _, prefix := range []string{"", "m"} {
		const n, rounds = 60, 400
		h := newHarness(t)
		addMany(h, prefix, n)
		for _, count := range []int{5, n / 2, n - 1, -40} {
			seen := map[string]int{}
			for range rounds {
				distinct := map[string]bool{}
				members := bulks(t, h.Do(fmt.Sprintf("SRANDMEMBER s %d", count)))
				for _, m := range members {
					distinct[m] = true
					seen[m]++
				}
				if count > 0 && len(distinct) != count || len(members) != max(count, -count) {
					t.Fatalf("count %d: %d members, %d distinct", count, len(members), len(distinct))
				}
			}
			mean := rounds * max(count, -count) / n // at least 33; the seed is fixed
			for i := range n {
				if times := seen[fmt.Sprint(prefix, i)]; times < mean/3 || times > 2*mean {
					t.Errorf("count %d: %s%d was chosen %d times of about %d", count, prefix, i, times, mean)
				}
			}
		}
	}
}

func TestPopManyLeavesTheOthers(t *testing.T) {
	for _, prefix := range []string{"", "m"} {
		for _, count := range []int{1, 10, 80, 95, 99, 100} {
			h := newHarness(t)
			addMany(h, prefix, 100)
			h.Events = nil
			popped := bulks(t, h.Do(fmt.Sprintf("SPOP s %d", count)))
			seen := map[string]bool{}
			for _, m := range append(popped, bulks(t, h.Do("SMEMBERS s"))...) {
				seen[m] = true
			}
			if len(popped) != count || len(seen) != 100 {
				t.Errorf("%q: popped %d of 100, %d members seen in all", prefix, len(popped), len(seen))
			}
			if count == 100 {
				h.ExpectEvents("spop s", "del s")
			} else {
				h.ExpectEvents("spop s")
			}
		}
	}
}

// TestPopMostMayLeaveAnIntset holds a way back from a table that Redis has.
func TestPopMostMayLeaveAnIntset(t *testing.T) {
	h := newHarness(t)
	h.Config.SetMaxIntset = 10
	addMany(h, "", 100)
	h.Do("SPOP s 99")
	if got := object(t, h, "s").Encoding(); got != "intset" {
		t.Errorf("encoding %s, want intset", got)
	}
}

// TestPopKeepsTheExpiry tries one member, few, and most of them.
func TestPopKeepsTheExpiry(t *testing.T) {
	for _, line := range []string{"SPOP s", "SPOP s 10", "SPOP s 95"} {
		h := newHarness(t)
		addMany(h, "m", 100)
		var k keyspace.Key
		h.Engine.KS.Key(&k, 0, []byte("s"))
		h.Engine.KS.SetExpiry(&k, h.Engine.KS.Peek(&k), h.Now+1000)
		h.Do(line)
		h.Now += 999
		if h.Do("SCARD s") == ":0" {
			t.Errorf("%s: the key went early", line)
		}
		h.Now++
		h.Expect("SCARD s", ":0")
	}
}
