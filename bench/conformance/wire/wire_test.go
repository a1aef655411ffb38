package wire

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// serve gives a connection whose other end has sent input and closed.
func serve(t *testing.T, input string) *Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Dial(l.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(peer, input); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	return c
}

func TestReadAndFormat(t *testing.T) {
	for input, want := range map[string]string{
		"+OK\r\n":                         "+OK",
		"-ERR no\r\n":                     "-ERR no",
		":-5\r\n":                         ":-5",
		"$3\r\na\"\n\r\n":                 `"a\"\n"`,
		"$0\r\n\r\n":                      `""`,
		"$-1\r\n":                         "$-1",
		"*-1\r\n":                         "*-1",
		"*0\r\n":                          "*0",
		"_\r\n":                           "_",
		",1.5\r\n":                        ",1.5",
		"#t\r\n":                          "#t",
		"(12345678901234567890\r\n":       "(12345678901234567890",
		"=6\r\ntxt:hi\r\n":                `="txt:hi"`,
		"!5\r\nERR x\r\n":                 `!"ERR x"`,
		"*2\r\n:1\r\n$-1\r\n":             "*2 [:1 $-1]",
		"%1\r\n+k\r\n*1\r\n:1\r\n":        "%1\n  +k\n  *1 [:1]",
		"~1\r\n$1\r\na\r\n":               `~1 ["a"]`,
		">2\r\n+a\r\n+b\r\n":              ">2 [+a +b]",
		"|1\r\n+ttl\r\n:1\r\n$1\r\nv\r\n": `|1 [+ttl :1 "v"]`,
		"*1\r\n*1\r\n*0\r\n":              "*1\n  *1\n    *0",
		"$400\r\n" + strings.Repeat("x", 400) + "\r\n": `"xxxxxxxxxxxxxxxxxxxxxxxx"… (400 bytes, sha1 ad8eb8432087114c)`,
	} {
		v, err := serve(t, input).Read(time.Second)
		if err != nil {
			t.Errorf("%.40q: %v", input, err)
			continue
		}
		if got := v.Format(); got != want {
			t.Errorf("%.40q: got\n%s\nwant\n%s", input, got, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, input := range []string{
		"?\r\n", "\r\n", "+OK\n", "$-2\r\n", "$x\r\n", "$99999999999\r\n", "*-2\r\n", "$2\r\nabcd",
		"*1\r\n?\r\n", strings.Repeat("*1\r\n", maxDepth+2),
	} {
		if v, err := serve(t, input).Read(time.Second); err == nil {
			t.Errorf("%.40q: got %s", input, v.Format())
		}
	}
	for input, want := range map[string]error{"": io.EOF, "$5\r\nab": io.ErrUnexpectedEOF} {
		if _, err := serve(t, input).Read(time.Second); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", input, err, want)
		}
	}
}

func TestCommandEncoding(t *testing.T) {
	if got, want := string(Command([]byte("GET"), nil, []byte("a\r\n"))), "*3\r\n$3\r\nGET\r\n$0\r\n\r\n$3\r\na\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
