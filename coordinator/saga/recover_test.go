package saga

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// tape writes down what a machine sends.
type tape struct {
	lines []string
}

var orderNames = map[engine.OrderKind]string{
	engine.OrderRun: "run", engine.OrderDecide: "decide", engine.OrderCommit: "commit",
	engine.OrderUndo: "undo", engine.OrderForget: "forget", engine.OrderResolve: "resolve", engine.OrderConfirm: "confirm",
}

func (t *tape) Order(shard int, o *engine.Order) {
	t.lines = append(t.lines, fmt.Sprintf("%s %d visit %d", orderNames[o.Kind], shard, o.Visit))
}
func (t *tape) Post(func())      { t.lines = append(t.lines, "post") }
func (t *tape) Blocked(*Blocked) { t.lines = append(t.lines, "blocked") }
func (t *tape) Reply(out *reply.Writer, _ []func()) {
	t.lines = append(t.lines, "reply "+strings.TrimSpace(string(out.Buf)))
}

func (t *tape) expect(tt *testing.T, want ...string) {
	tt.Helper()
	if !slices.Equal(t.lines, want) {
		tt.Errorf("sent %q\nwant %q", t.lines, want)
	}
	t.lines = nil
}

func newRecovery(answered, away bool) (*Recovery, *tape) {
	env, t := &Env{Slots: directory.Even(3)}, &tape{}
	return env.NewRecovery(7, t, answered, away), t
}

func answer(kind engine.AnswerKind, shard int, visit uint64) *engine.Answer {
	return &engine.Answer{Kind: kind, Saga: 7, Shard: shard, Attempt: 1, Visit: visit}
}

func TestRecoveryUndoes(t *testing.T) {
	r, out := newRecovery(false, false)
	r.Start()
	out.expect(t, "resolve 0 visit 0", "resolve 1 visit 0", "resolve 2 visit 0")
	r.Tick()
	r.Answer(answer(engine.AnswerPrepared, 1, 5))
	r.Answer(answer(engine.AnswerPrepared, 1, 5))
	r.Answer(answer(engine.AnswerAbsent, 0, 0))
	out.expect(t)
	r.Tick() // asks again whom it has not heard
	r.Answer(answer(engine.AnswerAbsent, 2, 0))
	out.expect(t, "resolve 2 visit 0", "undo 1 visit 5")
	r.Answer(answer(engine.AnswerRan, 2, 9)) // made by a late copy
	r.Answer(answer(engine.AnswerRan, 1, 5))
	out.expect(t, "undo 2 visit 9")
	r.Answer(answer(engine.AnswerUndone, 1, 5))
	out.expect(t, "reply -"+string(ErrUndone))
	if !r.Ended() {
		t.Error("it goes on")
	}
}

// Only the participants that the decision names commit.
func TestRecoveryCommits(t *testing.T) {
	r, out := newRecovery(false, false)
	r.Start()
	out.lines = nil
	d := &troupev1.Decision{Saga: 7, Reply: []byte("+fine\r\n"), Participants: []*troupev1.Participant{
		{Shard: 0, Attempt: 1, Visit: 4}, {Shard: 1, Attempt: 1, Visit: 5}, {Shard: 2, Attempt: 1, Visit: 6},
	}}
	home := answer(engine.AnswerDecided, 0, 0)
	home.Record = d.Encode()
	r.Answer(home)
	r.Answer(answer(engine.AnswerPrepared, 1, 5))
	r.Answer(answer(engine.AnswerPrepared, 2, 8)) // the one named has committed
	out.expect(t, "reply +fine", "commit 0 visit 4", "commit 1 visit 5", "undo 2 visit 8")
	r.Answer(answer(engine.AnswerCommitted, 0, 4))
	r.Answer(answer(engine.AnswerCommitted, 1, 5))
	r.Answer(answer(engine.AnswerUndone, 2, 8))
	out.expect(t, "forget 0 visit 0")
	r.Answer(answer(engine.AnswerForgotten, 0, 0))
	if !r.Ended() {
		t.Error("it goes on")
	}
}

// What was written at one node only may have been committed there, and that node is down.
func TestRecoveryDoesNotKnow(t *testing.T) {
	r, out := newRecovery(false, false)
	r.Start()
	out.lines = nil
	r.Answer(answer(engine.AnswerLost, 1, 0))
	r.Answer(answer(engine.AnswerPrepared, 0, 5))
	r.Answer(answer(engine.AnswerAbsent, 2, 0))
	out.expect(t, "undo 0 visit 5")
	r.Answer(answer(engine.AnswerUndone, 0, 5))
	out.expect(t, "reply -"+string(ErrUnknown))
}

func TestRecoveryWaitsForWhatIsAway(t *testing.T) {
	r, out := newRecovery(true, true)
	r.Start()
	r.Answer(answer(engine.AnswerRan, 1, 5))
	out.expect(t)
	r.Posted()
	out.expect(t, "resolve 0 visit 0", "resolve 1 visit 0", "resolve 2 visit 0")
	for i := range 3 {
		r.Answer(answer(engine.AnswerAbsent, i, 0))
	}
	out.expect(t) // the client has its reply
	if !r.Ended() {
		t.Error("it goes on")
	}
}

// A decision is kept as long as a participant that it names is on a node that is down:
// the node may come back with the participant, and its coordinator may ask.
func TestRecoveryKeepsWhatIsOwed(t *testing.T) {
	r, out := newRecovery(false, false)
	r.Start()
	out.lines = nil
	d := &troupev1.Decision{Saga: 7, Reply: []byte("+fine\r\n"), Participants: []*troupev1.Participant{
		{Shard: 0, Attempt: 1, Visit: 4}, {Shard: 1, Attempt: 1, Visit: 5},
	}}
	home := answer(engine.AnswerDecided, 0, 0)
	home.Record = d.Encode()
	r.Answer(home)
	r.Answer(answer(engine.AnswerLost, 1, 0))
	r.Answer(answer(engine.AnswerLost, 2, 0)) // has no part in it
	out.expect(t, "reply +fine", "commit 0 visit 4", "commit 1 visit 5")
	r.Answer(answer(engine.AnswerCommitted, 0, 4))
	r.Answer(answer(engine.AnswerLost, 1, 5))
	out.expect(t)
	if !r.Ended() {
		t.Error("it goes on")
	}
}
