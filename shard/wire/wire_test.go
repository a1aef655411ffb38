package wire_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/wire"
	"pgregory.net/rapid"
)

// shards is how many the cluster of these tests has.
const shards = 16

func newTable(t testing.TB) *command.Table {
	t.Helper()
	table, err := command.NewTable(enginetest.Rows(shard.Commands()))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// words draws the words of a command that has its key at position key.
func words(t *rapid.T, info *command.Info) [][]byte {
	least := max(info.Arity, -info.Arity, info.KeyPos+1)
	most := least
	if info.Arity < 0 {
		most += 3
	}
	return rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 20), least, most).Draw(t, "words")
}

// commandOf draws a command that want admits.
func commandOf(t *rapid.T, table *command.Table, want func(*command.Info) bool) *command.Info {
	var list []*command.Info
	for _, info := range table.All() {
		if len(info.Subs()) == 0 && want(info) {
			list = append(list, info)
		}
	}
	return rapid.SampledFrom(list).Draw(t, "command")
}

func single(info *command.Info) bool { return info.Route == command.RouteSingle }

// step tells which commands are run as steps: those on one key, and internal ones on
// a whole shard.
func step(info *command.Info) bool {
	return single(info) || info.Flags&command.Internal != 0
}

func drawRequest(t *rapid.T, table *command.Table) *wire.Request {
	info := commandOf(t, table, single)
	r := &wire.Request{
		Cmd: info, DB: rapid.IntRange(0, keyspace.Databases-1).Draw(t, "db"),
		Proto: rapid.SampledFrom([]uint8{2, 3}).Draw(t, "proto"), Epoch: rapid.Uint64Min(1).Draw(t, "epoch"),
		Args: words(t, info),
	}
	r.Slot = slot.Of(r.Args[info.KeyPos])
	return r
}

func drawBytes(t *rapid.T, what string) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, what)
}

func drawStep(t *rapid.T, table *command.Table) (s engine.SagaStep) {
	s.DB = rapid.IntRange(0, keyspace.Databases-1).Draw(t, "db")
	if rapid.Bool().Draw(t, "wait") {
		s.Wait = &engine.Waiter{
			Remote: true, Kind: keyspace.Kind(rapid.IntRange(0, int(keyspace.Stream)).Draw(t, "kind")),
			Saga: engine.SagaID(rapid.Uint64Min(1).Draw(t, "waiter")),
		}
		s.Place = rapid.Uint64().Draw(t, "place")
		s.Key, s.Args = 1, [][]byte{{}, drawBytes(t, "key")}
		return s
	}
	s.Cmd = commandOf(t, table, step)
	s.Key, s.Args = s.Cmd.KeyPos, words(t, s.Cmd)
	return s
}

func drawOrder(t *rapid.T, table *command.Table) *engine.Order {
	o := &engine.Order{
		Kind: engine.OrderKind(rapid.IntRange(0, int(engine.OrderConfirm)).Draw(t, "kind")),
		Saga: engine.SagaID(rapid.Uint64Min(1).Draw(t, "saga")), Attempt: rapid.Uint32().Draw(t, "attempt"),
		Visit: rapid.Uint64().Draw(t, "visit"), Now: rapid.Int64Range(0, 1<<62-1).Draw(t, "now"),
		Epoch: rapid.Uint64Min(1).Draw(t, "epoch"),
	}
	switch o.Kind {
	case engine.OrderRun:
		o.Round, o.Proto = rapid.Uint32Min(1).Draw(t, "round"), rapid.SampledFrom([]uint8{2, 3}).Draw(t, "proto")
		for range rapid.IntRange(0, 3).Draw(t, "locks") {
			o.Locks = append(o.Locks, engine.Lock{
				Key: locks.Key{
					Name: rapid.String().Draw(t, "name"), DB: uint8(rapid.IntRange(0, keyspace.Databases-1).Draw(t, "db")),
					All: rapid.Bool().Draw(t, "all"),
				},
				Serve: rapid.Bool().Draw(t, "serve"),
			})
		}
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			o.Steps = append(o.Steps, drawStep(t, table))
		}
	case engine.OrderDecide:
		o.Record, o.Hold = drawBytes(t, "record"), rapid.Bool().Draw(t, "hold")
		drawLast(t, table, o)
	case engine.OrderUndo:
		o.Again = rapid.Bool().Draw(t, "again")
	case engine.OrderCommit:
		o.Quiet = rapid.Bool().Draw(t, "quiet")
		drawLast(t, table, o)
	case engine.OrderForget:
		o.Quiet = rapid.Bool().Draw(t, "quiet")
	}
	return o
}

// drawLast gives an order the last steps of a participant: commands on keys.
func drawLast(t *rapid.T, table *command.Table, o *engine.Order) {
	for range rapid.IntRange(0, 3).Draw(t, "last") {
		if s := drawStep(t, table); s.Wait == nil && s.Key > 0 {
			o.Steps = append(o.Steps, s)
		}
	}
}

// answers are the kinds that a shard gives.
func answers() (kinds []engine.AnswerKind) {
	for k := engine.AnswerRan; k <= engine.AnswerHanded; k++ {
		if k != engine.AnswerLost {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func drawAnswer(t *rapid.T) *engine.Answer {
	a := &engine.Answer{
		Kind: rapid.SampledFrom(answers()).Draw(t, "kind"), Saga: engine.SagaID(rapid.Uint64().Draw(t, "saga")),
		Shard: rapid.IntRange(0, shards-1).Draw(t, "shard"), Attempt: rapid.Uint32().Draw(t, "attempt"),
		Visit: rapid.Uint64().Draw(t, "visit"),
	}
	switch a.Kind {
	case engine.AnswerRan, engine.AnswerFailed:
		a.Round, a.Wrote, a.Errs = rapid.Uint32().Draw(t, "round"), rapid.Bool().Draw(t, "wrote"), rapid.Uint64().Draw(t, "errs")
		a.Out = drawBytes(t, "out")
		end := 0
		for range rapid.IntRange(0, 4).Draw(t, "ends") {
			end = rapid.IntRange(end, len(a.Out)).Draw(t, "end")
			a.Ends = append(a.Ends, end)
		}
	case engine.AnswerDecided:
		a.Record = drawBytes(t, "record")
	case engine.AnswerHanded:
		a.DB, a.Key = rapid.IntRange(0, keyspace.Databases-1).Draw(t, "db"), drawBytes(t, "key")
		a.Place = rapid.Uint64().Draw(t, "place")
	}
	return a
}

func TestRequestsComeBack(t *testing.T) {
	table := newTable(t)
	var got wire.Request // used again and again, as streams do
	rapid.Check(t, func(t *rapid.T) {
		want := drawRequest(t, table)
		if err := wire.ParseRequest(wire.AppendRequest(nil, want), table, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(&got, want) {
			t.Fatalf("got %+v, want %+v", &got, want)
		}
		run := got.Run(nil, 7)
		if run.Cmd != want.Cmd || run.Key != want.Cmd.KeyPos || run.Epoch != want.Epoch || run.Now != 7 || run.Slot != want.Slot {
			t.Fatalf("runs as %+v", run)
		}
	})
}

func TestOrdersComeBack(t *testing.T) {
	table := newTable(t)
	var again wire.Orders // has what the last one left
	rapid.Check(t, func(t *rapid.T) {
		want := drawOrder(t, table)
		got, err := wire.ParseOrder(wire.AppendOrder(nil, want), table)
		if err != nil {
			t.Fatal(err)
		}
		if want.Record != nil && len(want.Record) == 0 {
			got.Record, want.Record = nil, nil // the same
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if got, err = again.Parse(wire.AppendOrder(nil, want), table); err != nil {
			t.Fatal(err)
		}
		if b := wire.AppendOrder(nil, want); !bytes.Equal(wire.AppendOrder(nil, got), b) {
			t.Fatalf("into another: got %+v, want %+v", got, want)
		}
		if rapid.Bool().Draw(t, "rest") {
			again.Rest()
		}
	})
}

func TestAnswersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawAnswer(t)
		got, err := wire.ParseAnswer(wire.AppendAnswer(nil, want), shards)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

// Whatever is cut, or has something behind it, is malformed; bytes that are turned
// over are malformed or mean something that can be sent on. Nothing panics.
func TestCutsAndChanges(t *testing.T) {
	table := newTable(t)
	for name, c := range map[string]struct {
		draw  func(t *rapid.T) []byte
		parse func(b []byte) (again []byte, err error)
	}{
		"request": {
			func(t *rapid.T) []byte { return wire.AppendRequest(nil, drawRequest(t, table)) },
			func(b []byte) ([]byte, error) { return requestAgain(b, table) },
		},
		"order": {
			func(t *rapid.T) []byte { return wire.AppendOrder(nil, drawOrder(t, table)) },
			func(b []byte) ([]byte, error) { return orderAgain(b, table) },
		},
		"answer": {func(t *rapid.T) []byte { return wire.AppendAnswer(nil, drawAnswer(t)) }, answerAgain},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				whole := c.draw(t)
				for i := range whole {
					if _, err := c.parse(whole[:i]); !errors.Is(err, wire.ErrMalformed) {
						t.Fatalf("%x of %x: %v", whole[:i], whole, err)
					}
				}
				if _, err := c.parse(append(whole[:len(whole):len(whole)], 0)); !errors.Is(err, wire.ErrMalformed) {
					t.Fatalf("%x and a byte: %v", whole, err)
				}
				changed := bytes.Clone(whole)
				changed[rapid.IntRange(0, len(whole)-1).Draw(t, "at")] ^= rapid.ByteMin(1).Draw(t, "by")
				if again, err := c.parse(changed); err == nil {
					stable(t, c.parse, again)
				}
			})
		})
	}
}

// stable checks that what was parsed once is written as something that means it.
func stable(t interface{ Fatalf(string, ...any) }, parse func([]byte) ([]byte, error), written []byte) {
	again, err := parse(written)
	if err != nil || !bytes.Equal(again, written) {
		t.Fatalf("%x is written as %x: %v", written, again, err)
	}
}

func requestAgain(b []byte, table *command.Table) ([]byte, error) {
	var r wire.Request
	if err := wire.ParseRequest(b, table, &r); err != nil {
		return nil, err
	}
	return wire.AppendRequest(nil, &r), nil
}

func orderAgain(b []byte, table *command.Table) ([]byte, error) {
	o, err := wire.ParseOrder(b, table)
	if err != nil {
		return nil, err
	}
	return wire.AppendOrder(nil, o), nil
}

func answerAgain(b []byte) ([]byte, error) {
	a, err := wire.ParseAnswer(b, shards)
	if err != nil {
		return nil, err
	}
	return wire.AppendAnswer(nil, a), nil
}
