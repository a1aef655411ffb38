package resp

import (
	"fmt"
	"strings"
)

// streamCase is one stream of bytes that a peer sends. Its commands are ones that
// answer in server_test.go knows, so that redis-server shows what it understood.
type streamCase struct {
	name   string
	in     string
	unauth bool
}

const ping = "*1\r\n$4\r\nPING\r\n"

// echoArgs is an inline command that makes redis-server return its arguments.
const echoArgs = `EVAL "return ARGV" 0 `

func enc(args ...string) string { return string(encode(args...)) }

var streamCases = append(append(append(multibulkCases, bulkCases...), inlineCases...), unauthCases...)

var multibulkCases = []streamCase{
	{name: "one command", in: ping},
	{name: "pipeline", in: ping + enc("ECHO", "a") + ping},
	{name: "arguments of any bytes", in: enc("EVAL", "return ARGV", "0", "", "a\r\nb", "\x00\xff", "*1\r\n")},
	{name: "empty argument as name", in: enc("") + ping},
	{name: "count 0", in: "*0\r\n" + ping},
	{name: "count -1", in: "*-1\r\n" + ping},
	{name: "count -10", in: "*-10\r\n" + ping},
	{name: "count min int64", in: "*-9223372036854775808\r\n" + ping},
	{name: "count below min int64", in: "*-9223372036854775809\r\n" + ping},
	{name: "empty multibulks only", in: strings.Repeat("*0\r\n*-1\r\n\r\n\n", 50)},
	{name: "count absent", in: "*\r\n" + ping},
	{name: "count with plus", in: "*+1\r\n$4\r\nPING\r\n"},
	{name: "count with zero before", in: "*01\r\n$4\r\nPING\r\n"},
	{name: "count -0", in: "*-0\r\n" + ping},
	{name: "count -", in: "*-\r\n" + ping},
	{name: "count 00", in: "*00\r\n" + ping},
	{name: "count with space", in: "* 1\r\n$4\r\nPING\r\n"},
	{name: "count word", in: "*abc\r\n"},
	{name: "count int32 max", in: "*2147483647\r\n$1\r\na\r\n"},
	{name: "count over int32", in: "*2147483648\r\n"},
	{name: "count 3000000000", in: "*3000000000\r\n"},
	{name: "count of 2e9 and one argument", in: "*2000000000\r\n$1\r\na\r\n"},
	{name: "count of 19 digits", in: "*1000000000000000000\r\n$1\r\na\r\n"},
	{name: "count max int64", in: "*9223372036854775807\r\n"},
	{name: "count max uint64 plus 2", in: "*18446744073709551617\r\n$4\r\nPING\r\n"},
	{name: "count of 400 digits", in: "*" + strings.Repeat("1", 400) + "\r\n"},
	{name: "count line never ends", in: "*" + strings.Repeat("1", MaxInlineSize)},
	{name: "count line may go on", in: "*" + strings.Repeat("1", MaxInlineSize-1)},
	{name: "count ends with any byte after CR", in: "*1\rX$4\r\nPING\r\n" + ping},
	{name: "count ends with LF alone", in: "*1\n$4\nPING\n"},
	{name: "count hidden by NUL", in: "*\x00" + ping},
	{name: "count hidden by NUL too long", in: "*\x00\r\n" + strings.Repeat("A", MaxInlineSize)},
	{name: "empty lines after a command", in: ping + "\r\n" + ping + "\n" + ping},
	{name: "truncated", in: ping + "*2\r\n$4\r\nECHO\r\n$3\r\nab"},
}

var bulkCases = []streamCase{
	{name: "bulk max int64", in: "*1\r\n$9223372036854775807\r\nab\r\n"},
	{name: "bulk over int64", in: "*1\r\n$9223372036854775808\r\nab\r\n"},
	{name: "bulk wrapped to 4", in: "*1\r\n$18446744073709551620\r\nPING\r\n"},
	{name: "bulk wrapped to 4 in 32 bits", in: "*1\r\n$4294967300\r\nPING\r\n"},
	{name: "bulk -1", in: "*1\r\n$-1\r\n"},
	{name: "bulk -2", in: "*1\r\n$-2\r\n"},
	{name: "bulk min int64", in: "*1\r\n$-9223372036854775808\r\n"},
	{name: "bulk over 512 MiB", in: "*1\r\n$536870913\r\n"},
	{name: "bulk of 512 MiB announced", in: "*1\r\n$536870912\r\nab"},
	{name: "bulk 2000000000", in: "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n"},
	{name: "bulk word", in: "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$blabla\r\n"},
	{name: "bulk length absent", in: "*1\r\n$\r\nPING\r\n"},
	{name: "bulk with plus", in: "*1\r\n$+4\r\nPING\r\n"},
	{name: "bulk with zero before", in: "*1\r\n$04\r\nPING\r\n"},
	{name: "bulk -0", in: "*1\r\n$-0\r\n\r\n"},
	{name: "bulk 00", in: "*1\r\n$00\r\n\r\n"},
	{name: "bulk with space after", in: "*1\r\n$4 \r\nPING\r\n"},
	{name: "bulk digits broken", in: "*1\r\n$4a\r\nPING\r\n"},
	{name: "bulk trailer is any two bytes", in: "*2\r\n$4\r\nECHO\r\n$1\r\nazz" + ping},
	{name: "bulk header ends with any byte after CR", in: "*2\r\n$4\r*ECHO\r\n$1\r$a\r\n" + ping},
	{name: "no bulk", in: "*1\r\nfoo\r\n"},
	{name: "no bulk and no line end", in: "*1\r\nfoo"},
	{name: "no bulk CR", in: "*1\r\n\r\n"},
	{name: "no bulk LF", in: "*1\r\n\n\r\n"},
	{name: "no bulk high byte", in: "*1\r\n\x80\r\n"},
	{name: "no bulk count", in: "*1\r\n*1\r\n"},
	{name: "payload too long", in: "*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"},
	{name: "bulk line never ends", in: "*1\r\n$" + strings.Repeat("1", MaxInlineSize)},
	{name: "bulk line may go on", in: "*1\r\n$" + strings.Repeat("1", MaxInlineSize-1)},
	{name: "bulk hidden by NUL", in: "*1\r\n$\x004\r\nPING\r\n"},
	{name: "no bulk but NUL", in: "*1\r\n\x004\r\nPING\r\n"},
	{name: "bulk hidden by NUL too long", in: "*1\r\n\x00" + strings.Repeat("\r\n", MaxInlineSize/2)},
	{name: "error after commands", in: ping + ping + "*1\r\n$-5\r\n" + ping},
	{name: "big bulk", in: enc("ECHO", strings.Repeat("x", 300_000)) + ping},
	{name: "many arguments", in: enc(append([]string{"EVAL", "return ARGV", "0"}, strings.Fields(strings.Repeat("ab ", 3000))...)...) + ping},
}

var inlineCases = []streamCase{
	{name: "inline", in: "PING\r\n"},
	{name: "inline LF", in: "PING\n"},
	{name: "inline two CR", in: "PING\r\r\n"},
	{name: "inline CR inside", in: "ECHO\ra\r\n"},
	{name: "inline empty", in: "\r\n\n \t\r\n\r\r\n" + ping},
	{name: "inline blanks around", in: " \t PING \t\r\n"},
	{name: "inline unfinished", in: "PING"},
	{name: "inline then multibulk", in: "PING\r\n" + ping + "ECHO a\n" + ping},
	{name: "inline double quotes", in: echoArgs + `"a b" "" "c"` + "\r\n"},
	{name: "inline single quotes", in: echoArgs + `'a b' '' 'c'` + "\r\n"},
	{name: "inline escapes", in: echoArgs + `"\n\r\t\b\a\q\\\"" "\x41\x00\xfF\xg1\x4" "\x"` + "\r\n"},
	{name: "inline single quote escapes", in: echoArgs + `'\' \n \\ \" "'` + "\r\n"},
	{name: "inline no escapes unquoted", in: echoArgs + `a\nb \x41 \` + "\r\n"},
	{name: "inline quote in the middle", in: echoArgs + `foo"bar baz" foo'bar baz'` + "\r\n"},
	{name: "inline text after double quote", in: `ECHO "a"b` + "\r\n" + ping},
	{name: "inline text after single quote", in: `ECHO 'a'b` + "\r\n" + ping},
	{name: "inline quote after quote", in: `set """test-key""" test-value` + "\r\n" + ping},
	{name: "inline double quote open", in: `ECHO "a` + "\r\n" + ping},
	{name: "inline single quote open", in: `ECHO 'a` + "\r\n" + ping},
	{name: "inline double quote open escaped", in: `ECHO "a\"` + "\r\n" + ping},
	{name: "inline single quote open escaped", in: `ECHO 'a\'` + "\r\n" + ping},
	{name: "inline backslash at the end", in: `ECHO "a\` + "\r\n" + ping},
	{name: "inline vertical tab", in: echoArgs + "a\vb \vc \"d\"\ve\ff" + "\r\n"},
	{name: "inline high bytes", in: echoArgs + "\xff\x80 \"\xa0\x85\"" + "\r\n"},
	{name: "inline dollar", in: "$4\r\n"},
	{name: "inline longest", in: "ECHO " + strings.Repeat("a", MaxInlineSize-5) + "\n"},
	{name: "inline too long", in: strings.Repeat("a", MaxInlineSize+1)},
	{name: "inline may go on", in: strings.Repeat("a", MaxInlineSize)},
	{name: "inline hidden by NUL", in: "\x00\r\n" + ping},
	{name: "inline hidden by NUL too long", in: "PI\x00NG\r\n" + strings.Repeat("a", MaxInlineSize)},
	{name: "http post", in: "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n" + ping},
	{name: "http host", in: "hOsT: localhost:6379\r\n" + ping},
	{name: "http post as multibulk", in: enc("post", "a") + ping},
	{name: "tls hello", in: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
}

var unauthCases = []streamCase{
	{name: "unauth 10 arguments", unauth: true, in: enc("EVAL", "return ARGV", "0", "1", "2", "3", "4", "5", "6", "7")},
	{name: "unauth 11 arguments", unauth: true, in: "*11\r\n"},
	{name: "unauth count over int32", unauth: true, in: "*2147483648\r\n"},
	{name: "unauth count 0", unauth: true, in: "*0\r\n" + ping},
	{name: "unauth bulk of 16384", unauth: true, in: enc("ECHO", strings.Repeat("x", UnauthMaxBulk))},
	{name: "unauth bulk of 16385", unauth: true, in: "*2\r\n$4\r\nECHO\r\n$16385\r\n"},
	{name: "unauth bulk of 16385 complete", unauth: true, in: enc("ECHO", strings.Repeat("x", UnauthMaxBulk+1))},
	{name: "unauth bulk over 512 MiB", unauth: true, in: "*1\r\n$536870913\r\n"},
	{name: "unauth bulk -1", unauth: true, in: "*1\r\n$-1\r\n"},
	{name: "unauth inline of 12 arguments", unauth: true, in: echoArgs + "1 2 3 4 5 6 7 8 9\r\n"},
	{name: "unauth inline of 20000 bytes", unauth: true, in: "ECHO " + strings.Repeat("x", 20_000) + "\r\n"},
	{name: "unauth http", unauth: true, in: "POST / HTTP/1.1\r\n"},
}

func (c streamCase) limits() Limits {
	lim := DefaultLimits()
	lim.Unauthenticated = c.unauth
	return lim
}

func (c streamCase) String() string { return fmt.Sprintf("%s: %.80q", c.name, c.in) }
