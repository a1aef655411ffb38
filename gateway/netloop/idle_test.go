package netloop_test

import (
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/troupedb/troupe/gateway"
)

// An idle connection may take this many bytes, its session included: with the
// portable driver it has two goroutines.
const (
	maxIdle         = 20 << 10
	maxIdlePortable = 32 << 10
)

func TestIdleConnectionsTakeLittleMemory(t *testing.T) {
	for name, most := range map[string]int64{"loops": maxIdle, "portable": maxIdlePortable} {
		t.Run(name, func(t *testing.T) {
			cfg := gateway.DefaultConfig()
			cfg.Port, cfg.PortGiven, cfg.Portable, cfg.Shards = 0, true, name == "portable", 16
			cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
			g, err := gateway.Start(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Stop()
			const conns = 400
			open(t, g, 20) // what the first ones make is not theirs
			before := inUse()
			open(t, g, conns)
			each := (int64(inUse()) - int64(before)) / conns // the test's own ends included
			t.Logf("%d bytes for a connection", each)
			if each > most {
				t.Errorf("an idle connection takes %d bytes", each)
			}
		})
	}
}

// open opens connections that have said something.
func open(t *testing.T, g *gateway.Gateway, n int) {
	t.Helper()
	reply := make([]byte, 100)
	for range n {
		c, err := net.Dial("tcp", g.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, "SET k v\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
		if _, err := io.ReadAtLeast(c, reply, len("+OK\r\n$1\r\nv\r\n")); err != nil {
			t.Fatal(err)
		}
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
