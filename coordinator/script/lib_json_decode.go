package script

import (
	"fmt"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// jsonToken is a kind of token, spelled as cjson's messages spell it.
type jsonToken string

const (
	jsonObjectBegin jsonToken = "T_OBJ_BEGIN"
	jsonObjectEnd   jsonToken = "T_OBJ_END"
	jsonArrayBegin  jsonToken = "T_ARR_BEGIN"
	jsonArrayEnd    jsonToken = "T_ARR_END"
	jsonString      jsonToken = "T_STRING"
	jsonNumber      jsonToken = "T_NUMBER"
	jsonBoolean     jsonToken = "T_BOOLEAN"
	jsonNull        jsonToken = "T_NULL"
	jsonColon       jsonToken = "T_COLON"
	jsonComma       jsonToken = "T_COMMA"
	jsonEnd         jsonToken = "T_END"
)

var jsonPunctuation = map[byte]jsonToken{
	'{': jsonObjectBegin, '}': jsonObjectEnd, '[': jsonArrayBegin, ']': jsonArrayEnd,
	':': jsonColon, ',': jsonComma,
}

// jsonReader decodes one text. After next, kind is the token or what is wrong
// with it, at its first byte's index, and value what it stands for.
type jsonReader struct {
	m     *vm
	L     *lua.LState
	cfg   *jsonConfig
	src   string
	pos   int
	depth int

	kind  jsonToken
	at    int
	value lua.LValue
}

func (m *vm) jsonDecode(L *lua.LState, cfg *jsonConfig) int {
	if L.GetTop() != 1 {
		m.argError(L, 1, "expected 1 argument")
	}
	s := m.checkString(L, 1)
	if len(s) >= 2 && (s[0] == 0 || s[1] == 0) {
		m.fail(L, 1, "JSON parser does not support UTF-16 or UTF-32")
	}
	r := &jsonReader{m: m, L: L, cfg: cfg, src: s}
	r.next()
	v := r.read()
	r.next()
	if r.kind != jsonEnd {
		r.expected("the end")
	}
	L.Push(v)
	return 1
}

func (r *jsonReader) expected(what string) {
	r.m.fail(r.L, 1, fmt.Sprintf("Expected %s but found %s at character %d", what, r.kind, r.at+1))
}

// peek is the byte at an offset from the position, 0 past the end.
func (r *jsonReader) peek(offset int) byte {
	if i := r.pos + offset; i < len(r.src) {
		return r.src[i]
	}
	return 0
}

// wrong makes the token an error at the current position.
func (r *jsonReader) wrong(text jsonToken) {
	r.kind, r.at = text, r.pos
}

func (r *jsonReader) next() {
	for c := r.peek(0); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = r.peek(0) {
		r.pos++
	}
	r.at = r.pos
	c := r.peek(0)
	if c == 0 {
		r.kind = jsonEnd
		return
	}
	if kind, ok := jsonPunctuation[c]; ok {
		r.kind = kind
		r.pos++
		return
	}
	rest := r.src[r.pos:]
	switch {
	case c == '"':
		r.text()
	case c == '-' || isDigit(c):
		if !r.cfg.decodeInvalid && r.invalidNumber() {
			r.wrong("invalid number")
			return
		}
		r.number()
	case strings.HasPrefix(rest, "true"):
		r.word(jsonBoolean, lua.LTrue, 4)
	case strings.HasPrefix(rest, "false"):
		r.word(jsonBoolean, lua.LFalse, 5)
	case strings.HasPrefix(rest, "null"):
		r.word(jsonNull, r.m.null, 4)
	case strings.IndexByte("iInN+", c) >= 0 && r.cfg.decodeInvalid && r.invalidNumber():
		r.number()
	default:
		r.wrong("invalid token")
	}
}

func (r *jsonReader) word(kind jsonToken, v lua.LValue, n int) {
	r.kind, r.value = kind, v
	r.pos += n
}

// invalidNumber recognizes numbers that C reads and JSON does not have.
func (r *jsonReader) invalidNumber() bool {
	c, i := r.peek(0), 0
	if c == '+' {
		return true
	}
	if c == '-' {
		i++
		c = r.peek(i)
	}
	switch {
	case c == '0':
		return r.peek(i+1)|0x20 == 'x' || isDigit(r.peek(i+1))
	case c <= '9':
		return false
	}
	rest := strings.ToLower(r.src[min(r.pos+i, len(r.src)):min(r.pos+i+3, len(r.src))])
	return rest == "inf" || rest == "nan"
}

// number reads the longest prefix that C's strtod reads.
func (r *jsonReader) number() {
	n := numberLen(r.src[r.pos:])
	f, ok := parseNumber(r.src[r.pos : r.pos+n])
	if n == 0 || !ok {
		r.wrong("invalid number")
		return
	}
	r.word(jsonNumber, lua.LNumber(f), n)
}

// numberLen is the length of the number that s begins with.
func numberLen(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	lower := strings.ToLower(s[i:min(len(s), i+8)])
	for _, word := range []string{"infinity", "inf", "nan"} {
		if strings.HasPrefix(lower, word) {
			return i + len(word)
		}
	}
	digit, exponent := isDigit, byte('e')
	if strings.HasPrefix(lower, "0x") && len(lower) > 2 && (isHex(lower[2]) || lower[2] == '.' && len(lower) > 3 && isHex(lower[3])) {
		digit, exponent = isHex, 'p'
		i += 2
	}
	start := i
	for i < len(s) && digit(s[i]) {
		i++
	}
	digits := i - start
	if i < len(s) && s[i] == '.' {
		i++
		for i < len(s) && digit(s[i]) {
			i, digits = i+1, digits+1
		}
	}
	if digits == 0 {
		return 0
	}
	return i + exponentLen(s[i:], exponent)
}

func exponentLen(s string, letter byte) int {
	if s == "" || s[0]|0x20 != letter {
		return 0
	}
	i := 1
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	if i == len(s) || !isDigit(s[i]) {
		return 0
	}
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

var jsonEscapes = map[byte]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r',
}

func (r *jsonReader) text() {
	r.pos++
	if n := strings.IndexAny(r.src[r.pos:], "\"\\\x00"); n >= 0 && r.src[r.pos+n] == '"' {
		r.m.reserve(r.L, n)
		r.word(jsonString, lua.LString([]byte(r.src[r.pos:r.pos+n])), n+1)
		return
	}
	var out []byte
	for {
		c := r.peek(0)
		switch {
		case c == 0:
			r.wrong("unexpected end of string")
			return
		case c == '"':
			r.m.reserve(r.L, len(out))
			r.word(jsonString, lua.LString(textOf(out)), 1)
			return
		case c != '\\':
			out = append(out, c)
			r.pos++
			continue
		}
		if r.peek(1) == 'u' {
			rune, size, ok := r.unicode()
			if !ok {
				r.wrong("invalid unicode escape code")
				return
			}
			out = utf8.AppendRune(out, rune)
			r.pos += size
			continue
		}
		e, ok := jsonEscapes[r.peek(1)]
		if !ok {
			r.wrong("invalid escape code")
			return
		}
		out = append(out, e)
		r.pos += 2
	}
}

// unicode reads \uXXXX, or two of them that are a surrogate pair.
func (r *jsonReader) unicode() (c rune, size int, ok bool) {
	c, ok = r.hex4(2)
	if !ok || c&0xF800 != 0xD800 {
		return c, 6, ok
	}
	low, ok := r.hex4(8)
	if !ok || c&0x400 != 0 || r.peek(6) != '\\' || r.peek(7) != 'u' || low&0xFC00 != 0xDC00 {
		return 0, 0, false
	}
	return ((c&0x3FF)<<10 | low&0x3FF) + 0x10000, 12, true
}

func (r *jsonReader) hex4(offset int) (n rune, ok bool) {
	for i := range 4 {
		c := r.peek(offset + i)
		switch {
		case isDigit(c):
			n = n<<4 | rune(c-'0')
		case isHex(c):
			n = n<<4 | rune((c|0x20)-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// read makes a value of the token at hand and those after it that belong to it.
func (r *jsonReader) read() lua.LValue {
	r.m.charge(r.L, sizeElement)
	r.m.work(r.L, 1)
	switch r.kind {
	case jsonString, jsonNumber, jsonBoolean, jsonNull:
		return r.value
	case jsonObjectBegin:
		r.descend()
		defer func() { r.depth-- }()
		return r.object()
	case jsonArrayBegin:
		r.descend()
		defer func() { r.depth-- }()
		return r.array()
	}
	r.expected("value")
	return lua.LNil
}

func (r *jsonReader) descend() {
	r.depth++
	if r.depth > r.cfg.decodeDepth || r.depth > maxUnpackDepth {
		r.m.fail(r.L, 1, fmt.Sprintf("Found too many nested data structures (%d) at character %d", r.depth, r.pos))
	}
	r.m.charge(r.L, sizeTable)
}

func (r *jsonReader) object() lua.LValue {
	t := r.m.L.CreateTable(0, 4)
	r.next()
	if r.kind == jsonObjectEnd {
		return t
	}
	for {
		if r.kind != jsonString {
			r.expected("object key string")
		}
		k := r.value
		r.next()
		if r.kind != jsonColon {
			r.expected("colon")
		}
		r.next()
		r.m.setElement(r.L, t, k, r.read())
		r.next()
		if r.kind == jsonObjectEnd {
			return t
		}
		if r.kind != jsonComma {
			r.expected("comma or object end")
		}
		r.next()
	}
}

func (r *jsonReader) array() lua.LValue {
	t := r.m.L.CreateTable(4, 0)
	r.next()
	if r.kind == jsonArrayEnd {
		return t
	}
	for n := 1; ; n++ {
		t.RawSetInt(n, r.read())
		r.next()
		if r.kind == jsonArrayEnd {
			return t
		}
		if r.kind != jsonComma {
			r.expected("comma or array end")
		}
		r.next()
	}
}
