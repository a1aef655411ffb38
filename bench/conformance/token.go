package conformance

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxExpansion bounds %rep and %seq, so that a mistyped case file is an error and not an exhausted machine.
const maxExpansion = 8 << 20

// A token is one word of a line. Quoted tells words such as "get" from the directive or macro of the same spelling.
type token struct {
	text   string
	quoted bool
}

// tokenize splits a line as redis-cli does: blanks separate, "…" knows \n \r \t \b \a \\ \" \xHH, '…' knows \'.
func tokenize(line string) ([]token, error) {
	var out []token
	for i := 0; i < len(line); {
		switch line[i] {
		case ' ', '\t':
			i++
			continue
		}
		t, n, err := nextToken(line[i:])
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		i += n
	}
	return out, nil
}

func nextToken(s string) (token, int, error) {
	switch s[0] {
	case '"', '\'':
		text, n, err := unquote(s)
		if err == nil && n < len(s) && s[n] != ' ' && s[n] != '\t' {
			err = fmt.Errorf("no blank after the quoted word %.20s", s)
		}
		return token{text: text, quoted: true}, n, err
	}
	end := strings.IndexAny(s, " \t")
	if strings.HasPrefix(s, "%") && strings.Contains(s, "(") {
		if closing := strings.IndexByte(s, ')'); closing > 0 {
			end = closing + 1
		}
	}
	if end < 0 || end >= len(s) {
		end = len(s)
	}
	return token{text: s[:end]}, end, nil
}

// unquote reads the quoted word at the start of s and returns it with the number of bytes it takes.
func unquote(s string) (string, int, error) {
	var b strings.Builder
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return b.String(), i + 1, nil
		case s[i] == '\\' && quote == '\'' && strings.HasPrefix(s[i+1:], "'"):
			b.WriteByte('\'')
			i++
		case s[i] == '\\' && quote == '"' && i+1 < len(s):
			n, err := unescape(&b, s[i+1:])
			if err != nil {
				return "", 0, err
			}
			i += n
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, fmt.Errorf("unbalanced quotes")
}

// unescape writes the byte that the escape after a backslash stands for and returns how many bytes the escape takes.
func unescape(b *strings.Builder, s string) (int, error) {
	if s[0] == 'x' {
		if len(s) < 3 {
			return 0, fmt.Errorf("short \\x escape")
		}
		n, err := strconv.ParseUint(s[1:3], 16, 8)
		if err != nil {
			return 0, fmt.Errorf("bad \\x escape: %w", err)
		}
		b.WriteByte(byte(n))
		return 3, nil
	}
	const from, to = "nrtba", "\n\r\t\b\a"
	if i := strings.IndexByte(from, s[0]); i >= 0 {
		b.WriteByte(to[i])
	} else {
		b.WriteByte(s[0])
	}
	return 1, nil
}

var macro = regexp.MustCompile(`(?s)^%(rep|seq|pairs)\((.*)\)$`)

// expand turns one token into the arguments it stands for.
func expand(t token, vars map[string]string) ([]string, error) {
	if t.quoted {
		return []string{t.text}, nil
	}
	if v, ok := vars[strings.TrimPrefix(t.text, "$")]; ok && strings.HasPrefix(t.text, "$") {
		return []string{v}, nil
	}
	m := macro.FindStringSubmatch(t.text)
	if m == nil {
		return []string{t.text}, nil
	}
	args := strings.Split(m[2], ",")
	switch {
	case m[1] == "rep" && len(args) == 2:
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 0 || n*len(args[0]) > maxExpansion {
			return nil, fmt.Errorf("bad count in %s", t.text)
		}
		return []string{strings.Repeat(args[0], n)}, nil
	case m[1] == "seq" && len(args) == 3:
		return sequence(args[:1], args[1:], t.text)
	case m[1] == "pairs" && len(args) == 4:
		return sequence(args[:2], args[2:], t.text)
	}
	return nil, fmt.Errorf("bad macro %s", t.text)
}

func sequence(prefixes, bounds []string, source string) ([]string, error) {
	from, err1 := strconv.Atoi(bounds[0])
	to, err2 := strconv.Atoi(bounds[1])
	if err1 != nil || err2 != nil || to < from || to-from > maxExpansion/16 {
		return nil, fmt.Errorf("bad bounds in %s", source)
	}
	var out []string
	for i := from; i <= to; i++ {
		for _, p := range prefixes {
			out = append(out, p+strconv.Itoa(i))
		}
	}
	return out, nil
}
