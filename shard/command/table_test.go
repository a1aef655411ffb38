package command_test

import (
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/command/commandtest"
	"pgregory.net/rapid"
)

func recordedTable(t testing.TB) *command.Table {
	t.Helper()
	table, err := command.NewTable(commandtest.Rows(t), internalRows)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

var internalRows = []*command.Row{
	{Name: "half-of-mset", Arity: -3, Flags: command.Internal | command.Write, Route: command.RouteLocal},
}

func words(line string) [][]byte {
	var args [][]byte
	for _, word := range strings.Fields(line) {
		args = append(args, []byte(word))
	}
	return args
}

func TestLookupFindsEveryNameInAnyCase(t *testing.T) {
	table := recordedTable(t)
	for _, info := range table.All() {
		if info.Flags&command.Internal != 0 {
			continue
		}
		find := table.Lookup
		if info.Parent != nil {
			find = info.Parent.Sub
		}
		mixed := strings.ToUpper(info.Name[:1]) + info.Name[1:]
		for _, name := range []string{info.Name, strings.ToUpper(info.Name), mixed} {
			if got := find([]byte(name)); got != info {
				t.Errorf("%q finds %v, not %s", name, got, info.FullName)
			}
		}
		if got := table.Named([]byte(strings.ToUpper(info.FullName))); got != info {
			t.Errorf("full name %q finds %v", info.FullName, got)
		}
	}
}

// TestLookupEqualsMap holds the index against a map, with words that are names
// but for a byte, a case, a zero byte or a cut.
func TestLookupEqualsMap(t *testing.T) {
	table := recordedTable(t)
	byName := map[string]*command.Info{}
	var names []string
	for _, info := range table.Top() {
		byName[info.Name] = info
		names = append(names, info.Name)
	}
	rapid.Check(t, func(t *rapid.T) {
		word := []byte(rapid.SampledFrom(names).Draw(t, "name"))
		switch rapid.IntRange(0, 4).Draw(t, "change") {
		case 1:
			word[rapid.IntRange(0, len(word)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "by")
		case 2:
			word = append(word, rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "more")...)
		case 3:
			word = word[:rapid.IntRange(0, len(word)).Draw(t, "cut")]
		case 4:
			word = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "any")
		}
		want := byName[asciiLower(word)]
		if got := table.Lookup(word); got != want {
			t.Fatalf("Lookup(%q) = %v, want %v", word, got, want)
		}
	})
}

func asciiLower(word []byte) string {
	lower := []byte(string(word))
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

func TestInternalRowsAreHidden(t *testing.T) {
	table := recordedTable(t)
	name := internalRows[0].Name
	info := table.Internal(name)
	if info == nil || info.Row != internalRows[0] || table.ByID(info.ID) != info {
		t.Fatalf("Internal(%q) = %v", name, info)
	}
	if table.Lookup([]byte(name)) != nil || table.Named([]byte(name)) != nil {
		t.Error("a client can name an internal command")
	}
	if _, refusal := table.Resolve(words(name + " a b")); !strings.HasPrefix(string(refusal), "ERR unknown command") {
		t.Errorf("Resolve answers %q", refusal)
	}
	if table.Internal("get") != nil {
		t.Error("Internal finds a client's command")
	}
	for _, top := range table.Top() {
		if top == info {
			t.Error("COMMAND lists an internal command")
		}
	}
}

func TestIDsAreDenseAndInOrder(t *testing.T) {
	first, second := recordedTable(t), recordedTable(t)
	for id, info := range first.All() {
		if info.ID != id || first.ByID(id) != info || second.ByID(id).FullName != info.FullName {
			t.Fatalf("ID %d is %s with ID %d, elsewhere %s", id, info.FullName, info.ID, second.ByID(id).FullName)
		}
	}
	if first.Len() != 367 {
		t.Errorf("Len() = %d", first.Len())
	}
}

func TestResolveRefuses(t *testing.T) {
	table := recordedTable(t)
	for _, c := range []struct{ line, want string }{
		{"GeT k", ""},
		{"config get x", ""},
		{"CONFIG GET x", ""},
		{"command", ""},
		{"get", "ERR wrong number of arguments for 'get' command"},
		{"GET a b", "ERR wrong number of arguments for 'get' command"},
		{"config", "ERR wrong number of arguments for 'config' command"},
		{"CONFIG GET", "ERR wrong number of arguments for 'config|get' command"},
		{"CONFIG x", "ERR unknown subcommand 'x'. Try CONFIG HELP."},
		{"config|get x", "ERR unknown command 'config|get', with args beginning with: 'x' "},
		{"nosuch", "ERR unknown command 'nosuch', with args beginning with: "},
		{"nosuch a b", "ERR unknown command 'nosuch', with args beginning with: 'a' 'b' "},
	} {
		info, refusal := table.Resolve(words(c.line))
		if string(refusal) != c.want || (info == nil) != (c.want != "") {
			t.Errorf("%s: %v, %q; want %q", c.line, info, refusal, c.want)
		}
	}
}

func TestKeyPos(t *testing.T) {
	table := recordedTable(t)
	for name, want := range map[string]int{
		"get": 1, "set": 1, "object|encoding": 2, "memory|usage": 2, "bitfield": 1,
		"mget": 0, "eval": 0, "sort": 0, "migrate": 0, "copy": 0, "ping": 0, "spublish": 0, "xread": 0,
	} {
		if got := table.Named([]byte(name)).KeyPos; got != want {
			t.Errorf("%s: KeyPos %d, want %d", name, got, want)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	key := command.Key1(command.RO)
	for want, rows := range map[string][]*command.Row{
		`command "get": declared twice`:          {{Name: "get", Arity: 2}, {Name: "get", Arity: 2}},
		`command "a|b": declared twice`:          {{Name: "a", Arity: -2, Subs: []*command.Row{{Name: "b", Arity: 2}, {Name: "b", Arity: 2}}}},
		`command "i": declared twice`:            {{Name: "i", Arity: 1, Flags: command.Internal}, {Name: "i", Arity: 1, Flags: command.Internal}},
		`an internal command has no subcommands`: {{Name: "i", Arity: -2, Flags: command.Internal, Subs: []*command.Row{{Name: "b", Arity: 2}}}},
		`a subcommand has subcommands`:           {{Name: "a", Arity: -2, Subs: []*command.Row{{Name: "b", Arity: 2, Subs: []*command.Row{{Name: "c", Arity: 2}}}}}},
		`has no name`:                            {{Arity: 1}},
		`name has 'G'`:                           {{Name: "Get", Arity: 1}},
		`name has '|'`:                           {{Name: "a|b", Arity: 1}},
		`name is longer than 24 bytes`:           {{Name: strings.Repeat("x", 25), Arity: 1}},
		`arity is 0`:                             {{Name: "get"}},
		`is both write and readonly`:             {{Name: "get", Arity: 2, Flags: command.Write | command.ReadOnly}},
		`not exactly one key at a fixed place`:   {{Name: "get", Arity: 2, Route: command.RouteSingle}},
		`its route merges nothing`:               {{Name: "get", Arity: 2, Keys: key, Route: command.RouteSingle, Merge: command.MergeSum}},
		`which arity -1 does not ensure`:         {{Name: "get", Arity: -1, Keys: key}},
		`flag movablekeys is true`:               {{Name: "get", Arity: 2, Keys: key, Flags: command.MovableKeys}},
		`flag movablekeys is false`: {{Name: "eval", Arity: -3, Keys: []command.KeySpec{
			{Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, First: 1, Step: 1}}}}},
		`has no step`: {{Name: "get", Arity: 2, Keys: []command.KeySpec{{Begin: command.Begin{Index: 1}}}}},
		`first key before the count`: {{Name: "eval", Arity: -3, Keys: []command.KeySpec{
			{Begin: command.Begin{Index: 2}, Find: command.Find{ByCount: true, Step: 1}}}}},
		`neither at an index nor after a keyword`: {{Name: "x", Arity: 2, Keys: []command.KeySpec{{Find: command.Find{Step: 1}}}}},
		`looks for its keyword from word 0`: {{Name: "x", Arity: 2, Keys: []command.KeySpec{
			{Begin: command.Begin{Keyword: "KEYS"}, Find: command.Find{Step: 1}}}}},
		`has a limit`: {{Name: "x", Arity: 2, Keys: []command.KeySpec{
			{Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1, Limit: 2}}}}},
		`and no key finder`:    {{Name: "x", Arity: 2, Flags: command.MovableKeys, Keys: []command.KeySpec{{Access: command.RO}}}},
		`no name or no type`:   {{Name: "x", Arity: 2, Args: []command.Arg{{Name: "a"}}}},
		`no key spec 1`:        {{Name: "x", Arity: 2, Keys: key, Args: []command.Arg{{Name: "a", Type: command.ArgKey, KeySpec: 1}}}},
		`arguments do not fit`: {{Name: "x", Arity: 2, Args: []command.Arg{{Name: "a", Type: command.ArgBlock}}}},
		`argument "b": no key spec`: {{Name: "x", Arity: 2, Args: []command.Arg{
			{Name: "a", Type: command.ArgBlock, Args: []command.Arg{{Name: "b", Type: command.ArgKey}}}}}},
	} {
		_, err := command.NewTable(rows)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %s", err, want)
		}
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	table := recordedTable(t)
	dst := make([]command.KeyPos, 0, 16)
	for _, line := range []string{"GET k", "config get x", "mset a 1 b 2", "EVAL s 2 a b c", "set k v get",
		"zunionstore d 2 a b", "xread count 1 streams a b 0 0", "sort k store d", "bitfield k get u8 0"} {
		args := words(line)
		if n := testing.AllocsPerRun(100, func() {
			info, refusal := table.Resolve(args)
			if refusal != "" {
				t.Fatal(refusal)
			}
			_, _ = command.Keys(info, args, dst)
		}); n != 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	table := recordedTable(b)
	for _, name := range []string{"GET", "get", "SET", "HINCRBYFLOAT", "georadiusbymember_ro", "nosuch"} {
		word := []byte(name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				table.Lookup(word)
			}
		})
	}
	// The peer: Go's map, which would need the name in lower case first.
	byName := map[string]*command.Info{}
	for _, info := range table.Top() {
		byName[info.Name] = info
	}
	b.Run("map/get", func(b *testing.B) {
		word := []byte("get")
		for b.Loop() {
			_ = byName[string(word)]
		}
	})
}

func BenchmarkResolveAndKeys(b *testing.B) {
	table := recordedTable(b)
	dst := make([]command.KeyPos, 0, 16)
	for _, line := range []string{"GET k", "CONFIG GET x", "MSET a 1 b 2 c 3", "EVAL s 2 a b"} {
		args := words(line)
		b.Run(line, func(b *testing.B) {
			for b.Loop() {
				info, _ := table.Resolve(args)
				_, _ = command.Keys(info, args, dst)
			}
		})
	}
}
