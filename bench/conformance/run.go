package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// Pool hands out servers, each to one case file at a time.
type Pool chan string

// NewPool makes a pool of the servers at addrs.
func NewPool(addrs ...string) Pool {
	p := make(Pool, len(addrs))
	for _, a := range addrs {
		p <- a
	}
	return p
}

// Run compares the servers of the pool with the goldens of files, one subtest a case; files run in parallel, as many
// as there are servers.
func Run(t *testing.T, pool Pool, files []*File) {
	listed := listedCommands(t, pool)
	for _, f := range files {
		t.Run(f.Group+"/"+f.Name, func(t *testing.T) {
			t.Parallel()
			want, err := readGolden(f)
			if err != nil {
				t.Fatalf("%v (record it with -rewrite)", err)
			}
			addr := <-pool
			defer func() { pool <- addr }()
			for _, c := range f.Cases {
				t.Run(c.Name, func(t *testing.T) {
					for _, cmd := range c.Needs {
						if !listed[cmd] {
							t.Skipf("the target does not list %s", cmd)
						}
					}
					compareCase(t, addr, f, c, want[c.Name])
				})
			}
		})
	}
}

func compareCase(t *testing.T, addr string, f *File, c *Case, want *transcript) {
	if why := want.stale(c); why != "" {
		t.Fatalf("%s: %s (record it with -rewrite)", goldenPath(f), why)
	}
	for _, resp := range c.Resp {
		found, err := differences(addr, resp, c, want)
		if err != nil {
			t.Fatalf("RESP%d: %v", resp, err)
		}
		for _, d := range found {
			t.Errorf("%s:%d RESP%d: %s\n got:\n%s\nwant:\n%s", f.Path, d.step.Line, resp, d.step.Source,
				indent(d.got), indent(d.want))
		}
	}
}

// A difference is a step whose shown reply is not the recorded one.
type difference struct {
	step      *Step
	got, want string
}

// differences runs c in one protocol. A case that breaks off differs at the step where it does.
func differences(addr string, resp int, c *Case, want *transcript) ([]difference, error) {
	got, err := runCase(addr, resp, c)
	if err != nil {
		return nil, err
	}
	var out []difference
	for i, text := range got {
		if expected := want.answers[resp][i]; text != expected {
			out = append(out, difference{c.Steps[i], text, expected})
		}
	}
	return out, nil
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

// Record runs files against the server at addr and writes their goldens.
func Record(addr string, files []*File) error {
	for _, f := range files {
		got := map[string]*transcript{}
		for _, c := range f.Cases {
			t, err := recordCase(addr, c)
			if err != nil {
				return fmt.Errorf("%s: case %q: %w", f.Path, c.Name, err)
			}
			got[c.Name] = t
		}
		if err := writeGolden(f, got); err != nil {
			return err
		}
	}
	return nil
}

func recordCase(addr string, c *Case) (*transcript, error) {
	t := &transcript{answers: map[int][]string{}}
	for _, st := range c.Steps {
		t.steps = append(t.steps, st.Source)
	}
	for _, resp := range c.Resp {
		answers, err := runCase(addr, resp, c)
		if err != nil {
			return nil, err
		}
		last := len(answers) - 1
		if strings.Contains(answers[last], noReply) || strings.Contains(answers[last], extraReply) {
			return nil, fmt.Errorf("line %d, RESP%d: %s: %s", c.Steps[last].Line, resp, c.Steps[last].Source, answers[last])
		}
		t.answers[resp] = answers
	}
	return t, nil
}

// listedCommands asks one server of the pool for COMMAND LIST (lower case).
func listedCommands(t *testing.T, pool Pool) map[string]bool {
	t.Helper()
	addr := <-pool
	defer func() { pool <- addr }()
	c, err := wire.Dial(addr, replyLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	v, err := c.Do(replyLimit, "COMMAND", "LIST")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, e := range v.Elems {
		out[strings.ToLower(string(e.Text))] = true
	}
	return out
}
