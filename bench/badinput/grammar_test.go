package badinput

import (
	"bytes"
	"strings"
	"testing"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// numbers are what stands where a number is expected. None of them makes a sane
// command take much memory or time.
var numbers = []string{
	"-1", "0", "-0", "+1", "01", "1.5", "1e3", "0x10", " 1", "1 ", "", "-",
	"9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809",
	"9223372036854775", "4611686018427387904", "18446744073709551615", "18446744073709551616", "4294967296",
	"nan", "-nan", "inf", "-inf", "+inf", "infinity", "1e400", "-1e400", "1e-400", "1.7976931348623157e308", "5e-324",
	strings.Repeat("9", 400), "-" + strings.Repeat("9", 400), "0." + strings.Repeat("0", 400) + "1", "1\x00", "\xff",
}

// apart are the commands that are not for this test: they end the connection or
// the node, change what it takes, or make it wait on purpose.
var apart = map[string]bool{
	"shutdown": true, "quit": true, "debug": true, "monitor": true, "auth": true, "multi": true, "hello": true, "reset": true,
	"client|reply": true, "client|kill": true, "client|pause": true, "config|set": true, "script|kill": true,
	"subscribe": true, "psubscribe": true, "ssubscribe": true,
}

// TestNumbersOfEveryCommand gives each numeric argument of each command values
// at its bounds and beyond. What the arguments are, the node itself tells.
func TestNumbersOfEveryCommand(t *testing.T) {
	n := start(t)
	commands := documented(n.do(t, "COMMAND", "DOCS"))
	if len(commands) < 100 {
		t.Fatalf("COMMAND DOCS tells of %d commands", len(commands))
	}
	tried := 0
	for _, c := range commands {
		if apart[c.name] {
			continue
		}
		requests := c.requests()
		tried += len(requests)
		t.Run(c.name, func(t *testing.T) {
			n.try(t, &c, requests)
			n.check(t)
		})
	}
	t.Logf("%d requests of %d commands", tried, len(commands))
}

// try sends the requests, each on a fresh key.
func (n *node) try(t *testing.T, c *documentedCommand, requests [][]byte) {
	t.Helper()
	var all bytes.Buffer
	for _, r := range requests {
		for _, fresh := range c.keys() {
			all.Write(wire.Command(fresh...))
		}
		all.Write(r)
		if c.waits() {
			// Some wait for ever: each on its own connection, which hangs up.
			a := n.attack(t)
			a.send(all.Bytes())
			a.CloseWrite()
			a.drain("")
			a.Close()
			all.Reset()
		}
	}
	all.Write(wire.Command([]byte("ECHO"), []byte("the-end")))
	a := n.attack(t)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		a.send(all.Bytes())
	}()
	a.drain("the-end")
	<-sent
	a.Close()
}

// documentedCommand is one command of COMMAND DOCS.
type documentedCommand struct {
	name, group string
	args        []argument
}

type argument struct {
	kind, token        string
	optional, multiple bool
	args               []argument
}

// fields returns the values of a reply's pairs by their names.
func fields(v wire.Value) map[string]wire.Value {
	m := map[string]wire.Value{}
	for i := 0; i+1 < len(v.Elems); i += 2 {
		m[string(v.Elems[i].Text)] = v.Elems[i+1]
	}
	return m
}

func documented(docs wire.Value) (list []documentedCommand) {
	for i := 0; i+1 < len(docs.Elems); i += 2 {
		f := fields(docs.Elems[i+1])
		if subs := f["subcommands"]; len(subs.Elems) > 0 {
			list = append(list, documented(subs)...)
			continue
		}
		list = append(list, documentedCommand{
			name: string(docs.Elems[i].Text), group: string(f["group"].Text), args: arguments(f["arguments"]),
		})
	}
	return list
}

func arguments(v wire.Value) (list []argument) {
	for _, e := range v.Elems {
		f := fields(e)
		a := argument{kind: string(f["type"].Text), token: string(f["token"].Text), args: arguments(f["arguments"])}
		for _, flag := range f["flags"].Elems {
			a.optional = a.optional || string(flag.Text) == "optional"
			a.multiple = a.multiple || string(flag.Text) == "multiple"
		}
		list = append(list, a)
	}
	return list
}

// waits tells whether the command may make its client wait.
func (c *documentedCommand) waits() bool {
	return strings.HasPrefix(c.name, "b") && c.group != "bitmap"
}

// keys are the commands that make key "k" what the group works on.
func (c *documentedCommand) keys() [][][]byte {
	make := map[string]string{
		"string": "SET k 10", "bitmap": "SET k 10", "generic": "SET k 10", "list": "RPUSH k 1 2 3", "set": "SADD k 1 2 3",
		"hash": "HSET k f 1 g 2", "sorted-set": "ZADD k 1 a 2 b",
	}[c.group]
	if make == "" {
		return nil
	}
	var list [][][]byte
	for _, command := range []string{"DEL k", make} {
		list = append(list, bytes.Fields([]byte(command)))
	}
	return list
}

// requests are the forms of the command, with each number once at each value.
func (c *documentedCommand) requests() (list [][]byte) {
	for _, form := range forms(c.args) {
		words := append(strings.Split(c.name, "|"), form...)
		numeric := false
		for at, word := range words {
			if word != number {
				continue
			}
			numeric = true
			for _, value := range numbers {
				list = append(list, encode(words, at, value))
			}
		}
		if !numeric {
			list = append(list, encode(words, -1, ""))
		}
	}
	return list
}

// number marks the place of a numeric argument in a form.
const number = "\x00number"

// encode writes a form with one number replaced by value and all others sane.
func encode(words []string, at int, value string) []byte {
	args := make([][]byte, len(words))
	for i, word := range words {
		switch {
		case i == at:
			word = value
		case word == number:
			word = "1"
		}
		args[i] = []byte(word)
	}
	return wire.Command(args...)
}

// maxForms bounds the forms of a command: what options do in threes adds little.
const maxForms = 40

// forms returns the words of arguments without any option, with each option
// alone, with each alternative, and with everything.
func forms(args []argument) [][]string {
	all := [][]string{nil}
	for _, a := range args {
		var next [][]string
		for i, before := range all {
			for j, words := range a.forms() {
				// Every form goes on in the first way, and the first in every way.
				if i == 0 || j == 0 || i == len(all)-1 {
					next = append(next, append(before[:len(before):len(before)], words...))
				}
			}
		}
		all = next[:min(len(next), maxForms)]
	}
	return all
}

func (a *argument) forms() (list [][]string) {
	if a.optional {
		list = append(list, nil)
	}
	for _, words := range a.values() {
		if a.token != "" && a.kind != "pure-token" {
			words = append([]string{a.token}, words...)
		}
		list = append(list, words)
	}
	if a.multiple {
		last := list[len(list)-1]
		list = append(list, append(last[:len(last):len(last)], last...))
	}
	return list
}

func (a *argument) values() (list [][]string) {
	switch a.kind {
	case "integer", "double", "unix-time":
		return [][]string{{number}}
	case "key":
		return [][]string{{"k"}}
	case "pattern":
		return [][]string{{"*"}}
	case "pure-token":
		return [][]string{{a.token}}
	case "block":
		return forms(a.args)
	case "oneof":
		for _, alternative := range a.args {
			list = append(list, alternative.forms()...)
		}
		return list
	}
	// Strings are often numbers too: increments, bounds, fields of CLIENT.
	return [][]string{{number}, {"text"}}
}
