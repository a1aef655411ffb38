package saga

import (
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// newTaped returns a coordinator of three shards for a program.
func newTaped(program Program) (*Coordinator, *tape) {
	env, out := &Env{Slots: directory.Even(3), programs: []Program{program}, plans: make([]*Plan, 1)}, &tape{}
	info := &command.Info{Row: &command.Row{Route: command.RouteSaga}}
	return env.NewCoordinator(7, &Call{Cmd: info, Out: &reply.Writer{}}, out, nil), out
}

// onShards returns steps for whole shards.
func onShards(numbers ...int) (steps []Step) {
	for _, n := range numbers {
		steps = append(steps, Step{Shard: n})
	}
	return steps
}

func ran(shard int, round uint32, wrote bool, replies ...string) *engine.Answer {
	a := answer(engine.AnswerRan, shard, 5)
	a.Round, a.Wrote = round, wrote
	for _, r := range replies {
		a.Out = append(a.Out, r...)
		a.Ends = append(a.Ends, len(a.Out))
	}
	return a
}

func TestCoordinatorDecides(t *testing.T) {
	c, out := newTaped(func(t *Tx) {
		t.Out.Array(3)
		t.Into(onShards(2, 1, 2))
	})
	c.Start()
	out.expect(t, "run 2 visit 0", "run 1 visit 0")
	c.Answer(ran(2, 1, true, ":1\r\n", ":3\r\n"))
	c.Answer(ran(2, 1, true, ":1\r\n", ":3\r\n"))
	c.Tick()
	out.expect(t)
	c.Tick() // shard 1 was silent for a whole tick
	out.expect(t, "run 1 visit 0")
	c.Answer(ran(1, 1, false, ":2\r\n"))
	out.expect(t, "decide 2 visit 5")          // which has written
	c.Answer(answer(engine.AnswerWound, 2, 5)) // too late
	c.Answer(answer(engine.AnswerDecided, 2, 5))
	out.expect(t, "reply *3\r\n:1\r\n:2\r\n:3", "commit 1 visit 5")
	c.Answer(answer(engine.AnswerCommitted, 1, 5))
	out.expect(t, "forget 2 visit 5")
	c.Answer(answer(engine.AnswerForgotten, 2, 5))
	if !c.Ended() {
		t.Error("it goes on")
	}
}

func TestCoordinatorThatOnlyReads(t *testing.T) {
	c, out := newTaped(func(t *Tx) { t.Into(onShards(0)) })
	c.Start()
	c.Answer(ran(0, 1, false, ":1\r\n"))
	out.expect(t, "run 0 visit 0", "reply :1", "commit 0 visit 5")
	c.Answer(answer(engine.AnswerCommitted, 0, 5))
	if !c.Ended() {
		t.Error("it goes on")
	}
}

func TestWoundedCoordinator(t *testing.T) {
	runs := 0
	c, out := newTaped(func(t *Tx) {
		runs++
		t.Into(onShards(0, 1))
	})
	c.Start()
	c.Answer(ran(0, 1, true, ":1\r\n"))
	out.lines = nil
	c.Answer(answer(engine.AnswerWound, 0, 5))
	out.expect(t) // it waits for nobody
	c.Answer(answer(engine.AnswerWaits, 1, 4))
	out.expect(t, "undo 0 visit 5", "undo 1 visit 0")
	c.Answer(ran(1, 1, true, ":1\r\n")) // it comes after all
	out.expect(t, "undo 1 visit 5")
	c.Answer(answer(engine.AnswerUndone, 0, 5))
	c.Answer(answer(engine.AnswerUndone, 1, 0))
	out.expect(t, "run 0 visit 0", "run 1 visit 0")
	c.Answer(ran(0, 1, true, ":1\r\n")) // of the first attempt
	out.expect(t, "undo 0 visit 5")
	c.Answer(answer(engine.AnswerWaits, 1, 4)) // so was this
	if runs != 2 {
		t.Errorf("the program was run %d times", runs)
	}
	c.Abandon()
}

func TestFailedStep(t *testing.T) {
	c, out := newTaped(func(t *Tx) { t.Into(onShards(0, 1)) })
	c.Start()
	out.lines = nil
	c.Answer(ran(1, 1, true, ":1\r\n"))
	failed := ran(0, 1, false)
	failed.Kind = engine.AnswerFailed
	c.Answer(failed)
	out.expect(t, "reply -"+string(ErrUndone), "undo 0 visit 5", "undo 1 visit 5")
	c.Answer(answer(engine.AnswerUndone, 0, 5))
	c.Answer(answer(engine.AnswerUndone, 1, 5))
	out.expect(t)
}

// A program that is unwound may fail in its turn, and steps no more.
func TestAbandonedProgram(t *testing.T) {
	c, out := newTaped(func(t *Tx) {
		defer func() {
			defer func() { panic(recover()) }()
			t.Into(onShards(1))
		}()
		t.Into(onShards(0))
	})
	c.Start()
	c.Abandon()
	out.expect(t, "run 0 visit 0")
	c, _ = newTaped(func(t *Tx) {
		defer func() { panic("in a deferred function") }()
		t.Into(onShards(0))
	})
	c.Start()
	c.Abandon()
}

// A copy of the first order is refused where the shard was before, and that comes to
// the coordinator's ears when it waits for the decision.
func TestLateRefusal(t *testing.T) {
	for _, kind := range []engine.AnswerKind{engine.AnswerElsewhere, engine.AnswerGone} {
		c, out := newTaped(func(t *Tx) {
			t.Out.Array(2)
			t.Into(onShards(0, 1))
		})
		c.Start()
		c.Answer(ran(0, 1, true, ":1\r\n"))
		c.Answer(ran(1, 1, true, ":2\r\n"))
		out.lines = nil
		c.Answer(answer(kind, 0, 0))
		out.expect(t)
		c.Answer(answer(engine.AnswerDecided, 0, 5))
		out.expect(t, "reply *2\r\n:1\r\n:2", "commit 1 visit 5")
		c.Abandon()
	}
}

// The order to decide looks for the shard where it is now: a decision that was made has
// travelled with it. If there is none, and all that have written are on that one node,
// nobody knows what was decided at the place of before.
func TestDecisionAstray(t *testing.T) {
	c, out := newTaped(func(t *Tx) { t.Into(onShards(0, 1)) })
	d := directory.Single(c.env.Slots)
	c.env.Where = directory.NewStore(d)
	c.Start()
	c.Answer(ran(0, 1, true, ":1\r\n"))
	c.Answer(ran(1, 1, true, ":2\r\n"))
	out.lines = nil
	c.Answer(answer(engine.AnswerElsewhere, 0, 5))
	out.expect(t)
	c.Tick()
	out.expect(t, "decide 0 visit 5")
	next := *d
	next.Epoch, next.Places = 2, append([]directory.Place(nil), d.Places...)
	next.Places[0].Epoch = 2
	c.env.Where.Advance(&next)
	c.Answer(answer(engine.AnswerGone, 0, 5))
	out.expect(t, "reply -"+string(ErrUnknown), "undo 0 visit 5", "undo 1 visit 5")
	c.Abandon()
}

// A node that may not serve any more lets no client wait for others: what is not
// decided is undone, what is being decided nobody knows.
func TestFence(t *testing.T) {
	c, out := newTaped(func(t *Tx) { t.Into(onShards(0, 1)) })
	c.Start()
	out.lines = nil
	c.Fence()
	c.Fence()
	out.expect(t, "reply -"+string(ErrDown), "undo 0 visit 0", "undo 1 visit 0")

	c, out = newTaped(func(t *Tx) { t.Into(onShards(0, 1)) })
	c.Start()
	c.Answer(ran(0, 1, true, ":1\r\n"))
	c.Answer(ran(1, 1, true, ":1\r\n"))
	out.lines = nil
	c.Fence()
	out.expect(t, "reply -"+string(ErrUnknown))
	c.Answer(answer(engine.AnswerDecided, 0, 5))
	out.expect(t, "commit 1 visit 5")
}

// An order that has not found its shard is for the place that the shard has at the next
// tick, not the one that it had when the order came back.
func TestOrderAstray(t *testing.T) {
	c, out := newTaped(func(t *Tx) { t.Into(onShards(0)) })
	d := directory.Single(c.env.Slots)
	c.env.Where = directory.NewStore(d)
	c.Start()
	c.Answer(answer(engine.AnswerElsewhere, 0, 0))
	next := *d
	next.Epoch, next.Places = 2, append([]directory.Place(nil), d.Places...)
	next.Places[0].Epoch = 2
	c.env.Where.Advance(&next)
	out.lines = nil
	c.Tick()
	out.expect(t, "run 0 visit 0")
	if got := c.links[0].epoch; got != 2 {
		t.Errorf("the order is for the epoch %d", got)
	}
	c.Abandon()
}

// What a saga has done is not begun anew, nor what it may have done.
func TestWhatFailureSays(t *testing.T) {
	for why, undone := range map[reply.Error]bool{ErrDown: true, ErrUndone: true, ErrUnknown: false} {
		var out reply.Writer
		out.Error(why)
		if !Failed(out.Buf) || Undone(out.Buf) != undone {
			t.Errorf("%s: failed %v, undone %v", why, Failed(out.Buf), Undone(out.Buf))
		}
	}
	for _, text := range []string{"", "+OK\r\n", "-ERR other\r\n", "*1\r\n-" + string(ErrDown) + "\r\n"} {
		if Failed([]byte(text)) || Undone([]byte(text)) {
			t.Errorf("%q is a reply", text)
		}
	}
}
