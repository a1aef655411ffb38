package coordinator

import (
	"runtime"
	"testing"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
)

// A script of few but long commands does not keep an event loop.
func TestScriptOfLongCommandsMovesOn(t *testing.T) {
	row := command.Row{Name: "long", Group: command.GroupGeneric, Arity: 1, Route: command.RouteSaga}
	runs := 0
	r := newRig(t, 2, saga.Command{Row: &row, Run: func(t *saga.Tx) {
		runs++
		t.Env().Running.Tick(t.Now, 0)
		t.Out.OK()
	}})
	short := r.call([]string{"EVAL", "redis.call('incr', 'n') return redis.call('long')", "0"})
	for !r.runner.Inline(short) { // a shard is just done with its first message
		runtime.Gosched()
	}
	long := r.call([]string{"EVAL", "redis.call('incr', 'n') for i = 1, 4 do redis.call('long') end return redis.call('get', 'n')", "0"})
	if runs = 0; r.runner.Inline(long) || runs != 2 {
		t.Fatalf("a script kept the loop for %d ticks, want 2", runs)
	}
	if got := r.submit(long); got != "$1 2" {
		t.Errorf("by messages: %s, want $1 2, as what was done inline is undone", got)
	}
	r.settle()
}
