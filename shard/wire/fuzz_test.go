package wire_test

import (
	"testing"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/wire"
)

// What is parsed at all is written as something that is parsed as the same.
func fuzzParser(f *testing.F, name string) {
	parse := parsers(newTable(f))[name]
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, err := parse(b); err == nil {
			stable(t, parse, again)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	table := newTable(f)
	f.Add([]byte{})
	f.Add(wire.AppendRequest(nil, get(table)))
	set := get(table)
	set.Cmd, set.Proto, set.DB = table.Lookup([]byte("set")), 3, 15
	set.Args = append(set.Args, []byte("value"), []byte("EX"), []byte("1"))
	f.Add(wire.AppendRequest(nil, set))
	fuzzParser(f, "request")
}

func FuzzParseOrder(f *testing.F) {
	table := newTable(f)
	f.Add([]byte{})
	for kind := engine.OrderRun; kind <= engine.OrderConfirm; kind++ {
		f.Add(wire.AppendOrder(nil, &engine.Order{
			Kind: kind, Saga: 1 << 40, Attempt: 2, Visit: 3, Now: 1_700_000_000_000, Epoch: 4, Round: 1, Proto: 2,
			Locks: []engine.Lock{{Key: locks.Key{Name: "k", DB: 1}, Serve: true}, {Key: locks.Key{All: true}}},
			Steps: []engine.SagaStep{
				{Cmd: table.Lookup([]byte("get")), DB: 1, Key: 1, Args: [][]byte{nil, []byte("k")}},
				{Cmd: table.Internal("~flushall"), Args: [][]byte{nil}},
				{Wait: &engine.Waiter{Saga: 9}, Place: 8, Key: 1, Args: [][]byte{nil, []byte("k")}},
			},
			Record: []byte("record"), Hold: true, Again: true,
		}))
	}
	fuzzParser(f, "order")
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte{})
	for _, kind := range answers() {
		f.Add(wire.AppendAnswer(nil, &engine.Answer{
			Kind: kind, Saga: 1 << 40, Shard: 3, Attempt: 2, Visit: 3, Round: 1, Wrote: true, Errs: 1,
			Out: []byte("+OK\r\n:1\r\n"), Ends: []int{5, 9}, Record: []byte("record"), DB: 1, Key: []byte("k"), Place: 8,
		}))
	}
	fuzzParser(f, "answer")
}
