package scan

import (
	"strconv"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/glob"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// defaultCount is how many elements a call asks for that names no COUNT.
const defaultCount = 10

// Options are what follows the cursor.
type Options struct {
	Count   int64
	pattern []byte // nil: everything matches
}

// Cursor reads b as Redis does, with C's strtoul: an optional sign, digits or
// nothing, up to a NUL byte; a negative number wraps.
func Cursor(b []byte) (cursor uint64, ok bool) {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if len(b) == 0 {
		return 0, true
	}
	neg := b[0] == '-'
	if neg || b[0] == '+' {
		b = b[1:]
	}
	cursor, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return 0, false
	}
	if neg {
		cursor = -cursor
	}
	return cursor, true
}

// Parse reads the options from argument i on, or writes the error.
func Parse(c *engine.Ctx, i int) (o Options, ok bool) {
	o.Count = defaultCount
	for ; i < len(c.Args); i += 2 {
		switch {
		case i+1 == len(c.Args):
			c.Out.Error(reply.ErrSyntax)
			return o, false
		case c.Is(i, "COUNT"):
			if o.Count, ok = c.Int(i + 1); !ok {
				return o, false
			}
			if o.Count < 1 {
				c.Out.Error(reply.ErrSyntax)
				return o, false
			}
		case c.Is(i, "MATCH"):
			o.pattern = c.Args[i+1]
			if string(o.pattern) == "*" {
				o.pattern = nil
			}
		default:
			c.Out.Error(reply.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// Matches tells whether an element is asked for.
func (o *Options) Matches(element []byte) bool {
	return o.pattern == nil || glob.Match(o.pattern, element, false)
}

// Table returns the matching records of one call on a table from cursor on, and
// the next cursor, 0 at the end.
func (o *Options) Table(c *engine.Ctx, t *data.Table, cursor uint64) (next uint64, found []data.Ref) {
	// More than there are cannot be met, and Scan needs room to double want.
	want := int(min(o.Count, int64(t.Len())+1))
	next, done := t.Scan(c.KS.Arena, c.KS.Hasher(), cursor, want, func(r data.Ref) {
		if o.Matches(c.KS.Arena.Key(r)) {
			found = append(found, r)
		}
	})
	if done {
		next = 0
	}
	return next, found
}

// Header begins the reply: the next cursor, and how many values follow.
func Header(c *engine.Ctx, next uint64, values int) {
	var digits [num.MaxIntLen]byte
	c.Out.Array(2)
	c.Out.Bulk(strconv.AppendUint(digits[:0], next, 10))
	c.Out.Array(values)
}
