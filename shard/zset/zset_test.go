package zset_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/zset"
)

// line splits a command line once, for runs that must not allocate.
func line(words ...string) (args [][]byte) {
	for _, w := range words {
		args = append(args, []byte(w))
	}
	return args
}

// object returns the sorted set at a key, nil if there is none.
func object(h *enginetest.Harness, key string) *zset.ZSet {
	var k keyspace.Key
	h.Engine.KS.Key(&k, h.DB, []byte(key))
	r := h.Engine.KS.Peek(&k)
	if r == 0 {
		return nil
	}
	return h.Engine.KS.Object(r).(*zset.ZSet)
}

// bothForms runs a test with small sets, and with every set in the large form.
func bothForms(t *testing.T, f func(t *testing.T, h *enginetest.Harness)) {
	for _, c := range []struct {
		name    string
		entries int
	}{{"listpack", 128}, {"skiplist", 0}} {
		t.Run(c.name, func(t *testing.T) {
			h := enginetest.New(t, zset.Commands)
			h.Config.ZSetMaxEntries = c.entries
			f(t, h)
		})
	}
}

func TestAdd(t *testing.T) {
	bothForms(t, func(t *testing.T, h *enginetest.Harness) {
		h.Expect("ZADD z 1 a 2 b", ":2")
		h.ExpectEvents("zadd z")
		h.Expect("ZADD z 1 a", ":0")
		h.Expect("ZADD z NX 9 a", ":0")
		h.Expect("ZADD z XX 9 new", ":0")
		h.Expect("ZADD z GT 0 a LT b", "-ERR value is not a valid float")
		h.Expect("ZADD z GT 0 a", ":0")
		h.Expect("ZADD none XX 1 a", ":0")
		h.Expect("ZADD none XX INCR 1 a", "$-1")
		h.ExpectEvents()
		h.Expect("ZADD z CH GT 5 a 1 b 7 c", ":2")
		h.Expect("ZADD z INCR 1.5 a", "$3 6.5")
		h.Expect("ZADD z INCR NX 1.5 a", "$-1")
		h.Expect("ZINCRBY z -inf a", "$4 -inf")
		h.Expect("ZINCRBY z inf a", "-ERR resulting score is not a number (NaN)")
		h.ExpectEvents("zadd z", "zincr z", "zincr z")
		h.Expect("ZADD z 1", "-ERR wrong number of arguments for 'zadd' command")
		h.Expect("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible")
		h.Expect("ZADD z GT LT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible")
		h.Expect("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair")
		h.Expect("ZADD z 1 a nan b", "-ERR value is not a valid float")
		h.Expect("ZINCRBY z nx a", "-ERR syntax error")
		h.Proto = reply.RESP3
		h.Expect("ZADD z INCR 1.5 n", ",1.5")
		h.Expect("ZRANGE z 0 0 WITHSCORES", "*1 *2 $1 a ,-inf")
		h.Expect("ZSCORE z none", "_")
	})
}

// A listpack has no negative zero, as in Redis.
func TestZeroSign(t *testing.T) {
	bothForms(t, func(t *testing.T, h *enginetest.Harness) {
		h.Expect("ZADD z INCR -0 m", "$2 -0")
		want := "$2 -0"
		if object(h, "z").Encoding() == "listpack" {
			want = "$1 0"
		}
		h.Expect("ZSCORE z m", want)
		h.Expect("ZADD z CH 0 m", ":0")
		h.Expect("ZSCORE z m", want)
		h.Expect("ZCOUNT z -0 (0", ":0")
		h.Expect("ZCOUNT z -0 0", ":1")
	})
}

func TestRemove(t *testing.T) {
	bothForms(t, func(t *testing.T, h *enginetest.Harness) {
		h.Do("ZADD z 1 a 2 b 3 c 4 d 5 e")
		h.Events = nil
		h.Expect("ZREM z a a nothing", ":1")
		h.Expect("ZREMRANGEBYSCORE z 2 (3", ":1")
		h.Expect("ZREMRANGEBYSCORE z 9 1", ":0")
		h.Expect("ZREMRANGEBYRANK z -1 -1", ":1")
		h.Expect("ZPOPMAX z", "*2 $1 d $1 4")
		h.ExpectEvents("zrem z", "zremrangebyscore z", "zremrangebyrank z", "zpopmax z")
		h.Expect("ZPOPMIN z 0", "*0")
		h.Expect("ZPOPMIN z -1", "-ERR value is out of range, must be positive")
		h.Expect("ZPOPMIN z 9223372036854775807", "*2 $1 c $1 3")
		h.ExpectEvents("zpopmin z", "del z")
		h.Expect("ZPOPMIN z", "*0")
		h.Expect("ZREM z a", ":0")
		h.Do("ZADD z 0 a 0 b")
		h.Expect("ZREMRANGEBYLEX z - +", ":2")
		h.ExpectEvents("zadd z", "zremrangebylex z", "del z")
		h.Do("ZADD z 0 a 0 b")
		h.Proto = reply.RESP3
		h.Expect("ZPOPMIN z 1", "*1 *2 $1 a ,0")
		h.Expect("ZPOPMIN z", "*2 $1 b ,0")
	})
}

func TestEncoding(t *testing.T) {
	h := enginetest.New(t, zset.Commands)
	encoding := func(want string) {
		t.Helper()
		if got := object(h, "z").Encoding(); got != want {
			t.Errorf("%d elements: encoding %s, want %s", object(h, "z").Len(), got, want)
		}
	}
	for i := range 128 {
		h.Do(fmt.Sprintf("ZADD z %d m%d", i, i))
	}
	encoding("listpack")
	h.Do("ZADD z 128 m128")
	encoding("skiplist")
	h.Expect("ZREMRANGEBYRANK z 1 -1", ":128")
	encoding("skiplist")
	h.Do("ZREM z m0")
	h.Do("ZADD z 1 " + strings.Repeat("x", 64))
	encoding("listpack")
	h.Do("ZADD z 1 " + strings.Repeat("x", 65))
	encoding("skiplist")
	h.Expect("ZCARD z", ":2")
}

func TestWrongType(t *testing.T) {
	h := enginetest.New(t, zset.Commands)
	h.Engine.KS.Advance(h.Now)
	var k keyspace.Key
	h.Engine.KS.Key(&k, 0, []byte("text"))
	copy(h.Engine.KS.PutString(&k, 0, keyspace.Raw, 1, 0), "x")
	for _, c := range zset.Commands {
		if c.Row.Name[0] == '~' {
			continue
		}
		low, high := "1", "2"
		if strings.Contains(c.Row.Name, "lex") {
			low, high = "-", "+"
		}
		words := []string{c.Row.Name, "text", low, high}[:max(c.Row.Arity, -c.Row.Arity)]
		if got := h.DoArgs(words...); !strings.HasPrefix(got, "-WRONGTYPE") {
			t.Errorf("%q: %s", words, got)
		}
	}
}

func TestImage(t *testing.T) {
	bothForms(t, func(t *testing.T, h *enginetest.Harness) {
		h.DoArgs("ZADD", "z", "1.5", "a", "-inf", "", "-0", "12", "3", strings.Repeat("x\x00", 30))
		z := object(h, "z")
		image := append([]byte("prefix"), z.AppendImage(nil)...)
		copied := zset.Load(h.Engine.KS, image[6:]).(*zset.ZSet)
		clear(image)
		if copied.Encoding() != z.Encoding() || copied.Len() != z.Len() {
			t.Fatalf("%s of %d became %s of %d", z.Encoding(), z.Len(), copied.Encoding(), copied.Len())
		}
		at, want := copied.At(0), z.At(0)
		for ; want.Valid(); at.Next() {
			if !bytes.Equal(at.Member(), want.Member()) || math.Float64bits(at.Score()) != math.Float64bits(want.Score()) {
				t.Errorf("got %q %v, want %q %v", at.Member(), at.Score(), want.Member(), want.Score())
			}
			if rank, ok := copied.Rank(want.Member()); !ok || z.Len() <= rank {
				t.Errorf("%q has no rank", want.Member())
			}
			want.Next()
		}
	})
}

// What a large set has taken from the arena goes back, however it ends.
func TestMemory(t *testing.T) {
	h := enginetest.New(t, zset.Commands)
	h.Do("ZADD other 1 x")
	empty := h.Engine.KS.Arena.Used()
	fill := func() {
		for i := range 1000 {
			h.Do(fmt.Sprintf("ZADD z %d member:%d", i%7, i))
		}
	}
	fill()
	if got := object(h, "z").MemBytes(); got < 1000*40 || got > 1000*100 {
		t.Errorf("1000 elements take %d bytes", got)
	}
	h.Do("ZREMRANGEBYRANK z 0 499")
	for i := range 1000 {
		h.Do(fmt.Sprintf("ZREM z member:%d", i))
	}
	if got := h.Engine.KS.Arena.Used(); got != empty {
		t.Errorf("%d bytes are left of removed elements", got-empty)
	}
	fill()
	h.Do("~zstore z event")
	for h.Engine.KS.Garbage() {
		h.Engine.KS.Collect(10)
	}
	if got := h.Engine.KS.Arena.Used(); got != empty {
		t.Errorf("%d bytes are left of a deleted set", got-empty)
	}
}

func TestScanMeetsAll(t *testing.T) {
	h := enginetest.New(t, zset.Commands)
	for i := range 3000 {
		h.Do(fmt.Sprintf("ZADD z %d.5 m%d", i, i))
	}
	seen, cursor := map[string]string{}, "0"
	for calls := 0; ; calls++ {
		words := strings.Fields(h.Do("ZSCAN z " + cursor + " COUNT 50 MATCH m*"))
		for i := 5; i < len(words); i += 4 {
			seen[words[i]] = words[i+2]
		}
		h.Do(fmt.Sprintf("ZADD z 1 other%d", calls)) // the table goes on growing
		if cursor = words[2]; cursor == "0" {
			break
		}
	}
	for i := range 3000 {
		if got, want := seen[fmt.Sprintf("m%d", i)], fmt.Sprintf("%d.5", i); got != want {
			t.Errorf("m%d: scanned score %q, want %q", i, got, want)
		}
	}
	if len(seen) != 3000 {
		t.Errorf("%d elements, want 3000", len(seen))
	}
	h.Expect("ZSCAN z 0 COUNT 0", "-ERR syntax error")
	h.Expect("ZSCAN z x", "-ERR invalid cursor")
	if words := strings.Fields(h.Do("ZSCAN z 0 COUNT 9223372036854775807")); words[2] != "0" {
		t.Errorf("one call for all ends at cursor %s", words[2])
	}
}

func TestRandmember(t *testing.T) {
	bothForms(t, func(t *testing.T, h *enginetest.Harness) {
		h.Expect("ZRANDMEMBER z", "$-1")
		h.Expect("ZRANDMEMBER z 3", "*0")
		for i := range 20 {
			h.Do(fmt.Sprintf("ZADD z %d m%02d", i, i))
		}
		for count := range 20 {
			met := map[string]bool{}
			for range 40 {
				words := strings.Fields(h.Do(fmt.Sprintf("ZRANDMEMBER z %d", count)))
				got := words[1:]
				if len(got) != 2*count || words[0] != "*"+strconv.Itoa(count) {
					t.Fatalf("%d elements asked for: %q", count, words)
				}
				slices.Sort(got)
				if len(slices.Compact(slices.Clone(got[count:]))) != count {
					t.Fatalf("%d elements asked for, some twice: %q", count, got)
				}
				for _, m := range got[count:] {
					met[m] = true
				}
			}
			if count >= 3 && len(met) != 20 {
				t.Errorf("%d at a time meet %d of 20", count, len(met))
			}
		}
		if got := strings.Count(h.Do("ZRANDMEMBER z -50 WITHSCORES"), "$"); got != 100 {
			t.Errorf("-50 elements with scores: %d values", got)
		}
		h.Expect("ZRANDMEMBER z -9223372036854775807", "-ERR value is out of range")
		h.Expect("ZRANDMEMBER z -9223372036854775808",
			"-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
		h.Expect("ZRANDMEMBER z 9223372036854775807 WITHSCORES", "-ERR value is out of range")
		h.Expect("ZRANDMEMBER z 1 WITHSCORE", "-ERR syntax error")
		h.Proto = reply.RESP3
		if got := h.Do("ZRANDMEMBER z 100 WITHSCORES"); !strings.HasPrefix(got, "*20 *2 $3 m19 ,19 *2 $3 m18 ,18") {
			t.Errorf("all with scores: %s", got)
		}
	})
}

func TestNoAllocation(t *testing.T) {
	bothForms(t, func(t *testing.T, h *enginetest.Harness) {
		h.Config.Notify = 0
		for i := range 100 {
			h.Do(fmt.Sprintf("ZADD z %d member:%d", i, i))
		}
		for _, args := range [][][]byte{
			line("ZADD", "z", "5", "member:5"), line("ZADD", "z", "INCR", "3", "member:7"), line("ZADD", "z", "1", "member:1", "2", "member:2"),
			line("ZINCRBY", "z", "1", "member:9"), line("ZSCORE", "z", "member:5"), line("ZMSCORE", "z", "member:5", "member:6"),
			line("ZRANK", "z", "member:5"), line("ZREVRANK", "z", "member:6"), line("ZCARD", "z"), line("ZREM", "z", "none"),
			line("ZRANGE", "z", "10", "20", "WITHSCORES"), line("ZRANGE", "z", "20", "10", "BYSCORE", "REV", "LIMIT", "1", "5"),
			line("ZCOUNT", "z", "(3", "9"), line("ZREMRANGEBYSCORE", "z", "3000", "4000"), line("ZREVRANGE", "z", "0", "3"),
		} {
			h.Raw(args)
			if got := testing.AllocsPerRun(50, func() { h.Raw(args) }); got != 0 {
				t.Errorf("%s allocates %v times", bytes.Join(args, []byte(" ")), got)
			}
		}
	})
}
