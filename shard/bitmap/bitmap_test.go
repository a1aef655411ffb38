package bitmap_test

import (
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"github.com/troupedb/troupe/shard/bitmap"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/str"
	"pgregory.net/rapid"
)

func newHarness(t testing.TB) *enginetest.Harness {
	return enginetest.New(t, slices.Concat(bitmap.Commands, str.Commands))
}

func TestTranscripts(t *testing.T) {
	h := newHarness(t)
	for _, s := range [][2]string{
		{"SETBIT b 7 1", ":0"}, {"SETBIT b 7 1", ":1"}, {"GETBIT b 7", ":1"}, {"GETBIT b 6", ":0"}, {"GETBIT b 100000", ":0"},
		{"GETBIT none 0", ":0"}, {`GET b`, "$1 \x01"}, {"SETBIT b 20 0", ":0"}, {"STRLEN b", ":3"},
		{"SETBIT b 4294967296 1", "-ERR bit offset is not an integer or out of range"},
		{"SETBIT b -1 1", "-ERR bit offset is not an integer or out of range"},
		{"SETBIT b 9223372036854775807 1", "-ERR bit offset is not an integer or out of range"},
		{"SETBIT b 1 2", "-ERR bit is not an integer or out of range"},
		{"SET n 12", "+OK"}, {"GETBIT n 3", ":1"}, {"SETBIT n 7 0", ":1"}, {"GET n", "$2 02"},
		{"SET f foobar", "+OK"}, {"BITCOUNT f", ":26"}, {"BITCOUNT f 0 0", ":4"}, {"BITCOUNT f 1 1", ":6"}, {"BITCOUNT f 5 30 BIT", ":17"},
		{"BITCOUNT f -2 -1", ":7"}, {"BITCOUNT f -1 -2 x", ":0"}, {"BITCOUNT f 0 1 x", "-ERR syntax error"}, {"BITCOUNT f 0", "-ERR syntax error"},
		{"BITCOUNT none 0", ":0"}, {"BITCOUNT f 9 1", ":0"},
		{`SET p "\xff\xf0\x00"`, "+OK"}, {"BITPOS p 0", ":12"}, {"BITPOS p 1 2", ":-1"}, {"BITPOS p 0 0 0", ":-1"}, {"BITPOS p 1 5 9 BIT", ":5"},
		{`SET p "\xff\xff"`, "+OK"}, {"BITPOS p 0", ":16"}, {"BITPOS p 0 1", ":16"}, {"BITPOS p 0 2", ":-1"}, {"BITPOS p 0 0 -1", ":-1"},
		{"BITPOS none 0", ":0"}, {"BITPOS none 1", ":-1"}, {"BITPOS p 2", "-ERR The bit argument must be 1 or 0."},
		{`SET e ""`, "+OK"}, {"BITPOS e 0", ":-1"}, {"BITCOUNT e", ":0"}, {"BITPOS e 0 0", ":-1"},
		{"BITFIELD w SET u8 0 255 GET u8 0 INCRBY u8 0 1 OVERFLOW SAT INCRBY u8 0 300 OVERFLOW FAIL INCRBY u8 0 1", "*5 :0 :255 :0 :255 $-1"},
		{"BITFIELD w SET i8 0 -1 GET u4 4 GET i5 0 INCRBY i8 0 -128", "*4 :-1 :15 :-1 :127"},
		{"BITFIELD w OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0", "*2 :127 :127"},
		{"BITFIELD w OVERFLOW SAT INCRBY i64 0 -9223372036854775808 INCRBY i64 0 -9223372036854775808", "*2 :-72057594037927936 :-9223372036854775808"},
		{"BITFIELD w OVERFLOW FAIL SET u8 #100 256", "*1 $-1"}, {"STRLEN w", ":101"},
		{"BITFIELD w SET u63 #1 9223372036854775807 GET u63 63", "*2 :0 :9223372036854775807"},
		{"BITFIELD w GET u64 0", "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."},
		{"BITFIELD w GET i0 0", "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."},
		{"BITFIELD w GET i8 #9223372036854775807", "-ERR bit offset is not an integer or out of range"},
		{"BITFIELD w GET i8 #-1", "-ERR bit offset is not an integer or out of range"},
		{"BITFIELD w OVERFLOW x", "-ERR Invalid OVERFLOW type specified"}, {"BITFIELD w GET i8", "-ERR syntax error"}, {"BITFIELD w", "*0"},
		{"BITFIELD_RO w GET u8 0 GET i8 9999999", "*2 :128 :0"}, {"BITFIELD_RO w SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"},
		{"BITFIELD none GET u8 0", "*1 :0"}, {"GET none", "$-1"},
	} {
		h.Expect(s[0], s[1])
	}
}

func TestEvents(t *testing.T) {
	h := newHarness(t)
	for _, step := range []struct {
		line   string
		events []string
	}{
		{"SETBIT k 0 0", []string{"setbit k"}},
		{"SETBIT k 1 0", nil},
		{"SETBIT k 9 0", []string{"setbit k"}},
		{"BITFIELD k GET u8 0", nil},
		{"BITFIELD k SET u8 0 1 SET u8 8 3", []string{"setbit k"}},
		{"BITFIELD k SET u8 0 1", nil},
		{"BITFIELD k OVERFLOW FAIL SET u8 99 256", nil},
		{"BITFIELD k SET u8 800 0", []string{"setbit k"}},
	} {
		h.Do(step.line)
		h.ExpectEvents(step.events...)
	}
}

// TestBitsModel compares counting, searching and fields with an array of bits.
func TestBitsModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		text := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0xFF, 0xFF, 0x10, 0xEF}), 1, 90).Draw(rt, "string")
		h.DoArgs("SET", "k", string(text))
		one := func(i int) bool { return i < len(text)*8 && text[i/8]>>(7-i%8)&1 == 1 }
		from := rapid.IntRange(0, len(text)*8-1).Draw(rt, "from")
		to := rapid.IntRange(from, len(text)*8-1).Draw(rt, "to")
		count, first := 0, [2]int{-1, -1}
		for i := from; i <= to; i++ {
			bit := 0
			if one(i) {
				bit = 1
				count++
			}
			if first[bit] < 0 {
				first[bit] = i
			}
		}
		expect(rt, h, fmt.Sprintf("BITCOUNT k %d %d BIT", from, to), fmt.Sprintf(":%d", count))
		for bit, pos := range first {
			expect(rt, h, fmt.Sprintf("BITPOS k %d %d %d BIT", bit, from, to), fmt.Sprintf(":%d", pos))
		}
		width := rapid.IntRange(1, 63).Draw(rt, "width")
		var v uint64
		for i := range width {
			v <<= 1
			if one(from + i) {
				v |= 1
			}
		}
		expect(rt, h, fmt.Sprintf("BITFIELD k GET u%d %d GET i%d %d", width, from, width, from),
			fmt.Sprintf("*2 :%d :%d", v, int64(v<<(64-width))>>(64-width)))
		all := 0
		for _, b := range text {
			all += bits.OnesCount8(b)
		}
		expect(rt, h, "BITCOUNT k", fmt.Sprintf(":%d", all))
	})
}

// TestFieldWrites writes fields and reads them and their neighbours back.
func TestFieldWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		fill := rapid.SampledFrom([]string{"\x00", "\xff"}).Draw(rt, "fill")
		for range 30 {
			h.DoArgs("APPEND", "k", fill)
		}
		at, width := rapid.IntRange(64, 100).Draw(rt, "at"), rapid.IntRange(1, 64).Draw(rt, "width")
		v := rapid.Int64().Draw(rt, "value") << (64 - width) >> (64 - width)
		before := h.Do(fmt.Sprintf("BITFIELD k GET u63 %d GET u63 %d", at-63, at+width))
		h.Do(fmt.Sprintf("BITFIELD k SET i%d %d %d", width, at, v))
		expect(rt, h, fmt.Sprintf("BITFIELD k GET i%d %d", width, at), fmt.Sprintf("*1 :%d", v))
		expect(rt, h, fmt.Sprintf("BITFIELD k GET u63 %d GET u63 %d", at-63, at+width), before)
	})
}

func TestRollback(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t)
		h.DoArgs("SET", "a", rapid.SampledFrom([]string{"12", "text", ""}).Draw(rt, "value"))
		before := h.Snapshot()
		h.Journal = new(keyspace.Journal)
		for range rapid.IntRange(1, 8).Draw(rt, "commands") {
			key := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key")
			at := rapid.IntRange(0, 60000).Draw(rt, "at")
			if rapid.Bool().Draw(rt, "bit") {
				h.DoArgs("SETBIT", key, fmt.Sprint(at), "1")
			} else {
				h.Do(fmt.Sprintf("BITFIELD %s INCRBY i33 %d -5 SET u8 3 200 INCRBY u9 %d 3", key, at, at/2))
			}
		}
		h.Engine.KS.Rollback(h.Journal)
		if got := h.Snapshot(); got != before {
			rt.Fatalf("after rollback\n%s\nbefore\n%s", got, before)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	h := newHarness(t)
	h.Config.Notify = 0
	h.Do("SETBIT k 80000 1")
	for _, words := range [][]string{
		{"SETBIT", "k", "77", "0"}, {"SETBIT", "k", "77", "1"}, {"GETBIT", "k", "9"}, {"BITCOUNT", "k"}, {"BITPOS", "k", "1"},
		{"BITFIELD", "k", "INCRBY", "u8", "0", "1", "GET", "i5", "3"},
	} {
		var args [][]byte
		for _, w := range words {
			args = append(args, []byte(w))
		}
		if n := testing.AllocsPerRun(50, func() { h.Raw(args) }); n != 0 {
			t.Errorf("%v: %v allocations", words, n)
		}
	}
}

func expect(rt *rapid.T, h *enginetest.Harness, line, want string) {
	if got := h.Do(line); got != want {
		rt.Fatalf("%s: got %s, want %s", line, got, want)
	}
}

func BenchmarkBitcount(b *testing.B) {
	h := newHarness(b)
	h.Do("SETBIT k 8388607 1")
	args := [][]byte{[]byte("BITCOUNT"), []byte("k")}
	b.SetBytes(1 << 20)
	for b.Loop() {
		h.Raw(args)
	}
}
