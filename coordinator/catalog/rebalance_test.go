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
	r.at(slopeTime, "move shard 2 of epoch 1 from 1 to 2: load; move shard 0 of epoch 2 from 2 to 1: load")
	r.at(slopeTime+1, "")
	r.apply(NewMoveCommit(2, r.s.Place(2).MoveID))
	r.at(slopeTime+2, "")
	r.apply(NewMoveCommit(0, r.s.Place(0).MoveID))
	r.report(900, 100, 100, 900)
	r.at(slopeTime+3, "")
	r.at(slopeTime+loadTime-1, "")
	r.control.Rebalance(slopeTime + loadTime - 1)
	r.at(slopeTime+loadTime-1, "move shard 0 of epoch 3 from 1 to 2: load; move shard 1 of epoch 2 from 2 to 1: load")
}

// The loads of a benchmark that deletes all and writes it again are of different
// moments: they look uneven, again and again, and that is nothing to move shards for.
func TestMovesForLoadWaitUntilItLasts(t *testing.T) {
	const moves = "move shard 2 of epoch 1 from 1 to 2: load; move shard 0 of epoch 2 from 2 to 1: load"
	r := uneven(t)
	now := int64(0)
	for ; now < 100_000; now += 1000 {
		switch now / 1000 % 4 {
		case 0:
			r.report(900, 900, 900, 900)
		case 1:
			r.report(0, 0, 900, 900)
		case 2:
			r.report(0, 0, 0, 0)
		case 3:
			r.report(900, 900, 0, 0)
		}
		r.quiet(now, now+1000)
	}
	for range 2 {
		r.report(500, 500, 500, 500)
		r.at(now, "") // one look at which all is even, and the time begins anew
		now += 100
		r.report(100, 100, 900, 900)
		r.quiet(now, now+slopeTime)
		now += slopeTime
	}
	r.at(now, moves)
}

// Who asks for it need not wait, if it is uneven when it is looked at next.
func TestRebalanceTakesASlopeAsItIs(t *testing.T) {
	r := uneven(t)
	r.report(100, 100, 900, 900)
	r.at(0, "")
	r.control.Rebalance(1)
	r.at(1, "move shard 2 of epoch 1 from 1 to 2: load; move shard 0 of epoch 2 from 2 to 1: load")

	r = uneven(t)
	r.report(500, 500, 500, 500)
	r.at(0, "")
	r.control.Rebalance(1)
	r.at(1, "")
	r.report(100, 100, 900, 900)
	r.quiet(2, 2+slopeTime)
}

func TestSmallSlopeIsLeft(t *testing.T) {
	r := uneven(t)
	r.report(1, 1, 33, 33) // 64 MiB, nearly twice the mean
	r.quiet(0, 2*loadTime)
	r.report(1, 1, 33, 34)
	r.at(2*loadTime, "")
	r.at(2*loadTime+slopeTime, "move shard 2 of epoch 1 from 1 to 2: load; move shard 0 of epoch 2 from 2 to 1: load")
}
