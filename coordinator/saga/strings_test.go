package saga

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
	"pgregory.net/rapid"
)

func TestStringPrograms(t *testing.T) {
	n := newLocalNode(t, 4)
	for _, s := range [][2]string{
		{"MSET a 1 b 2 c 3", "+OK"}, {"MGET a b none c a", "*5 $1 1 $1 2 $-1 $1 3 $1 1"},
		{"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"}, {"MSET a x a y", "+OK"}, {"GET a", "$1 y"},
		{"MSETNX x 1 b 2", ":0"}, {"GET x", "$-1"}, {"MSETNX x 1 x 2 y 3", ":1"}, {"GET x", "$1 2"},
		{"MSETNX x 1 y", "-ERR wrong number of arguments for 'msetnx' command"},
		{"RPUSH l 1", ":1"}, {"MGET l a", "*2 $-1 $1 y"}, {"MSET l text", "+OK"}, {"GET l", "$4 text"},
		{"MSET p ohmytext q mynewtext", "+OK"}, {"LCS p q", "$6 mytext"}, {"LCS p q LEN", ":6"},
		{"LCS p q IDX", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"},
		{"LCS p q IDX MINMATCHLEN 4 WITHMATCHLEN", "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"},
		{"LCS p q IDX LEN", "-ERR If you want both the length and indexes, please just use IDX."}, {"LCS p q x", "-ERR syntax error"},
		{"LCS p q IDX MINMATCHLEN -1", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"},
		{"LCS p none", "$0 "}, {"LCS none p LEN", ":0"}, {"RPUSH li 1", ":1"}, {"LCS li p x", "-ERR The specified keys must contain string values"},
		{"LCS p li x", "-ERR The specified keys must contain string values"},
		{"BITOP NOT d p q", "-ERR BITOP NOT must be called with a single source key."}, {"BITOP nor d p", "-ERR syntax error"},
		{"BITOP AND d p li", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"BITOP and d p q", ":9"}, {"BITOP OR none none1 none2", ":0"}, {"BITOP XOR d none", ":0"}, {"EXISTS d", ":0"},
		{"SET n 12", "+OK"}, {"BITOP OR d n", ":2"}, {"OBJECT ENCODING d", "$3 raw"}, {"GET d", "$2 12"},
	} {
		n.expect(s[0], s[1])
	}
}

func TestStringProgramEvents(t *testing.T) {
	n := newLocalNode(t, 4)
	n.do("MSET a 1 b 2")
	n.expectEvents("set a@0", "set b@0")
	n.do("MSETNX a 1 c 2")
	n.expectEvents()
	n.do("BITOP OR d a b")
	n.expectEvents("set d@0")
	n.do("BITOP OR d none")
	n.expectEvents("del d@0")
}

func TestLCSLimit(t *testing.T) {
	n := newLocalNode(t, 2)
	n.config.MaxBulkLen = 4 * 11 * 11
	n.do("MSET a 0123456789 b 0123456789 c 01234567890")
	n.expect("LCS a b LEN", ":10")
	n.expect("LCS a c LEN", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
}

// TestLCSModel compares the length with the textbook's recursion, and the text
// with what a subsequence is.
func TestLCSModel(t *testing.T) {
	n := newLocalNode(t, 2)
	rapid.Check(t, func(rt *rapid.T) {
		a := rapid.StringMatching(`[abc]{1,14}`).Draw(rt, "a")
		b := rapid.StringMatching(`[abc]{1,14}`).Draw(rt, "b")
		n.do("MSET a " + a + " b " + b)
		memo := map[[2]int]int{}
		var longest func(i, j int) int
		longest = func(i, j int) int {
			if i == 0 || j == 0 {
				return 0
			}
			if v, ok := memo[[2]int{i, j}]; ok {
				return v
			}
			v := max(longest(i-1, j), longest(i, j-1))
			if a[i-1] == b[j-1] {
				v = longest(i-1, j-1) + 1
			}
			memo[[2]int{i, j}] = v
			return v
		}
		want := longest(len(a), len(b))
		if got := n.do("LCS a b LEN"); got != fmt.Sprintf(":%d", want) {
			rt.Fatalf("length %s, want %d", got, want)
		}
		text := strings.Fields(n.do("LCS a b") + " ")
		common := ""
		if len(text) > 1 {
			common = text[1]
		}
		if len(common) != want || !subsequence(common, a) || !subsequence(common, b) {
			rt.Fatalf("%q is not a longest common subsequence of %q and %q", common, a, b)
		}
	})
}

func subsequence(part, whole string) bool {
	for _, c := range part {
		i := strings.IndexRune(whole, c)
		if i < 0 {
			return false
		}
		whole = whole[i+1:]
	}
	return true
}

func TestBitopModel(t *testing.T) {
	n := newLocalNode(t, 4)
	rapid.Check(t, func(rt *rapid.T) {
		var sources [][]byte
		args := [][]byte{[]byte("BITOP"), nil, []byte("dst")}
		longest := 0
		for i := range rapid.IntRange(1, 5).Draw(rt, "sources") {
			s := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "source")
			key := fmt.Appendf(nil, "src%d", i)
			n.run([][]byte{[]byte("SET"), key, s})
			sources, args, longest = append(sources, s), append(args, key), max(longest, len(s))
		}
		op := rapid.SampledFrom([]string{"AND", "OR", "XOR", "NOT"}).Draw(rt, "op")
		args[1] = []byte(op)
		if op == "NOT" {
			args, sources, longest = args[:4], sources[:1], len(sources[0])
		}
		want := make([]byte, longest)
		for i := range want {
			for k, s := range sources {
				b := byte(0)
				if i < len(s) {
					b = s[i]
				}
				switch {
				case op == "NOT":
					want[i] = ^b
				case k == 0:
					want[i] = b
				case op == "AND":
					want[i] &= b
				case op == "OR":
					want[i] |= b
				default:
					want[i] ^= b
				}
			}
		}
		if got := n.run(args); got != fmt.Sprintf(":%d", longest) {
			rt.Fatalf("replied %s, want %d", got, longest)
		}
		out := &reply.Writer{}
		n.single(n.env.Find("get"), [][]byte{nil, []byte("dst")}, out)
		if v, _ := reply.Parse(out.Buf); longest > 0 && !bytes.Equal(v.Bulk, want) {
			rt.Fatalf("got %x, want %x", v.Bulk, want)
		}
	})
}

// benchCall is a call on ten keys of eight shards.
func benchCall(n *localNode, line string) *Call {
	var args [][]byte
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	info, _ := n.env.Table.Resolve(args)
	return &Call{Cmd: info, Args: args, Now: n.now, Out: &reply.Writer{}}
}

func manyKeys(name, value string) string {
	line := name
	for i := range 10 {
		line += fmt.Sprintf(" key:%012d", i*7919)
		if value != "" {
			line += " " + value
		}
	}
	return line
}

func TestManyKeysAllocateNothing(t *testing.T) {
	n := newLocalNode(t, 8)
	n.config.Notify = 0
	for _, line := range []string{manyKeys("MSET", "0123456789"), manyKeys("MGET", ""), manyKeys("EXISTS", ""), manyKeys("TOUCH", "")} {
		call := benchCall(n, line)
		n.inline(call)
		if allocs := testing.AllocsPerRun(50, func() { call.Out.Buf = call.Out.Buf[:0]; n.inline(call) }); allocs != 0 {
			t.Errorf("%s: %v allocations", call.Cmd.Name, allocs)
		}
	}
}

func BenchmarkTenKeys(b *testing.B) {
	for _, line := range []string{manyKeys("MSET", strings.Repeat("v", 64)), manyKeys("MGET", ""), manyKeys("EXISTS", "")} {
		n := newLocalNode(b, 8)
		n.config.Notify = 0
		n.inline(benchCall(n, manyKeys("MSET", strings.Repeat("v", 64))))
		call := benchCall(n, line)
		b.Run(call.Cmd.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call.Out.Buf = call.Out.Buf[:0]
				n.inline(call)
			}
		})
	}
}
