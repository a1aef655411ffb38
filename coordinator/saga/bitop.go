package saga

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var bitmapCommands = []Command{{Row: &bitopRow, Run: bitop}}

var bitopRow = command.Row{
	Name:       "bitop",
	Group:      command.GroupBitmap,
	Since:      "2.6.0",
	Summary:    "Combines strings bit by bit (AND, OR, XOR, NOT) into a key",
	Complexity: "O(N), N the bytes of the longest string",
	Arity:      -4,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatBitmap,
	Keys: []command.KeySpec{
		{Access: command.OW | command.Update, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 3}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "operation", Type: command.ArgString},
		{Name: "destkey", Type: command.ArgKey},
		{Name: "key", Type: command.ArgKey, KeySpec: 1, Multiple: true},
	},
}

const errBitopNot reply.Error = "ERR BITOP NOT must be called with a single source key."

// bitFold joins one more source to the result so far, which is as long as the
// longest source; what a source lacks counts as zeros.
type bitFold func(result, source []byte)

func bitop(t *Tx) {
	var fold bitFold
	negate := false
	switch op := t.Args[1]; {
	case engine.IsWord(op, "AND"):
		fold = foldAnd
	case engine.IsWord(op, "OR"):
		fold = foldOr
	case engine.IsWord(op, "XOR"):
		fold = foldXor
	case engine.IsWord(op, "NOT"):
		negate = true
	default:
		t.Out.Error(reply.ErrSyntax)
		return
	}
	if negate && len(t.Args) != 4 {
		t.Out.Error(errBitopNot)
		return
	}
	sources, longest, ok := readSources(t, t.Args[3:])
	if !ok {
		return
	}
	if longest == 0 {
		t.Ask(t.Find("~del"), nil, t.Args[2])
		t.Out.Int(0)
		return
	}
	result := make([]byte, longest)
	copy(result, sources[0])
	for _, s := range sources[1:] {
		fold(result, s)
	}
	if negate {
		for i := range result {
			result[i] = ^result[i]
		}
	}
	t.Ask(t.Find("~settext"), nil, t.Args[2], result)
	t.Out.Int(int64(longest))
}

// readSources returns the strings of the keys and the length of the longest,
// or writes the error of the first key that holds another type.
func readSources(t *Tx, keys [][]byte) (sources [][]byte, longest int, ok bool) {
	text := t.Find("~text")
	steps := t.Steps(len(keys))
	for i := range steps {
		steps[i].Cmd, steps[i].Args, steps[i].Key = text, [][]byte{nil, keys[i]}, 1
	}
	t.Do(steps)
	sources = make([][]byte, len(steps))
	for i := range steps {
		v, _ := reply.Parse(steps[i].Reply)
		if v.IsError() {
			t.Out.Error(reply.Error(v.Bulk))
			return nil, 0, false
		}
		sources[i] = v.Bulk
		longest = max(longest, len(v.Bulk))
	}
	return sources, longest, true
}

func foldAnd(result, source []byte) {
	clear(result[len(source):])
	result = result[:len(source)]
	for len(source) >= 8 {
		binary.LittleEndian.PutUint64(result, binary.LittleEndian.Uint64(result)&binary.LittleEndian.Uint64(source))
		result, source = result[8:], source[8:]
	}
	for i, b := range source {
		result[i] &= b
	}
}

func foldOr(result, source []byte) {
	for len(source) >= 8 {
		binary.LittleEndian.PutUint64(result, binary.LittleEndian.Uint64(result)|binary.LittleEndian.Uint64(source))
		result, source = result[8:], source[8:]
	}
	for i, b := range source {
		result[i] |= b
	}
}

func foldXor(result, source []byte) {
	for len(source) >= 8 {
		binary.LittleEndian.PutUint64(result, binary.LittleEndian.Uint64(result)^binary.LittleEndian.Uint64(source))
		result, source = result[8:], source[8:]
	}
	for i, b := range source {
		result[i] ^= b
	}
}
