package coordinator

import (
	"fmt"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// loop drives sagas on the goroutine of a test.
type loop struct {
	posted chan func()
	out    []byte
	done   bool
}

func (*loop) Order(directory.Number, int, *engine.Order) bool { return false }
func (l *loop) Post(f func())                                 { l.posted <- f }
func (l *loop) On(any) bool                                   { return false }
func (l *loop) Done(_ uint64, out []byte)                     { l.out, l.done = append(l.out[:0], out...), true }

// drive runs a call as a saga that this goroutine drives.
func (r *rig) drive(l *loop, call *saga.Call) string {
	r.t.Helper()
	l.done = false
	r.sagas.Drive(l, 7, call, l.Post)
	for !l.done {
		(<-l.posted)()
	}
	r.drain(l.posted)
	call.Out.Buf = append(call.Out.Buf, l.out...)
	return flat(l.out)
}

// drain lets a loop run until no saga lives: its shards may not have been at rest.
func (r *rig) drain(posted chan func()) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); r.sagas.Live() > 0; {
		select {
		case f := <-posted:
			f()
		case <-time.After(time.Millisecond):
			if time.Now().After(deadline) {
				r.t.Fatalf("%d sagas live on", r.sagas.Live())
			}
		}
	}
}

// TestDriven: a saga that a loop drives leaves what one leaves that an actor runs.
func TestDriven(t *testing.T) {
	a, b := newRig(t, 5), newRig(t, 5)
	l := &loop{posted: make(chan func(), 1024)}
	agree(t, a, b, a.submit, func(c *saga.Call) string {
		if c.Block != nil || !b.node.Env.Hurries(c) {
			return b.submit(c)
		}
		return b.drive(l, c)
	})
}

// BenchmarkDriven is MSET of ten keys on sixteen shards, driven by a loop.
func BenchmarkDriven(b *testing.B) {
	for _, words := range []string{"MSET", "MGET"} {
		b.Run(words, func(b *testing.B) {
			r := newRig(b, 16)
			set := []string{words}
			for i := range 10 {
				set = append(set, fmt.Sprint("key", i))
				if words == "MSET" {
					set = append(set, "value")
				}
			}
			call := r.call(set)
			l := &loop{posted: make(chan func(), 1024)}
			b.ReportAllocs()
			for range b.N {
				call.Out.Buf = call.Out.Buf[:0]
				r.drive(l, call)
			}
		})
	}
}

// TestDrivenScriptThatTakesLong: a script that would keep the loop is undone and runs
// elsewhere, once.
func TestDrivenScriptThatTakesLong(t *testing.T) {
	r := newRig(t, 5)
	l := &loop{posted: make(chan func(), 1024)}
	const body = "redis.call('INCR', KEYS[1]); for i = 1, 400000 do end; return redis.call('INCR', KEYS[2])"
	for want := 1; want <= 3; want++ {
		call := r.call([]string{"EVAL", body, "2", "a", "b"})
		if got := r.drive(l, call); got != fmt.Sprint(":", want) {
			t.Fatalf("run %d: %q", want, got)
		}
	}
	if got := r.submit(r.call([]string{"MGET", "a", "b"})); got != "*2 $1 3 $1 3" {
		t.Errorf("then %q", got)
	}
	r.settle()
}
