package hash_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
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

// bench runs commands on one engine without the harness's own work.
type bench struct {
	h   *enginetest.Harness
	req engine.Request
	out reply.Writer
}

func newBench(b *testing.B, args [][]byte) *bench {
	h := newHarness(b)
	h.Config.Notify = 0
	info, refusal := h.Table.Resolve(args)
	if refusal != "" {
		b.Fatal(refusal)
	}
	x := &bench{h: h, req: engine.Request{Cmd: info, Slot: slot.Of(args[1]), Key: 1, Args: args, Now: h.Now}}
	x.req.Out = &x.out
	b.ReportAllocs()
	return x
}

func (x *bench) run() {
	x.out.Buf = x.out.Buf[:0]
	x.h.Engine.Handle(&x.req)
}

// fill adds n fields of 64 bytes.
func (x *bench) fill(n int) (fields [][]byte) {
	args := line("HSET", "h", "", string(bytes.Repeat([]byte("v"), 64)))
	for i := range n {
		fields = append(fields, fmt.Appendf(nil, "element:%012d", i))
		args[2] = fields[i]
		x.h.Raw(args)
	}
	return fields
}

// scatter visits 2^20 fields in an order that caches do not foresee.
func scatter(i int) int { return i * 0x9E3779B1 & (1<<20 - 1) }

func BenchmarkHSetExisting(b *testing.B) {
	args := line("HSET", "h", "", string(bytes.Repeat([]byte("w"), 64)))
	x := newBench(b, args)
	fields := x.fill(1 << 20)
	for i := 0; b.Loop(); i++ {
		args[2] = fields[scatter(i)]
		x.run()
	}
}

func BenchmarkHGet(b *testing.B) {
	args := line("HGET", "h", "")
	x := newBench(b, args)
	fields := x.fill(1 << 20)
	for i := 0; b.Loop(); i++ {
		args[2] = fields[scatter(i)]
		x.run()
	}
}

func BenchmarkHSetSmall(b *testing.B) {
	args := line("HSET", "h", "", "value")
	x := newBench(b, args)
	fields := x.fill(16)
	for i := 0; b.Loop(); i++ {
		args[2] = fields[i%16]
		x.run()
	}
}

func BenchmarkHSetNew(b *testing.B) {
	args := line("HSET", "h", "", string(bytes.Repeat([]byte("w"), 64)))
	x := newBench(b, args)
	for i := 0; b.Loop(); i++ {
		args[2] = fmt.Appendf(args[2][:0], "new:%012d", i)
		x.run()
	}
}
