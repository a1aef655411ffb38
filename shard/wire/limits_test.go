package wire_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/wire"
)

// varints joins numbers as they travel.
func varints(list ...uint64) (b []byte) {
	for _, v := range list {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func get(table *command.Table) *wire.Request {
	return &wire.Request{
		Cmd: table.Lookup([]byte("get")), Proto: 2, Epoch: 3, Slot: slot.Of([]byte("key")),
		Args: [][]byte{[]byte("GET"), []byte("key")},
	}
}

// What no node of this version writes is refused.
func TestMalformedRequests(t *testing.T) {
	table := newTable(t)
	id := func(name string) *command.Info { return table.Named([]byte(name)) }
	for name, change := range map[string]func(r *wire.Request){
		"a container":                  func(r *wire.Request) { r.Cmd = id("object") },
		"a command on the whole shard": func(r *wire.Request) { r.Cmd = table.Internal("~flushall") },
		"a command of this node":       func(r *wire.Request) { r.Cmd = id("object|help") },
		"too many words":               func(r *wire.Request) { r.Args = append(r.Args, nil) },
		"too few words":                func(r *wire.Request) { r.Args = r.Args[:1] },
		"no word":                      func(r *wire.Request) { r.Args = nil },
		"another slot":                 func(r *wire.Request) { r.Slot ^= 1 },
		"a slot that is none":          func(r *wire.Request) { r.Slot |= slot.Count },
		"a database that is none":      func(r *wire.Request) { r.DB = 16 },
		"no epoch":                     func(r *wire.Request) { r.Epoch = 0 },
		"protocol 1":                   func(r *wire.Request) { r.Proto = 1 },
		"protocol 4":                   func(r *wire.Request) { r.Proto = 4 },
	} {
		r := get(table)
		change(r)
		if _, err := requestAgain(wire.AppendRequest(nil, r), table); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := requestAgain(wire.AppendRequest(nil, get(table)), table); err != nil {
		t.Errorf("as it was: %v", err)
	}
	unknown := append(varints(uint64(table.Len())), wire.AppendRequest(nil, get(table))[1:]...)
	if _, err := requestAgain(unknown, table); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a command that is none: %v", err)
	}
}

func TestMalformedOrders(t *testing.T) {
	table := newTable(t)
	args := [][]byte{[]byte("GET"), []byte("key")}
	for name, change := range map[string]func(o *engine.Order){
		"":                        func(*engine.Order) {},
		"no saga":                 func(o *engine.Order) { o.Saga = 0 },
		"a kind that is none":     func(o *engine.Order) { o.Kind = engine.OrderConfirm + 1 },
		"a time that is none":     func(o *engine.Order) { o.Now = -1 },
		"no epoch":                func(o *engine.Order) { o.Epoch = 0 },
		"a decision, no epoch":    func(o *engine.Order) { o.Kind, o.Epoch = engine.OrderDecide, 0 },
		"round 0":                 func(o *engine.Order) { o.Round = 0 },
		"protocol 0":              func(o *engine.Order) { o.Proto = 0 },
		"a lock in no database":   func(o *engine.Order) { o.Locks = []engine.Lock{{}}; o.Locks[0].DB = 16 },
		"a step in no database":   func(o *engine.Order) { o.Steps[0].DB = 16 },
		"a key beyond the words":  func(o *engine.Order) { o.Steps[0].Key = 2 },
		"no key where one is":     func(o *engine.Order) { o.Steps[0].Key = 0 },
		"too few words":           func(o *engine.Order) { o.Steps[0].Args, o.Steps[0].Key = args[:1], 0 },
		"too many words":          func(o *engine.Order) { o.Steps[0].Args = append(args, nil) },
		"no word":                 func(o *engine.Order) { o.Steps[0].Args = nil },
		"a waiter of no saga":     func(o *engine.Order) { o.Steps[0].Wait = &engine.Waiter{} },
		"a waiter without a key":  func(o *engine.Order) { o.Steps[0].Wait, o.Steps[0].Key = &engine.Waiter{Saga: 1}, 0 },
		"a waiter for no type":    func(o *engine.Order) { o.Steps[0].Wait = &engine.Waiter{Saga: 1, Kind: 99} },
		"a key of a whole shard":  func(o *engine.Order) { o.Steps[0].Cmd = table.Internal("~flushall") },
		"a container as a step":   func(o *engine.Order) { o.Steps[0].Cmd = table.Lookup([]byte("object")) },
		"a saga's command as one": func(o *engine.Order) { o.Steps[0].Cmd = table.Internal("~swapdb") },
		"a waiter to commit":      func(o *engine.Order) { o.Kind, o.Steps[0].Wait = engine.OrderCommit, &engine.Waiter{Saga: 1} },
		"a shard to decide": func(o *engine.Order) {
			o.Kind, o.Steps[0] = engine.OrderDecide, engine.SagaStep{Cmd: table.Internal("~flushdb"), Args: args[:1]}
		},
	} {
		o := &engine.Order{
			Kind: engine.OrderRun, Saga: 5, Epoch: 1, Round: 1, Proto: 2,
			Steps: []engine.SagaStep{{Cmd: table.Lookup([]byte("get")), Key: 1, Args: args}},
		}
		change(o)
		_, err := orderAgain(wire.AppendOrder(nil, o), table)
		if wrong := name != ""; errors.Is(err, wire.ErrMalformed) != wrong || (err != nil) != wrong {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformedAnswers(t *testing.T) {
	for name, a := range map[string]*engine.Answer{
		"lost, as no shard says":        {Kind: engine.AnswerLost},
		"unreachable, as no shard says": {Kind: engine.AnswerUnreachable},
		"a kind that is none":           {Kind: engine.AnswerUnreachable + 1},
		"a shard that is none":          {Kind: engine.AnswerUndone, Shard: shards},
		"an end beyond the replies":     {Kind: engine.AnswerRan, Out: []byte("+OK\r\n"), Ends: []int{6}},
		"ends that go back":             {Kind: engine.AnswerRan, Out: []byte("+OK\r\n"), Ends: []int{5, 4}},
		"a database that is none":       {Kind: engine.AnswerHanded, DB: 16},
	} {
		if _, err := answerAgain(wire.AppendAnswer(nil, a)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// factor is how much memory parsing may take for each byte of input: an empty word
// takes one byte of it and a slice's three words, twice while the list grows.
const factor = 64

// A count is believed only as far as what is counted is there: a few bytes that
// announce much take no memory, and many bytes take a multiple of their own.
func TestMemoryFollowsTheInput(t *testing.T) {
	table := newTable(t)
	getID, head := uint64(table.Lookup([]byte("get")).ID), []byte{0, 2}
	request := append(append(varints(getID), head...), varints(3, uint64(slot.Of([]byte("key"))))...)
	run := append(varints(uint64(engine.OrderRun), 5, 1, 0, 0, 1), 1, 2)
	ran := varints(uint64(engine.AnswerRan), 5, 0, 1, 1, 1, 0, 0, 0)
	request1 := func(b []byte) error { _, err := requestAgain(b, table); return err }
	order1 := func(b []byte) error { _, err := orderAgain(b, table); return err }
	answer1 := func(b []byte) error { _, err := answerAgain(b); return err }
	for name, c := range map[string]struct {
		head  []byte
		parse func([]byte) error
	}{
		"words": {request, request1}, "locks": {run, order1}, "steps": {append(run, 0), order1}, "ends": {ran, answer1},
		"record": {varints(uint64(engine.OrderDecide), 5, 1, 0, 0, 1), order1},
	} {
		for _, count := range []uint64{1, 100, 1 << 20, 1 << 31, 1 << 40, math.MaxUint64} {
			for _, there := range []int{0, 7, 1 << 16} {
				in := append(append([]byte(nil), c.head...), varints(count)...)
				in = append(in, make([]byte, there)...)
				took := allocated(func() {
					if err := c.parse(in); err != nil && !errors.Is(err, wire.ErrMalformed) {
						t.Errorf("%s: %v", name, err)
					}
				})
				if most := uint64(factor*len(in)) + 4096; took > most {
					t.Errorf("%s, %d announced, %d bytes there: took %d bytes", name, count, there, took)
				}
			}
		}
	}
}

// allocated returns how many bytes f allocates: the least of a few runs, for the
// counter is the whole process's and its runtime adds to it when it likes.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func TestRandomBytes(t *testing.T) {
	table := newTable(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		b := make([]byte, r.IntN(64))
		for i := range b {
			// Small numbers get further than large ones.
			b[i] = byte(r.Uint32()) >> r.IntN(8)
		}
		for name, parse := range parsers(table) {
			if again, err := parse(b); err == nil {
				stable(t, parse, again)
			} else if !errors.Is(err, wire.ErrMalformed) {
				t.Fatalf("%s %x: %v", name, b, err)
			}
		}
	}
}

func parsers(table *command.Table) map[string]func([]byte) ([]byte, error) {
	return map[string]func([]byte) ([]byte, error){
		"request": func(b []byte) ([]byte, error) { return requestAgain(b, table) },
		"order":   func(b []byte) ([]byte, error) { return orderAgain(b, table) },
		"answer":  answerAgain,
	}
}

func TestRequestsAllocateNothing(t *testing.T) {
	table := newTable(t)
	r := get(table)
	buf := wire.AppendRequest(nil, r)
	var got wire.Request
	if n := testing.AllocsPerRun(100, func() {
		buf = wire.AppendRequest(buf[:0], r)
		if err := wire.ParseRequest(buf, table, &got); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOrdersAndAnswersAllocateNothing(t *testing.T) {
	table := newTable(t)
	o := &engine.Order{
		Kind: engine.OrderRun, Saga: 1 << 40, Attempt: 1, Now: 1_700_000_000_000, Epoch: 4, Round: 1, Proto: 2,
		Steps: []engine.SagaStep{
			{Cmd: table.Lookup([]byte("get")), DB: 1, Key: 1, Args: [][]byte{nil, []byte("k")}},
			{Cmd: table.Lookup([]byte("get")), DB: 1, Key: 1, Args: [][]byte{nil, []byte("l")}},
		},
	}
	a := &engine.Answer{Kind: engine.AnswerRan, Saga: 1 << 40, Attempt: 1, Visit: 3, Round: 1, Out: []byte("+OK\r\n:1\r\n"), Ends: []int{5, 9}}
	var orders wire.Orders
	var answer engine.Answer
	var buf []byte
	if n := testing.AllocsPerRun(100, func() {
		buf = wire.AppendOrder(buf[:0], o)
		if _, err := orders.Parse(buf, table); err != nil {
			t.Fatal(err)
		}
		orders.Rest()
		buf = wire.AppendAnswer(buf[:0], a)
		if err := wire.ParseAnswerInto(&answer, buf, shards); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Nodes whose tables differ in a command or in their order must not take one command
// for another.
func TestFingerprint(t *testing.T) {
	table := newTable(t)
	if wire.Fingerprint(table) != wire.Fingerprint(newTable(t)) {
		t.Error("equal tables have different fingerprints")
	}
	a := &command.Row{Name: "a", Arity: 1, Route: command.RouteLocal}
	b := &command.Row{Name: "b", Arity: 1, Route: command.RouteLocal}
	ab := &command.Row{Name: "ab", Arity: 1, Route: command.RouteLocal}
	seen := map[uint64]int{}
	for i, rows := range [][]*command.Row{nil, {a}, {b}, {ab}, {a, b}, {b, a}} {
		other, err := command.NewTable(rows)
		if err != nil {
			t.Fatal(err)
		}
		f := wire.Fingerprint(other)
		if was, known := seen[f]; known {
			t.Errorf("tables %d and %d have the same fingerprint", was, i)
		}
		seen[f] = i
	}
}
