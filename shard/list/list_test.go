package list

import (
	"testing"
	"unsafe"

	"github.com/troupedb/troupe/shard/enginetest"
)

func TestPushPop(t *testing.T) {
	h := enginetest.New(t, Commands)
	h.Expect("LPUSHX l a", ":0")
	h.ExpectEvents()
	h.Expect("LPUSH l a b", ":2")
	h.Expect("RPUSH l c", ":3")
	h.Expect("LPUSHX l x", ":4")
	h.Expect("RPUSHX l 12", ":5")
	h.Expect("LRANGE l 0 -1", "*5 $1 x $1 b $1 a $1 c $2 12")
	h.Expect("LPOP l", "$1 x")
	h.Expect("RPOP l", "$2 12")
	h.Expect("RPOP l 2", "*2 $1 c $1 a")
	h.Expect("LPOP l 0", "*0")
	h.Expect("LPOP l 9223372036854775807", "*1 $1 b")
	h.Expect("LLEN l", ":0")
	h.ExpectEvents("lpush l", "rpush l", "lpush l", "rpush l", "lpop l", "rpop l", "rpop l", "lpop l", "del l")
	h.Expect("LPOP l", "$-1")
	h.Expect("LPOP l 0", "*-1")
	h.Proto = 3
	h.Expect("RPOP l", "_")
	h.Expect("RPOP l 1", "_")
	h.ExpectEvents()
}

func TestListHasNoMoreThanItCounts(t *testing.T) {
	if got, want := int64(unsafe.Sizeof(List{})), New(-2).MemBytes(); got > want {
		t.Errorf("a List has %d bytes, MemBytes counts %d", got, want)
	}
}
