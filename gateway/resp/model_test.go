package resp

import (
	"bytes"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// model is the parser's specification, written for clarity: it sees the whole stream at
// once, starts over at each command and reads C strings as redis-server does.
func model(stream []byte, lim *Limits) (o outcome) {
	for len(stream) > 0 {
		var args []string
		var size int
		if stream[0] == '*' {
			args, size, o.err = modelMultibulk(stream, lim)
		} else {
			args, size, o.err = modelInline(stream, lim)
		}
		if o.err != "" {
			return o
		}
		if size == 0 {
			break
		}
		if len(args) > 0 {
			o.commands = append(o.commands, args)
		}
		stream = stream[size:]
	}
	o.rest = len(stream)
	return o
}

// strchr finds c as C does: not beyond a NUL, and not beyond what a line may hold.
func strchr(s []byte, c byte, lim *Limits) int {
	if nul := bytes.IndexByte(s, 0); nul >= 0 {
		s = s[:nul]
	}
	i := bytes.IndexByte(s, c)
	if i > lim.MaxInline {
		return -1
	}
	return i
}

var canonicalInt = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

func modelNumber(s []byte) (int64, bool) {
	if !canonicalInt.Match(s) {
		return 0, false
	}
	n, _ := new(big.Int).SetString(string(s), 10)
	return n.Int64(), n.IsInt64()
}

func modelMultibulk(s []byte, lim *Limits) (args []string, size int, errText string) {
	end := strchr(s, '\r', lim)
	if end < 0 && len(s) > lim.MaxInline {
		return nil, 0, "Protocol error: too big mbulk count string"
	}
	if end < 0 || end+2 > len(s) {
		return nil, 0, ""
	}
	count, ok := modelNumber(s[1:end])
	if !ok || count > int64(lim.MaxArgs) {
		return nil, 0, "Protocol error: invalid multibulk length"
	}
	if lim.Unauthenticated && count > 10 {
		return nil, 0, "Protocol error: unauthenticated multibulk length"
	}
	pos := end + 2
	for range count {
		arg, next, errText := modelBulk(s, pos, lim)
		if next == 0 {
			return nil, 0, errText
		}
		args, pos = append(args, arg), next
	}
	return args, pos, ""
}

func modelBulk(s []byte, pos int, lim *Limits) (arg string, next int, errText string) {
	line := s[pos:]
	end := strchr(line, '\r', lim)
	if end < 0 && len(line) > lim.MaxInline {
		return "", 0, "Protocol error: too big bulk count string"
	}
	if end < 0 || end+2 > len(line) {
		return "", 0, ""
	}
	if line[0] != '$' {
		shown := strings.NewReplacer("\r", " ", "\n", " ").Replace(string(line[:1]))
		return "", 0, fmt.Sprintf("Protocol error: expected '$', got '%s'", shown)
	}
	n, ok := modelNumber(line[1:end])
	if !ok || n < 0 || n > lim.MaxBulk {
		return "", 0, "Protocol error: invalid bulk length"
	}
	if lim.Unauthenticated && n > 16384 {
		return "", 0, "Protocol error: unauthenticated bulk length"
	}
	start := pos + end + 2
	after := new(big.Int).Add(big.NewInt(n), big.NewInt(int64(start+2)))
	if after.Cmp(big.NewInt(lim.MaxQuery)) > 0 && int64(len(s)) > lim.MaxQuery {
		return "", 0, "query buffer limit reached"
	}
	if after.Cmp(big.NewInt(int64(len(s)))) > 0 {
		return "", 0, ""
	}
	return string(s[start : start+int(n)]), start + int(n) + 2, ""
}

func modelInline(s []byte, lim *Limits) (args []string, size int, errText string) {
	end := strchr(s, '\n', lim)
	if end < 0 && len(s) > lim.MaxInline {
		return nil, 0, "Protocol error: too big inline request"
	}
	if end < 0 {
		return nil, 0, ""
	}
	args, ok := modelSplit(strings.TrimSuffix(string(s[:end]), "\r"))
	if !ok {
		return nil, 0, "Protocol error: unbalanced quotes in request"
	}
	return args, end + 1, ""
}

// escapedQuote stands for \' in single quotes; it is no byte's rune.
const escapedQuote = "\uE000"

// The three shapes of an argument's text, each anchored at its start.
var (
	plainRun    = regexp.MustCompile(`^[^ \t\r\n"']*`)
	doubleRun   = regexp.MustCompile(`(?s)^"((?:\\.|[^"\\])*)"(?:[ \t\r\n\v\f]|$)`)
	singleRun   = regexp.MustCompile(`(?s)^'([^']*)'(?:[ \t\r\n\v\f]|$)`)
	escapeInTwo = regexp.MustCompile(`(?s)\\(x[0-9a-fA-F]{2}|.)`)
)

func modelSplit(line string) (args []string, ok bool) {
	line = latin(line)
	for {
		line = strings.TrimLeft(line, " \t\r\n\v\f")
		if line == "" {
			return args, true
		}
		plain := plainRun.FindString(line)
		line = line[len(plain):]
		quoted, size := "", 0
		if line != "" && line[0] == '"' {
			m := doubleRun.FindStringSubmatchIndex(line)
			if m == nil {
				return nil, false
			}
			quoted, size = modelUnescape(line[m[2]:m[3]]), m[3]+1
		} else if line != "" && line[0] == '\'' {
			marked := strings.ReplaceAll(line, `\'`, escapedQuote)
			m := singleRun.FindStringSubmatch(marked)
			if m == nil {
				return nil, false
			}
			quoted = strings.ReplaceAll(m[1], escapedQuote, `'`)
			size = len(strings.ReplaceAll(m[1], escapedQuote, `\'`)) + 2
		}
		line = line[size:]
		args = append(args, unlatin(plain+quoted))
	}
}

func modelUnescape(s string) string {
	return escapeInTwo.ReplaceAllStringFunc(s, func(e string) string {
		if len(e) == 4 && e[1] == 'x' {
			n, _ := new(big.Int).SetString(e[2:], 16)
			return string(rune(n.Int64()))
		}
		named := map[string]string{"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}
		if c, ok := named[e[1:]]; ok {
			return c
		}
		return e[1:]
	})
}

// latin makes each byte one rune, so that regular expressions see bytes.
func latin(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

func unlatin(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}
