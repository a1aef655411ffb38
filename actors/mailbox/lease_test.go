package mailbox_test

import (
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupedb/troupe/actors/mailbox"
)

// counting is an actor that must never run twice at once.
type counting struct {
	inside  atomic.Int32
	total   int // written under the lease only
	order   []int
	started atomic.Int32
}

type add int

type fail struct{}

func (c *counting) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.started.Add(1)
	case add:
		if c.inside.Add(1) != 1 {
			panic("two at once")
		}
		c.total++
		if m > 0 {
			c.order = append(c.order, int(m))
		}
		c.inside.Add(-1)
	case fail:
		panic("as asked")
	}
}

func spawn(t testing.TB, c *counting) (*actor.ActorSystem, *actor.PID, *mailbox.Lease) {
	t.Helper()
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	t.Cleanup(system.Shutdown)
	l := mailbox.New()
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return c },
		actor.WithMailbox(func() actor.Mailbox { return l })))
	eventually(t, func() bool { return c.started.Load() == 1 })
	return system, pid, l
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about in 20 s")
		}
	}
}

// acquire waits for the lease, as a test may.
func acquire(t testing.TB, l *mailbox.Lease) {
	t.Helper()
	eventually(t, l.TryAcquire)
}

func TestLeaseKeepsOthersOut(t *testing.T) {
	c := &counting{}
	system, pid, l := spawn(t, c)
	acquire(t, l)
	if l.TryAcquire() {
		t.Fatal("the lease was given twice")
	}
	for i := 1; i <= 3; i++ {
		system.Root.Send(pid, add(i))
	}
	if got := l.UserMessageCount(); got != 3 {
		t.Fatalf("%d messages wait while the lease is held, want 3", got)
	}
	if c.total != 0 {
		t.Fatal("a message ran under somebody else's lease")
	}
	l.Release() // runs them
	acquire(t, l)
	defer l.Release()
	if len(c.order) != 3 || c.order[0] != 1 || c.order[2] != 3 {
		t.Fatalf("messages ran as %v", c.order)
	}
}

func TestLeaseIsNotTakenBeforeWhatWaits(t *testing.T) {
	c := &counting{}
	system, pid, l := spawn(t, c)
	for range 200 {
		acquire(t, l)
		system.Root.Send(pid, add(0))
		before := c.total
		l.Release()
		acquire(t, l) // only once the message has run
		if c.total != before+1 {
			t.Fatal("the lease was taken while a message waited")
		}
		l.Release()
	}
}

func TestManyLeaseholdersAndPosters(t *testing.T) {
	c := &counting{}
	system, pid, l := spawn(t, c)
	const workers, each = 8, 2000
	var wg sync.WaitGroup
	inline := func() {
		l.Invoke(add(0))
		l.Release()
	}
	for w := range workers {
		wg.Go(func() {
			// Whoever keeps posting may keep the queue from ever being seen empty, so
			// the first turn is waited for: every worker is a leaseholder once at least.
			for !l.TryAcquire() {
				runtime.Gosched()
			}
			inline()
			for i := 1; i < each; i++ {
				if (i+w)%3 != 0 && l.TryAcquireSpin() {
					inline()
				} else {
					system.Root.Send(pid, add(0))
				}
			}
		})
	}
	wg.Wait()
	eventually(t, func() bool { return l.UserMessageCount() == 0 })
	acquire(t, l)
	defer l.Release()
	if c.total != workers*each {
		t.Fatalf("%d of %d messages ran", c.total, workers*each)
	}
}

func TestPanicEscalatesAndTheActorComesBack(t *testing.T) {
	c := &counting{}
	system, pid, l := spawn(t, c)
	acquire(t, l)
	if l.Invoke(fail{}) {
		t.Fatal("a panic was reported as success")
	}
	l.Release()
	// The supervisor restarts it; the producer gives the same state again.
	eventually(t, func() bool { return c.started.Load() == 2 })
	system.Root.Send(pid, add(7))
	eventually(t, func() bool { return l.UserMessageCount() == 0 && l.TryAcquire() })
	defer l.Release()
	if c.total != 1 || l.Recovered() != 1 {
		t.Fatalf("after the restart: %d messages ran, %d panics counted", c.total, l.Recovered())
	}
}

func TestPanicInAPostedMessage(t *testing.T) {
	c := &counting{}
	system, pid, l := spawn(t, c)
	for i := range 5 {
		system.Root.Send(pid, fail{})
		system.Root.Send(pid, add(i+1))
	}
	eventually(t, func() bool { return l.Recovered() == 5 && l.UserMessageCount() == 0 && l.TryAcquire() })
	defer l.Release()
	if c.total != 5 {
		t.Fatalf("%d of 5 messages ran between panics", c.total)
	}
}

func TestInvokeDoesNotAllocate(t *testing.T) {
	_, _, l := spawn(t, &counting{})
	var message any = add(0)
	if n := testing.AllocsPerRun(1000, func() {
		if !l.TryAcquire() {
			runtime.Gosched()
			return
		}
		l.Invoke(message)
		l.Release()
	}); n != 0 {
		t.Errorf("%v allocations a command", n)
	}
}

// BenchmarkContended is a command on one of 16 shards, from as many goroutines
// as there are processors: run it with -cpu 1,2. It reports the share of commands
// that had to be posted.
func BenchmarkContended(b *testing.B) {
	const shards = 16
	leases, pids := make([]*mailbox.Lease, shards), make([]*actor.PID, shards)
	var system *actor.ActorSystem
	for i := range leases {
		system, pids[i], leases[i] = spawn(b, &counting{})
	}
	var message any = add(0)
	var posted atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := uint32(1); pb.Next(); i = i*1664525 + 1013904223 {
			at := i >> 28
			if leases[at].TryAcquireSpin() {
				leases[at].Invoke(message)
				leases[at].Release()
			} else {
				system.Root.Send(pids[at], message)
				posted.Add(1)
			}
		}
	})
	b.ReportMetric(float64(posted.Load())/float64(b.N)*100, "%posted")
}
