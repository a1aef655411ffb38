package conformance

import (
	"fmt"
	"os"
	"strings"

	"github.com/troupedb/troupe/bench/conformance/target"
)

// A transcript is what a case's steps answered, per protocol.
type transcript struct {
	steps   []string         // the source line of each step
	answers map[int][]string // protocol → one text per step; empty text for steps that read nothing
}

// goldenPath names the recorded answers of a case file.
func goldenPath(f *File) string { return strings.TrimSuffix(f.Path, ".case") + ".golden" }

const goldenHead = "# Recorded from redis-server " + target.RedisVersion + " by: go test ./bench/conformance -rewrite\n" +
	"# Answers that differ between protocols are marked 2 and 3.\n"

// writeGolden stores the transcripts of a file's cases, in their order.
func writeGolden(f *File, got map[string]*transcript) error {
	var b strings.Builder
	b.WriteString(goldenHead)
	for _, c := range f.Cases {
		fmt.Fprintf(&b, "\n=== %s\n", c.Name)
		t := got[c.Name]
		for i, source := range t.steps {
			fmt.Fprintf(&b, "> %s\n", source)
			t.writeAnswer(&b, i)
		}
	}
	return os.WriteFile(goldenPath(f), []byte(b.String()), 0o644)
}

func (t *transcript) writeAnswer(b *strings.Builder, i int) {
	a2, has2 := t.answers[2]
	a3, has3 := t.answers[3]
	if has2 && has3 && a2[i] == a3[i] {
		writeMarked(b, "  ", a2[i])
		return
	}
	if has2 {
		writeMarked(b, "2 ", a2[i])
	}
	if has3 {
		writeMarked(b, "3 ", a3[i])
	}
}

func writeMarked(b *strings.Builder, mark, text string) {
	if text == "" {
		return
	}
	for _, line := range strings.Split(text, "\n") {
		b.WriteString(mark + line + "\n")
	}
}

// readGolden returns the recorded transcripts of a file, by case name.
func readGolden(f *File) (map[string]*transcript, error) {
	src, err := os.ReadFile(goldenPath(f))
	if err != nil {
		return nil, err
	}
	out := map[string]*transcript{}
	var t *transcript
	for i, line := range strings.Split(string(src), "\n") {
		if name, ok := strings.CutPrefix(line, "=== "); ok {
			t = &transcript{answers: map[int][]string{2: nil, 3: nil}}
			out[name] = t
			continue
		}
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		if t == nil || len(line) < 2 {
			return nil, fmt.Errorf("%s:%d: not a golden line", goldenPath(f), i+1)
		}
		t.addGoldenLine(line[:2], line[2:])
	}
	return out, nil
}

func (t *transcript) addGoldenLine(mark, text string) {
	if mark == "> " {
		t.steps = append(t.steps, text)
		for p := range t.answers {
			t.answers[p] = append(t.answers[p], "")
		}
		return
	}
	for p := range t.answers {
		if mark == "  " || mark == fmt.Sprintf("%d ", p) {
			last := &t.answers[p][len(t.answers[p])-1]
			if *last != "" {
				*last += "\n"
			}
			*last += text
		}
	}
}

// stale tells why the golden transcript does not belong to the case as it stands, or "".
func (t *transcript) stale(c *Case) string {
	switch {
	case t == nil:
		return "the case has no golden"
	case len(t.steps) != len(c.Steps):
		return "the golden has another number of steps"
	}
	for i, st := range c.Steps {
		if st.Source != t.steps[i] {
			return fmt.Sprintf("the golden has %q where the case has %q", t.steps[i], st.Source)
		}
	}
	return ""
}
