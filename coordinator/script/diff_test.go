package script

import (
	"os"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/reply"
)

// TestAgainstRedis runs every script of testdata/*.lua, which "---" lines
// separate, on a redis-server and here, and compares the replies to the byte.
func TestAgainstRedis(t *testing.T) {
	s := startRedis(t)
	e := New(Options{})
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".lua") {
			continue
		}
		text, err := os.ReadFile("testdata/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range strings.Split(string(text), "\n---\n") {
			scripts++
			compare(t, s, e, file.Name(), strings.TrimSuffix(body, "\n"))
		}
	}
	if scripts < 100 {
		t.Errorf("only %d scripts", scripts)
	}
	if e.Recovered() != 0 {
		t.Errorf("recovered %d panics", e.Recovered())
	}
}

func compare(t *testing.T, s *server, e *Engine, name, body string) {
	keys := [][]byte{[]byte("k1"), []byte("k2")}
	args := [][]byte{[]byte("v1"), []byte("20"), []byte("0x10")}
	for proto := range uint8(4) {
		if proto < reply.RESP2 {
			continue
		}
		client, caller := s.dial(proto), s.forwarder()
		client.do([]byte("FLUSHALL"))
		command := [][]byte{[]byte("EVAL"), []byte(body), []byte("2")}
		want := client.do(append(append(command, keys...), args...)...)
		client.do([]byte("FLUSHALL"))
		out := reply.Writer{Proto: proto}
		err := e.Run(&Request{Body: []byte(body), Keys: keys, Args: args, Caller: caller}, &out)
		if err != nil || string(out.Buf) != string(want) {
			t.Errorf("%s, RESP%d\n%s\n got %q %v\nwant %q", name, proto, body, out.Buf, err, want)
		}
	}
}

// TestGlobals compares what scripts can see, by name and type.
func TestGlobals(t *testing.T) {
	s := startRedis(t)
	body := `local out={}
		for k,v in pairs(_G) do
			out[#out+1]=k..' '..type(v)
			if type(v)=='table' and k~='_G' and k~='KEYS' and k~='ARGV' then
				for k2,v2 in pairs(v) do
					local shown = type(v2)=='function' and '' or ' '..tostring(v2)
					if type(v2)=='userdata' then shown=' userdata' end
					out[#out+1]=k..'.'..k2..' '..type(v2)..shown
				end
			end
		end
		table.sort(out)
		return table.concat(out,'\n')`
	want := s.dial(2).do([]byte("EVAL"), []byte(body), []byte("0"))
	got := eval(t, New(Options{}), body, Request{})
	if got != string(want) {
		t.Errorf("globals differ\n got %s\nwant %s", got, want)
	}
}
