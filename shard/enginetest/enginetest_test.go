package enginetest_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/str"
)

func TestDo(t *testing.T) {
	h := enginetest.New(t, str.Commands)
	h.Expect(`SET "a b" "x\x00y"`, "+OK")
	h.Expect(`GET "a b"`, "$3 x\x00y")
	h.Expect("GET missing", "$-1")
	h.ExpectEvents("set a b")
	h.Proto = 3
	h.Expect("GET missing", "_")
	h.Expect("NOSUCH 1", "-ERR unknown command 'NOSUCH', with args beginning with: '1' ")
	h.Expect("GET", "-ERR wrong number of arguments for 'get' command")
	h.DB = 1
	h.Expect(`GET "a b"`, "_")
}

func TestClock(t *testing.T) {
	h := enginetest.New(t, str.Commands)
	h.Expect("SET k v PX 10", "+OK")
	h.Now += 10
	h.Expect("GET k", "$-1")
	h.ExpectEvents("set k", "expire k", "expired k")
}

func TestJournal(t *testing.T) {
	h := enginetest.New(t, str.Commands)
	h.Do("SET k v PX 1000")
	before := h.Snapshot()
	h.Journal = new(keyspace.Journal)
	h.Do("SET k 12")
	h.Do("SET l w")
	if h.Snapshot() == before {
		t.Fatal("the snapshot does not show changes")
	}
	h.Engine.KS.Rollback(h.Journal)
	if got := h.Snapshot(); got != before {
		t.Errorf("after rollback\n%s\nbefore\n%s", got, before)
	}
}
