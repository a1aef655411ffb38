package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
)

var commandInfoGolden = filepath.Join(testdata, "command_info.golden")

// allowedInfoDifferences names rows ("get", "config|get") whose COMMAND INFO may differ from Redis's, with the reason.
// An entry whose row does not differ fails the test, so the list cannot outlive its reasons.
var allowedInfoDifferences = map[string]string{
	"troupe":           "Troupe's own",
	"troupe|drain":     "Troupe's own",
	"troupe|forget":    "Troupe's own",
	"troupe|help":      "Troupe's own",
	"troupe|move":      "Troupe's own",
	"troupe|rebalance": "Troupe's own",
	"troupe|status":    "Troupe's own",
}

// A commandRow is what COMMAND says of one command or subcommand, in canonical lines.
type commandRow struct {
	name string
	text string // arity, flags, keys, ACL categories, tips and key specs; unordered lists sorted
	subs []string
}

// The places of the elements of one COMMAND INFO entry.
const (
	infoName = iota
	infoArity
	infoFlags
	infoFirstKey
	infoLastKey
	infoKeyStep
	infoCategories
	infoTips
	infoKeySpecs
	infoSubcommands
	infoLen
)

func parseCommandRow(v wire.Value) ([]commandRow, error) {
	if len(v.Elems) != infoLen {
		return nil, fmt.Errorf("a COMMAND entry of %d elements: %s", len(v.Elems), v.Format())
	}
	e := v.Elems
	row := commandRow{name: string(e[infoName].Text)}
	var b strings.Builder
	fmt.Fprintf(&b, "  arity %s\n", e[infoArity].Text)
	fmt.Fprintf(&b, "  flags %s\n", sortedWords(e[infoFlags]))
	fmt.Fprintf(&b, "  keys %s %s %s\n", e[infoFirstKey].Text, e[infoLastKey].Text, e[infoKeyStep].Text)
	fmt.Fprintf(&b, "  acl %s\n", sortedWords(e[infoCategories]))
	for _, tip := range e[infoTips].Elems {
		fmt.Fprintf(&b, "  tip %s\n", tip.Text)
	}
	for _, spec := range e[infoKeySpecs].Elems {
		fmt.Fprintf(&b, "  key %s\n", flatSpec(spec))
	}
	rows := []commandRow{row}
	for _, sub := range e[infoSubcommands].Elems {
		parsed, err := parseCommandRow(sub)
		if err != nil {
			return nil, err
		}
		rows[0].subs = append(rows[0].subs, parsed[0].name)
		rows = append(rows, parsed...)
	}
	rows[0].text = b.String()
	return rows, nil
}

func sortedWords(v wire.Value) string {
	var words []string
	for _, e := range v.Elems {
		words = append(words, string(e.Text))
	}
	sort.Strings(words)
	return strings.Join(words, " ")
}

// uncovered are the listed commands that no case can send, with the reason.
var uncovered = map[string]string{
	"shutdown":         "it ends the server; its tests are beside its handler",
	"troupe|drain":     "Troupe's own; its tests are beside its handler",
	"troupe|forget":    "Troupe's own; its tests are beside its handler",
	"troupe|help":      "Troupe's own; its tests are beside its handler",
	"troupe|move":      "Troupe's own; its tests are beside its handler",
	"troupe|rebalance": "Troupe's own; its tests are beside its handler",
	"troupe|status":    "Troupe's own; its tests are beside its handler",
}

// flatSpec writes a key spec (nested flat maps) on one line; its flags, a set, are sorted.
func flatSpec(v wire.Value) string {
	if !v.IsAggregate() {
		return string(v.Text)
	}
	var parts []string
	for i := 0; i+1 < len(v.Elems); i += 2 {
		value := v.Elems[i+1]
		switch string(v.Elems[i].Text) {
		case "notes": // a sentence of the author's, not a fact
			continue
		case "flags":
			parts = append(parts, "flags="+strings.ReplaceAll(sortedWords(value), " ", ","))
			continue
		}
		parts = append(parts, string(v.Elems[i].Text)+"="+flatSpec(value))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// fetchCommandRows asks a server for all its rows, subcommands among them, by name.
func fetchCommandRows(t *testing.T, addr string) map[string]commandRow {
	t.Helper()
	c, err := wire.Dial(addr, replyLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	v, err := c.Do(replyLimit, "COMMAND")
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Elems) == 0 {
		t.Fatalf("COMMAND answered %s", v.Format())
	}
	rows := map[string]commandRow{}
	for _, e := range v.Elems {
		parsed, err := parseCommandRow(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range parsed {
			rows[r.name] = r
		}
	}
	return rows
}

func formatRows(rows map[string]commandRow) string {
	names := make([]string, 0, len(rows))
	for name := range rows {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("# COMMAND of redis-server " + target.RedisVersion + ", recorded by: go test ./bench/conformance -rewrite\n")
	for _, name := range names {
		b.WriteString(name + "\n" + rows[name].text)
	}
	return b.String()
}

func readCommandGolden(t *testing.T) map[string]string {
	t.Helper()
	src, err := os.ReadFile(commandInfoGolden)
	if err != nil {
		t.Fatalf("%v (record it with -rewrite)", err)
	}
	rows := map[string]string{}
	name := ""
	for _, line := range strings.SplitAfter(string(src), "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "  "):
			rows[name] += line
		default:
			name = strings.TrimSpace(line)
			rows[name] = ""
		}
	}
	return rows
}

func TestCommandInfoEqualsGolden(t *testing.T) {
	if *rewrite {
		t.Skip("recording")
	}
	want := readCommandGolden(t)
	got := fetchCommandRows(t, <-configurations[0].targets(t, 1))
	for name, row := range got {
		expected, known := want[name]
		reason, allowed := allowedInfoDifferences[name]
		switch {
		case allowed && known && row.text == expected:
			t.Errorf("%s no longer differs (%s): take it off the list of allowed differences", name, reason)
		case allowed:
		case !known:
			t.Errorf("%s: Redis has no such command", name)
		case row.text != expected:
			t.Errorf("COMMAND INFO %s\n got:\n%swant:\n%s", name, row.text, expected)
		}
	}
}

func TestCommandGoldenEqualsLiveRedis(t *testing.T) {
	redis := target.StartRedis(t, configurations[0].redisArgs...)
	live := formatRows(fetchCommandRows(t, redis.Addr))
	if *rewrite {
		if err := os.WriteFile(commandInfoGolden, []byte(live), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	recorded, err := os.ReadFile(commandInfoGolden)
	if err != nil {
		t.Fatal(err)
	}
	if live != string(recorded) {
		t.Errorf("%s is stale: record it with -rewrite", commandInfoGolden)
	}
}

// TestEveryCommandHasACase holds the target to its own list: whatever it lists, subcommands too, some case must send.
func TestEveryCommandHasACase(t *testing.T) {
	if *rewrite {
		t.Skip("recording")
	}
	rows := fetchCommandRows(t, <-configurations[0].targets(t, 1))
	covered := coveredCommands(loadCases(t))
	for name, row := range rows {
		if len(row.subs) == 0 && !covered[name] && uncovered[name] == "" {
			t.Errorf("%s has no differential case", name)
		}
	}
}

// coveredCommands names the commands that cases send, as "get" and, for what may be a container, also "config|get".
func coveredCommands(files []*File) map[string]bool {
	covered := map[string]bool{}
	for _, f := range files {
		for _, c := range f.Cases {
			for _, st := range c.Steps {
				if st.Op != OpCommand && st.Op != OpSend && st.Op != OpAsync {
					continue
				}
				name := strings.ToLower(st.Args[0].text)
				covered[name] = true
				if len(st.Args) > 1 {
					covered[name+"|"+strings.ToLower(st.Args[1].text)] = true
				}
			}
		}
	}
	return covered
}
