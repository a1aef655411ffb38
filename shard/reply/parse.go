package reply

import "github.com/troupedb/troupe/shard/data/num"

// Value is one value of an encoded reply. Kind is its RESP type byte.
type Value struct {
	Kind byte
	Bulk []byte // of a bulk, status, error or other textual value: a view
	Int  int64  // of an integer
	Len  int    // elements that follow, of an aggregate (pairs count twice); -1: null
}

// Null tells whether the value is the absence of one.
func (v *Value) Null() bool { return v.Len < 0 || v.Kind == '_' }

// IsError tells whether the value is an error reply.
func (v *Value) IsError() bool { return v.Kind == '-' || v.Kind == '!' }

// Parse reads the first value of b, replies that this program has written
// itself, and returns what follows. Elements of an aggregate follow it as values.
// It panics on anything else: b never comes from a client.
func Parse(b []byte) (v Value, rest []byte) {
	end := 1
	for b[end] != '\r' {
		end++
	}
	line := b[1:end]
	v.Kind, rest = b[0], b[end+2:]
	switch v.Kind {
	case ':':
		v.Int = mustInt(line)
	case '$', '=', '!':
		n := int(mustInt(line))
		if n < 0 {
			v.Len = -1
			return v, rest
		}
		v.Bulk, rest = rest[:n], rest[n+2:]
	case '*', '~', '>':
		v.Len = int(mustInt(line))
	case '%', '|':
		v.Len = 2 * int(mustInt(line))
	default: // + - _ , # (
		v.Bulk = line
	}
	return v, rest
}

// Elements calls f with each element of an array of flat values.
func Elements(b []byte, f func(v Value)) {
	v, rest := Parse(b)
	for range v.Len {
		var e Value
		e, rest = Parse(rest)
		f(e)
	}
}

func mustInt(line []byte) int64 {
	n, ok := num.ParseInt(line)
	if !ok {
		panic("reply: malformed length " + string(line))
	}
	return n
}
