//go:build unix

package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/troupedb/troupe/shard/reply"
)

// BenchmarkCluster is a pipeline of sixteen commands from one client after the other,
// over three nodes of this process, whose keys are anywhere: with -cpuprofile it shows
// what a command costs all nodes.
func BenchmarkCluster(b *testing.B) {
	const pipeline, connections, keys = 16, 8, 1000000
	for _, kind := range []struct {
		name string
		keys int
		pair bool
	}{{"GET", 1, false}, {"SET", 1, true}, {"MGET", 10, false}, {"MSET", 10, true}} {
		b.Run(kind.name, func(b *testing.B) {
			nodes, _ := troupe(b, 3, 16, false)
			var conns []*loadConn
			for i := range connections {
				c, err := net.Dial("tcp", nodes[i%3].Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { c.Close() })
				conns = append(conns, &loadConn{conn: c, in: bufio.NewReader(c)})
			}
			r := rand.New(rand.NewPCG(1, 2))
			for _, c := range conns {
				for range 64 {
					var batch []byte
					for range pipeline {
						batch = appendCommand(batch, r, kind.name, kind.keys, kind.pair, keys)
					}
					c.batches = append(c.batches, batch)
				}
			}
			b.ResetTimer()
			before := processCPU(b)
			for n := 0; n < b.N; n += pipeline * connections {
				for _, c := range conns {
					c.send(b, n/(pipeline*connections))
				}
				for _, c := range conns {
					c.receive(b, pipeline)
				}
			}
			b.ReportMetric(float64((processCPU(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// processCPU is what this process has used so far, all nodes and the client.
func processCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// loadConn is a connection and what is to be sent on it.
type loadConn struct {
	conn    net.Conn
	in      *bufio.Reader
	batches [][]byte
}

func (w *loadConn) send(b *testing.B, i int) {
	if _, err := w.conn.Write(w.batches[i%len(w.batches)]); err != nil {
		b.Fatal(err)
	}
}

// receive reads n replies.
func (w *loadConn) receive(b *testing.B, n int) {
	for ; n > 0; n-- {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		switch size := 0; line[0] {
		case '-':
			b.Fatalf("%s", line)
		case '*':
			fmt.Sscanf(string(line[1:]), "%d", &size)
			n += size
		case '$':
			if fmt.Sscanf(string(line[1:]), "%d", &size); size >= 0 {
				if _, err := w.in.Discard(size + len("\r\n")); err == io.EOF {
					b.Fatal(err)
				}
			}
		}
	}
}

func appendCommand(dst []byte, r *rand.Rand, name string, keys int, pair bool, space int) []byte {
	w := reply.Writer{Buf: dst}
	words := 1 + keys
	if pair {
		words += keys
	}
	w.Array(words)
	w.Bulk([]byte(name))
	for range keys {
		w.Bulk(fmt.Appendf(nil, "key:%012d", r.IntN(space)))
		if pair {
			w.Bulk(make([]byte, 64))
		}
	}
	return w.Buf
}
