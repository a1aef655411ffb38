package peer

import (
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/netloop"
)

// TestLookAheadEndsWithItsTurn: requests that were read ahead, and could not run as their
// node had too much to send, are read again when they can.
func TestLookAheadEndsWithItsTurn(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		nodes, _ := cluster(t, 2, options{portable: portable})
		n, to := nodes[0], directory.Number(2)
		value := strings.Repeat("v", netloop.SoftOutput/4)
		if o := n.do(to, "SET", key(1, 1), value); o.content != "+OK" {
			t.Fatal(o)
		}
		get, a := n.request(5, "GET", key(1, 1)), newAsking(t)
		const count = 100
		n.on(func() {
			for i := range count {
				if !n.loop.Forward(to, get, n.conn, a, uint64(i)) {
					t.Error("refused")
				}
			}
		})
		for i := range count {
			if o := a.next(); o.what != "replied" || o.ticket != uint64(i) || !strings.HasSuffix(o.content, value) {
				t.Fatalf("%d: %s of %d bytes for %d", i, o.what, len(o.content), o.ticket)
			}
		}
	})
}
