package zset_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/zset"
)

// bench runs a command on one engine without the harness's own work.
type bench struct {
	h   *enginetest.Harness
	req engine.Request
	out reply.Writer
}

func newBench(b *testing.B, words ...string) *bench {
	h := enginetest.New(b, zset.Commands)
	h.Config.Notify = 0
	args := line(words...)
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

// element is a member as redis-benchmark makes it.
func element(dst []byte, i int) []byte { return fmt.Appendf(dst[:0], "element:%012d", i) }

// BenchmarkZaddFill is the first million of redis-benchmark's ZADD: each op adds
// a random one of 1 M members, most of them new.
func BenchmarkZaddFill(b *testing.B) {
	const members = 1_000_000
	x := newBench(b, "ZADD", "z", "0", "")
	r := rand.New(rand.NewPCG(1, 1))
	n := 0
	for b.Loop() {
		if n++; n == members {
			b.StopTimer()
			x.h.Do("ZREMRANGEBYRANK z 0 -1")
			for x.h.Engine.KS.Garbage() {
				x.h.Engine.KS.Collect(1 << 20)
			}
			n = 0
			b.StartTimer()
		}
		x.req.Args[3] = element(x.req.Args[3], r.IntN(members))
		x.run()
	}
}

// million fills the set with 1 M members, whose scores score tells.
func (x *bench) million(score func(i int) int) {
	args := line("ZADD", "z", "", "")
	for _, i := range rand.New(rand.NewPCG(2, 2)).Perm(1_000_000) {
		args[2] = fmt.Appendf(args[2][:0], "%d", score(i))
		args[3] = element(args[3], i)
		x.h.Raw(args)
	}
}

func BenchmarkZaddSame(b *testing.B) {
	x := newBench(b, "ZADD", "z", "0", "")
	x.million(func(int) int { return 0 })
	r := rand.New(rand.NewPCG(3, 3))
	for b.Loop() {
		x.req.Args[3] = element(x.req.Args[3], r.IntN(1_000_000))
		x.run()
	}
}

func BenchmarkZaddRescore(b *testing.B) {
	x := newBench(b, "ZADD", "z", "0", "")
	x.million(func(i int) int { return i })
	r := rand.New(rand.NewPCG(3, 3))
	for b.Loop() {
		x.req.Args[2] = fmt.Appendf(x.req.Args[2][:0], "%d", r.IntN(1_000_000))
		x.req.Args[3] = element(x.req.Args[3], r.IntN(1_000_000))
		x.run()
	}
}

// BenchmarkElement is what the benchmarks above spend on making their arguments.
func BenchmarkElement(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	var dst []byte
	for b.Loop() {
		dst = element(dst, r.IntN(1_000_000))
	}
}

func BenchmarkZrange10(b *testing.B) {
	x := newBench(b, "ZRANGE", "z", "500000", "500009", "WITHSCORES")
	x.million(func(i int) int { return i })
	for b.Loop() {
		x.run()
	}
}

func BenchmarkZrank(b *testing.B) {
	x := newBench(b, "ZRANK", "z", "")
	x.million(func(i int) int { return i })
	r := rand.New(rand.NewPCG(3, 3))
	for b.Loop() {
		x.req.Args[2] = element(x.req.Args[2], r.IntN(1_000_000))
		x.run()
	}
}

// BenchmarkMemory shows the bytes that an element of a large set takes, and how
// long a million random insertions are.
func BenchmarkMemory(b *testing.B) {
	x := newBench(b, "ZADD", "z", "0", "")
	for b.Loop() {
		x.h.Do("ZREMRANGEBYRANK z 0 -1")
		x.million(func(int) int { return 0 })
	}
	b.ReportMetric(float64(object(x.h, "z").MemBytes())/1_000_000, "B/element")
}
