package commandtest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Value is a RESP value. Its text form, one line, is what recordings hold:
// 12 "bulk" +status -error null [array] ~[set] %[key value ...].
type Value struct {
	Kind  byte   // RESP3's type byte; '_' for every null
	Text  string // of '$', '+', '-' and ':'
	Elems []Value
}

// Get finds a map's value by its key.
func (v Value) Get(key string) (Value, bool) {
	for i := 0; v.Kind == '%' && i+1 < len(v.Elems); i += 2 {
		if v.Elems[i].Text == key {
			return v.Elems[i+1], true
		}
	}
	return Value{}, false
}

func (v Value) String() string {
	var b strings.Builder
	v.append(&b)
	return b.String()
}

func (v Value) append(b *strings.Builder) {
	switch v.Kind {
	case '_':
		b.WriteString("null")
	case ':':
		b.WriteString(v.Text)
	case '$':
		b.WriteString(quoteText(v.Text))
	case '+', '-':
		b.WriteByte(v.Kind)
		b.WriteString(quoteIfNeeded(v.Text))
	default:
		b.WriteString(opening[v.Kind])
		for i, elem := range v.Elems {
			if i > 0 {
				b.WriteByte(' ')
			}
			elem.append(b)
		}
		b.WriteByte(']')
	}
}

var opening = map[byte]string{'*': "[", '~': "~[", '%': "%["}

func quoteText(s string) string {
	if s == mask {
		return `"` + mask + `"`
	}
	return strconv.QuoteToASCII(s)
}

func quoteIfNeeded(s string) string {
	if s == "" || strings.ContainsAny(s, " []\"") {
		return strconv.QuoteToASCII(s)
	}
	return s
}

// ParseRESP reads the one value that data holds.
func ParseRESP(data []byte) (Value, error) {
	v, rest, err := parseRESP(data)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after the reply", len(rest))
	}
	return v, err
}

func parseRESP(data []byte) (Value, []byte, error) {
	line, rest, ok := bytes.Cut(data, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return Value{}, nil, fmt.Errorf("no reply line in %.40q", data)
	}
	kind, text := line[0], string(line[1:])
	switch kind {
	case '+', '-', ':':
		return Value{Kind: kind, Text: text}, rest, nil
	case '_':
		return Value{Kind: '_'}, rest, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return Value{}, nil, fmt.Errorf("length of %.40q: %w", line, err)
	}
	if n < 0 {
		return Value{Kind: '_'}, rest, nil
	}
	switch kind {
	case '$':
		if len(rest) < n+2 {
			return Value{}, nil, fmt.Errorf("bulk string of %d bytes is cut short", n)
		}
		return Value{Kind: '$', Text: string(rest[:n])}, rest[n+2:], nil
	case '*', '~', '%':
		return parseElems(kind, n, rest)
	default:
		return Value{}, nil, fmt.Errorf("reply type %q", kind)
	}
}

func parseElems(kind byte, n int, rest []byte) (Value, []byte, error) {
	if kind == '%' {
		n *= 2
	}
	v := Value{Kind: kind}
	for range n {
		elem, after, err := parseRESP(rest)
		if err != nil {
			return Value{}, nil, err
		}
		v.Elems = append(v.Elems, elem)
		rest = after
	}
	return v, rest, nil
}

// ParseText reads a value's text form.
func ParseText(s string) (Value, error) {
	v, rest, err := parseText(s)
	if err == nil && rest != "" {
		err = fmt.Errorf("%.40q after the value", rest)
	}
	return v, err
}

func parseText(s string) (Value, string, error) {
	for kind, open := range opening {
		if rest, ok := strings.CutPrefix(s, open); ok {
			return parseTextElems(kind, rest)
		}
	}
	if s != "" && (s[0] == '+' || s[0] == '-') && !isDigit(s[1:]) {
		text, rest, err := parseWord(s[1:])
		return Value{Kind: s[0], Text: text}, rest, err
	}
	if s != "" && s[0] == '"' {
		text, rest, err := parseWord(s)
		return Value{Kind: '$', Text: text}, rest, err
	}
	text, rest, err := parseWord(s)
	if text == "null" {
		return Value{Kind: '_'}, rest, err
	}
	return Value{Kind: ':', Text: text}, rest, err
}

func isDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

func parseWord(s string) (word, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", "", fmt.Errorf("in %.40q: %w", s, err)
		}
		word, err = strconv.Unquote(quoted)
		return word, s[len(quoted):], err
	}
	end := strings.IndexAny(s, " ]")
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return "", "", fmt.Errorf("no word in %.40q", s)
	}
	return s[:end], s[end:], nil
}

func parseTextElems(kind byte, s string) (Value, string, error) {
	v := Value{Kind: kind}
	for {
		s = strings.TrimPrefix(s, " ")
		if rest, ok := strings.CutPrefix(s, "]"); ok {
			return v, rest, nil
		}
		elem, rest, err := parseText(s)
		if err != nil {
			return Value{}, "", err
		}
		v.Elems = append(v.Elems, elem)
		s = rest
	}
}
