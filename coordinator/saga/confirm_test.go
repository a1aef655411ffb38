package saga

import (
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/engine"
)

// newWatched is newTaped with a clock, in a cluster in which shard 0 is this node's.
func newWatched(program Program) (*Coordinator, *tape, *int64) {
	c, out := newTaped(program)
	now := new(int64)
	c.env.Pulse.Clock = func() int64 { return *now }
	c.env.Where = directory.NewStore(&directory.Directory{
		Slots: c.env.Slots, Self: 1, Places: []directory.Place{{Owner: 1, Epoch: 1}, {Owner: 2, Epoch: 1}, {Owner: 1, Epoch: 1}},
	})
	return c, out, now
}

func readBoth(t *Tx) { t.Into(onShards(0, 1)) }

func bothRan(c *Coordinator) {
	c.Answer(ran(0, 1, false, ":1\r\n"))
	c.Answer(ran(1, 1, false, ":2\r\n"))
}

// One that took long replies once it knows that all its locks are still there.
func TestLongCoordinatorConfirms(t *testing.T) {
	c, out, now := newWatched(readBoth)
	c.Start()
	*now += confirmAfter
	bothRan(c)
	out.expect(t, "run 0 visit 0", "run 1 visit 0", "confirm 0 visit 5", "confirm 1 visit 5")
	c.Answer(answer(engine.AnswerWound, 1, 5)) // it has all that it needs
	c.Answer(answer(engine.AnswerConfirmed, 1, 5))
	c.Answer(answer(engine.AnswerConfirmed, 1, 5))
	out.expect(t)
	c.Answer(answer(engine.AnswerConfirmed, 0, 5))
	out.expect(t, "reply :1\r\n:2", "commit 0 visit 5", "commit 1 visit 5")
}

// Late answers to copies of the question do not count for what comes after it.
func TestLateConfirmation(t *testing.T) {
	c, out, now := newWatched(readBoth)
	c.Start()
	*now += confirmAfter
	c.Answer(ran(0, 1, true, ":1\r\n"))
	c.Answer(ran(1, 1, true, ":2\r\n"))
	c.Answer(answer(engine.AnswerConfirmed, 1, 5))
	out.lines = nil
	c.Answer(answer(engine.AnswerConfirmed, 0, 5))
	out.expect(t, "decide 1 visit 5")
	c.Answer(answer(engine.AnswerConfirmed, 1, 5))
	c.Answer(answer(engine.AnswerUndone, 1, 5)) // which it was once it had decided
	out.expect(t)
	c.Answer(answer(engine.AnswerDecided, 1, 5))
	out.expect(t, "reply :1\r\n:2", "commit 0 visit 5", "commit 1 visit 5")
}

// If a lock has gone, what was read is not of one moment, and nothing is done.
func TestLongCoordinatorHasLostALock(t *testing.T) {
	for _, kind := range []engine.AnswerKind{engine.AnswerUndone, engine.AnswerLost, engine.AnswerUnreachable} {
		c, out, now := newWatched(readBoth)
		c.Start()
		*now += confirmAfter
		bothRan(c)
		c.Answer(answer(engine.AnswerConfirmed, 0, 5))
		out.lines = nil
		c.Answer(answer(kind, 1, 5))
		out.expect(t, "reply -"+string(ErrDown), "undo 0 visit 5", "undo 1 visit 5")
	}
	c, out, now := newWatched(readBoth)
	c.Start()
	*now += confirmAfter
	bothRan(c)
	out.lines = nil
	c.Fence()
	out.expect(t, "reply -"+string(ErrDown), "undo 0 visit 5", "undo 1 visit 5")
}

// Where nothing can have happened nobody is asked.
func TestQuickCoordinatorDoesNotConfirm(t *testing.T) {
	c, out, now := newWatched(readBoth)
	*now = 5000
	c.Start()
	*now += confirmAfter - 1
	bothRan(c)
	out.expect(t, "run 0 visit 0", "run 1 visit 0", "reply :1\r\n:2", "commit 0 visit 5", "commit 1 visit 5")

	c, out, now = newWatched(func(t *Tx) { t.Into(onShards(0, 2)) }) // all here
	c.Start()
	*now += confirmAfter
	c.Answer(ran(0, 1, false, ":1\r\n"))
	c.Answer(ran(2, 1, false, ":2\r\n"))
	out.expect(t, "run 0 visit 0", "run 2 visit 0", "reply :1\r\n:2", "commit 0 visit 5", "commit 2 visit 5")
}

// A shard that is here now may have been elsewhere, and lost, when its part began.
func TestLockOfAShardThatCameHere(t *testing.T) {
	c, out, now := newWatched(readBoth)
	c.Start()
	was := c.env.Where.Load()
	c.env.Where.Advance(&directory.Directory{
		Slots: was.Slots, Self: 1, Epoch: was.Epoch + 1, Places: []directory.Place{{Owner: 1, Epoch: 1}, {Owner: 1, Epoch: 3}, {Owner: 1, Epoch: 1}},
	})
	*now += confirmAfter
	bothRan(c)
	out.expect(t, "run 0 visit 0", "run 1 visit 0", "confirm 0 visit 5", "confirm 1 visit 5")
	c.Answer(answer(engine.AnswerUndone, 1, 5))
	out.expect(t, "reply -"+string(ErrDown), "undo 0 visit 5", "undo 1 visit 5")
}

// Others may take the node for down for a while after it has its lease again.
func TestShakenCoordinatorConfirms(t *testing.T) {
	c, out, now := newWatched(readBoth)
	*now = 5000
	c.env.Pulse.Lapsed()
	*now += shakenFor - 1
	c.Start()
	bothRan(c)
	out.expect(t, "run 0 visit 0", "run 1 visit 0", "confirm 0 visit 5", "confirm 1 visit 5")
	c, out, now = newWatched(readBoth)
	c.env.Pulse.Lapsed()
	*now += shakenFor
	c.Start()
	bothRan(c)
	out.expect(t, "run 0 visit 0", "run 1 visit 0", "reply :1\r\n:2", "commit 0 visit 5", "commit 1 visit 5")
}

// A home that refuses has perhaps recorded the decision before, and a recovery has
// carried it through.
func TestRefusedDecisionIsUnknown(t *testing.T) {
	c, out, _ := newWatched(readBoth)
	c.Start()
	c.Answer(ran(0, 1, true, ":1\r\n"))
	c.Answer(ran(1, 1, true, ":2\r\n"))
	out.expect(t, "run 0 visit 0", "run 1 visit 0", "decide 1 visit 5")
	c.Answer(answer(engine.AnswerGone, 1, 5))
	out.expect(t, "reply -"+string(ErrUnknown), "undo 0 visit 5", "undo 1 visit 5")
}
