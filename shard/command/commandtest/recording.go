package commandtest

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed testdata/command_info.txt
var recordedInfo string

//go:embed testdata/command_docs.txt
var recordedDocs string

// mask stands for a sentence.
const mask = "…"

// sentences are the keys of maps whose values are sentences.
var sentences = []string{"summary", "complexity", "notes", "replaced_by"}

// Recording is a value a command, by its full name. What a container holds of
// its subcommands is their names only; they have values of their own.
type Recording map[string]Value

// infoSubs is the place of the subcommands in COMMAND INFO's answer.
const infoSubs = 9

// InfoRecording takes apart the RESP3 answer of COMMAND INFO.
func InfoRecording(answer Value) Recording {
	r := Recording{}
	for _, info := range answer.Elems {
		r.addInfo(info)
	}
	return r
}

func (r Recording) addInfo(info Value) {
	subs := info.Elems[infoSubs]
	names := Value{Kind: subs.Kind}
	for _, sub := range subs.Elems {
		r.addInfo(sub)
		names.Elems = append(names.Elems, sub.Elems[0])
	}
	sortNames(names.Elems)
	info.Elems = append(slices.Clone(info.Elems[:infoSubs]), names)
	r[info.Elems[0].Text] = masked(info)
}

// DocsRecording takes apart the RESP3 answer of COMMAND DOCS.
func DocsRecording(answer Value) Recording {
	r := Recording{}
	r.addDocs(answer)
	return r
}

func (r Recording) addDocs(docs Value) {
	for i := 0; i < len(docs.Elems); i += 2 {
		doc := Value{Kind: '%', Elems: slices.Clone(docs.Elems[i+1].Elems)}
		for k := 0; k < len(doc.Elems); k += 2 {
			if doc.Elems[k].Text == "subcommands" {
				r.addDocs(doc.Elems[k+1])
				doc.Elems[k+1] = namesOf(doc.Elems[k+1])
			}
		}
		r[docs.Elems[i].Text] = masked(doc)
	}
}

// namesOf are a map's keys, in order.
func namesOf(v Value) Value {
	names := Value{Kind: '*'}
	for i := 0; i < len(v.Elems); i += 2 {
		names.Elems = append(names.Elems, v.Elems[i])
	}
	sortNames(names.Elems)
	return names
}

func sortNames(names []Value) {
	slices.SortFunc(names, func(a, b Value) int { return strings.Compare(a.Text, b.Text) })
}

// masked replaces the sentences in v.
func masked(v Value) Value {
	v.Elems = slices.Clone(v.Elems)
	for i := range v.Elems {
		v.Elems[i] = masked(v.Elems[i])
		if v.Kind != '%' || i%2 == 0 {
			continue
		}
		switch key := v.Elems[i-1].Text; {
		case slices.Contains(sentences, key) && v.Elems[i].Kind == '$':
			v.Elems[i].Text = mask
		case key == "history":
			for _, change := range v.Elems[i].Elems {
				change.Elems[1].Text = mask
			}
		}
	}
	return v
}

// String is the recording as a file: a line a command, sorted.
func (r Recording) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&b, "%s %s\n", name, r[name])
	}
	return b.String()
}

// ParseRecording reads what String wrote.
func ParseRecording(text string) (Recording, error) {
	r := Recording{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		v, err := ParseText(value)
		if err != nil {
			return nil, fmt.Errorf("recording of %s: %w", name, err)
		}
		r[name] = v
	}
	return r, nil
}
