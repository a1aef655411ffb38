package badinput

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// A corpus file is a list of steps, a line each:
//
//	# why                 a comment
//	open                  goes on with a new connection
//	raw "BYTES"           sends bytes, written as a Go string
//	cmd WORD …            sends a command; a word in quotes is a Go string
//	fill N                sends N times the byte x
//	times N STEP          does a step N times
//	flood N STEP          sends a step N times, as far as the node takes it, while
//	                      the script goes on
//	each STEP             does a raw step once for every beginning of its bytes,
//	                      on a connection each, and closes that
//	slowly STEP           sends a raw step a byte at a time
//	read                  reads a reply, or the end
//	error TEXT            reads a reply, which must be an error that contains TEXT
//	reply TEXT            reads a reply, which must be TEXT after its type byte
//	closed                reads until the node closes the connection
//	other WORD …          sends a command as another client and reads the reply
//	until TEXT WORD …     sends a command as another client until TEXT is in the reply
//	half                  says that nothing more will be sent
//	kill                  resets the connection
//
// Replies that are not read stay unread. A WORD of the form @N*TEXT is TEXT, N times.

func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus: ", err)
	}
	n := start(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			defer n.check(t)
			s := &script{t: t, node: n, a: n.attack(t)}
			for i, line := range strings.Split(string(text), "\n") {
				s.line = i + 1
				s.step(strings.TrimSpace(line))
			}
			for _, a := range append(s.flooding, s.a) {
				a.reset()
			}
			s.floods.Wait()
		})
	}
}

// script is a corpus file that is being carried out.
type script struct {
	t    *testing.T
	node *node
	a    *attacker
	line int

	floods   sync.WaitGroup
	flooding []*attacker
}

func (s *script) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("line %d: "+format, append([]any{s.line}, args...)...)
}

func (s *script) step(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "", "#":
	case "open":
		s.a = s.node.attack(s.t)
	case "raw", "cmd", "fill":
		s.a.send(s.bytes(line))
	case "times":
		count, what, _ := strings.Cut(rest, " ")
		s.times(s.number(count), what)
	case "flood":
		count, what, _ := strings.Cut(rest, " ")
		a, b := s.a, bytes.Repeat(s.bytes(what), s.number(count))
		s.floods.Go(func() { _, _ = a.Write(b) }) // ends at the latest when a is closed
		s.flooding = append(s.flooding, a)
	case "each":
		b := s.bytes(rest)
		for i := range b {
			a := s.node.attack(s.t)
			a.send(b[:i])
			a.Close()
		}
	case "slowly":
		for _, b := range s.bytes(rest) {
			s.a.send([]byte{b})
		}
	case "other":
		s.node.do(s.t, words(s, rest)...)
	case "until":
		want, command, _ := strings.Cut(rest, " ")
		await(s.t, rest, func() bool {
			return bytes.Contains(s.node.do(s.t, words(s, command)...).Text, []byte(want))
		})
	case "half":
		s.a.CloseWrite()
	case "kill":
		s.a.reset()
	default:
		s.expect(verb, rest)
	}
}

// times does a step often; bytes are sent in large pieces.
func (s *script) times(n int, what string) {
	verb, _, _ := strings.Cut(what, " ")
	if verb != "raw" && verb != "cmd" {
		for range n {
			s.step(what)
		}
		return
	}
	const piece = 256 << 10
	b := s.bytes(what)
	some := max(1, piece/len(b))
	for ; n > 0; n -= some {
		s.a.send(bytes.Repeat(b, min(n, some)))
	}
}

func (s *script) expect(verb, text string) {
	switch verb {
	case "closed":
		s.a.drain("")
		return
	case "read", "error", "reply":
	default:
		s.fail("unknown step %q", verb)
	}
	line, err := s.a.in.ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.fail("no answer in time")
	} else if err != nil {
		s.a.gone = true
		line = "(closed)"
	}
	line = strings.TrimSpace(line)
	switch {
	case verb == "error" && !(strings.HasPrefix(line, "-") && strings.Contains(line, text)):
		s.fail("got %q, want an error with %q", line, text)
	case verb == "reply" && (line == "" || line[1:] != text):
		s.fail("got %q, want %q", line, text)
	}
}

// bytes returns what a sending step sends.
func (s *script) bytes(step string) []byte {
	verb, rest, _ := strings.Cut(step, " ")
	switch verb {
	case "raw":
		text, err := strconv.Unquote(rest)
		if err != nil {
			s.fail("%s: %v", rest, err)
		}
		return []byte(text)
	case "fill":
		return bytes.Repeat([]byte{'x'}, s.number(rest))
	case "cmd":
		var args [][]byte
		for _, w := range words(s, rest) {
			args = append(args, []byte(w))
		}
		return wire.Command(args...)
	}
	s.fail("%q sends nothing", verb)
	return nil
}

func (s *script) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.fail("%v", err)
	}
	return n
}

// words splits a command.
func words(s *script, line string) (list []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if quoted, err := strconv.QuotedPrefix(line); err == nil {
			word, _ := strconv.Unquote(quoted)
			list, line = append(list, word), line[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if count, text, ok := strings.Cut(word, "*"); ok && strings.HasPrefix(count, "@") {
			word = strings.Repeat(text, s.number(count[1:]))
		}
		list, line = append(list, word), rest
	}
	return list
}
