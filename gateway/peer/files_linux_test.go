package peer

import (
	"os"
	"testing"
)

// openFiles returns how many descriptors the process has.
func openFiles(t testing.TB) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
