package scan_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/scan"
)

// TestCursor holds what redis-server 7.0.15 takes for a cursor.
func TestCursor(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true}, {"12", 12, true}, {"007", 7, true}, {"+3", 3, true}, {"", 0, true}, {"\x00x", 0, true},
		{"5\x00x", 5, true}, {"-1", 1<<64 - 1, true}, {"18446744073709551615", 1<<64 - 1, true},
		{"18446744073709551616", 0, false}, {" 1", 0, false}, {"1 ", 0, false}, {"x", 0, false}, {"-", 0, false},
		{"+", 0, false}, {"0x1", 0, false}, {"1_0", 0, false}, {"1.0", 0, false},
	} {
		if got, ok := scan.Cursor([]byte(c.text)); got != c.want || ok != c.ok {
			t.Errorf("Cursor(%q) = %d, %v; want %d, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}
