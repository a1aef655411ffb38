package saga

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/set"
	"pgregory.net/rapid"
)

func TestSetAlgebra(t *testing.T) {
	n := newLocalNode(t, 3)
	n.do("SADD a 1 2 3 4")
	n.do("SADD b 3 4 5")
	n.do("SADD x q 3")
	n.expect("SUNION a", "*4 $1 1 $1 2 $1 3 $1 4")
	n.expect("SUNION b a none", "*5 $1 1 $1 2 $1 3 $1 4 $1 5")
	n.expect("SUNION none nil", "*0")
	n.expect("SINTER a b", "*2 $1 3 $1 4")
	n.expect("SINTER a b x", "*1 $1 3")
	n.expect("SINTER a a", "*4 $1 1 $1 2 $1 3 $1 4")
	n.expect("SINTER a none", "*0")
	n.expect("SDIFF a b", "*2 $1 1 $1 2")
	n.expect("SDIFF a b none x", "*2 $1 1 $1 2")
	n.expect("SDIFF a a", "*0")
	n.expect("SDIFF none a", "*0")
	n.proto = reply.RESP3
	n.expect("SUNION a b", "~5 $1 1 $1 2 $1 3 $1 4 $1 5")
	n.expect("SUNION none nil", "~0")
	n.expect("SUNION b", "~3 $1 3 $1 4 $1 5")
	n.expect("SINTER b a", "~2 $1 3 $1 4")
	n.expect("SDIFF b a", "~1 $1 5")
	n.expect("SINTER none a", "~0")
}

func TestSetStore(t *testing.T) {
	n := newLocalNode(t, 3)
	n.do("SADD a 1 2 3")
	n.do("SADD b 3 4")
	n.do("SET d v")
	n.events = nil
	n.expect("SUNIONSTORE d a b", ":4")
	n.expect("SMEMBERS d", "*4 $1 1 $1 2 $1 3 $1 4")
	n.expect("SINTERSTORE d a b", ":1")
	n.expect("SDIFFSTORE d a b", ":2")
	n.expect("SMEMBERS d", "*2 $1 1 $1 2")
	n.expect("SDIFFSTORE d a a", ":0")
	n.expect("SCARD d", ":0")
	n.expect("SINTERSTORE d a none", ":0")
	n.expectEvents("sunionstore d@0", "sinterstore d@0", "sdiffstore d@0", "del d@0")
	n.expect("SINTERSTORE a a b", ":1") // the destination is a source
	n.expect("SMEMBERS a", "*1 $1 3")
	n.expect("SUNIONSTORE c b", ":2")
	n.proto = reply.RESP3
	n.expect("SUNIONSTORE c a b", ":2")
	n.expect("SMEMBERS c", "~2 $1 3 $1 4")
}

func TestSetAlgebraErrors(t *testing.T) {
	n := newLocalNode(t, 3)
	n.do("SADD a 1 2 3")
	n.do("SET s v")
	n.events = nil
	const wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value"
	for _, line := range []string{
		"SUNION s", "SUNION a s", "SUNION none s", "SINTER s", "SINTER none s", "SINTER a s", "SDIFF s a", "SDIFF none s",
		"SDIFF a a s", "SUNIONSTORE a a s", "SINTERSTORE a none s", "SDIFFSTORE a s", "SINTERCARD 2 none s",
		"SMOVE s a 1", "SMOVE a s 1", "SMOVE a s 9", "SMOVE s s 1",
	} {
		n.expect(line, wrongType)
	}
	n.expect("SMOVE none s 1", ":0")
	n.expect("SCARD a", ":3")
	n.expectEvents()
}

func TestSInterCard(t *testing.T) {
	n := newLocalNode(t, 3)
	n.do("SADD a 1 2 3 x")
	n.do("SADD b 2 3 x y z")
	n.expect("SINTERCARD 2 a b", ":3")
	n.expect("SINTERCARD 2 a b LIMIT 2", ":2")
	n.expect("SINTERCARD 2 a b limit 0", ":3")
	n.expect("SINTERCARD 2 a b LIMIT 9", ":3")
	n.expect("SINTERCARD 2 a b LIMIT 9 LIMIT 1", ":1")
	n.expect("SINTERCARD 1 a", ":4")
	n.expect("SINTERCARD 1 a LIMIT 3", ":3")
	n.expect("SINTERCARD 2 a a LIMIT 3", ":3")
	n.expect("SINTERCARD 2 a none LIMIT 1", ":0")
	n.expect("SINTERCARD 0 a", "-ERR numkeys should be greater than 0")
	n.expect("SINTERCARD x a", "-ERR numkeys should be greater than 0")
	n.expect("SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args")
	n.expect("SINTERCARD 9223372036854775807 a", "-ERR Number of keys can't be greater than number of args")
	n.expect("SINTERCARD 1 a b", "-ERR syntax error")
	n.expect("SINTERCARD 1 a LIMIT", "-ERR syntax error")
	n.expect("SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative")
	n.expect("SINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative")
}

func TestSMove(t *testing.T) {
	n := newLocalNode(t, 3)
	n.do("SADD a 1 x")
	n.do("SADD b 1")
	n.events = nil
	n.expect("SMOVE a b 9", ":0")
	n.expect("SMOVE none b 9", ":0")
	n.expect("SMOVE a a x", ":1")
	n.expect("SMOVE a a 9", ":0")
	n.expectEvents()
	n.expect("SMOVE a b 1", ":1")
	n.expectEvents("srem a@0")
	n.expect("SMOVE a c x", ":1")
	n.expectEvents("srem a@0", "del a@0", "sadd c@0")
	n.expect("SMEMBERS b", "*1 $1 1")
	n.expect("SMEMBERS c", "*1 $1 x")
}

// algebraModel computes an outcome with maps.
func algebraModel(op string, sets []map[string]bool) (outcome []string) {
	all := map[string]bool{}
	for _, s := range sets {
		for m := range s {
			all[m] = true
		}
	}
	for m := range all {
		in := 0
		for _, s := range sets {
			if s[m] {
				in++
			}
		}
		switch {
		case op == "SUNION", op == "SINTER" && in == len(sets), op == "SDIFF" && in == 1 && sets[0][m]:
			outcome = append(outcome, m)
		}
	}
	slices.Sort(outcome)
	return outcome
}

// sortedMembers returns the members in a reply, sorted.
func sortedMembers(b string) (members []string) {
	words := strings.Split(b, " ")
	for i := 2; i < len(words); i += 2 {
		members = append(members, words[i])
	}
	slices.Sort(members)
	return members
}

// TestSetAlgebraModel tries sets of very different sizes and kinds.
func TestSetAlgebraModel(t *testing.T) {
	n := newLocalNode(t, 3)
	rapid.Check(t, func(rt *rapid.T) {
		n.do("FLUSHALL")
		var keys []string
		var sets []map[string]bool
		for i := range rapid.IntRange(2, 5).Draw(rt, "sets") {
			key, members := fmt.Sprint("k", i), map[string]bool{}
			line := "SADD " + key
			prefix := rapid.SampledFrom([]string{"", "m"}).Draw(rt, "prefix")
			for range rapid.SampledFrom([]int{0, 1, 5, 60, 700}).Draw(rt, "size") {
				m := prefix + fmt.Sprint(rapid.IntRange(0, 1000).Draw(rt, "member"))
				members[m] = true
				line += " " + m
			}
			if len(members) > 0 {
				n.do(line)
			}
			keys, sets = append(keys, key), append(sets, members)
		}
		all := strings.Join(keys, " ")
		for _, op := range []string{"SUNION", "SINTER", "SDIFF"} {
			want := algebraModel(op, sets)
			if got := sortedMembers(n.do(op + " " + all)); !slices.Equal(got, want) {
				rt.Fatalf("%s %s = %v, want %v", op, all, got, want)
			}
			if got := n.do(op + "STORE d " + all); got != fmt.Sprintf(":%d", len(want)) {
				rt.Fatalf("%sSTORE replies %s, want %d", op, got, len(want))
			}
			if got := sortedMembers(n.do("SMEMBERS d")); !slices.Equal(got, want) {
				rt.Fatalf("%sSTORE stored %v, want %v", op, got, want)
			}
		}
		limit := rapid.IntRange(1, 50).Draw(rt, "limit")
		want := min(len(algebraModel("SINTER", sets)), limit)
		if got := n.do(fmt.Sprintf("SINTERCARD %d %s LIMIT %d", len(keys), all, limit)); got != fmt.Sprintf(":%d", want) {
			rt.Fatalf("SINTERCARD LIMIT %d = %s, want %d", limit, got, want)
		}
	})
}

// TestLimitedCardOfLargeSets walks a table in several chunks.
func TestLimitedCardOfLargeSets(t *testing.T) {
	n := newLocalNode(t, 3)
	for i := range 20 {
		a, b := "SADD a", "SADD b"
		for j := range 500 {
			a += fmt.Sprint(" m", i*500+j)
			b += fmt.Sprint(" m", i*500+j+5000)
		}
		n.do(a)
		n.do(b)
	}
	for _, limit := range []int{1, 300, 4999, 5000, 5001, 9999} {
		n.expect(fmt.Sprintf("SINTERCARD 2 a b LIMIT %d", limit), fmt.Sprintf(":%d", min(limit, 5000)))
	}
}

// TestMemberIndex fills half of the places, as much as it ever does.
func TestMemberIndex(t *testing.T) {
	const n = 15 // in 32 places
	x, b := newMemberIndex(n, 1), set.Build(nil, 2*n)
	all := fmt.Sprintf("*%d\r\n", n)
	for i := range n {
		all += fmt.Sprintf("$%d\r\n%s\r\n", i, strings.Repeat("x", i))
	}
	x.addAll(&b, set.Members(all))
	x.addAll(&b, set.Members(all))
	x.addOthers(&b, set.Members("*2\r\n$2\r\nxx\r\n$2\r\nxy\r\n"))
	want := strings.Replace(all, "*15", "*16", 1) + "$2\r\nxy\r\n"
	if got := string(b.End('*')); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMemberIndexOfEqualTags puts "a" where a member with the tag of "b" would be.
func TestMemberIndexOfEqualTags(t *testing.T) {
	x, base := newMemberIndex(2, 1), []byte("$1\r\na\r\n")
	b, encoded := []byte("b"), []byte("$1\r\nb\r\n")
	place, tag := x.find(base, b, encoded)
	*place = tag<<offsetBits | 1
	if place, _ = x.find(base, b, encoded); *place != 0 {
		t.Error("another member with the same tag is taken for it")
	}
}
