package engine_test

import (
	"slices"
	"testing"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/str"
)

// moveAll brings what is left of p's export to another engine, and returns that.
func (p *part) moveAll(chunks [][]byte) *enginetest.Harness {
	p.t.Helper()
	p.Engine.Seal()
	for done := false; !done; {
		var chunk []byte
		var err error
		if chunk, done, err = p.Engine.ExportChunk(9, 1<<16); err != nil {
			p.t.Fatal(err)
		}
		if chunk == nil && !done {
			p.t.Fatal("the export stands still")
		}
		chunks = append(chunks, chunk)
	}
	to := enginetest.New(p.t, str.Commands)
	to.Engine.Close()
	to.Engine.BeginImport(9, &keyspace.Makers{})
	for _, c := range chunks {
		if err := to.Engine.ImportChunk(c); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := to.Engine.EndImport(); err != nil {
		p.t.Fatal(err)
	}
	to.Engine.Open(2)
	return to
}

// walk takes the chunks that there are while a saga holds a key.
func (p *part) walk() (chunks [][]byte) {
	for {
		chunk, _, err := p.Engine.ExportChunk(9, 1<<16)
		if err != nil {
			p.t.Fatal(err)
		}
		if chunk == nil {
			return chunks
		}
		chunks = append(chunks, chunk)
	}
}

// A key that a saga has deleted when the walk comes by, and that is undone, travels:
// whether the saga has begun after the export or before.
func TestExportOfWhatIsUndone(t *testing.T) {
	for _, late := range []bool{true, false} {
		p := newPart(t)
		p.Do("SET a 1")
		p.Do("SET b 2")
		p.Engine.Join(2, p)
		if late {
			p.Engine.BeginExport(9)
		}
		p.send(p.run(7, 1, 1, "GETDEL a", "SET c 3"), "7 ran $1 1 +OK")
		if !late {
			p.Engine.BeginExport(9)
		}
		chunks := p.walk()
		p.send(&engine.Order{Kind: engine.OrderUndo, Saga: 7, Attempt: 1, Visit: p.visits[7]}, "7 undone")
		to := p.moveAll(chunks)
		to.Expect("GET a", "$1 1")
		to.Expect("GET b", "$1 2")
		to.Expect("GET c", "$-1")
	}
}

// A decision that is kept for a node that is down does not hold up a move: it travels,
// and stands where the shard is then. One that is just being followed does.
func TestDecisionTravels(t *testing.T) {
	p := newPart(t)
	p.send(p.run(7, 1, 1, "SET a 1"), "7 ran +OK")
	decide := p.order(engine.OrderDecide, 7, 1)
	decide.Epoch, decide.Record = 1, []byte("+reply")
	p.send(decide, "7 decided +reply")
	p.Engine.BeginExport(9)
	chunks := p.walk()
	p.Engine.Seal()
	if p.Engine.Sealed() {
		t.Error("sealed while a decision is being followed")
	}
	p.Now += 2000
	p.Engine.Tick(p.Now)
	p.expect("7 decided +reply")
	to := p.moveAll(chunks)
	p.Engine.Close()
	p.Engine.EndExport(false)
	p.send(decide, "7 elsewhere")
	p.idle()

	answers := &part{t: t, visits: p.visits}
	to.Engine.Join(2, answers)
	to.Expect("GET a", "$1 1")
	to.Engine.Order(decide)
	to.Engine.Order(&engine.Order{Kind: engine.OrderResolve, Saga: 7})
	to.Engine.Order(p.order(engine.OrderForget, 7, 1))
	to.Engine.Order(decide)
	want := []string{"7 decided +reply", "7 decided +reply", "7 forgotten", "7 gone"}
	if !slices.Equal(answers.answers, want) {
		t.Errorf("at the new place: %q", answers.answers)
	}
}
