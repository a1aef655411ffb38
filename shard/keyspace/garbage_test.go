package keyspace_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/keyspace"
)

// TestFlushFreesLargeValues: what a flushed database finds to free is freed too,
// though it is found while the database itself is being freed.
func TestFlushFreesLargeValues(t *testing.T) {
	ks := newKeyspace(t)
	large := make([]*box, 5)
	for i := range large {
		large[i] = &box{size: 1000}
		var k keyspace.Key
		ks.Key(&k, 0, []byte{'k', byte('0' + i)})
		ks.PutObject(&k, 0, large[i], 0)
	}
	ks.Flush(0)
	for range 1000 {
		ks.Collect(300)
	}
	if ks.Garbage() {
		t.Error("garbage is left")
	}
	for i, b := range large {
		if b.size != 0 {
			t.Errorf("value %d keeps %d of 1000 elements", i, b.size)
		}
	}
}
