package catalog

import "testing"

// slopes is a controller whose members tell of loads.
type slopes struct {
	t       *testing.T
	s       *State
	apply   func(*Entry) Result
	control *Controller
	raft    Raft
	loads   Loads
}

// uneven returns one with four shards: 0 and 1 are b's, 2 and 3 are a's.
func uneven(t *testing.T) *slopes {
	s, apply := founded(t, 4, "a", "b")
	for i := range 2 {
		apply(NewMoveBegin(i, 1, id("b")))
		apply(NewMoveCommit(i, s.Place(i).MoveID))
	}
	return &slopes{t: t, s: s, apply: apply, control: NewController(0), raft: group("a", "a-b")}
}

// report lets the owners tell, in MiB.
func (r *slopes) report(of ...int64) {
	for i, n := range of {
		r.loads.Report(r.s, r.s.ByNumber(r.s.Place(i).Owner).ID, 1, []ShardLoad{{i, n, n << 20 / LoadUnit}})
	}
}

// at looks, and carries out what is decided.
func (r *slopes) at(now int64, want string) {
	r.t.Helper()
	actions := r.control.Decide(r.s, View{Now: now, Raft: r.raft, Loads: &r.loads})
	if got := decided(r.s, actions); got != want {
		r.t.Fatalf("at %d: %s\nwant %s", now, got, want)
	}
	for _, a := range actions {
		r.apply(a.(Propose).Entry)
	}
}

// quiet looks ten times a second, and nothing is to be done.
func (r *slopes) quiet(from, before int64) {
	r.t.Helper()
	for ; from < before; from += 100 {
		r.at(from, "")
	}
}

func TestMovesForLoadArePairsAndRare(t *testing.T) {
	r := uneven(t)
	r.report(100, 100, 900, 900)
	r.at(0, "")
	r.at(settleTime, "move shard 2 of epoch 1 from 1 to 2: load; move shard 0 of epoch 2 from 2 to 1: load")
	r.at(settleTime+1, "")
	r.apply(NewMoveCommit(2, r.s.Place(2).MoveID))
	r.at(settleTime+2, "")
	r.apply(NewMoveCommit(0, r.s.Place(0).MoveID))
	r.report(900, 100, 100, 900)
	r.at(settleTime+3, "")
	r.at(settleTime+loadTime-1, "")
	r.control.Rebalance(settleTime + loadTime - 1)
	r.at(settleTime+loadTime-1, "move shard 0 of epoch 3 from 1 to 2: load; move shard 1 of epoch 2 from 2 to 1: load")
}

func TestSmallSlopeIsLeft(t *testing.T) {
	r := uneven(t)
	r.report(1, 1, 33, 33) // 64 MiB, nearly twice the mean
	r.quiet(0, 2*loadTime)
	r.report(1, 1, 33, 34)
	r.at(2*loadTime, "move shard 2 of epoch 1 from 1 to 2: load; move shard 0 of epoch 2 from 2 to 1: load")
}
