package engine_test

import (
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// ask posts a command under an epoch and returns where its answer will be:
// "refused" where the shard is not here.
func (p *part) ask(epoch uint64, line string) *string {
	args, out, text := words(line), &reply.Writer{}, new(string)
	info, _ := p.Table.Resolve(args)
	r := &engine.Request{Cmd: info, Slot: slot.Of(args[1]), Key: 1, Args: args, Out: out, Now: p.Now, Epoch: epoch}
	r.Done = func() {
		*text = strings.TrimSpace(strings.ReplaceAll(string(out.Buf), "\r\n", " "))
		if r.Refused {
			*text = "refused" + *text
		}
	}
	if !p.Engine.Handle(r) {
		r.Done()
	}
	return text
}

func (p *part) asked(epoch uint64, line, want string) {
	p.t.Helper()
	if got := *p.ask(epoch, line); got != want {
		p.t.Errorf("%s under %d: %q, want %q", line, epoch, got, want)
	}
}

func TestEpochs(t *testing.T) {
	p := newPart(t)
	p.asked(0, "SET a 1", "+OK")
	p.asked(1, "GET a", "$1 1")
	p.asked(2, "GET a", "refused")
	p.Engine.Close()
	p.asked(0, "GET a", "refused")
	p.asked(1, "GET a", "refused")
	run := p.run(7, 1, 1, "SET a 2")
	p.send(run, "7 elsewhere")
	p.Engine.Open(5)
	p.asked(1, "GET a", "refused")
	p.asked(5, "GET a", "$1 1")
	run.Epoch = 1
	p.send(run, "7 elsewhere")
	run.Epoch = 5
	p.send(run, "7 ran +OK")
	decide := p.order(engine.OrderDecide, 7, 1)
	decide.Epoch = 1
	p.send(decide, "7 gone")
	p.Engine.Close()
	p.send(decide, "7 elsewhere") // there it is known
	p.Engine.Open(5)
	p.send(p.order(engine.OrderUndo, 7, 1), "7 undone")
	p.idle()
}

// A seal waits for sagas, makes them give way, holds everything back, and is over
// without a trace, or with refusals.
func TestSeal(t *testing.T) {
	p := newPart(t)
	p.send(p.run(7, 1, 1, "SET a 1"), "7 ran +OK")
	p.Engine.Seal()
	p.expect("7 wound")
	if p.Engine.Sealed() {
		t.Error("sealed while a saga has a part")
	}
	waits := p.ask(1, "GET b")
	p.send(p.order(engine.OrderUndo, 7, 1), "7 undone")
	p.send(p.run(7, 2, 1, "SET a 2"), "7 waits")
	if !p.Engine.Sealed() || p.Engine.Sagas() != 1 || *waits != "" {
		t.Errorf("sealed %v with %d sagas; GET answered %q", p.Engine.Sealed(), p.Engine.Sagas(), *waits)
	}
	p.Engine.Unseal()
	p.expect("7 ran +OK")
	if *waits != "$-1" {
		t.Errorf("after the seal GET answered %q", *waits)
	}
	p.send(p.order(engine.OrderCommit, 7, 2), "7 committed")
	p.idle()

	p.Engine.Seal()
	if !p.Engine.Sealed() {
		t.Error("an idle shard is not sealed at once")
	}
	waits = p.ask(1, "SET a 3")
	p.send(p.run(8, 1, 1, "SET a 4"), "8 waits")
	p.Engine.Close()
	p.expect("8 elsewhere")
	if *waits != "refused" {
		t.Errorf("a command that was held back answered %q", *waits)
	}
	p.Engine.Open(2)
	p.asked(2, "GET a", "$1 2")
	p.idle()
}

// A decision that is held is seen by nobody until the commit.
func TestHeldDecision(t *testing.T) {
	p := newPart(t)
	o := p.run(7, 1, 1, "SET a 1")
	p.send(o, "7 ran +OK")
	decide := p.order(engine.OrderDecide, 7, 1)
	decide.Record, decide.Hold = []byte("+reply"), true
	p.send(decide, "7 decided +reply")
	waits := p.post("GET a")
	p.send(decide, "7 decided +reply")
	p.send(p.order(engine.OrderResolve, 7, 0), "7 decided +reply")
	// A wound that nobody heard, or a recovery that takes the participant for a late
	// one, is answered with an undo: the decision stands.
	p.send(engine.Orphan(&engine.Answer{Kind: engine.AnswerWound, Saga: 7, Attempt: 1, Visit: p.visits[7]}), "7 undone")
	if *waits != "" {
		t.Errorf("before the commit GET answered %q", *waits)
	}
	p.send(p.order(engine.OrderCommit, 7, 1), "7 committed")
	if *waits != "$1 1" {
		t.Errorf("after the commit GET answered %q", *waits)
	}
	p.send(p.order(engine.OrderForget, 7, 1), "7 forgotten")
	p.idle()

	o = p.run(8, 1, 1, "SET a 2")
	p.send(o, "8 ran +OK")
	decide = p.order(engine.OrderDecide, 8, 1)
	decide.Record, decide.Hold = []byte("+reply"), true
	p.send(decide, "8 decided +reply")
	p.send(p.order(engine.OrderForget, 8, 1), "8 forgotten") // given up after all
	p.Expect("GET a", "$1 1")
	p.idle()
}

// A waiter of another node is offered the key again and again until its
// coordinator reacts, and is passed over if it does not want it any more.
func TestRemoteWaiters(t *testing.T) {
	p := newPart(t)
	var k keyspace.Key
	p.Engine.KS.Key(&k, 0, []byte("l"))
	for _, saga := range []engine.SagaID{20, 21, 22} {
		p.Engine.Wait(&k, &engine.Waiter{Remote: true, Saga: saga, Kind: keyspace.List})
	}
	p.Engine.ForsakeSaga(&k, 21)
	p.Do("RPUSH l x")
	p.expect("20 handed")
	popped := p.post("LPOP l")
	p.Engine.Tick(p.Now + 1500)
	p.expect("20 handed")
	p.send(engine.Orphan(&engine.Answer{Kind: engine.AnswerHanded, Saga: 20}), "22 handed", "20 undone")
	p.send(p.run(22, 1, 1, "LPOP l"), "22 ran $1 x")
	p.send(p.order(engine.OrderCommit, 22, 1), "22 committed")
	if *popped != "$-1" || p.Engine.Waiting() != 0 {
		t.Errorf("popped %q, %d keys are waited for", *popped, p.Engine.Waiting())
	}
	p.idle()
}

// Commands that wait at a lock are refused when the node may not serve any more.
func TestExpel(t *testing.T) {
	p := newPart(t)
	p.send(p.run(7, 1, 1, "SET a 1"), "7 ran +OK")
	waits := p.ask(1, "GET a")
	p.Engine.Expel()
	if *waits != "refused" {
		t.Errorf("it answered %q", *waits)
	}
	p.send(p.order(engine.OrderCommit, 7, 1), "7 committed")
	p.asked(1, "GET a", "$1 1")
	p.idle()
}

// A shard that is elsewhere cannot tell whether there is a decision, which has travelled.
func TestClosedShardResolvesNothing(t *testing.T) {
	p := newPart(t)
	p.send(p.run(7, 1, 1, "SET a 1"), "7 ran +OK")
	decide := p.order(engine.OrderDecide, 7, 1)
	decide.Record = []byte("record")
	p.send(decide, "7 decided record")
	p.Engine.Close()
	p.send(p.order(engine.OrderResolve, 7, 0), "7 elsewhere")
}
