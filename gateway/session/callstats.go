package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// Statistics by command. A loop counts in plain numbers and adds them to the
// shared ones once a turn, for the commands that it has met only. Of a command's
// calls in a turn the first is timed and stands for all: two looks at the clock a
// turn cost next to nothing, two a command would cost a pipeline a tenth.

// CallStats is what INFO commandstats shows of a command.
type CallStats struct {
	Info                    *command.Info
	Calls, Rejected, Failed uint64
	Nanos                   uint64 // estimated, see above
}

type callCounter struct{ calls, rejected, failed, nanos atomic.Uint64 }

// maxErrorCodes bounds the codes that are counted apart: scripts can make up any.
const maxErrorCodes = 128

// callStats are the node's totals.
type callStats struct {
	byID []callCounter

	mu     sync.Mutex
	errors map[string]uint64 // by code
}

func newCallStats(commands int) callStats {
	return callStats{byID: make([]callCounter, commands), errors: map[string]uint64{}}
}

// turnCalls is what one loop has counted in this turn.
type turnCalls struct {
	byID []turnCounter
	met  []int // the IDs whose counters are not zero
}

type turnCounter struct {
	calls, rejected, failed uint32
	nanos                   int64 // of the first call
}

func newTurnCalls(commands int) turnCalls { return turnCalls{byID: make([]turnCounter, commands)} }

// of returns the counter of a command.
func (t *turnCalls) of(info *command.Info) *turnCounter {
	c := &t.byID[info.ID]
	if c.calls|c.rejected|c.failed == 0 {
		t.met = append(t.met, info.ID)
	}
	return c
}

// add takes over what a loop has counted.
func (s *callStats) add(t *turnCalls) {
	for _, id := range t.met {
		from, to := &t.byID[id], &s.byID[id]
		to.calls.Add(uint64(from.calls))
		to.nanos.Add(uint64(from.nanos) * uint64(from.calls))
		if from.rejected|from.failed != 0 {
			to.rejected.Add(uint64(from.rejected))
			to.failed.Add(uint64(from.failed))
		}
		*from = turnCounter{}
	}
	t.met = t.met[:0]
}

// run queues the command, or dispatches and counts it.
func (s *Session) run(info *command.Info, args [][]byte) {
	s.last = info
	if s.Multi != nil && info.Flags&command.Immediate == 0 {
		s.queue(info, args)
		return
	}
	if s.w.calls.byID[info.ID].calls > 0 {
		s.dispatch(info, args)
		s.count(info)
		return
	}
	start := time.Now()
	s.dispatch(info, args)
	s.count(info).nanos = int64(time.Since(start))
}

// count counts a call once it was made, so that INFO does not show itself.
func (s *Session) count(info *command.Info) *turnCounter {
	s.w.commands++
	c := s.w.calls.of(info)
	c.calls++
	return c
}

// erred counts n errors, which stand among replies. info is the command that
// they answer, nil for one that is not known.
func (s *Session) erred(info *command.Info, replies []byte, n uint64) {
	s.w.errors += n
	s.Server.countErrors(replies)
	if info != nil && len(replies) > 0 && replies[0] == '-' {
		s.w.calls.of(info).failed++
	}
}

// countErrors counts the errors in replies by their codes. It is for replies
// that are known to hold some.
func (srv *Server) countErrors(replies []byte) {
	srv.calls.mu.Lock()
	defer srv.calls.mu.Unlock()
	for len(replies) > 0 {
		var v reply.Value
		if v, replies = reply.Parse(replies); !v.IsError() {
			continue
		}
		code := string(errorCode(v.Bulk))
		if _, known := srv.calls.errors[code]; known || len(srv.calls.errors) < maxErrorCodes {
			srv.calls.errors[code]++
		}
	}
}

// errorCode is the first word of an error's text.
func errorCode(text []byte) []byte {
	for i, b := range text {
		if b == ' ' {
			return text[:i]
		}
	}
	return text
}

// CallStats returns the figures of the commands that were called or refused, in
// the order of their IDs.
func (srv *Server) CallStats() []CallStats {
	var list []CallStats
	for id := range srv.calls.byID {
		c := &srv.calls.byID[id]
		s := CallStats{
			Info: srv.Table.ByID(id), Calls: c.calls.Load(),
			Rejected: c.rejected.Load(), Failed: c.failed.Load(), Nanos: c.nanos.Load(),
		}
		if s.Calls|s.Rejected|s.Failed != 0 {
			list = append(list, s)
		}
	}
	return list
}

// ErrorStats returns how many errors of each code were sent.
func (srv *Server) ErrorStats() map[string]uint64 {
	srv.calls.mu.Lock()
	defer srv.calls.mu.Unlock()
	out := make(map[string]uint64, len(srv.calls.errors))
	for code, n := range srv.calls.errors {
		out[code] = n
	}
	return out
}

// FlushStats brings the totals up to date with this session's loop. It is for
// the loop only.
func (s *Session) FlushStats() { s.Server.flush(s.w) }

// ResetStats sets the counters of INFO to zero. What loops have counted in this turn
// comes after it.
func (srv *Server) ResetStats() {
	for id := range srv.calls.byID {
		c := &srv.calls.byID[id]
		c.calls.Store(0)
		c.rejected.Store(0)
		c.failed.Store(0)
		c.nanos.Store(0)
	}
	srv.calls.mu.Lock()
	clear(srv.calls.errors)
	srv.calls.mu.Unlock()
	srv.Stats.reset()
}

func (st *Stats) reset() {
	for _, c := range []*atomic.Uint64{
		&st.Connections, &st.Rejected, &st.Commands, &st.Errors, &st.Inline, &st.Messages, &st.Posted,
		&st.NetIn, &st.NetOut, &st.OutputDisconnects, &st.QueryDisconnects,
	} {
		c.Store(0)
	}
}
