package command_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
	"pgregory.net/rapid"
)

// hostileWord is a word that a client may say where keys are looked for.
func hostileWord() *rapid.Generator[[]byte] {
	return rapid.OneOf(
		rapid.SampledFrom([][]byte{
			[]byte("streams"), []byte("STORE"), []byte("StoreDist"), []byte("keys"), []byte("get"), []byte("set"),
			[]byte("incrby"), []byte("overflow"), []byte("limit"), []byte("by"), []byte("group"), []byte("count"),
			[]byte("auth"), []byte("AUTH2"), []byte(""), []byte("0"), []byte("-1"), []byte("+1"), []byte(" 2"),
			[]byte("9223372036854775807"), []byte("-9223372036854775808"), []byte("4294967297"),
			[]byte("2147483647"), []byte("99999999999999999999999999"), []byte("2x"), []byte("nan"),
		}),
		rapid.Map(rapid.IntRange(0, 12), func(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }),
		rapid.SliceOfN(rapid.Byte(), 0, 8),
	)
}

func hostileCommand(table *command.Table) *rapid.Generator[[][]byte] {
	var withKeys []*command.Info
	for _, info := range table.All() {
		if info.HasKeys() {
			withKeys = append(withKeys, info)
		}
	}
	return rapid.Custom(func(t *rapid.T) [][]byte {
		info := rapid.SampledFrom(withKeys).Draw(t, "command")
		var args [][]byte
		if info.Parent != nil {
			args = append(args, []byte(info.Parent.Name))
		}
		args = append(args, []byte(info.Name))
		least := max(info.Arity, -info.Arity)
		most := least
		if info.Arity < 0 {
			most += 10
		}
		total := rapid.IntRange(least, most).Draw(t, "words")
		return append(args, rapid.SliceOfN(hostileWord(), total-len(args), total-len(args)).Draw(t, "args")...)
	})
}

// TestKeysAreWithinHostileArguments holds for whatever arguments of a legal
// number: positions are within them and in no number beyond them, nothing that
// dst held is touched, and GETKEYS and its flags agree.
func TestKeysAreWithinHostileArguments(t *testing.T) {
	table := recordedTable(t)
	commands := hostileCommand(table)
	rapid.Check(t, func(t *rapid.T) {
		args := commands.Draw(t, "args")
		info, refusal := table.Resolve(args)
		if refusal != "" {
			t.Fatalf("%q: %s", args, refusal)
		}
		marker := command.KeyPos{Pos: math.MaxInt, Access: command.NotKey}
		got, err := command.Keys(info, args, []command.KeyPos{marker})
		if got[0] != marker {
			t.Fatalf("%q: changed what dst held", args)
		}
		keys := got[1:]
		if len(keys) > 2*len(args) {
			t.Fatalf("%q: %d keys", args, len(keys))
		}
		for _, key := range keys {
			if key.Pos < 1 || key.Pos >= len(args) {
				t.Fatalf("%q: key at %d", args, key.Pos)
			}
		}
		if err != nil && err != command.ErrInvalidArgs {
			t.Fatalf("%q: error %v", args, err)
		}
		if err == nil && len(keys) == 0 && info.Flags&command.NoMandatoryKeys == 0 {
			t.Fatalf("%q: neither keys nor an error", args)
		}
		w := reply.Writer{}
		table.WriteGetKeys(&w, args)
		if (err != nil) != (w.Errs > 0) {
			t.Fatalf("%q: GETKEYS answers %q, Keys %v", args, w.Buf, err)
		}
	})
}

// TestKeysOfRefusedArguments: a router gets the keys that can be told, the
// handler refuses the rest (or does not: the first is legal).
func TestKeysOfRefusedArguments(t *testing.T) {
	table := recordedTable(t)
	for line, want := range map[string][]int{
		"pfmerge d":               {1},
		"zunionstore d 5 a b":     {1},
		"zunionstore d x a":       {1},
		"zunion -1 a b":           nil,
		"zunion 99999999999 a":    nil,
		"xread COUNT 1 STREAMS x": nil,
		"georadius k 0 0 1 km x":  {1},
	} {
		args := words(line)
		info, refusal := table.Resolve(args)
		if refusal != "" {
			t.Fatalf("%s: %s", line, refusal)
		}
		keys, _ := command.Keys(info, args, nil)
		var got []int
		for _, key := range keys {
			got = append(got, key.Pos)
		}
		if len(got) != len(want) || (len(got) > 0 && got[0] != want[0]) {
			t.Errorf("%s: keys at %v, want %v", line, got, want)
		}
	}
}

// TestHugeCountAllocatesNothing: a count that lies costs no memory.
func TestHugeCountAllocatesNothing(t *testing.T) {
	table := recordedTable(t)
	dst := make([]command.KeyPos, 0, 4)
	for _, line := range []string{"zunion 2147483647 a", "eval s 2147483647 a", "sintercard 4294967295 a"} {
		args := words(line)
		info, _ := table.Resolve(args)
		if n := testing.AllocsPerRun(10, func() { _, _ = command.Keys(info, args, dst) }); n > 1 {
			t.Errorf("%s: %v allocations; one may hold the error", line, n)
		}
	}
}
