package list

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
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
	h.Expect("LPOP l x", "-ERR value is out of range, must be positive")
	h.ExpectEvents("lpush l", "rpush l", "lpush l", "rpush l", "lpop l", "rpop l", "rpop l", "lpop l", "del l")
	h.Expect("LPOP l", "$-1")
	h.Expect("LPOP l 0", "*-1")
	h.Proto = 3
	h.Expect("RPOP l", "_")
	h.Expect("RPOP l 1", "_")
	h.ExpectEvents()
}

// Every command that changes a list notifies as Redis does, and not if it
// changed nothing.
func TestEvents(t *testing.T) {
	h := enginetest.New(t, Commands)
	h.Do("RPUSH l a b a c a")
	h.Do("LSET l 1 x")
	h.Do("LSET l 9 x")
	h.Do("LINSERT l BEFORE nothing y")
	h.Do("LINSERT l AFTER x y")
	h.Do("LREM l 1 nothing")
	h.Do("LREM l 1 a")
	h.Do("LTRIM l 0 -1")
	h.Do("LTRIM l 5 6")
	h.Do("LTRIM l 0 -1")
	h.Do("RPUSH l a a")
	h.Do("LREM l 0 a")
	h.ExpectEvents("rpush l", "lset l", "linsert l", "lrem l", "ltrim l", "ltrim l", "del l",
		"rpush l", "lrem l", "del l")
	h.Expect("LLEN l", ":0")
}

func TestSteps(t *testing.T) {
	h := enginetest.New(t, Commands)
	h.Expect("~lpopfirst l LEFT", "")
	h.Expect("~lrotate l LEFT RIGHT", "")
	h.Do("RPUSH l a b c d")
	h.Expect("~lpopfirst l LEFT", "*2 $1 l $1 a")
	h.Expect("~lpopfirst l RIGHT 2", "*2 $1 l *2 $1 d $1 c")
	h.Expect("~lrotate l LEFT RIGHT", "$1 b")
	h.Expect("LRANGE l 0 -1", "*1 $1 b")
	h.Expect("~lpopfirst l LEFT 5", "*2 $1 l *1 $1 b")
	h.ExpectEvents("rpush l", "lpop l", "rpop l", "rpush l", "lpop l", "lpop l", "del l")
	h.Do("RPUSH l 1 2 3")
	h.Expect("~lrotate l RIGHT LEFT", "$1 3")
	h.Expect("~lrotate l RIGHT RIGHT", "$1 2")
	h.Expect("LRANGE l 0 -1", "*3 $1 3 $1 1 $1 2")
}

func TestPos(t *testing.T) {
	h := enginetest.New(t, Commands)
	h.Do("RPUSH l a b c 1 2 3 c c")
	for _, c := range []struct{ options, want string }{
		{"", ":2"},
		{"RANK 2", ":6"},
		{"RANK 4", "$-1"},
		{"RANK -1", ":7"},
		{"RANK -3", ":2"},
		{"COUNT 0", "*3 :2 :6 :7"},
		{"COUNT 2", "*2 :2 :6"},
		{"COUNT 2 RANK -1", "*2 :7 :6"},
		{"RANK -2 COUNT 2", "*2 :6 :2"},
		{"COUNT 1 RANK 2", "*1 :6"},
		{"MAXLEN 2", "$-1"},
		{"MAXLEN 3", ":2"},
		{"COUNT 0 MAXLEN 5 RANK -1", "*2 :7 :6"},
		{"RANK -9223372036854775808", ":7"},
		{"RANK -9223372036854775808 COUNT 1", "*3 :7 :6 :2"},
		{"RANK 9223372036854775807 COUNT 1", "*0"},
		{"RANK 0", "-" + string(errPosRank)},
		{"COUNT 1 RANK", "-ERR syntax error"},
		{"COUNT x", "-" + string(errPosCount)},
		{"MAXLEN -1", "-" + string(errPosMaxLen)},
	} {
		h.Expect("LPOS l c "+c.options, c.want)
	}
}

// What LREM removed from among others comes back to the same places.
func TestRollbackOfRemoval(t *testing.T) {
	for _, count := range []string{"0", "2", "3", "-2", "-3"} {
		h := enginetest.New(t, Commands)
		h.Do("RPUSH l a 1 a a 2 3 a 4 a")
		was := h.Do("LRANGE l 0 -1")
		var j keyspace.Journal
		h.Journal = &j
		h.Do("LREM l " + count + " a")
		h.Do("LREM l " + count + " 3")
		h.Journal = nil
		h.Engine.KS.Rollback(&j)
		h.Expect("LRANGE l 0 -1", was)
	}
}

// A blocked client gets an element once, with the events of a pop; one that is
// claimed elsewhere leaves the list as it was.
func TestServesWaiters(t *testing.T) {
	h := enginetest.New(t, Commands)
	var got []string
	wait := func(claim bool) {
		key := keyspace.Key{}
		h.Engine.KS.Key(&key, 0, []byte("l"))
		h.Engine.Wait(&key, &engine.Waiter{
			Kind: keyspace.List, Serve: h.Table.Internal("~lpopfirst"),
			Args:  func(key []byte) [][]byte { return [][]byte{nil, key, []byte("RIGHT")} },
			Claim: func() bool { return claim },
			Done:  func(b []byte) { got = append(got, string(b)) },
		})
	}
	wait(true)
	wait(false)
	wait(true)
	h.Expect("RPUSH l a b c", ":3")
	h.Expect("LRANGE l 0 -1", "*1 $1 a")
	if want := "*2\r\n$1\r\nl\r\n$1\r\nc\r\n,*2\r\n$1\r\nl\r\n$1\r\nb\r\n"; strings.Join(got, ",") != want {
		t.Errorf("served %q", got)
	}
	if n := h.Engine.Waiting(); n != 0 {
		t.Errorf("%d keys still awaited", n)
	}
	wait(true)
	h.Do("~lrotate l LEFT LEFT")
	if len(got) != 3 {
		t.Error("an element that comes back by rotation serves nobody")
	}
}

// Lists of other fills and of elements of all sizes stay the same through an
// image, and the copy has no part of it.
func TestImage(t *testing.T) {
	for _, fill := range []int{-5, -2, -1, 1, 3, 128} {
		h := enginetest.New(t, Commands)
		h.Config.ListMaxSize = fill
		for i := range 300 {
			h.DoArgs("RPUSH", "l", fmt.Sprint(i*i*i*1000), strings.Repeat("x", i*7%200), fmt.Sprint(-i))
		}
		h.DoArgs("RPUSH", "l", strings.Repeat("big", 5000), "", strings.Repeat("b", 100_000), "01", "-0")
		was := h.Do("LRANGE l 0 -1")
		var key keyspace.Key
		ks := h.Engine.KS
		ks.Key(&key, 0, []byte("l"))
		image := ks.Object(ks.Peek(&key)).(keyspace.Imaged).AppendImage([]byte("before"))
		if string(image[:6]) != "before" {
			t.Fatal("the image was not appended")
		}
		image = image[6:]
		copied := Load(ks, image).(*List)
		clear(image)
		if copied.items.Fill() != fill {
			t.Errorf("fill %d became %d", fill, copied.items.Fill())
		}
		ks.Key(&key, 0, []byte("copy"))
		ks.PutObject(&key, 0, copied, 0)
		if got := h.Do("LRANGE copy 0 -1"); got != was {
			t.Errorf("fill %d: the copy differs", fill)
		}
	}
}

// list-max-listpack-size reaches the list.
func TestFill(t *testing.T) {
	h := enginetest.New(t, Commands)
	mem := func(key string) int64 {
		var k keyspace.Key
		h.Engine.KS.Key(&k, 0, []byte(key))
		return h.Engine.KS.Object(h.Engine.KS.Peek(&k)).MemBytes()
	}
	words := append([]string{"RPUSH", "many"}, strings.Fields(strings.Repeat("x ", 1000))...)
	h.Config.ListMaxSize = 1
	h.DoArgs(words...)
	h.Config.ListMaxSize = -2
	words[1] = "few"
	h.DoArgs(words...)
	if many, few := mem("many"), mem("few"); many < 10*few {
		t.Errorf("1000 nodes need %d bytes, one needs %d", many, few)
	}
}

func TestListHasNoMoreThanItCounts(t *testing.T) {
	if got, want := int64(unsafe.Sizeof(List{})), New(-2).MemBytes(); got > want {
		t.Errorf("a List has %d bytes, MemBytes counts %d", got, want)
	}
}

func TestNoAllocation(t *testing.T) {
	h := enginetest.New(t, Commands)
	h.Config.Notify = 0
	element := []byte(strings.Repeat("e", 64))
	for range 1000 {
		h.Raw([][]byte{[]byte("RPUSH"), []byte("l"), element})
	}
	h.Do("RPUSH l 77")
	for _, line := range []string{
		"LPUSH l %", "RPUSH l %", "LPUSHX l % %", "LPOP l", "RPOP l", "LPOP l 2", "LLEN l", "LINDEX l 500",
		"LSET l 500 %", "LSET l -1 5", "LRANGE l 0 99", "LPOS l 77", "LPOS l % COUNT 5", "LREM l 1 no",
		"LINSERT l BEFORE no x", "LTRIM l 0 -1", "~lpopfirst l LEFT", "~lpopfirst l RIGHT 2",
	} {
		var args [][]byte
		for _, word := range strings.Fields(line) {
			if word == "%" {
				args = append(args, element)
			} else {
				args = append(args, []byte(word))
			}
		}
		if n := testing.AllocsPerRun(200, func() { h.Raw(args) }); n != 0 {
			t.Errorf("%s allocates %v times", line, n)
		}
	}
}

// run hands a command to the engine without the harness's own work.
func run(h *enginetest.Harness, r *engine.Request) {
	r.Out.Buf = r.Out.Buf[:0]
	h.Engine.Handle(r)
}

func request(h *enginetest.Harness, words ...string) *engine.Request {
	r := &engine.Request{
		Cmd: h.Table.Lookup([]byte(words[0])), Key: 1, Slot: slot.Of([]byte(words[1])),
		Out: &reply.Writer{}, Now: h.Now,
	}
	for _, w := range words {
		r.Args = append(r.Args, []byte(w))
	}
	return r
}

func BenchmarkLPush(b *testing.B) {
	h := enginetest.New(b, Commands)
	h.Config.Notify = 0
	push := request(h, "LPUSH", "mylist", strings.Repeat("v", 64))
	b.ReportAllocs()
	for b.Loop() {
		run(h, push)
	}
}

func BenchmarkPushPop(b *testing.B) {
	h := enginetest.New(b, Commands)
	h.Config.Notify = 0
	h.Do("RPUSH q stays")
	push := request(h, "RPUSH", "q", strings.Repeat("v", 64))
	pop := request(h, "LPOP", "q")
	b.ReportAllocs()
	for b.Loop() {
		run(h, push)
		run(h, pop)
	}
}
