package hash_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
)

// line splits a command line once, for runs that must not allocate.
func line(words ...string) (args [][]byte) {
	for _, w := range words {
		args = append(args, []byte(w))
	}
	return args
}

func TestExistingFieldsDoNotAllocate(t *testing.T) {
	for _, n := range []int{10, 1000} {
		h := newHarness(t)
		h.Config.Notify = 0
		for i := range n {
			h.Do(fmt.Sprintf("HSET h f%d %d", i, i))
		}
		for _, args := range [][][]byte{
			line("HSET", "h", "f5", "value"), line("HSET", "h", "f5", "3", "f7", "other"), line("HGET", "h", "f5"),
			line("HMGET", "h", "f5", "f6", "z"), line("HEXISTS", "h", "f5"), line("HSTRLEN", "h", "f6"),
			line("HLEN", "h"), line("HINCRBY", "h", "f8", "3"), line("HSETNX", "h", "f1", "x"), line("HDEL", "h", "zz"),
		} {
			h.Raw(args)
			if got := testing.AllocsPerRun(100, func() { h.Raw(args) }); got != 0 {
				t.Errorf("%d fields: %s allocates %v times", n, bytes.Join(args, []byte(" ")), got)
			}
		}
	}
}

func fill(b *testing.B, n int) (h *enginetest.Harness, fields [][]byte) {
	h = newHarness(b)
	h.Config.Notify = 0
	args := line("HSET", "h", "", string(bytes.Repeat([]byte("v"), 64)))
	for i := range n {
		fields = append(fields, fmt.Appendf(nil, "element:%012d", i))
		args[2] = fields[i]
		h.Raw(args)
	}
	b.ReportAllocs()
	b.ResetTimer()
	return h, fields
}

// scatter visits 2^20 fields in an order that caches do not foresee.
func scatter(i int) int { return i * 0x9E3779B1 & (1<<20 - 1) }

func BenchmarkHSetExisting(b *testing.B) {
	h, fields := fill(b, 1<<20)
	args := line("HSET", "h", "", string(bytes.Repeat([]byte("w"), 64)))
	for i := range b.N {
		args[2] = fields[scatter(i)]
		h.Raw(args)
	}
}

func BenchmarkHGet(b *testing.B) {
	h, fields := fill(b, 1<<20)
	args := line("HGET", "h", "")
	for i := range b.N {
		args[2] = fields[scatter(i)]
		h.Raw(args)
	}
}

func BenchmarkHSetSmall(b *testing.B) {
	h, fields := fill(b, 16)
	args := line("HSET", "h", "", "value")
	for i := range b.N {
		args[2] = fields[i%16]
		h.Raw(args)
	}
}

func BenchmarkHSetNew(b *testing.B) {
	h, _ := fill(b, 1000)
	args := line("HSET", "h", "", string(bytes.Repeat([]byte("w"), 64)))
	var field []byte
	for i := range b.N {
		field = fmt.Appendf(field[:0], "new:%012d", i)
		args[2] = field
		h.Raw(args)
	}
}
