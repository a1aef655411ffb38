package peer

import (
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/wire"
)

// flood forwards a request again and again to a peer that does not answer, from turns
// of so many, until it is refused; most is when to give up.
func flood(n *node, a *asking, r *wire.Request, turn, most int) (sent int, refused bool) {
	for !refused && sent < most {
		n.on(func() {
			for range turn {
				if refused = !n.loop.Forward(2, r, n.conn, a, 0); refused {
					return
				}
				sent++
			}
		})
	}
	return sent, refused
}

// So many requests may be under way, and no more.
func TestTooManyRequests(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		n, _, r, _ := withPuppet(t, options{portable: portable})
		a := newAsking(t)
		go func() { // the puppet reads, and does not answer
			for {
				if _, err := readFrame(r.Conn); err != nil {
					return
				}
			}
		}()
		sent, refused := flood(n, a, n.request(5, "GET", key(1, 1)), 1000, 2*maxAsked)
		if !refused || sent != maxAsked {
			t.Errorf("%d requests are under way", sent)
		}
		r.Close()
		for range sent {
			if o := a.next(); o.what != "unknown" {
				t.Fatal(o)
			}
		}
	})
}

// A peer that reads nothing is not left to fill this node's memory.
func TestTooManyBytes(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		n, _, _, _ := withPuppet(t, options{portable: portable})
		const (
			value = 64 << 10
			// sockets is more than the system's buffers of a connection hold.
			sockets = 16 << 20
			limit   = softStream + sockets
		)
		set := n.request(5, "SET", key(1, 1), strings.Repeat("x", value))
		sent, refused := flood(n, newAsking(t), set, 10, 4*limit/value)
		if !refused || sent < softStream/value || sent*value > limit {
			t.Errorf("%d bytes wait", sent*value)
		}
	})
}
