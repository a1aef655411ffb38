package saga

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupedb/troupe/shard/reply"
)

// Running is the scripts of a node that run by messages, each on a goroutine of
// its own. Those that an event loop runs are not here: they end or move on within
// inlineSteps and inlineTicks. Time comes from outside, by Tick. It may be used from
// any goroutine.
type Running struct {
	busy  atomic.Bool
	ticks atomic.Uint64

	mu   sync.Mutex
	list []*runningScript // in the order in which they began
	now  int64            // Unix milliseconds of the last tick
	over bool             // the node stops
}

// runningScript is one of them. Its Lua side looks at kill; the rest is guarded by
// the registry's mutex.
type runningScript struct {
	kill   atomic.Bool
	client uint64
	since  int64 // Unix milliseconds
	wrote  bool  // it has called a write command
	slow   bool  // it is over the threshold
}

// SlowScript is what a log wants to know of one that got slow.
type SlowScript struct {
	Client uint64 // whose it is, 0 if that is not known
	Millis int64  // how long it has run
}

// errScriptKilled answers a write of a script that was killed a moment ago.
const errScriptKilled reply.Error = "ERR Script killed by user with SCRIPT KILL..."

// Busy tells whether a script runs for longer than the threshold.
func (r *Running) Busy() bool { return r.busy.Load() }

// Tick takes the time in Unix milliseconds, and finds the scripts that have run
// for threshold milliseconds or more; with 0 none is slow. It returns those that
// were not slow before.
func (r *Running) Tick(now, threshold int64) (slow []SlowScript) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks.Add(1)
	r.now = now
	for _, s := range r.list {
		s.since = min(s.since, now) // the clock may have been set back
		was := s.slow
		s.slow = threshold > 0 && now-s.since >= threshold
		if s.slow && !was {
			slow = append(slow, SlowScript{s.client, now - s.since})
		}
	}
	r.setBusy()
	return slow
}

func (r *Running) setBusy() {
	r.busy.Store(slices.ContainsFunc(r.list, func(s *runningScript) bool { return s.slow }))
}

// Kill ends scripts: all that are slow, or if none is, the one that runs for the
// longest. Those that have written go on. It returns how many run, and how many
// of them it has ended.
func (r *Running) Kill() (running, killed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 {
		return 0, 0
	}
	slow := r.busy.Load()
	oldest := slices.MinFunc(r.list, func(a, b *runningScript) int { return cmp.Compare(a.since, b.since) })
	for _, s := range r.list {
		if chosen := s.slow || !slow && s == oldest; chosen && !s.wrote {
			s.kill.Store(true)
			killed++
		}
	}
	return len(r.list), killed
}

// End ends all scripts, those that have written and those to come too: the node
// stops.
func (r *Running) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for _, s := range r.list {
		s.kill.Store(true)
	}
}

// begin enters a script of a call that came at the time since. The script may be
// the last of many in its transaction, or run once more, so that its own time
// counts from the last tick if that was later.
func (r *Running) begin(client uint64, since int64) *runningScript {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &runningScript{client: client, since: max(since, r.now)}
	s.kill.Store(r.over)
	r.list = append(r.list, s)
	return s
}

func (r *Running) end(s *runningScript) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = slices.DeleteFunc(r.list, func(other *runningScript) bool { return other == s })
	if s.slow {
		r.setBusy()
	}
}

// mayWrite notes that a script is about to write, after which nobody can kill it;
// false if somebody has.
func (r *Running) mayWrite(s *runningScript) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.wrote && s.kill.Load() {
		return false
	}
	s.wrote = true
	return true
}
