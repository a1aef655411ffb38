package commandtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

const wantVersion = "7.0.15"

func TestRewrite(t *testing.T) {
	if !*rewrite {
		t.Skip("records only with -rewrite")
	}
	s := startServer(t)
	if got := string(s.raw("INFO", "server")); !strings.Contains(got, "redis_version:"+wantVersion+"\r\n") {
		t.Fatalf("the redis-server installed is not %s", wantVersion)
	}
	s.ask("HELLO", "3")
	writeFile(t, "testdata/command_info.txt", InfoRecording(s.ask("COMMAND")).String())
	writeFile(t, "testdata/command_docs.txt", DocsRecording(s.ask("COMMAND", "DOCS")).String())
	var b strings.Builder
	for _, proto := range []string{"2", "3"} {
		s.ask("HELLO", proto)
		for _, words := range questions() {
			fmt.Fprintf(&b, "%s %s\n%q\n", proto, quoteWords(words), maskNotes(string(s.raw(words...))))
		}
	}
	writeFile(t, transcript, b.String())
}

// transcript holds answers as they came over the wire, in both protocols: a
// line of question and a line of answer each. The notes of key specs are cut out.
const transcript = "testdata/transcript.txt"

func quoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.QuoteToASCII(word)
	}
	return strings.Join(quoted, " ")
}

// TestRoundTrip holds that a table of the recorded commands answers as recorded:
// the writers, the implied categories and the legacy ranges are Redis's.
func TestRoundTrip(t *testing.T) {
	table, err := command.NewTable(Rows(t))
	if err != nil {
		t.Fatal(err)
	}
	CompareRecorded(t, table, nil)
	if len(table.Top()) != 240 || table.Len() != 366 {
		t.Errorf("%d commands, %d with subcommands; redis-server has 240 and 366", len(table.Top()), table.Len())
	}
}

// TestImpliedCategories takes the implied categories away and expects them back.
func TestImpliedCategories(t *testing.T) {
	rows := Rows(t)
	taken := 0
	for _, row := range rows {
		for _, r := range append([]*command.Row{row}, row.Subs...) {
			before := r.ACL
			r.ACL &^= command.CatRead | command.CatWrite | command.CatFast | command.CatSlow | command.CatBlocking
			if r.Flags&command.Admin != 0 {
				r.ACL &^= command.CatAdmin | command.CatDangerous
			}
			if r.Flags&command.PubSub != 0 {
				r.ACL &^= command.CatPubSub
			}
			if r.ACL != before {
				taken++
			}
		}
	}
	if taken != 366 {
		t.Fatalf("took categories from %d rows; each of 366 is fast or slow", taken)
	}
	table, err := command.NewTable(rows)
	if err != nil {
		t.Fatal(err)
	}
	CompareRecorded(t, table, nil)
}

// complaints stands in for a test, to see what CompareRecorded complains about.
type complaints struct {
	testing.TB
	texts []string
}

func (c *complaints) Helper() {}
func (c *complaints) Errorf(format string, args ...any) {
	c.texts = append(c.texts, fmt.Sprintf(format, args...))
}

func TestCompareRecordedFindsDifferences(t *testing.T) {
	get := rowNamed(t, "get")
	get.Arity = 3
	own := &command.Row{Name: "perform", Arity: 1}
	object := rowNamed(t, "object")
	object.Subs = object.Subs[:1] // a part of a container is no difference
	table, err := command.NewTable([]*command.Row{get, own, object})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		allowed map[string]string
		want    []string
	}{
		{nil, []string{"get: INFO", "perform: INFO: redis-server has no", "perform: DOCS: redis-server has no"}},
		{map[string]string{"get": "a test", "perform": "ours"}, nil},
		{map[string]string{"get": "a test", "perform": "ours", "object": "?"}, []string{"object does not differ"}},
		{map[string]string{"get": "a test", "perform": "ours", "set": "?"}, []string{"set is listed"}},
	} {
		got := &complaints{TB: t}
		CompareRecorded(got, table, c.allowed)
		if !slices.EqualFunc(got.texts, c.want, strings.HasPrefix) {
			t.Errorf("allowed %v: complaints %q, want those that begin with %q", c.allowed, got.texts, c.want)
		}
	}
}

func rowNamed(t *testing.T, name string) *command.Row {
	t.Helper()
	for _, row := range Rows(t) {
		if row.Name == name {
			return row
		}
	}
	t.Fatalf("no row %q", name)
	return nil
}

// answer dispatches a COMMAND question as a gateway does.
func answer(table *command.Table, proto uint8, words []string) []byte {
	args := make([][]byte, len(words))
	for i, word := range words {
		args[i] = []byte(word)
	}
	w := &reply.Writer{Proto: proto}
	switch info, refusal := table.Resolve(args); {
	case refusal != "":
		w.Error(refusal)
	case info.FullName == "command|count":
		table.WriteCount(w)
	case info.FullName == "command|info":
		table.WriteInfo(w, args[2:])
	case info.FullName == "command|docs":
		table.WriteDocs(w, args[2:])
	case info.FullName == "command|list":
		table.WriteList(w, args[2:])
	case info.FullName == "command|getkeys":
		table.WriteGetKeys(w, args[2:])
	case info.FullName == "command|getkeysandflags":
		table.WriteGetKeysAndFlags(w, args[2:])
	}
	return w.Buf
}
