package wire

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
)

// The type bytes of RESP2 and RESP3 replies.
const (
	Simple    = '+'
	Error     = '-'
	Int       = ':'
	Bulk      = '$'
	Array     = '*'
	Null      = '_'
	Double    = ','
	Bool      = '#'
	BlobError = '!'
	Verbatim  = '='
	BigNumber = '('
	Map       = '%'
	Set       = '~'
	Push      = '>'
	Attribute = '|'
)

// Value is one reply as it stood on the wire.
//
// Text holds a scalar's bytes, without framing. Elems holds an aggregate's children; a Map has 2n of them (key, value,
// key, value), and an Attribute has its 2n pairs followed by the reply that it describes. Nil marks "$-1" and "*-1".
type Value struct {
	Kind  byte
	Text  []byte
	Elems []Value
	Nil   bool
}

// IsAggregate tells whether the value has children rather than text.
func (v Value) IsAggregate() bool {
	switch v.Kind {
	case Array, Map, Set, Push, Attribute:
		return true
	}
	return false
}

// maxShownBytes is how much of a string a golden file shows: longer ones are named by length and digest, so that a
// one-megabyte reply stays one line.
const maxShownBytes = 300

// Format writes v as lines joined by "\n", children indented by two spaces a level, without a final newline.
func (v Value) Format() string {
	var b strings.Builder
	v.format(&b, "")
	return strings.TrimSuffix(b.String(), "\n")
}

func (v Value) format(b *strings.Builder, indent string) {
	b.WriteString(indent)
	if !v.IsAggregate() || v.Nil {
		b.WriteString(v.scalar())
		b.WriteByte('\n')
		return
	}
	count := len(v.Elems)
	switch v.Kind {
	case Map:
		count /= 2
	case Attribute:
		count = (count - 1) / 2
	}
	fmt.Fprintf(b, "%c%d", v.Kind, count)
	if line, ok := v.oneLine(); ok {
		b.WriteString(line + "\n")
		return
	}
	b.WriteByte('\n')
	for _, e := range v.Elems {
		e.format(b, indent+"  ")
	}
}

// maxLineBytes is how wide an aggregate of scalars may be to stand on one line.
const maxLineBytes = 100

// oneLine writes the children as " [a b c]" when all are scalars and short.
func (v Value) oneLine() (string, bool) {
	if len(v.Elems) == 0 {
		return "", true
	}
	words := make([]string, len(v.Elems))
	total := 0
	for i, e := range v.Elems {
		if e.IsAggregate() && !e.Nil {
			return "", false
		}
		words[i] = e.scalar()
		total += len(words[i])
	}
	return " [" + strings.Join(words, " ") + "]", total <= maxLineBytes
}

func (v Value) scalar() string {
	switch {
	case v.Nil:
		return string(v.Kind) + "-1"
	case v.Kind == Bulk:
		return Quote(v.Text)
	case v.Kind == Verbatim, v.Kind == BlobError:
		return string(v.Kind) + Quote(v.Text)
	default:
		return string(v.Kind) + shorten(v.Text, escape(v.Text))
	}
}

// Quote writes b in double quotes with redis-cli's escapes; a long string becomes its start, length and SHA-1.
func Quote(b []byte) string {
	return shorten(b, `"`+escape(b)+`"`)
}

func shorten(b []byte, full string) string {
	if len(b) <= maxShownBytes {
		return full
	}
	const shown = 24
	sum := sha1.Sum(b)
	return fmt.Sprintf(`"%s"… (%d bytes, sha1 %s)`, escape(b[:shown]), len(b), hex.EncodeToString(sum[:8]))
}

func escape(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		switch {
		case c == '\n':
			s.WriteString(`\n`)
		case c == '\r':
			s.WriteString(`\r`)
		case c == '\t':
			s.WriteString(`\t`)
		case c == '\\' || c == '"':
			s.WriteByte('\\')
			s.WriteByte(c)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&s, `\x%02x`, c)
		default:
			s.WriteByte(c)
		}
	}
	return s.String()
}
