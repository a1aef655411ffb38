package saga

import "github.com/troupedb/troupe/shard/engine"

// Blocked is a command that waits for a key to become ready. It stands in the
// queues of its keys already; whoever ends it first by Claim ends it for good.
type Blocked struct {
	Waiter  *engine.Waiter
	Keys    [][]byte
	DB      int
	Timeout int64 // milliseconds from the call's time on, 0: none
	// TimedOut is the reply when the time is up.
	TimedOut []byte
}
