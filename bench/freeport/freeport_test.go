package freeport

import (
	"fmt"
	"net"
	"testing"
)

func TestFind(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		ports, err := Find(4)
		if err != nil || len(ports) != 4 {
			t.Fatal(ports, err)
		}
		for _, p := range ports {
			if seen[p] || p < firstPort || p >= firstPort+portCount {
				t.Errorf("port %d, after %v", p, seen)
			}
			seen[p] = true
		}
	}
}

// A port that somebody has, if only by UDP, is passed over.
func TestFindPassesOver(t *testing.T) {
	ports, err := Find(1)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", ports[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	next.Add(-1) // so that the search comes by
	if again, err := Find(1); err != nil || again[0] == ports[0] {
		t.Error(again, err)
	}
}
