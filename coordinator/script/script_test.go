package script

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
)

// fake is a Caller that knows a few commands.
type fake struct {
	calls []string
	abort error
	tame  bool // does not do as badly as the script says
}

func (f *fake) Call(args [][]byte, w *reply.Writer) {
	f.calls = append(f.calls, fmt.Sprintf("%q", args))
	name := strings.ToLower(string(args[0]))
	if f.tame && name != "set" {
		name = "echo"
		args = append(args, args[0])
	}
	switch name {
	case "abort":
		panic(Abort{f.abort})
	case "boom":
		panic("caller's defect")
	case "set":
		w.OK()
	case "raw": // a reply given by the script
		w.Raw(args[1])
	case "echo":
		w.Bulk(args[1])
	default:
		w.Error("ERR Unknown Redis command called from script")
	}
}

func eval(t testing.TB, e *Engine, body string, req Request) string {
	t.Helper()
	var out reply.Writer
	req.Body = []byte(body)
	if req.Caller == nil {
		req.Caller = &fake{}
	}
	if err := e.Run(&req, &out); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return string(out.Buf)
}

func TestResults(t *testing.T) {
	e := New(Options{})
	for _, c := range []struct{ body, want string }{
		{"return 1", ":1\r\n"},
		{"return 'a'..1 ..2.5", "$5\r\na12.5\r\n"},
		{"return {1,2,nil,3}", "*2\r\n:1\r\n:2\r\n"},
		{"return redis.call('set','a',1)", "+OK\r\n"},
		{"local n=0 local function inc() n=n+1 end inc() pcall(error,'x') inc() return n", ":2\r\n"},
		{"local f pcall(function() local x=1 f=function() x=x+1 return x end error('e') end) local a,b=7,8 return f()+f()", ":5\r\n"},
		{"return '010'+1", ":11\r\n"},
		{"return 0010", ":10\r\n"},
		{"local s=0 for i='1','3' do s=s+i end return s", ":6\r\n"},
		{"return tostring(1/3)..' '..1e15 ..' '..2^53", "$41\r\n0.33333333333333 1e+15 9.007199254741e+15\r\n"},
		{"local type=function(x) return type(x) end return type(1)", "$6\r\nnumber\r\n"},
		{"local t={} t[1]=1 t[#t+1]=2 t.x=3 local n=0 for k,v in pairs(t) do n=n+v end return n", ":6\r\n"},
		{"local a={b={}} local i=5 a.b[i*2]=7 return a.b[10]", ":7\r\n"},
		{"local co=coroutine.wrap(function(a) local b=coroutine.yield(a+1) return b*2 end) return {co(1),co(10)}", "*2\r\n:2\r\n:20\r\n"},
		{"return select('#', pcall(error))", ":2\r\n"},
		{"return {pcall(function() error({err='x'}) end)}", "*2\r\n$-1\r\n$1\r\nx\r\n"},
		{"local r={} for w in string.gmatch('one two','%a+') do r[#r+1]=w end return r", "*2\r\n$3\r\none\r\n$3\r\ntwo\r\n"},
		{"local t={3,1,2} table.sort(t) return t", "*3\r\n:1\r\n:2\r\n:3\r\n"},
		{"return cjson.encode({a={1,2,{}},b=cjson.null})", "$23\r\n{\"a\":[1,2,{}],\"b\":null}\r\n"},
		{"return cjson.decode('{\"a\":[1,2.5,\"x\\\\u00e9\"]}').a[3]", "$3\r\nx\u00e9\r\n"},
		{"return cmsgpack.unpack(cmsgpack.pack({1,2,3}))", "*3\r\n:1\r\n:2\r\n:3\r\n"},
	} {
		if got := eval(t, e, c.body, Request{}); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.body, got, c.want)
		}
	}
	if e.Recovered() != 0 {
		t.Errorf("recovered %d panics", e.Recovered())
	}
}

func TestAbortPassesThroughPcall(t *testing.T) {
	e := New(Options{})
	reason := errors.New("wounded")
	for _, body := range []string{
		"redis.call('abort')",
		"pcall(redis.call,'abort') return 1",
		"for i=1,3 do pcall(function() pcall(redis.call,'abort') end) end return 1",
		"xpcall(function() redis.pcall('abort') end, function() return 1 end)",
		"coroutine.wrap(function() pcall(redis.call,'abort') end)() return 2",
		"string.gsub('abc','.',function() redis.call('abort') end)",
		"table.sort({3,2,1},function() redis.call('abort') end)",
	} {
		out := reply.Writer{Buf: []byte("before")}
		caller := &fake{abort: reason}
		err := e.Run(&Request{Body: []byte(body), Caller: caller}, &out)
		if !errors.Is(err, reason) || string(out.Buf) != "before" || len(caller.calls) != 1 {
			t.Errorf("%s: err %v, out %q, calls %v", body, err, out.Buf, caller.calls)
		}
	}
	if got := eval(t, e, "return 1", Request{}); got != ":1\r\n" {
		t.Errorf("after aborts: %q", got)
	}
}

func TestKill(t *testing.T) {
	var kill atomic.Bool
	kill.Store(true)
	for _, body := range []string{
		"while true do end",
		"while true do pcall(function() while true do end end) end",
		"coroutine.wrap(function() while true do end end)()",
		"local s=string.rep('a',100000) return string.find(s, string.rep('a?',200)..string.rep('a',200)..'b')",
		"string.find(string.rep('a',1e6), '.-.-.-.-b')",
		"local t={} for i=1,1e6 do t[i]=i end table.sort(t,function() return true end)",
		"local t={} t[1]=t t[2]=t return t",
	} {
		got := eval(t, New(Options{}), body, Request{Kill: &kill})
		if !strings.Contains(got, "Script killed by user with SCRIPT KILL...") {
			t.Errorf("%s: %.200q", body, got)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	e := New(Options{MemoryLimit: 4 << 20})
	for _, body := range []string{
		"local s='x' while true do s=s..s end",
		"local t={} while true do t[#t+1]={} end",
		"local t={} local i=0 while true do i=i+1 t['k'..i]=i end",
		"local t={} local i=0 while true do i=i+1 local k='k'..i t[k]=i t[k]=nil end",
		"return string.rep('x',1e10)",
		"local t={} t[60000000]=1",
		"local t={} for i=1,100 do t[i]={[1000000*i]=1} end",
		"local t={} for i=1,1e9 do table.insert(t,i) end",
		"local t={} for i=1,1e9 do t[i]=string.rep('x',1000) end",
		"return string.gsub(string.rep('x',1e6),'x',string.rep('y',1e5))",
		"return table.concat(setmetatable({},{}),'x',1,0) .. string.rep('ab',2^40)",
		"local t={} for i=1,2000 do t[i]='abc' end local s=cjson.encode(t) while true do t[#t+1]=cjson.encode(t) end",
		"local f f=function(...) return f(string.rep('x',1e5),...) end f()",
		"local t={} while true do t[#t+1]=coroutine.create(function() end) end",
		"local t={} for i=1,1e7 do local x=i t[i]=function() return x end end",
		"local s=string.rep('x',1e6) local t={} for i=1,1e6 do t[i]=string.sub(s,2) end",
	} {
		got := eval(t, e, body, Request{})
		if !strings.Contains(got, "not enough memory") && !strings.Contains(got, "stack overflow") {
			t.Errorf("%s: %.200q", body, got)
		}
	}
	// What lives is what counts, not what was made.
	for _, body := range []string{
		"local s for i=1,300 do s=string.rep('x',1e6) end return #s",
		"local s=string.rep('x',1e6) local t={} for i=1,1000 do t[i]=s end return #t[1000]",
	} {
		if got := eval(t, e, body, Request{}); got != ":1000000\r\n" {
			t.Errorf("%s: %.200q", body, got)
		}
	}
	if e.Recovered() != 0 {
		t.Errorf("recovered %d panics", e.Recovered())
	}
}

func BenchmarkRun(b *testing.B) {
	for _, c := range []struct{ name, body string }{
		{"trivial", "return 1"},
		{"transfer", "redis.call('DECRBY',KEYS[1],1) return redis.call('INCRBY',KEYS[2],1)"},
		{"set-incr", "redis.call('set',KEYS[1],ARGV[1]); redis.call('incr',KEYS[2]); return 1"},
		{"loop1000", "local s=0 for i=1,1000 do s=s+i end return s"},
		{"concat100", "local s='' for i=1,100 do s=s..i end return #s"},
		{"table1000", "local t={} for i=1,1000 do t[i]=i end return #t"},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := New(Options{})
			req := Request{Body: []byte(c.body), Keys: [][]byte{[]byte("key:1"), []byte("key:2")}, Args: [][]byte{[]byte("value")}, Caller: noop{}}
			var out reply.Writer
			b.ReportAllocs()
			for b.Loop() {
				out.Buf = out.Buf[:0]
				if err := e.Run(&req, &out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type noop struct{}

func (noop) Call(args [][]byte, w *reply.Writer) { w.Int(1) }
