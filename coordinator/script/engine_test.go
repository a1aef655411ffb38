package script

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
)

func TestCache(t *testing.T) {
	e := New(Options{})
	body := "#!lua flags=no-writes,allow-oom\nreturn KEYS[1]"
	sha, err := e.Load([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Load([]byte("return (")); err == nil || !strings.HasPrefix(err.Error(), "ERR Error compiling script (new function): user_script:1: ") {
		t.Errorf("a broken script: %v", err)
	}
	if got, flags, ok := e.Script([]byte(sha)); !ok || got != body || flags != NoWrites|AllowOOM {
		t.Errorf("Script = %q, %b, %v", got, flags, ok)
	}
	if !e.Exists(strings.ToUpper(sha)) || e.Exists(sha[1:]) || e.Len() != 1 {
		t.Errorf("Exists is wrong, or Len %d", e.Len())
	}
	ask := func() string {
		var out reply.Writer
		if err := e.Run(&Request{SHA: []byte(strings.ToUpper(sha)), Keys: [][]byte{[]byte("k")}, Caller: &fake{}, ReadOnly: true}, &out); err != nil {
			t.Fatal(err)
		}
		return string(out.Buf)
	}
	if got := ask(); got != "$1\r\nk\r\n" {
		t.Errorf("by SHA: %q", got)
	}
	e.Flush()
	if got := ask(); got != "-"+string(reply.ErrNoScript)+"\r\n" {
		t.Errorf("after Flush: %q", got)
	}
	for range 2 { // by text, the second time without compiling
		eval(t, e, body, Request{})
		if !e.Exists(sha) || e.Len() != 1 {
			t.Error("EVAL after Flush left no script in the cache")
		}
	}
	e.Flush()
	if e.Exists(sha) {
		t.Error("Flush left a script")
	}
	got := eval(t, e, "#!lua\nreturn 1", Request{ReadOnly: true})
	if got != "-ERR Can not execute a script with write flag using *_ro command.\r\n" {
		t.Errorf("EVAL_RO of a writing script: %q", got)
	}
}

func TestShareKeepsNothingFromBeforeAFlush(t *testing.T) {
	e, other := New(Options{}), New(Options{})
	sha, err := other.Load([]byte("return 1"))
	if err != nil {
		t.Fatal(err)
	}
	asked := e.Generation()
	if !e.Share([]byte("return 1"), asked) || !e.Exists(sha) {
		t.Error("a script of another cache is not taken")
	}
	e.Flush()
	if e.Share([]byte("return 1"), asked) || e.Exists(sha) {
		t.Error("a script that was asked for before Flush is back")
	}
	if e.Share([]byte("return ("), e.Generation()) || e.Len() != 0 {
		t.Error("a broken script is taken")
	}
}

func TestCallerDefectIsCounted(t *testing.T) {
	e := New(Options{})
	got := eval(t, e, "return redis.pcall('boom')", Request{})
	if !strings.Contains(got, errPanic.Error()) || e.Recovered() != 1 {
		t.Errorf("%q, recovered %d", got, e.Recovered())
	}
}

func TestRunsAtOnce(t *testing.T) {
	e := New(Options{Idle: 2})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				body := fmt.Sprintf("local t={} for i=1,%d do t[i]=i..KEYS[1] end return #t", i%7+1)
				var out reply.Writer
				req := Request{Body: []byte(body), Keys: [][]byte{[]byte("k")}, Caller: &fake{}}
				if err := e.Run(&req, &out); err != nil || string(out.Buf) != fmt.Sprintf(":%d\r\n", i%7+1) {
					t.Errorf("goroutine %d: %q %v", g, out.Buf, err)
				}
				if i%20 == 0 {
					e.Flush()
				}
			}
		})
	}
	wg.Wait()
}

func TestLogAndLimits(t *testing.T) {
	var lines []string
	e := New(Options{MaxSteps: 5000, Log: func(level int, message string) {
		lines = append(lines, fmt.Sprint(level, " ", message))
	}})
	eval(t, e, "redis.log(redis.LOG_WARNING,'a',1,{},'b')", Request{})
	if len(lines) != 1 || lines[0] != "3 a 1 b" {
		t.Errorf("logged %q", lines)
	}
	if got := eval(t, e, "while true do end", Request{}); !strings.Contains(got, errSteps.Error()) {
		t.Errorf("endless loop: %q", got)
	}
	if got := eval(t, e, "for i=1,100 do end return 1", Request{}); got != ":1\r\n" {
		t.Errorf("after it: %q", got)
	}
}
