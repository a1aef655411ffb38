//go:build !unix

package conn

import (
	"runtime/metrics"
	"time"
)

// cpuTimes returns the processor time that the node has used, as Go estimates it.
func cpuTimes() (system, user time.Duration) {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/user:cpu-seconds"}}
	metrics.Read(s)
	return time.Duration(s[0].Value.Float64() * 1e9), time.Duration(s[1].Value.Float64() * 1e9)
}
