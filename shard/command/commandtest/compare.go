package commandtest

import (
	"slices"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// CompareRecorded checks that table answers COMMAND INFO and COMMAND DOCS for
// each of its commands as redis-server 7.0.15 does. Commands that table lacks
// are no difference. allowed gives the reason for each command, by its full
// name, that differs on purpose; one that does not differ is an error too, so
// that the list stays true.
func CompareRecorded(t testing.TB, table *command.Table, allowed map[string]string) {
	t.Helper()
	info, docs := recordings(t)
	ownInfo := InfoRecording(ask(t, table.WriteInfo))
	ownDocs := DocsRecording(ask(t, table.WriteDocs))
	known := map[string]bool{}
	for _, cmd := range table.All() {
		if cmd.Flags&command.Internal != 0 {
			continue
		}
		name := cmd.FullName
		known[name] = true
		diffs := slices.Concat(
			difference("INFO", ownInfo[name], info, name, ownInfo),
			difference("DOCS", ownDocs[name], docs, name, ownDocs))
		reason, isAllowed := allowed[name]
		switch {
		case len(diffs) == 0 && isAllowed:
			t.Errorf("%s does not differ, but is listed: %s", name, reason)
		case len(diffs) > 0 && !isAllowed:
			for _, diff := range diffs {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
	for name := range allowed {
		if !known[name] {
			t.Errorf("%s is listed as different, but is not in the table", name)
		}
	}
}

// difference tells in a line how own differs from what was recorded; none is
// the list of subcommands of which the table has only some.
func difference(what string, own Value, recorded Recording, name string, table Recording) []string {
	want, ok := recorded[name]
	if !ok {
		return []string{what + ": redis-server has no such command"}
	}
	want = withoutMissing(want, table)
	if own.String() == want.String() {
		return nil
	}
	return []string{what + "\n got  " + own.String() + "\n want " + want.String()}
}

// withoutMissing drops from a container's subcommands those that table lacks.
// Only they have a '|' in a name within an array of names.
func withoutMissing(v Value, table Recording) Value {
	keep := func(names Value) Value {
		kept := Value{Kind: names.Kind}
		for _, name := range names.Elems {
			if _, ok := table[name.Text]; ok {
				kept.Elems = append(kept.Elems, name)
			}
		}
		return kept
	}
	v.Elems = slices.Clone(v.Elems)
	switch v.Kind {
	case '*':
		v.Elems[infoSubs] = keep(v.Elems[infoSubs])
	case '%':
		for i := 0; i < len(v.Elems); i += 2 {
			if v.Elems[i].Text == "subcommands" {
				v.Elems[i+1] = keep(v.Elems[i+1])
			}
		}
	}
	return v
}

// ask gives the RESP3 answer of a writer that is asked about all commands.
func ask(t testing.TB, write func(*reply.Writer, [][]byte)) Value {
	t.Helper()
	w := &reply.Writer{Proto: reply.RESP3}
	write(w, nil)
	v, err := ParseRESP(w.Buf)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func recordings(t testing.TB) (info, docs Recording) {
	t.Helper()
	info, err := ParseRecording(recordedInfo)
	if err != nil {
		t.Fatal(err)
	}
	docs, err = ParseRecording(recordedDocs)
	if err != nil {
		t.Fatal(err)
	}
	return info, docs
}
