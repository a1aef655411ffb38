package session

import (
	"log/slog"
	"math"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// OverOutputLimit tells whether the session's unsent output is beyond
// client-output-buffer-limit, so that it must be closed, and counts it then. It
// is for the session's loop.
func (s *Session) OverOutputLimit() bool {
	class := ClassNormal
	if s.Subs > 0 {
		class = ClassPubSub
	}
	l := &s.Server.Limits.Load().Output[class]
	unsent := max(int64(len(s.Conn.W.Buf)), s.Conn.Unsent())
	if l.Soft == 0 || unsent <= l.Soft {
		s.softAt = 0
	} else if s.softAt == 0 {
		s.softAt = s.w.clock()
	}
	over := l.Hard > 0 && unsent > l.Hard ||
		s.softAt > 0 && s.w.clock()-s.softAt > int64(l.SoftSeconds)*1000
	if over && !s.Conn.Closing() {
		s.Server.Stats.OutputDisconnects.Add(1)
	}
	return over
}

// ReapIdle closes the clients that have said nothing for longer than timeout
// allows, but for those that are blocked or subscribed, and those whose output is
// over its soft limit for too long. It is called about once a second. now is in
// Unix milliseconds.
func (srv *Server) ReapIdle(now int64) {
	oldest := int64(math.MinInt64)
	if seconds := srv.Limits.Load().IdleSeconds; seconds > 0 {
		oldest = now - int64(seconds)*1000
	}
	for _, s := range srv.reapable(oldest) {
		s.Post(func() {
			if s.seen < oldest && s.blocked == nil && s.Subs == 0 || s.OverOutputLimit() {
				s.Conn.Close()
			}
		})
	}
}

// reapable returns the clients that are worth a look: those that were last seen
// before oldest, and those that do not take their output.
func (srv *Server) reapable(oldest int64) (list []*Session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for _, s := range srv.clients {
		if s.Conn.Unsent() > 0 || s.seenBefore(oldest) {
			list = append(list, s)
		}
	}
	return list
}

func (s *Session) seenBefore(oldest int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info.Seen < oldest
}

// Kill ends another client's connection. It is gone from Clients at once, and no
// later input of it is looked at.
func (s *Session) Kill() {
	s.killed.Store(true)
	s.Server.forget(s)
	s.Conn.Post(s.Conn.Close)
}

// Postpone pauses the connection and returns what is to be called once, from any
// goroutine, to answer and go on.
func (s *Session) Postpone() (answer func(write func(*reply.Writer))) {
	s.Conn.Pause()
	return func(write func(*reply.Writer)) {
		s.Post(func() {
			out := &reply.Writer{Proto: s.Conn.W.Proto}
			write(out)
			s.answer(out)
		})
	}
}

// EachShard runs f on every shard: here and now where the shard is idle, else
// when it comes to the message, before any later command of this client.
func (srv *Server) EachShard(f func(*engine.Engine)) {
	for _, h := range srv.Env.Shards {
		if h.Lease.TryAcquire() {
			h.Lease.Invoke(shard.Func(f))
			h.Lease.Release()
		} else {
			h.Tell(shard.Func(f))
		}
	}
}

// sampleCount is over how many samples rates are averaged, as in Redis: with ten
// a second, over the last second and a half.
const sampleCount = 16

// samples are what is measured a few times a second.
type samples struct {
	used, peak atomic.Int64

	mu   sync.Mutex
	at   int64 // Unix milliseconds of the last sample
	last [3]uint64
	ring [sampleCount]Rates
	next int
}

// Rates are what happens in a second: commands, and bytes read and written.
type Rates struct{ Commands, In, Out float64 }

// Sample measures memory and rates. It is called a few times a second. now is in
// Unix milliseconds.
func (srv *Server) Sample(now int64) {
	used := HeapBytes()
	for _, h := range srv.Env.Shards {
		used += h.Engine.Resident.Load()
	}
	srv.samples.used.Store(used)
	srv.SawMemory(used)
	srv.samples.mu.Lock()
	defer srv.samples.mu.Unlock()
	s, st := &srv.samples, &srv.Stats
	counts := [3]uint64{st.Commands.Load(), st.NetIn.Load(), st.NetOut.Load()}
	if passed := now - s.at; s.at > 0 && passed > 0 {
		s.ring[s.next] = Rates{
			Commands: rate(counts[0], s.last[0], passed),
			In:       rate(counts[1], s.last[1], passed),
			Out:      rate(counts[2], s.last[2], passed),
		}
		s.next = (s.next + 1) % sampleCount
	}
	s.at, s.last = now, counts
}

// rate is the growth of a counter a second. The counter may have been reset.
func rate(now, before uint64, millis int64) float64 {
	if now < before {
		before = 0
	}
	return float64(now-before) * 1000 / float64(millis)
}

// Rates returns the averages of the last samples.
func (srv *Server) Rates() (mean Rates) {
	srv.samples.mu.Lock()
	defer srv.samples.mu.Unlock()
	for _, r := range srv.samples.ring {
		mean.Commands += r.Commands / sampleCount
		mean.In += r.In / sampleCount
		mean.Out += r.Out / sampleCount
	}
	return mean
}

// UsedMemory returns the bytes in use as of the last sample.
func (srv *Server) UsedMemory() int64 { return srv.samples.used.Load() }

// SawMemory raises the peak to used, if it is above, and returns it.
func (srv *Server) SawMemory(used int64) (peak int64) {
	for {
		peak = srv.samples.peak.Load()
		if used <= peak {
			return peak
		}
		if srv.samples.peak.CompareAndSwap(peak, used) {
			return used
		}
	}
}

// HeapBytes returns what Go's heap holds in objects; the records of the shards
// are not in it.
func HeapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// WatchScripts looks for scripts that run for longer than busy-reply-threshold,
// while which most commands are refused. It is called a few times a second. now is
// in Unix milliseconds.
func (srv *Server) WatchScripts(now int64) {
	for _, slow := range srv.Env.Running.Tick(now, srv.Limits.Load().BusyMillis) {
		slog.Warn("slow script: SCRIPT KILL ends it", "client", slow.Client, "millis", slow.Millis)
	}
}

// Uptime returns how long the node runs.
func (srv *Server) Uptime() time.Duration { return time.Since(srv.Started) }
