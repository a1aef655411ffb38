package robustness

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
)

const (
	historyKeys    = 6
	historyClients = 8
)

// state is the whole of what the clients of a history can see: the values of its
// keys, and what each client watches. It is a value that can be compared and
// copied, as porcupine asks.
//
// A value is its type and its elements, each ended by a zero byte: "" is no key,
// "s12\x00" a string, "lb\x00a\x00" a list from its head, "Sa\x00b\x00" a set in
// order of its members.
type state struct {
	values [historyKeys]string
	watch  [historyClients]watching
}

// watching is a bit for each key that a client watches, and spoilt once one of
// them was touched.
type watching uint8

const spoilt watching = 1 << 7

const (
	stringType = 's'
	listType   = 'l'
	setType    = 'S'
)

// Replies as the model and the clients write them: what go-redis tells apart, in
// one form for both protocols.
const (
	ok        = "OK"
	null      = "nil"
	wrongType = "!WRONGTYPE Operation against a key holding the wrong kind of value"
	noSuchKey = "!ERR no such key"
	notAnInt  = "!ERR value is not an integer or out of range"
)

func integer(n int) string { return strconv.Itoa(n) }

func array(replies []string) string { return "[" + strings.Join(replies, " ") + "]" }

// command is one command of a history: key i of its keys is the history's key
// keys[i].
type command struct {
	name string
	keys []int
	args []string
}

// words is the command as a client sends it.
func (c command) words(key func(int) string) []string {
	w := []string{c.name}
	for i, k := range c.keys {
		w = append(w, key(k))
		if c.interleaved() {
			w = append(w, c.args[i])
		}
	}
	if !c.interleaved() {
		w = append(w, c.args...)
	}
	return w
}

func (c command) interleaved() bool { return c.name == "MSET" || c.name == "MSETNX" }

func (c command) String() string {
	return strings.Join(c.words(func(k int) string { return "k" + integer(k) }), " ")
}

// kind is the way in which an operation's commands are run.
type kind int

const (
	plain    kind = iota // one command
	block                // MULTI, commands, EXEC
	declared             // a script that runs the commands, with its keys declared
	computed             // the same, but the script makes the names of its keys
	chase                // a script whose second key depends on what it finds in the first
	watch                // WATCH of the keys of the first command
)

var kindNames = []string{"", "EXEC ", "EVAL ", "EVAL (computed keys) ", "EVAL (keys from values) ", "WATCH "}

// operation is what takes effect at one moment.
type operation struct {
	client   int
	kind     kind
	commands []command
}

func (o operation) String() string {
	all := make([]string, len(o.commands))
	for i, c := range o.commands {
		all[i] = c.String()
	}
	return fmt.Sprintf("%d: %s%s", o.client, kindNames[o.kind], strings.Join(all, "; "))
}

// model is one Redis, and what it answers.
var model = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(s, input, output any) (bool, any) {
		next := s.(state)
		reply := next.run(input.(operation))
		return reply == output.(string), next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v → %v", input, output) },
	DescribeState:     func(s any) string { return s.(state).String() },
}

func (s state) String() string {
	var b strings.Builder
	for i, v := range s.values {
		if v != "" {
			fmt.Fprintf(&b, "k%d=%c%v ", i, v[0], elements(v))
		}
	}
	return b.String()
}

func (s *state) run(o operation) string {
	switch o.kind {
	case plain:
		return s.do(o.commands[0])
	case watch:
		for _, k := range o.commands[0].keys {
			s.watch[o.client] |= 1 << k
		}
		return ok
	case block:
		aborted := s.watch[o.client]&spoilt != 0
		s.watch[o.client] = 0
		if aborted {
			return null
		}
	case chase:
		return s.chase(o.commands[0])
	}
	replies := make([]string, len(o.commands))
	for i, c := range o.commands {
		replies[i] = s.do(c)
	}
	return array(replies)
}

// chase appends to the key that the length of the first key's value chooses.
func (s *state) chase(c command) string {
	v := s.values[c.keys[0]]
	if isOther(v, stringType) {
		return wrongType
	}
	targets := c.keys[1:]
	return s.do(command{name: "APPEND", keys: targets[len(text(v))%len(targets):][:1], args: c.args})
}

func (s *state) do(c command) string { return steps[c.name](s, c.keys, c.args) }

// set makes v the value of key k; whoever watches the key finds it touched.
func (s *state) set(k int, v string) {
	s.values[k] = v
	for i, w := range s.watch {
		if w&(1<<k) != 0 {
			s.watch[i] |= spoilt
		}
	}
}

func isOther(v string, want byte) bool { return v != "" && v[0] != want }

func text(v string) string { return strings.Join(elements(v), "") }

func elements(v string) []string {
	if v == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(v[1:], "\x00"), "\x00")
}

// value is the state's form of elements; none are no key.
func value(kind byte, elements ...string) string {
	if len(elements) == 0 {
		return ""
	}
	if kind == setType {
		elements = slices.Compact(slices.Sorted(slices.Values(elements)))
	}
	return string(kind) + strings.Join(elements, "\x00") + "\x00"
}

// steps is what each command does to the state, and what it answers.
var steps = map[string]func(s *state, k []int, args []string) string{
	"GET": func(s *state, k []int, _ []string) string {
		switch v := s.values[k[0]]; {
		case v == "":
			return null
		case v[0] != stringType:
			return wrongType
		default:
			return text(v)
		}
	},
	"SET": func(s *state, k []int, args []string) string {
		s.set(k[0], value(stringType, args[0]))
		return ok
	},
	"INCR": func(s *state, k []int, _ []string) string {
		v := s.values[k[0]]
		if isOther(v, stringType) {
			return wrongType
		}
		n := 0
		if v != "" {
			var err error
			// Redis takes an integer only as it would write it itself.
			if n, err = strconv.Atoi(text(v)); err != nil || integer(n) != text(v) {
				return notAnInt
			}
		}
		s.set(k[0], value(stringType, integer(n+1)))
		return integer(n + 1)
	},
	"APPEND": func(s *state, k []int, args []string) string {
		v := s.values[k[0]]
		if isOther(v, stringType) {
			return wrongType
		}
		longer := text(v) + args[0]
		s.set(k[0], value(stringType, longer))
		return integer(len(longer))
	},
	"DEL": func(s *state, k []int, _ []string) string {
		n := 0
		for _, key := range k {
			if s.values[key] != "" {
				s.set(key, "")
				n++
			}
		}
		return integer(n)
	},
	"EXISTS": func(s *state, k []int, _ []string) string {
		n := 0
		for _, key := range k {
			if s.values[key] != "" {
				n++
			}
		}
		return integer(n)
	},
	"MGET": func(s *state, k []int, _ []string) string {
		replies := make([]string, len(k))
		for i, key := range k {
			replies[i] = null
			if v := s.values[key]; v != "" && v[0] == stringType {
				replies[i] = text(v)
			}
		}
		return array(replies)
	},
	"MSET": func(s *state, k []int, args []string) string {
		for i, key := range k {
			s.set(key, value(stringType, args[i]))
		}
		return ok
	},
	"MSETNX": func(s *state, k []int, args []string) string {
		for _, key := range k {
			if s.values[key] != "" {
				return "0"
			}
		}
		for i, key := range k {
			s.set(key, value(stringType, args[i]))
		}
		return "1"
	},
	"RENAME": func(s *state, k []int, _ []string) string {
		v := s.values[k[0]]
		if v == "" {
			return noSuchKey
		}
		if k[0] != k[1] {
			s.set(k[0], "")
			s.set(k[1], v)
		}
		return ok
	},
	"LPUSH":       lpush,
	"RPOP":        rpop,
	"LRANGE":      lrange,
	"LMOVE":       lmove,
	"SADD":        sadd,
	"SREM":        srem,
	"SMEMBERS":    sunion,
	"SUNION":      sunion,
	"SMOVE":       smove,
	"SINTERSTORE": sinterstore,
}

func lpush(s *state, k []int, args []string) string {
	v := s.values[k[0]]
	if isOther(v, listType) {
		return wrongType
	}
	list := append([]string{args[0]}, elements(v)...)
	s.set(k[0], value(listType, list...))
	return integer(len(list))
}

func rpop(s *state, k []int, _ []string) string {
	v := s.values[k[0]]
	if v == "" {
		return null
	}
	if v[0] != listType {
		return wrongType
	}
	list := elements(v)
	last := len(list) - 1
	s.set(k[0], value(listType, list[:last]...))
	return list[last]
}

func lrange(s *state, k []int, _ []string) string {
	v := s.values[k[0]]
	if isOther(v, listType) {
		return wrongType
	}
	return array(elements(v))
}

// lmove moves from the tail of the first list to the head of the second.
func lmove(s *state, k []int, _ []string) string {
	from, to := s.values[k[0]], s.values[k[1]]
	if from == "" {
		return null
	}
	if from[0] != listType || isOther(to, listType) {
		return wrongType
	}
	moved := rpop(s, k[:1], nil)
	lpush(s, k[1:], []string{moved})
	return moved
}

func sadd(s *state, k []int, args []string) string {
	v := s.values[k[0]]
	if isOther(v, setType) {
		return wrongType
	}
	members := elements(v)
	if slices.Contains(members, args[0]) {
		return "0"
	}
	s.set(k[0], value(setType, append(members, args[0])...))
	return "1"
}

func srem(s *state, k []int, args []string) string {
	v := s.values[k[0]]
	if isOther(v, setType) {
		return wrongType
	}
	members := elements(v)
	i := slices.Index(members, args[0])
	if i < 0 {
		return "0"
	}
	s.set(k[0], value(setType, slices.Delete(members, i, i+1)...))
	return "1"
}

func sunion(s *state, k []int, _ []string) string {
	var all []string
	for _, key := range k {
		if isOther(s.values[key], setType) {
			return wrongType
		}
		all = append(all, elements(s.values[key])...)
	}
	return array(elements(value(setType, all...)))
}

func smove(s *state, k []int, args []string) string {
	from, to := s.values[k[0]], s.values[k[1]]
	switch {
	case from == "":
		return "0"
	case from[0] != setType || isOther(to, setType):
		return wrongType
	case k[0] == k[1] && slices.Contains(elements(from), args[0]):
		return "1"
	case k[0] == k[1] || srem(s, k[:1], args) == "0":
		return "0"
	}
	sadd(s, k[1:], args)
	return "1"
}

func sinterstore(s *state, k []int, _ []string) string {
	for _, key := range k[1:] {
		if isOther(s.values[key], setType) {
			return wrongType
		}
	}
	both := elements(s.values[k[1]])
	for _, key := range k[2:] {
		other := elements(s.values[key])
		both = slices.DeleteFunc(both, func(m string) bool { return !slices.Contains(other, m) })
	}
	if len(both) > 0 || s.values[k[0]] != "" {
		s.set(k[0], value(setType, both...))
	}
	return integer(len(both))
}

// The checker must be able to fail: these histories are no Redis's.
func TestModelRejects(t *testing.T) {
	set := func(k int, v string) command { return command{name: "SET", keys: []int{k}, args: []string{v}} }
	mset := command{name: "MSET", keys: []int{0, 1}, args: []string{"a", "a"}}
	get := func(k int) command { return command{name: "GET", keys: []int{k}} }
	mget := command{name: "MGET", keys: []int{0, 1}}
	type event struct {
		operation
		call, answer int64
		reply        string
	}
	op := func(client int, call, answer int64, reply string, k kind, c ...command) event {
		return event{operation{client, k, c}, call, answer, reply}
	}
	for _, h := range []struct {
		name   string
		events []event
		want   porcupine.CheckResult
	}{
		{"in order", []event{op(0, 1, 2, ok, plain, set(0, "a")), op(1, 3, 4, "a", plain, get(0))}, porcupine.Ok},
		{"stale read", []event{op(0, 1, 2, ok, plain, set(0, "a")), op(1, 3, 4, null, plain, get(0))}, porcupine.Illegal},
		{"half an MSET", []event{op(0, 1, 9, ok, plain, mset), op(1, 2, 3, "[a nil]", plain, mget)}, porcupine.Illegal},
		{"an MSET that goes away again", []event{
			op(0, 1, 9, ok, plain, mset), op(1, 2, 3, "[a a]", plain, mget), op(1, 4, 5, null, plain, get(1)),
		}, porcupine.Illegal},
		{"half an EXEC", []event{
			op(0, 1, 9, "[OK OK]", block, set(0, "a"), set(1, "a")), op(1, 2, 3, "a", plain, get(0)), op(1, 4, 5, null, plain, get(1)),
		}, porcupine.Illegal},
		{"EXEC after a watched key was touched", []event{
			op(0, 1, 2, ok, watch, get(0)), op(1, 3, 4, ok, plain, set(0, "a")), op(0, 5, 6, "[OK]", block, set(1, "a")),
		}, porcupine.Illegal},
		{"EXEC aborted by a touched key", []event{
			op(0, 1, 2, ok, watch, get(0)), op(1, 3, 4, ok, plain, set(0, "a")), op(0, 5, 6, null, block, set(1, "a")),
		}, porcupine.Ok},
		{"EXEC aborted for nothing", []event{
			op(0, 1, 2, ok, watch, get(0)), op(1, 3, 4, ok, plain, set(1, "a")), op(0, 5, 6, null, block, set(1, "a")),
		}, porcupine.Illegal},
	} {
		var history []porcupine.Operation
		for _, e := range h.events {
			history = append(history, porcupine.Operation{
				ClientId: e.client, Input: e.operation, Call: e.call, Output: e.reply, Return: e.answer,
			})
		}
		if got := porcupine.CheckOperationsTimeout(model, history, limit); got != h.want {
			t.Errorf("%s: %s, want %s", h.name, got, h.want)
		}
	}
}
