package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

// The range that is searched lies below that from which systems take ports for outgoing
// connections, so that a port is still free when its server has been started, or is
// started again. Processes that search at the same time begin anywhere in it.
const firstPort, portCount = 12000, 18000

// next is where the search goes on.
var next atomic.Int32

// Find returns n different ports on which nobody listens, by TCP or UDP. Those that it
// returns together may be in a row, and are in order unless the range begins anew.
func Find(n int) (ports []int, err error) {
	next.CompareAndSwap(0, 1+rand.Int32N(portCount))
	for range portCount {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + int(uint32(next.Add(1))%portCount)
		if free(port) {
			ports = append(ports, port)
		}
	}
	return nil, errors.New("there are no free ports")
}

func free(port int) bool {
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	defer l.Close()
	u, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	_ = u.Close()
	return true
}
