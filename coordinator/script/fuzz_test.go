package script

import (
	"os"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
)

// hostile are ways out of the sandbox, and ways to break the interpreter, that
// must end in an error or in nothing. They are seeds of the fuzzing as well.
var hostile = []string{
	"os.exit()", "io.open('/etc/passwd')", "require('os')", "dofile('/etc/passwd')",
	"loadfile('/etc/passwd')()", "package.loadlib('x','y')", "debug.getinfo(1)",
	"return loadstring('\\27Lua\\81\\0')()", "return load(function() return '\\27Lua' end)()",
	"getmetatable('').__index=nil", "getmetatable('').__index=function() return 1 end",
	"setmetatable(string,{})", "string.rep=nil", "rawset(string,'rep',nil)", "_G._G=nil",
	"getmetatable(_G).__index=nil", "setmetatable(_G,nil)", "table.insert(redis,1)",
	"table.sort(redis)", "table.remove(_G)", "redis.call=print", "rawset(redis,'call',nil)",
	"for k in pairs(_G) do rawset(_G,k,nil) end", "cjson.decode=nil", "math.random=nil",
	"getfenv(1)", "setfenv(1,{})", "newproxy(true)", "string.dump(function() end)",
	"return collectgarbage('stop')", "coroutine.yield()", "coroutine.wrap(coroutine.yield)()",
	"local co co=coroutine.create(function() coroutine.resume(co) end) coroutine.resume(co)",
	"coroutine.wrap(function() setmetatable({},{__index=function() coroutine.yield() end}).x() end)()",
	"coroutine.wrap(function() for k in function() coroutine.yield(1) return nil end do end end)()",
	"coroutine.wrap(function() table.sort({3,2,1},function() coroutine.yield() end) end)()",
	"coroutine.wrap(function() string.gsub('abc','.',function() coroutine.yield() end) end)()",
	"coroutine.wrap(function() pcall(function() coroutine.yield() end) end)()",
	"local c=coroutine.wrap(function() error(coroutine.running()) end) pcall(c) c()",
	"local function f() return pcall(f) end return f()",
	"local function f() return xpcall(f,f) end return f()",
	"local t=setmetatable({},{}) getmetatable(t).__index=t return t.x",
	"local t={} t.__index=function(t,k) return t[k] end setmetatable(t,t) return t.x",
	"local t={} setmetatable(t,{__tostring=function() return t end}) return tostring(tostring(t))",
	"local t={} t[t]=t t.err=t return t", "local t={} t.map=t return t",
	"return {verbatim_string={format='',string=''}}", "return {double='x',big_number=1,ok={},err={}}",
	"return cjson.decode(string.rep('[',100000))", "return cjson.decode(string.rep('{\"a\":',5000))",
	"local t={} t[1]=t return cjson.encode(t)", "local t={} t[1]=t return cmsgpack.pack(t)",
	"return cmsgpack.unpack(string.rep('\\145',100000))", "return cmsgpack.unpack('\\223\\255\\255\\255\\255')",
	"return struct.unpack('c2147483647','x')", "return struct.pack('c0',string.rep('x',100))",
	"return struct.unpack('!2147483648i','x')", "return string.format('%99.99f',1e308)",
	"return string.rep('%s',100):format(unpack({},1,100))", "return unpack({},-2^63,2^63)",
	"return unpack({},2^31,2^31+5)", "return select(-2^63,1)", "return ('x'):rep(2^63)",
	"return string.byte('x',-2^63,2^63)", "return ('x'):sub(2^63,-2^63)", "return table.concat({},'',-2^63,2^63)",
	"return table.concat({},'',2^53,2^53+10)", "for i=1,2^53 do break end", "return math.random(2^53)",
	"return math.random(-2^63,2^63)", "return bit.lshift(1,2^40)", "return bit.tohex(1,-2^31)",
	"return tonumber(string.rep('9',10000))", "return tonumber('0x'..string.rep('f',10000))",
	"table.insert({},2^53,1)", "table.insert({1},-5,1)", "table.remove({1,2},-1)", "local t={} t[-2^53]=1 return #t",
	"local t={} for i=1,10 do t[2^i]=i end return #t", "return #setmetatable({},{__len=function() return {} end})",
	"redis.call('raw','*3\\r\\n:1\\r\\n')", "redis.call('raw','')", "redis.call('raw','garbage')",
	"redis.call('raw','$-5\\r\\n')", "redis.call('raw','$999999999999\\r\\n')", "redis.call('raw','*99999999\\r\\n')",
	"redis.setresp(3) redis.call('raw','%1\\r\\n_\\r\\n_\\r\\n') return 1",
	"redis.setresp(3) return redis.call('raw','=5\\r\\ntxt:a\\r\\n')", "redis.setresp(3) redis.call('raw','=1\\r\\na\\r\\n')",
	"#!lua flags=\nreturn 1", "#!", "#!lua  \n", "goto x ::x:: return 1", "return ...", "local function f(...) return f(...,1) end f()",
	"return " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000),
	"return " + strings.Repeat("-", 1) + strings.Repeat(" -", 10000) + "1",
	"return " + strings.Repeat("1+", 20000) + "1", "return " + strings.Repeat("'a'..", 20000) + "'b'",
	"return " + strings.Repeat("{", 10000) + strings.Repeat("}", 10000),
	strings.Repeat("do ", 10000) + strings.Repeat(" end", 10000),
	"local " + strings.Repeat("a,", 300) + "a = 1", "return f" + strings.Repeat("()", 10000),
	strings.Repeat("if x then elseif ", 3000), strings.Repeat("local a=1 ", 300),
	"local function a() " + strings.Repeat("local function b() ", 100) + strings.Repeat("end ", 101),
	"return {" + strings.Repeat("1,", 100000) + "}", "x='" + strings.Repeat("a", 100000), "--[[", "return [==[", "\x00", "\xff\xfe",
}

// benign is a script whose result tells whether an interpreter is still whole.
const benign = `local s=('x'):rep(2) local t={3,1,2} table.sort(t)
	return {s, t[1], tostring(1/3), type(redis.call), cjson.encode({1}), math.random(100), pcall(error)}`

// tryScript runs a script on an engine of small limits and then the benign one.
func tryScript(t *testing.T, e *Engine, body string, tame bool) (got string) {
	t.Helper()
	for proto := uint8(2); proto <= 3; proto++ {
		out := reply.Writer{Proto: proto}
		req := Request{Body: []byte(body), Keys: [][]byte{[]byte("k")}, Args: [][]byte{[]byte("1"), nil}, Caller: &fake{tame: tame}}
		if err := e.Run(&req, &out); err != nil {
			t.Fatalf("%.300s: %v", body, err)
		}
		got = string(out.Buf)
	}
	return got
}

func TestHostile(t *testing.T) {
	e := New(Options{MemoryLimit: 8 << 20, MaxSteps: 300_000})
	want := eval(t, New(Options{}), benign, Request{})
	before := openFiles(t)
	for _, body := range hostile {
		recovered := e.Recovered()
		got := tryScript(t, e, body, false)
		malformed := strings.Contains(body, "'raw'") && strings.Contains(got, errPanic.Error())
		if n := e.Recovered() - recovered; n != 0 && !malformed {
			t.Errorf("%.200s: recovered %d panics, answered %.200q", body, n, got)
		}
		if again := eval(t, e, benign, Request{}); again != want {
			t.Errorf("after %.200s: %q, want %q", body, again, want)
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d open files became %d", before, after)
	}
}

// openFiles counts this process's file descriptors.
func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

func FuzzScript(f *testing.F) {
	for _, body := range hostile {
		if len(body) < 4096 {
			f.Add(body)
		}
	}
	for _, name := range []string{"errors", "values", "libraries"} {
		text, err := os.ReadFile("testdata/" + name + ".lua")
		if err != nil {
			f.Fatal(err)
		}
		for _, body := range strings.Split(string(text), "\n---\n") {
			f.Add(body)
		}
	}
	e := New(Options{MemoryLimit: 8 << 20, MaxSteps: 100_000})
	f.Fuzz(func(t *testing.T, body string) {
		before := e.Recovered()
		got := tryScript(t, e, body, true)
		if e.Recovered() != before {
			t.Fatalf("recovered a panic in %q, answered %.200q", body, got)
		}
		if len(got) == 0 {
			t.Fatalf("no reply to %q", body)
		}
	})
}
