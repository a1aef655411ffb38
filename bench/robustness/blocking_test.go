package robustness

import (
	"testing"

	"github.com/troupedb/troupe/bench/conformance/wire"
	"regexp"
	"strconv"
)

func send(t testing.TB, c *wire.Conn, args ...string) {
	t.Helper()
	raw := make([][]byte, len(args))
	for i, a := range args {
		raw[i] = []byte(a)
	}
	if err := c.Send(raw...); err != nil {
		t.Fatal(err)
	}
}

var blockedClients = regexp.MustCompile(`blocked_clients:(\d+)`)

// awaitBlocked waits until n clients are blocked on the server behind c.
func awaitBlocked(t testing.TB, c *wire.Conn, n int) {
	t.Helper()
	eventually(t, strconv.Itoa(n)+" blocked clients", func() bool {
		m := blockedClients.FindStringSubmatch(do(t, c, "INFO", "clients"))
		return m != nil && m[1] == strconv.Itoa(n)
	})
}
