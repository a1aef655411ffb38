package conformance

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A File is one case file: testdata/<Group>/<Name>.case.
type File struct {
	Path  string // with the extension .case
	Group string
	Name  string
	Cases []*Case
}

// A Case is a named script.
type Case struct {
	Name  string
	Resp  []int    // protocol versions to run it in
	Needs []string // commands (lower case) that a target must list for the case to apply
	Steps []*Step
}

// Op is what a step does.
type Op int

// The kinds of step.
const (
	OpCommand Op = iota // send and read one reply
	OpSend              // send only
	OpAsync             // send, and wait until the client is blocked
	OpRead              // read Count replies
	OpPending           // show whether a reply is there
	OpRaw               // send bytes
	OpSleep             // wait
)

// A Step is one line of a case.
type Step struct {
	Source string // the line, as golden files repeat it
	Line   int
	Client int // 1 for the first connection
	Op     Op
	Args   []token
	Count  int
	Sleep  time.Duration
	Shape  shape
	Repeat int // how often a command is sent; 0 is once
}

// shape says how a reply is changed before it is shown; the zero value shows it as it is.
type shape struct {
	unordered, pairs, mask, size, scanall bool
	near, slack                           int64 // slack > 0 marks it as given
	grep, hide                            *regexp.Regexp
	capture                               string
}

// Load reads all case files below dir, in path order.
func Load(dir string) ([]*File, error) {
	var files []*File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".case" {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parseFile(path, string(src))
		if err == nil {
			files = append(files, f)
		}
		return err
	})
	return files, err
}

func parseFile(path, src string) (*File, error) {
	f := &File{
		Path:  path,
		Group: filepath.Base(filepath.Dir(path)),
		Name:  strings.TrimSuffix(filepath.Base(path), ".case"),
	}
	seen := map[string]bool{}
	var c *Case
	for i, line := range strings.Split(src, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "=== "); ok {
			if seen[name] {
				return nil, fmt.Errorf("%s:%d: a second case %q", path, i+1, name)
			}
			seen[name] = true
			c = &Case{Name: name, Resp: []int{2, 3}}
			f.Cases = append(f.Cases, c)
			continue
		}
		if c == nil {
			return nil, fmt.Errorf("%s:%d: a line before the first case", path, i+1)
		}
		if err := c.addLine(line, i+1); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	return f, nil
}

func (c *Case) addLine(line string, number int) error {
	toks, err := tokenize(line)
	if err != nil {
		return err
	}
	if len(c.Steps) == 0 && !toks[0].quoted {
		switch toks[0].text {
		case "resp":
			return c.setResp(toks[1:])
		case "needs":
			for _, t := range toks[1:] {
				c.Needs = append(c.Needs, strings.ToLower(t.text))
			}
			return nil
		}
	}
	s := &Step{Source: line, Line: number, Client: 1, Count: 1}
	if err := s.parse(toks); err != nil {
		return err
	}
	c.Steps = append(c.Steps, s)
	return nil
}

func (c *Case) setResp(toks []token) error {
	if len(toks) != 1 {
		return fmt.Errorf("resp takes one word")
	}
	switch toks[0].text {
	case "2":
		c.Resp = []int{2}
	case "3":
		c.Resp = []int{3}
	case "both":
		c.Resp = []int{2, 3}
	default:
		return fmt.Errorf("resp %q", toks[0].text)
	}
	return nil
}

// parse reads the words of a line: "@n", then directives, then the command.
func (s *Step) parse(toks []token) error {
	if t := toks[0]; !t.quoted && strings.HasPrefix(t.text, "@") {
		n, err := strconv.Atoi(t.text[1:])
		if err != nil || n < 1 {
			return fmt.Errorf("bad connection %q", t.text)
		}
		s.Client = n
		toks = toks[1:]
	}
	for len(toks) > 0 && isDirective(toks[0]) {
		n, err := s.directive(toks[0].text, toks[1:])
		if err != nil {
			return err
		}
		toks = toks[1+n:]
	}
	s.Args = toks
	needsCommand := s.Op == OpCommand || s.Op == OpSend || s.Op == OpAsync || s.Op == OpRaw
	if needsCommand != (len(toks) > 0) {
		return fmt.Errorf("a command is missing or one too many")
	}
	return nil
}

func isDirective(t token) bool {
	return !t.quoted && t.text != "" && t.text[0] >= 'a' && t.text[0] <= 'z'
}

// directive applies one lower-case word and returns how many words after it belong to it.
func (s *Step) directive(word string, rest []token) (int, error) {
	if n, ok := s.plainDirective(word); ok {
		return n, nil
	}
	if word == "read" && len(rest) == 0 {
		s.Op = OpRead
		return 0, nil
	}
	if len(rest) == 0 {
		return 0, fmt.Errorf("unknown or incomplete directive %q", word)
	}
	arg := rest[0].text
	var err error
	switch word {
	case "read":
		s.Op = OpRead
		s.Count, err = strconv.Atoi(arg)
	case "sleep":
		s.Op = OpSleep
		s.Sleep, err = time.ParseDuration(arg)
	case "grep":
		s.Shape.grep, err = regexp.Compile(arg)
	case "hide":
		s.Shape.hide, err = regexp.Compile(arg)
	case "capture":
		s.Shape.capture = arg
	case "repeat":
		s.Repeat, err = strconv.Atoi(arg)
	case "near":
		return 2, s.parseNear(rest)
	default:
		err = fmt.Errorf("unknown directive %q", word)
	}
	return 1, err
}

func (s *Step) plainDirective(word string) (int, bool) {
	switch word {
	case "send":
		s.Op = OpSend
	case "async":
		s.Op = OpAsync
	case "raw":
		s.Op = OpRaw
	case "pending":
		s.Op = OpPending
	case "unordered":
		s.Shape.unordered = true
	case "pairs":
		s.Shape.pairs = true
	case "mask":
		s.Shape.mask = true
	case "size":
		s.Shape.size = true
	case "scanall":
		s.Shape.scanall = true
	default:
		return 0, false
	}
	return 0, true
}

func (s *Step) parseNear(rest []token) error {
	if len(rest) < 2 {
		return fmt.Errorf("near takes a number and a slack")
	}
	var err1, err2 error
	s.Shape.near, err1 = strconv.ParseInt(rest[0].text, 10, 64)
	s.Shape.slack, err2 = strconv.ParseInt(rest[1].text, 10, 64)
	if err1 != nil || err2 != nil || s.Shape.slack <= 0 {
		return fmt.Errorf("near takes a number and a positive slack")
	}
	return nil
}
