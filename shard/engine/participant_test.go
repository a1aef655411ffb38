package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/list"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/str"
)

// part is a shard whose answers to coordinators are written down.
type part struct {
	*enginetest.Harness
	t       testing.TB
	answers []string
	visits  map[engine.SagaID]uint64
}

func newPart(t testing.TB) *part {
	t.Helper()
	p := &part{
		Harness: enginetest.New(t, slices.Concat(str.Commands, list.Commands, []engine.Command{{Row: &boomRow, Run: boom}})),
		t:       t, visits: map[engine.SagaID]uint64{},
	}
	p.Engine.Join(2, p)
	return p
}

var answerNames = map[engine.AnswerKind]string{
	engine.AnswerRan: "ran", engine.AnswerFailed: "failed", engine.AnswerDecided: "decided",
	engine.AnswerGone: "gone", engine.AnswerCommitted: "committed", engine.AnswerUndone: "undone",
	engine.AnswerForgotten: "forgotten", engine.AnswerPrepared: "prepared", engine.AnswerAbsent: "absent",
	engine.AnswerWound: "wound", engine.AnswerWaits: "waits", engine.AnswerElsewhere: "elsewhere", engine.AnswerHanded: "handed",
	engine.AnswerConfirmed: "confirmed",
}

// Answer implements engine.Coordinators.
func (p *part) Answer(a *engine.Answer) {
	if a.Shard != 2 {
		p.t.Errorf("an answer from shard %d", a.Shard)
	}
	if a.Kind == engine.AnswerRan {
		p.visits[a.Saga] = a.Visit
	}
	text := fmt.Sprint(a.Saga, " ", answerNames[a.Kind])
	if a.Kind == engine.AnswerRan {
		text += " " + strings.TrimSpace(strings.ReplaceAll(string(a.Out), "\r\n", " "))
	}
	if len(a.Record) > 0 {
		text += " " + string(a.Record)
	}
	p.answers = append(p.answers, strings.TrimSpace(text))
}

// run makes an order with a step for each line.
func (p *part) run(saga engine.SagaID, attempt, round uint32, lines ...string) *engine.Order {
	o := &engine.Order{Saga: saga, Attempt: attempt, Round: round, Visit: p.visits[saga], Now: p.Now}
	if round == 1 {
		o.Visit = 0
	}
	for _, line := range lines {
		args := words(line)
		info, refusal := p.Table.Resolve(args)
		if refusal != "" {
			p.t.Fatal(refusal)
		}
		o.Steps = append(o.Steps, engine.SagaStep{Cmd: info, Key: 1, Args: args})
	}
	return o
}

func words(line string) (args [][]byte) {
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	return args
}

func (p *part) order(kind engine.OrderKind, saga engine.SagaID, attempt uint32) *engine.Order {
	return &engine.Order{Kind: kind, Saga: saga, Attempt: attempt, Visit: p.visits[saga], Now: p.Now}
}

// send gives the shard an order and expects these answers.
func (p *part) send(o *engine.Order, want ...string) {
	p.t.Helper()
	p.answers = nil
	p.Engine.Order(o)
	p.expect(want...)
}

func (p *part) expect(want ...string) {
	p.t.Helper()
	if !slices.Equal(p.answers, want) {
		p.t.Errorf("answers %q, want %q", p.answers, want)
	}
	p.answers = nil
}

func (p *part) idle() {
	p.t.Helper()
	if p.Engine.Sagas() != 0 || p.Engine.AnyLocked() {
		p.t.Errorf("%d sagas, locked %v", p.Engine.Sagas(), p.Engine.AnyLocked())
	}
}

// post sends a command that may have to wait; its reply comes into the result.
func (p *part) post(line string) *string {
	args, out, text := words(line), &reply.Writer{}, new(string)
	info, _ := p.Table.Resolve(args)
	r := &engine.Request{Cmd: info, Slot: slot.Of(args[1]), Key: 1, Args: args, Out: out, Now: p.Now}
	r.Done = func() { *text += strings.TrimSpace(strings.ReplaceAll(string(out.Buf), "\r\n", " ")) }
	p.Engine.Attend(r)
	return text
}

func TestCommitAndUndo(t *testing.T) {
	p := newPart(t)
	p.Do("SET a 1")
	p.ExpectEvents("set a")
	p.send(p.run(7, 1, 1, "INCR a", "GET a"), "7 ran :2 $1 2")
	waits, passes := p.post("GET a"), p.post("GET b")
	if *waits != "" || *passes != "$-1" {
		t.Errorf("the locked key answered %q, another %q", *waits, *passes)
	}
	p.ExpectEvents() // held back
	p.send(p.order(engine.OrderUndo, 7, 1), "7 undone")
	if *waits != "$1 1" {
		t.Errorf("after the undo it is %q", *waits)
	}
	p.ExpectEvents()
	p.send(p.run(7, 2, 1, "INCR a"), "7 ran :2")
	p.send(p.run(7, 2, 2, "INCR a"), "7 ran :3")
	p.send(p.order(engine.OrderCommit, 7, 2), "7 committed")
	p.ExpectEvents("incrby a", "incrby a")
	p.Expect("GET a", "$1 3")
	p.send(p.order(engine.OrderCommit, 7, 2), "7 committed")
	p.idle()
}

func TestCopiesOfOrders(t *testing.T) {
	p := newPart(t)
	first := p.run(7, 1, 1, "INCR a")
	p.send(first, "7 ran :1")
	p.send(first, "7 ran :1")
	second := p.run(7, 1, 2, "INCR a")
	p.send(second, "7 ran :2")
	p.send(first)
	p.send(second, "7 ran :2")
	p.send(p.run(7, 1, 4, "INCR a"))
	old := p.order(engine.OrderUndo, 7, 1)
	p.send(p.run(7, 2, 1, "INCR a"), "7 ran :1") // the next attempt undoes the last
	p.send(first)
	p.send(old, "7 undone") // of the last attempt
	commit := p.order(engine.OrderCommit, 7, 2)
	p.send(commit, "7 committed")
	p.Expect("GET a", "$1 1")
	// A copy that comes after the end makes a participant; what was meant for
	// the other one does not touch it.
	p.send(p.run(7, 2, 1, "INCR a"), "7 ran :2")
	p.send(commit, "7 committed")
	if p.Engine.Sagas() != 1 {
		t.Error("a copy of the commit ended another participant")
	}
	p.send(p.order(engine.OrderUndo, 7, 2), "7 undone")
	p.Expect("GET a", "$1 1")
	p.idle()
}

func TestOlderWins(t *testing.T) {
	p := newPart(t)
	p.send(p.run(5, 1, 1, "INCR a"), "5 ran :1")
	p.send(p.run(7, 1, 1, "INCR a"), "7 waits") // younger
	p.send(p.run(3, 1, 1, "INCR a"), "5 wound", "3 waits")
	p.send(p.run(3, 1, 1, "INCR a"), "5 wound", "3 waits") // asked again, wounded again
	p.send(p.order(engine.OrderUndo, 5, 1), "5 undone", "3 ran :1")
	p.send(p.run(5, 2, 1, "INCR a"), "5 waits")
	p.send(p.order(engine.OrderCommit, 3, 1), "3 committed", "5 ran :2")
	p.send(p.order(engine.OrderCommit, 5, 2), "5 committed", "7 ran :3")
	p.send(p.order(engine.OrderCommit, 7, 1), "7 committed")
	p.idle()
}

func TestDecision(t *testing.T) {
	p := newPart(t)
	o := p.run(7, 1, 1, "SET a 1")
	p.send(o, "7 ran +OK")
	decide := p.order(engine.OrderDecide, 7, 1)
	decide.Record = []byte("+reply")
	p.send(decide, "7 decided +reply")
	p.send(decide, "7 decided +reply")
	p.send(o) // a late copy
	p.send(p.order(engine.OrderResolve, 7, 0), "7 decided +reply")
	p.Expect("GET a", "$1 1")
	p.send(p.order(engine.OrderForget, 7, 1), "7 forgotten")
	p.send(decide, "7 gone")
	p.idle()
}

// A participant is there from its first answer on until it ends, and only it.
func TestConfirm(t *testing.T) {
	p := newPart(t)
	p.send(p.order(engine.OrderConfirm, 7, 1), "7 undone")
	p.send(p.run(7, 1, 1, "SET a 1"), "7 ran +OK")
	confirm, late := p.order(engine.OrderConfirm, 7, 1), p.order(engine.OrderConfirm, 7, 1)
	confirm.Epoch, late.Epoch = 1, 2
	p.send(confirm, "7 confirmed")
	p.send(late, "7 undone")
	p.send(p.order(engine.OrderConfirm, 7, 2), "7 undone")
	p.send(p.run(6, 1, 1, "GET a"), "7 wound", "6 waits")
	p.send(p.order(engine.OrderConfirm, 6, 1), "6 undone")
	p.send(p.order(engine.OrderUndo, 6, 1), "6 undone")
	p.send(p.order(engine.OrderUndo, 7, 1), "7 undone")
	p.send(confirm, "7 undone")
	p.idle()
}

func TestResolve(t *testing.T) {
	p := newPart(t)
	p.send(p.order(engine.OrderResolve, 6, 0), "6 absent")
	p.send(p.run(6, 1, 1, "SET a 1"), "6 gone") // the door is shut
	p.send(p.run(7, 1, 1, "SET a 1"), "7 ran +OK")
	decide := p.order(engine.OrderDecide, 7, 1)
	p.send(p.order(engine.OrderResolve, 7, 0), "7 prepared")
	p.send(decide, "7 gone") // the door is shut
	p.send(p.run(7, 2, 1, "SET a 1"), "7 gone")
	p.send(p.order(engine.OrderUndo, 7, 1), "7 undone")
	p.Expect("GET a", "$-1")
	p.idle()
}

func TestWholeShard(t *testing.T) {
	p := newPart(t)
	p.send(p.run(5, 1, 1, "SET a 1"), "5 ran +OK")
	o := p.run(7, 1, 1)
	o.Locks = []engine.Lock{{Key: locks.Key{All: true}}}
	p.send(o, "7 waits")
	behind := p.post("GET b")
	p.send(p.order(engine.OrderCommit, 5, 1), "5 committed", "7 ran")
	if *behind != "" {
		t.Errorf("a command passed a lock on all keys: %q", *behind)
	}
	p.send(p.order(engine.OrderCommit, 7, 1), "7 committed")
	if *behind != "$-1" {
		t.Errorf("then it is %q", *behind)
	}
	p.idle()
}

// Blocked clients are served when the saga commits, before those who wait for
// its locks, and not when it is undone.
func TestServedAtCommit(t *testing.T) {
	p := newPart(t)
	var served string
	w := &engine.Waiter{
		Claim: func() bool { return true }, Done: func(out []byte) { served = string(out) },
		Serve: p.Table.Lookup([]byte("lpop")), Kind: 1,
		Args: func(key []byte) [][]byte { return [][]byte{nil, key} },
	}
	wait := p.run(3, 1, 1, "LLEN l")
	wait.Steps[0].Wait = w
	p.send(wait, "3 ran")
	p.send(p.order(engine.OrderUndo, 3, 1), "3 undone")
	if p.Engine.Waiting() != 0 {
		t.Error("an undone saga waits")
	}
	p.send(wait, "3 ran")
	p.send(p.order(engine.OrderCommit, 3, 1), "3 committed")
	p.send(p.run(5, 1, 1, "RPUSH l x y"), "5 ran :2")
	p.post("GET other") // whatever runs meanwhile serves nobody
	p.send(p.order(engine.OrderUndo, 5, 1), "5 undone")
	p.send(p.run(6, 1, 1, "RPUSH l x y"), "6 ran :2")
	popped := p.post("LPOP l")
	if served != "" {
		t.Errorf("served before the commit: %q", served)
	}
	p.send(p.order(engine.OrderCommit, 6, 1), "6 committed")
	if served != "$1\r\nx\r\n" || *popped != "$1 y" {
		t.Errorf("served %q, and then popped %q", served, *popped)
	}
	p.idle()
}

// A key is handed to the saga of a blocked client before anybody else sees it.
func TestHandedOver(t *testing.T) {
	p := newPart(t)
	var handed string
	w := &engine.Waiter{Claim: func() bool { return true }, Kind: 1, Saga: 9}
	w.Handoff = func(_ int, key []byte, place uint64) {
		handed = string(key) + string(num.AppendInt([]byte(" "), int64(place)))
	}
	wait := p.run(3, 1, 1, "LLEN l")
	wait.Steps[0].Wait = w
	p.send(wait, "3 ran")
	p.send(p.order(engine.OrderCommit, 3, 1), "3 committed")
	p.Do("RPUSH l x")
	popped := p.post("LPOP l")
	if handed != "l 1" || *popped != "" {
		t.Errorf("handed %q, popped %q", handed, *popped)
	}
	p.send(p.run(4, 1, 1, "LLEN l"), "9 wound", "4 waits") // it is older
	p.send(p.order(engine.OrderUndo, 9, 1), "9 undone", "4 ran :1")
	p.send(p.run(9, 2, 1, "LPOP l"), "9 waits")
	p.send(p.order(engine.OrderCommit, 4, 1), "4 committed", "9 ran $1 x")
	p.send(p.order(engine.OrderCommit, 9, 2), "9 committed")
	if *popped != "$-1" {
		t.Errorf("popped %q after the saga took the last", *popped)
	}
	p.idle()
}

// Who hears nothing from a coordinator speaks up.
func TestReminders(t *testing.T) {
	p := newPart(t)
	home := p.run(5, 1, 1, "SET a 1")
	p.send(home, "5 ran +OK")
	p.send(p.run(7, 1, 1, "SET b 1"), "7 ran +OK")
	p.send(p.run(6, 1, 1, "SET b 1"), "7 wound", "6 waits")
	decide := p.order(engine.OrderDecide, 5, 1)
	decide.Record = []byte("+r")
	p.send(decide, "5 decided +r")
	p.Engine.Tick(p.Now + 500)
	p.expect()
	p.Engine.Tick(p.Now + 1500)
	p.expect("7 wound", "6 waits", "7 ran +OK", "5 decided +r")
	p.Engine.Tick(p.Now + 1600)
	p.expect()
}

// A decision that is held keeps locks, so its reminders do not become rare before they
// are gone.
func TestRemindersOfWhatIsHeld(t *testing.T) {
	p := newPart(t)
	p.send(p.run(5, 1, 1, "SET a 1"), "5 ran +OK")
	decide := p.order(engine.OrderDecide, 5, 1)
	decide.Record, decide.Hold = []byte("+r"), true
	p.send(decide, "5 decided +r")
	now := p.Now
	for range 10 {
		now += 1000
		p.Engine.Tick(now)
		p.expect("5 decided +r")
	}
	p.send(p.order(engine.OrderCommit, 5, 1), "5 committed")
	for _, at := range []int64{1000, 2000, 3000, 7000} {
		p.Engine.Tick(now + at)
	}
	p.expect("5 decided +r", "5 decided +r", "5 decided +r")
}

// A coordinator whose clock is ahead takes the shard's time with it, not the reminders.
func TestRemindersAreOfOneClock(t *testing.T) {
	p := newPart(t)
	p.Engine.Tick(p.Now)
	o := p.run(5, 1, 1, "SET a 1")
	o.Now += 60_000
	p.send(o, "5 ran +OK")
	p.Engine.Tick(p.Now + 500)
	p.expect()
	p.Engine.Tick(p.Now + 1500)
	p.expect("5 ran +OK")
	p.Engine.Tick(p.Now - 60_000) // it is set back
	p.expect("5 ran +OK")
	p.Engine.Tick(p.Now - 59_900)
	p.expect()
}

var boomRow = command.Row{
	Name: "boom", Arity: 2, Flags: command.Write, Keys: command.Key1(command.RW), Route: command.RouteSingle,
}

// boom is a defect.
func boom(*engine.Ctx) { panic("boom") }

// A step that panics fails its saga and nobody else's.
func TestFailingStep(t *testing.T) {
	p := newPart(t)
	p.send(p.run(3, 1, 1, "SET b 1"), "3 ran +OK")
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("the supervisor hears of %v", r)
			}
		}()
		p.Engine.Order(p.run(5, 1, 1, "SET a 1", "BOOM a"))
	}()
	p.expect("5 failed")
	p.send(p.run(5, 1, 1, "SET a 1", "BOOM a"), "5 failed")
	waits := p.post("GET a")
	p.send(p.order(engine.OrderUndo, 5, 1), "5 undone")
	if *waits != "$-1" {
		t.Errorf("after the undo it is %q", *waits)
	}
	p.send(p.order(engine.OrderCommit, 3, 1), "3 committed")
	p.idle()
}

// A command that panics after it has waited is answered, as are all who wait for the
// same lock, and the saga that let them go.
func TestFailingWaiter(t *testing.T) {
	const internal = "-" + string(reply.ErrInternal)
	p := newPart(t)
	stumbles := func(f func()) {
		t.Helper()
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("the supervisor hears of %v", r)
			}
		}()
		f()
	}
	p.send(p.run(3, 1, 1, "SET a 1"), "3 ran +OK")
	before, boom, again, after := p.post("GET a"), p.post("BOOM a"), p.post("BOOM a"), p.post("GET a")
	stumbles(func() { p.Engine.Order(p.order(engine.OrderCommit, 3, 1)) })
	p.expect("3 committed")
	for i, text := range []*string{before, boom, again, after} {
		if want := []string{"$1 1", internal, internal, "$1 1"}[i]; *text != want {
			t.Errorf("waiter %d: %q, want %q", i, *text, want)
		}
	}
	done := 0
	r := &engine.Request{Cmd: p.Table.Lookup([]byte("boom")), Slot: slot.Of([]byte("a")), Key: 1, Args: words("BOOM a"), Out: &reply.Writer{}, Now: p.Now}
	r.Done = func() { done++ }
	stumbles(func() { p.Engine.Attend(r) })
	if got := strings.TrimSpace(string(r.Out.Buf)); got != internal || done != 1 {
		t.Errorf("without waiting: %q, %d times", got, done)
	}
	p.idle()
}

// What nobody knows any more is ended.
func TestOrphans(t *testing.T) {
	undo := engine.Orphan(&engine.Answer{Kind: engine.AnswerRan, Saga: 3, Attempt: 2, Visit: 8})
	if undo == nil || undo.Kind != engine.OrderUndo || undo.Saga != 3 || undo.Attempt != 2 || undo.Visit != 8 {
		t.Errorf("%+v", undo)
	}
	if wounded := engine.Orphan(&engine.Answer{Kind: engine.AnswerWound, Saga: 3}); wounded == nil || wounded.Kind != engine.OrderUndo {
		t.Errorf("%+v", wounded)
	}
	if forget := engine.Orphan(&engine.Answer{Kind: engine.AnswerDecided, Saga: 3}); forget == nil || forget.Kind != engine.OrderForget {
		t.Errorf("%+v", forget)
	}
	if o := engine.Orphan(&engine.Answer{Kind: engine.AnswerUndone}); o != nil {
		t.Errorf("%+v", o)
	}
}
