//go:build unix

package conn

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTimes returns the processor time that the node has used.
func cpuTimes() (system, user time.Duration) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, 0 // cannot fail with these arguments
	}
	return time.Duration(u.Stime.Nano()), time.Duration(u.Utime.Nano())
}
