package resp

import (
	"bytes"
	"testing"
)

// pipeline is count commands of the kind that redis-benchmark sends.
func pipeline(count int, args ...string) []byte {
	return bytes.Repeat(encode(args...), count)
}

func drain(tb testing.TB, p *Parser, buf []byte, lim *Limits) (commands int) {
	for {
		args, n, err := p.Next(buf, lim)
		if err != nil {
			tb.Fatal(err)
		}
		if len(args) == 0 {
			return commands
		}
		commands++
		buf = buf[n:]
	}
}

func benchmarkPipeline(b *testing.B, args ...string) {
	const depth = 64
	buf := pipeline(depth, args...)
	lim := DefaultLimits()
	var p Parser
	b.SetBytes(int64(len(buf) / depth))
	b.ReportAllocs()
	for i := 0; i < b.N; i += depth {
		drain(b, &p, buf, &lim)
	}
}

var value64 = string(bytes.Repeat([]byte{'v'}, 64))

func BenchmarkSet64(b *testing.B) { benchmarkPipeline(b, "SET", "key:000000000042", value64) }
func BenchmarkGet(b *testing.B)   { benchmarkPipeline(b, "GET", "key:000000000042") }
func BenchmarkPing(b *testing.B)  { benchmarkPipeline(b, "PING") }

func BenchmarkMSet10(b *testing.B) {
	args := []string{"MSET"}
	for range 10 {
		args = append(args, "key:000000000042", value64)
	}
	benchmarkPipeline(b, args...)
}

func BenchmarkInlineSet(b *testing.B) {
	const depth = 64
	buf := bytes.Repeat([]byte("SET key:000000000042 "+value64+"\r\n"), depth)
	lim := DefaultLimits()
	var p Parser
	b.ReportAllocs()
	for i := 0; i < b.N; i += depth {
		drain(b, &p, buf, &lim)
	}
}

// BenchmarkSetCut is a command that a read cut in two.
func BenchmarkSetCut(b *testing.B) {
	buf := encode("SET", "key:000000000042", value64)
	lim := DefaultLimits()
	var p Parser
	b.ReportAllocs()
	for b.Loop() {
		drain(b, &p, buf[:len(buf)-20], &lim)
		drain(b, &p, buf, &lim)
	}
}
