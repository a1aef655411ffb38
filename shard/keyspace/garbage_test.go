package keyspace_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/keyspace"
)

// hoard is a large value that tells how much of it was freed.
type hoard struct{ left int }

func (*hoard) Kind() keyspace.Kind { return keyspace.List }
func (*hoard) Encoding() string    { return "quicklist" }
func (h *hoard) Len() int          { return h.left }
func (*hoard) MemBytes() int64     { return 0 }

func (h *hoard) Release(n int) bool {
	h.left -= min(n, h.left)
	return h.left == 0
}

// TestFlushFreesLargeValues: what a flushed database finds to free is freed too,
// though it is found while the database itself is being freed.
func TestFlushFreesLargeValues(t *testing.T) {
	ks := newKeyspace(t)
	hoards := make([]*hoard, 5)
	for i := range hoards {
		hoards[i] = &hoard{left: 1000}
		var k keyspace.Key
		ks.Key(&k, 0, []byte{'k', byte('0' + i)})
		ks.PutObject(&k, 0, hoards[i], 0)
	}
	ks.Flush(0)
	for range 1000 {
		ks.Collect(300)
	}
	if ks.Garbage() {
		t.Error("garbage is left")
	}
	for i, h := range hoards {
		if h.left != 0 {
			t.Errorf("value %d keeps %d of 1000 elements", i, h.left)
		}
	}
}
