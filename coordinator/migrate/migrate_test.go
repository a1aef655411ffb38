package migrate

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/engine"
)

// moving is where the shard of these tests is, committed and aborted where it is
// afterwards.
var (
	moving    = directory.Place{Owner: 1, Epoch: 5, To: 2, MoveID: 7, LostAt: 3}
	committed = directory.Place{Owner: 2, Epoch: 6, LostAt: 3}
	aborted   = directory.Place{Owner: 1, Epoch: 5, LostAt: 3}
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name string
		now  directory.Place
		want Verdict
	}{
		{"the same", moving, Undecided},
		{"committed", committed, Committed},
		{"committed, and moving on", directory.Place{Owner: 2, Epoch: 6, To: 1, MoveID: 9, LostAt: 3}, Committed},
		{"aborted", aborted, Aborted},
		{"aborted, and another move begun", directory.Place{Owner: 1, Epoch: 5, To: 3, MoveID: 9, LostAt: 3}, Aborted},
		{"the source's process is gone", directory.Place{Owner: 1, Epoch: 6, LostAt: 99}, Void},
		{"the source is forgotten, the target gets it empty", directory.Place{Owner: 2, Epoch: 6, LostAt: 99}, Void},
		{"the source is forgotten, somebody gets it", directory.Place{Owner: 3, Epoch: 6, LostAt: 3}, Void},
		{"long ago", directory.Place{Owner: 2, Epoch: 9, LostAt: 3}, Void},
	} {
		if got := Judge(moving, c.now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// say describes actions.
func say(actions []Action) string {
	var words []string
	for _, a := range actions {
		switch a := a.(type) {
		case Send:
			kind := map[FrameKind]string{FrameChunk: "chunk", FrameAck: "ack", FrameReady: "ready", FrameRefuse: "refuse"}[a.Frame.Kind]
			words = append(words, fmt.Sprint(kind, " ", a.Frame.Seq))
		case ProposeAbort:
			words = append(words, "abort: "+a.Why)
		default:
			words = append(words, strings.TrimPrefix(fmt.Sprintf("%T", a), "migrate."))
		}
	}
	return strings.Join(words, ", ")
}

func expect(t *testing.T, what string, actions []Action, want string) {
	t.Helper()
	if got := say(actions); got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func frame(kind FrameKind, seq uint64) *Frame {
	return &Frame{Kind: kind, Move: 7, Seq: seq, Body: []byte("x")}
}

func left(n int) engine.Progress { return engine.Progress{Left: n} }

const much = 100_000 // left of an export

func TestSourceToTheEnd(t *testing.T) {
	s := NewSource(0, moving, 0)
	expect(t, "begin", s.Begin(0), "BeginExport, ExportChunk")
	expect(t, "a chunk", s.Chunk([]byte("0"), false, nil, left(much), 1), "chunk 0, ExportChunk")
	expect(t, "nothing just now", s.Chunk(nil, false, nil, left(much), 2), "")
	expect(t, "too early", s.Tick(3), "")
	expect(t, "ask again", s.Tick(2+PollEvery), "ExportChunk")
	expect(t, "little left", s.Chunk([]byte("1"), false, nil, left(5), 10), "chunk 1, Seal, ExportChunk")
	expect(t, "acknowledged", s.Frame(frame(FrameAck, 1), 11), "")
	expect(t, "the last", s.Chunk([]byte("2"), true, nil, left(0), 12), "chunk 2")
	expect(t, "a late one", s.Frame(frame(FrameAck, 1), 13), "")
	expect(t, "one that was never sent", s.Frame(frame(FrameAck, 9), 13), "")
	expect(t, "of another move", s.Frame(&Frame{Kind: FrameAck, Move: 8, Seq: 3}, 13), "")
	expect(t, "all", s.Frame(frame(FrameAck, 3), 14), "ProposeCommit")
	expect(t, "not decided", s.Place(moving, 15), "")
	expect(t, "again", s.Tick(14+ProposeEvery), "ProposeCommit")
	expect(t, "committed", s.Place(committed, 300), "Drop")
	if !s.Over() {
		t.Error("it is not over")
	}
	expect(t, "afterwards", s.Place(aborted, 301), "")
}

func TestSourceSendsAgain(t *testing.T) {
	s := NewSource(0, moving, 0)
	s.Begin(0)
	s.Chunk([]byte("0"), false, nil, left(much), 0)
	s.Chunk([]byte("1"), false, nil, left(much), 100)
	expect(t, "too early", s.Tick(ResendAfter-1), "")
	expect(t, "in time", s.Tick(ResendAfter), "chunk 0, chunk 1")
	expect(t, "once", s.Tick(ResendAfter+1), "")
	expect(t, "the target begins", s.Frame(frame(FrameReady, 1), 400), "chunk 1")
	expect(t, "the link is back", s.Linked(401), "chunk 1")
}

func TestSourceWindow(t *testing.T) {
	s := NewSource(0, moving, 0)
	actions := s.Begin(0)
	n := 0
	for strings.HasSuffix(say(actions), "ExportChunk") {
		actions = s.Chunk(make([]byte, 100), false, nil, left(much), 1)
		n++
	}
	if n != Window {
		t.Errorf("%d chunks on their way, want %d", n, Window)
	}
	expect(t, "room", s.Frame(frame(FrameAck, 1), 2), "ExportChunk")
	s = NewSource(0, moving, 0)
	s.Begin(0)
	expect(t, "large", s.Chunk(make([]byte, WindowBytes), false, nil, left(much), 1), "chunk 0")
}

func TestSourceGivesUp(t *testing.T) {
	begin := func() *Source {
		s := NewSource(0, moving, 0)
		s.Begin(0)
		s.Chunk([]byte("0"), false, nil, left(much), 1)
		return s
	}
	s := begin()
	expect(t, "overrun", s.Chunk(nil, false, engine.ErrOverrun, left(much), 2), "abort: "+engine.ErrOverrun.Error())
	expect(t, "again", s.Tick(2+ProposeEvery), "abort: "+engine.ErrOverrun.Error())
	expect(t, "no frame changes that", s.Frame(frame(FrameAck, 1), 3), "")
	expect(t, "aborted", s.Place(aborted, 4), "Unseal")

	s = begin()
	expect(t, "no answer", s.Tick(StallLimit+1), "abort: the target does not answer")

	s = begin()
	expect(t, "refused", s.Frame(frame(FrameRefuse, 0), 2), `abort: the target refuses: "x"`)

	s = begin()
	s.Chunk(nil, false, nil, left(1), 10)
	s.Chunk([]byte("1"), true, nil, left(0), 20)
	s.Frame(frame(FrameAck, 2), 30)
	s.Tick(SealLimit)
	expect(t, "sealed for too long", s.Tick(10+SealLimit), "abort: sealed for too long")
	expect(t, "it stays sealed", s.Tick(10+SealLimit+ProposeEvery), "abort: sealed for too long")
	expect(t, "the commit was first", s.Place(committed, 9999), "Drop")

	for _, done := range []bool{false, true} {
		s = begin()
		expect(t, "suspected while the shard serves", s.Suspected(9), "")
		s.Chunk(nil, false, nil, left(1), 10)
		if done {
			s.Chunk([]byte("1"), true, nil, left(0), 20)
			expect(t, "the target has all", s.Frame(frame(FrameAck, 2), 30), "ProposeCommit")
		}
		expect(t, "suspected while it is sealed", s.Suspected(31), "abort: the target is taken to be down")
		expect(t, "once", s.Suspected(32), "")
		expect(t, "suspected and aborted", s.Place(aborted, 33), "Unseal")
		expect(t, "over", s.Suspected(34), "")
	}

	s = begin()
	expect(t, "gone", s.Place(directory.Place{Owner: 3, Epoch: 8}, 5), "Drop")
}

// What is left and cannot be sent waits for the seal.
func TestSourceIdle(t *testing.T) {
	s := NewSource(0, moving, 0)
	s.Begin(0)
	now := int64(0)
	for ; now < IdleLimit; now += PollEvery {
		expect(t, "idle", s.Chunk(nil, false, nil, left(much), now), "")
		expect(t, "ask", s.Tick(now+PollEvery), "ExportChunk")
	}
	expect(t, "for long", s.Chunk(nil, false, nil, left(much), now), "Seal, ExportChunk")
}

func TestTarget(t *testing.T) {
	g := NewTarget(0, moving)
	expect(t, "begin", g.Begin(), "BeginImport, ready 0")
	expect(t, "one is missing", g.Frame(frame(FrameChunk, 1)), "")
	expect(t, "of another move", g.Frame(&Frame{Kind: FrameChunk, Move: 8}), "")
	expect(t, "the first", g.Frame(frame(FrameChunk, 0)), "ImportChunk")
	expect(t, "the second waits", g.Frame(frame(FrameChunk, 1)), "")
	expect(t, "again", g.Frame(frame(FrameChunk, 1)), "")
	expect(t, "done", g.Imported(false, nil), "ack 1, ImportChunk")
	expect(t, "done", g.Imported(false, nil), "ack 2")
	expect(t, "the acknowledgement was lost", g.Frame(frame(FrameChunk, 0)), "ack 2")
	expect(t, "the link is back", g.Linked(), "ready 2")
	expect(t, "the last", g.Frame(frame(FrameChunk, 2)), "ImportChunk")
	expect(t, "done", g.Imported(true, nil), "ack 3")
	expect(t, "not decided", g.Place(moving), "")
	expect(t, "committed", g.Place(committed), "Open")
	if !g.Over() || g.Err() != nil {
		t.Error("over:", g.Over(), g.Err())
	}
	expect(t, "afterwards", g.Frame(frame(FrameChunk, 2)), "")
}

func TestTargetDiscards(t *testing.T) {
	for _, p := range []directory.Place{aborted, {Owner: 2, Epoch: 6, LostAt: 99}, {Owner: 3, Epoch: 9}} {
		g := NewTarget(0, moving)
		g.Begin()
		g.Frame(frame(FrameChunk, 0))
		g.Imported(true, nil)
		expect(t, "over", g.Place(p), "Discard")
	}
	g := NewTarget(0, moving)
	g.Begin()
	expect(t, "without data", g.Place(committed), "Discard")
	if g.Err() != ErrWithoutData {
		t.Error("no error:", g.Err())
	}
}

func TestTargetRefuses(t *testing.T) {
	g := NewTarget(0, moving)
	g.Begin()
	g.Frame(frame(FrameChunk, 0))
	g.Frame(frame(FrameChunk, 1))
	actions := g.Imported(false, errors.New(strings.Repeat("long ", 1000)))
	expect(t, "a bad chunk", actions, "refuse 0")
	if f := actions[0].(Send).Frame; len(f.Body) > MaxReason {
		t.Errorf("%d bytes of reason", len(f.Body))
	}
	expect(t, "it stays so", g.Frame(frame(FrameChunk, 0)), "refuse 0")
	expect(t, "aborted", g.Place(aborted), "Discard")
}

func TestTargetWindow(t *testing.T) {
	g := NewTarget(0, moving)
	g.Begin()
	for i := range uint64(2 * Window) {
		g.Frame(frame(FrameChunk, i))
	}
	if len(g.queue) != Window {
		t.Errorf("%d chunks are kept, want %d", len(g.queue), Window)
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range []FrameKind{FrameChunk, FrameAck, FrameReady, FrameRefuse, 9} {
		f.Add((&Frame{Kind: kind, Shard: 3, Move: 7, Seq: 1 << 60}).Append(nil))
		f.Add((&Frame{Kind: kind, Body: make([]byte, 300)}).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Parse(b)
		if err != nil {
			return
		}
		if again := frame.Append(nil); string(again) != string(b) {
			t.Fatalf("%q comes back as %q", b, again)
		}
	})
}
