package saga

import "github.com/troupedb/troupe/shard/engine"

// Blocked is a command that waits for a key to become ready. It stands in the
// queues of its keys already; whoever ends it first by Claim ends it for good.
type Blocked struct {
	Waiter  *engine.Waiter
	Keys    [][]byte
	DB      int
	Timeout int64 // milliseconds from the call's time on, 0: none
	// Resume makes the waiter's command run again as a saga of its own once a key
	// of Waiter.Kind is ready, with that key locked so that nobody overtakes it;
	// Waiter.Serve is not used then.
	Resume bool
	// TimedOut is the reply when the time is up.
	TimedOut []byte
}

// wokenFirst returns keys, before all others the one whose being ready has woken the
// call: that is the one it is served from.
func (t *Tx) wokenFirst(keys [][]byte) [][]byte {
	if t.handed == nil || t.handed.DB != t.DB {
		return keys
	}
	return append([][]byte{t.handed.Key}, keys...)
}

// passesOver takes back what has been written since start, and tells whether it has: an
// error about a key of another type, where the call waits on.
func (t *Tx) passesOver(start int) bool {
	if !t.Call.Waited || t.Out.Buf[start] != '-' {
		return false
	}
	t.Out.Buf = t.Out.Buf[:start]
	t.Out.Errs--
	return true
}
