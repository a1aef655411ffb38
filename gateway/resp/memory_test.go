package resp

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestNoAllocation(t *testing.T) {
	lim := DefaultLimits()
	set := encode("SET", "key:000000000042", value64)
	inline := []byte("SET k v\r\n")
	var p Parser
	for name, run := range map[string]func(){
		"pipeline": func() { drain(t, &p, pipelined, &lim) },
		"inline":   func() { drain(t, &p, inline, &lim) },
		"cut": func() {
			drain(t, &p, set[:len(set)-10], &lim)
			drain(t, &p, set, &lim)
		},
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

var pipelined = pipeline(64, "SET", "key:000000000042", value64)

// Arguments lie in the buffer, and appending to one does not reach the next byte of it.
func TestArgumentsAliasTheBuffer(t *testing.T) {
	lim := DefaultLimits()
	for _, in := range []string{enc("SET", "key", "v"), "SET key v\r\n", `"SET" 'k\'y' "\x41"` + "\r\n"} {
		buf := []byte(in + "PING\r\n")
		var p Parser
		args, n, err := p.Next(buf, &lim)
		if err != nil || len(args) != 3 {
			t.Fatal(args, err)
		}
		for _, a := range args {
			if cap(a) != len(a) {
				t.Errorf("%q: %d bytes of room behind an argument", in, cap(a)-len(a))
			}
		}
		key := strings.Clone(string(args[1]))
		clear(buf[:n])
		if string(args[1]) == key {
			t.Errorf("%q: the argument was copied", in)
		}
	}
}

// An announced count costs nothing; what arrives is given back when it is done.
func TestStorageFollowsWhatArrived(t *testing.T) {
	lim := DefaultLimits()
	var p Parser
	if _, _, err := p.Next([]byte("*2147483647\r\n$1\r\na\r\n$1\r\nb\r\n"), &lim); err != nil {
		t.Fatal(err)
	}
	if cap(p.spans) > 16 || cap(p.args) > 16 {
		t.Errorf("room for %d spans and %d arguments after 2 arguments", cap(p.spans), cap(p.args))
	}
	p.Reset()
	huge := encode(slices.Repeat([]string{"a"}, 10_000)...)
	for _, cut := range []int{len(huge) / 2, len(huge)} {
		if cut < len(huge) {
			drain(t, &p, huge[:cut], &lim)
		}
		if n := drain(t, &p, huge, &lim); n != 1 {
			t.Fatal(n)
		}
		if cap(p.spans) > keptArgs || cap(p.args) > keptArgs {
			t.Errorf("room for %d spans and %d arguments kept", cap(p.spans), cap(p.args))
		}
	}
}

// An idle connection's parser does not keep the buffer of its last command alive.
func TestIdleParserHoldsNoBuffer(t *testing.T) {
	lim := DefaultLimits()
	var p Parser
	freed := make(chan struct{})
	func() {
		big := bytes.Repeat(encode("a", "b", "c", "d"), 4096)
		runtime.AddCleanup(&big[0], func(c chan struct{}) { close(c) }, freed)
		if args, _, _ := p.Next(big, &lim); len(args) != 4 {
			t.Fatal(args)
		}
		drain(t, &p, []byte("PING\r\n"), &lim) // leaves three of the four behind
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-freed:
			runtime.KeepAlive(&p)
			return
		default:
			runtime.Gosched()
		}
	}
	t.Error("the parser still refers to the buffer")
}
