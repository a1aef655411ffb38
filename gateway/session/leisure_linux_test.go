package session_test

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/gateway/session"
)

// overhearing notes what the server says at the end of each turn.
type overhearing struct {
	*session.Server
	leisure atomic.Bool
}

func (o *overhearing) Turn(w any) bool {
	now := o.Server.Turn(w)
	o.leisure.Store(now)
	return now
}

// A loop has time unless one of its clients waits for what others do, and it has again
// once they have answered or the client has gone.
func TestLeisure(t *testing.T) {
	srv := newClient(t).server
	srv.Limits.Store(&session.Limits{MaxClients: 10, MaxBulk: 1 << 20, MaxQuery: 1 << 20})
	o := &overhearing{Server: srv}
	driver, err := netloop.New(netloop.Options{Loops: 1}, o, func() int { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(driver.Close)
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr)
	if err := driver.Serve(l, srv.Open); err != nil {
		t.Fatal(err)
	}
	tr := &troupe{t: t}
	h := srv.Env.Shards[srv.Env.ShardOf([]byte("k"))]
	for _, leaves := range []bool{false, true} {
		c, err := net.DialTCP("tcp", nil, at)
		if err != nil {
			t.Fatal(err)
		}
		tr.await("the shard", h.Lease.TryAcquire)
		if _, err := c.Write([]byte(encode("SET k v"))); err != nil {
			t.Fatal(err)
		}
		tr.await("a loop whose client waits", func() bool { return h.Lease.UserMessageCount() > 0 && !o.leisure.Load() })
		if leaves {
			if err := c.SetLinger(0); err != nil { // it resets: one that only ends its input has its answer first
				t.Fatal(err)
			}
			c.Close()
			tr.await("a loop whose client has gone", o.leisure.Load)
			h.Lease.Release()
			continue
		}
		h.Lease.Release()
		tr.await("a loop whose client has its answer", o.leisure.Load)
		c.Close()
	}
}
