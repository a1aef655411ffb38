package cluster

import (
	"reflect"
	"testing"

	"github.com/troupedb/troupe/coordinator/catalog"
	"pgregory.net/rapid"
)

func TestMessages(t *testing.T) {
	moves := []Move{{Shard: 1023, ID: 1 << 63, Phase: "tail", Age: 5, Keys: 6, Bytes: 1 << 50, KeysLeft: 0}, {}}
	h := heartbeat{1 << 63, []catalog.ShardLoad{{Shard: 0, Keys: 0, Load: 7}, {Shard: 1023, Keys: 1 << 40}}, moves}
	if got, err := parseHeartbeat(h.encode()); err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("%+v, %v", got, err)
	}
	a := beatAck{9, catalog.Stranger}
	if got, err := parseBeatAck(a.encode()); err != nil || got != a {
		t.Errorf("%+v, %v", got, err)
	}
	r := catalog.Result{Epoch: 1 << 60, Refused: catalog.NotDown, Number: 1023, Move: 7}
	if got, err := parseResult(encodeResult(r)); err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
	p := Report{[]Heard{{1, 0}, {1023, 1 << 30}}, []int64{Unknown, 0, 1 << 40}, moves}
	if got, err := parseReport(p.encode()); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v, %v", got, err)
	}
	from, to, msg, err := parseRaft(raftMessage(1, 1<<63, []byte("x")))
	if from != 1 || to != 1<<63 || string(msg) != "x" || err != nil {
		t.Error(from, to, msg, err)
	}
}

// TestBadMessages: whatever comes is refused or read, and what is cut short is refused.
func TestBadMessages(t *testing.T) {
	parsers := map[string]func([]byte) error{
		"heartbeat": func(b []byte) error { _, err := parseHeartbeat(b); return err },
		"answer":    func(b []byte) error { _, err := parseBeatAck(b); return err },
		"result":    func(b []byte) error { _, err := parseResult(b); return err },
		"report":    func(b []byte) error { _, err := parseReport(b); return err },
	}
	move := []Move{{Shard: 3, ID: 4, Phase: "copy", Age: 300, Keys: 5, Bytes: 6, KeysLeft: 7}}
	h := heartbeat{300, []catalog.ShardLoad{{Shard: 1, Keys: 300, Load: 2}}, move}
	p := Report{[]Heard{{1, 300}}, []int64{1, 300}, move}
	whole := map[string][]byte{
		"heartbeat": h.encode(), "answer": (&beatAck{300, catalog.Ack}).encode(), "report": p.encode(),
		"result": encodeResult(catalog.Result{Epoch: 300, Number: 300, Move: 300}),
	}
	for name, parse := range parsers {
		for n := range whole[name] {
			if parse(whole[name][:n]) == nil {
				t.Errorf("%s: the first %d bytes of %d were taken", name, n, len(whole[name]))
			}
		}
		if parse(append(whole[name], 0)) == nil {
			t.Errorf("%s: a byte too many was taken", name)
		}
		rapid.Check(t, func(t *rapid.T) { _ = parse(rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "bytes")) })
	}
	if _, _, _, err := parseRaft(make([]byte, 15)); err == nil {
		t.Error("a message without numbers was taken")
	}
	long := heartbeat{seq: 1, moves: []Move{{Phase: string(make([]byte, 99))}}}
	if got, err := parseHeartbeat(long.encode()); err != nil || len(got.moves[0].Phase) != maxPhase {
		t.Errorf("a phase of %d bytes, %v", len(got.moves[0].Phase), err)
	}
}
