package script

import (
	"fmt"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
)

// What a script does to KEYS and ARGV is gone in the next run, which has the
// same interpreter.
func TestWordsAreFresh(t *testing.T) {
	e := New(Options{Idle: 1})
	const look = `
		local n, extra = 0, 0
		for k in pairs(KEYS) do n = n + 1 end
		for k in pairs(ARGV) do n = n + 1 end
		for i = 1, 64 do if KEYS[i] or ARGV[i] then extra = extra + 1 end end
		return {#KEYS, #ARGV, n, extra, tostring(getmetatable(KEYS)), tostring(KEYS.x), tostring(rawget(ARGV, 1))}`
	for _, harm := range []string{
		"KEYS[1] = 'other' ARGV[3] = 'more'",
		"for i = 1, 64 do KEYS[i] = i ARGV[i] = {} end",
		"KEYS.x = 1 ARGV[0] = 2 ARGV[-1.5] = 3 KEYS[KEYS] = ARGV",
		"setmetatable(KEYS, {__index = function() return 'ghost' end})",
		"table.insert(KEYS, 'more') table.insert(ARGV, 1, 'first') table.remove(KEYS)",
		"KEYS[7] = 'far' KEYS[8] = 'farther' KEYS[9] = 'away' table.remove(KEYS)",
		"KEYS[1] = nil ARGV[1] = nil",
		"KEYS.x = 1 error('stop')",
	} {
		keys := [][]byte{[]byte("a"), []byte("b")}
		eval(t, e, "pcall(function() "+harm+" end)", Request{Keys: keys, Args: keys[:1]})
		if got, want := eval(t, e, look, Request{Keys: keys[:1]}), "*7\r\n:1\r\n:0\r\n:1\r\n:1\r\n$3\r\nnil\r\n$3\r\nnil\r\n$3\r\nnil\r\n"; got != want {
			t.Errorf("after %s: %q", harm, got)
		}
	}
}

func TestManyWords(t *testing.T) {
	e := New(Options{Idle: 1})
	for _, n := range []int{0, 1, keptWords, keptWords + 1, 1000, 1} {
		var keys, args [][]byte
		for i := range n {
			keys, args = append(keys, fmt.Appendf(nil, "k%d", i)), append(args, fmt.Appendf(nil, "a%d", i))
		}
		got := eval(t, e, "return #KEYS .. #ARGV .. tostring(KEYS[#KEYS]) .. tostring(ARGV[#ARGV])", Request{Keys: keys, Args: args})
		want := fmt.Sprintf("%d%dk%da%d", n, n, n-1, n-1)
		if n == 0 {
			want = "00nilnil"
		}
		if want = fmt.Sprintf("$%d\r\n%s\r\n", len(want), want); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestShortScriptsAllocateNothing(t *testing.T) {
	e := New(Options{Idle: 1})
	for _, body := range []string{
		"return 1",
		"redis.call('DECRBY', KEYS[1], 1) return redis.call('INCRBY', KEYS[2], 1)",
		"if redis.call('GET', KEYS[1]) == 1 then return ARGV[1] end",
	} {
		req := Request{Body: []byte(body), Keys: [][]byte{[]byte("a"), []byte("b")}, Args: [][]byte{[]byte("x")}, Caller: noop{}}
		var out reply.Writer
		run := func() {
			out.Buf = out.Buf[:0]
			if err := e.Run(&req, &out); err != nil {
				t.Fatal(err)
			}
		}
		run()
		if allocs := testing.AllocsPerRun(100, run); allocs != 0 {
			t.Errorf("%s: %v allocations", body, allocs)
		}
	}
}
