package str

import (
	"math"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// expireOption is EX, PX, EXAT or PXAT with its number, as SET and GETEX take it.
type expireOption struct {
	unit     int64 // milliseconds a step; 0: the option was not given
	absolute bool
	arg      []byte
}

// parse takes the option at argument i and the number after it. It fails on
// other words, a missing number, and a second option that is not the same one.
func (o *expireOption) parse(c *engine.Ctx, i int) bool {
	if i+1 >= len(c.Args) {
		return false
	}
	var next expireOption
	switch {
	case c.Is(i, "EX"):
		next = expireOption{1000, false, c.Args[i+1]}
	case c.Is(i, "PX"):
		next = expireOption{1, false, c.Args[i+1]}
	case c.Is(i, "EXAT"):
		next = expireOption{1000, true, c.Args[i+1]}
	case c.Is(i, "PXAT"):
		next = expireOption{1, true, c.Args[i+1]}
	default:
		return false
	}
	if o.unit != 0 && (o.unit != next.unit || o.absolute != next.absolute) {
		return false
	}
	*o = next
	return true
}

// at returns the expiry in Unix milliseconds, 0 without the option, or writes
// the error.
func (o *expireOption) at(c *engine.Ctx) (expiry int64, ok bool) {
	if o.unit == 0 {
		return 0, true
	}
	n, ok := num.ParseInt(o.arg)
	if !ok {
		c.Out.Error(reply.ErrNotInteger)
		return 0, false
	}
	if n <= 0 || n > math.MaxInt64/o.unit {
		c.Out.Error(reply.InvalidExpire(c.Name))
		return 0, false
	}
	n *= o.unit
	if !o.absolute {
		if n > math.MaxInt64-c.Now() {
			c.Out.Error(reply.InvalidExpire(c.Name))
			return 0, false
		}
		n += c.Now()
	}
	return n, true
}

// writeString replies with the string in record r, or its absence.
func writeString(c *engine.Ctx, r data.Ref) {
	if r == 0 {
		c.Out.Null()
		return
	}
	var scratch [20]byte
	c.Out.Bulk(c.StringBytes(r, &scratch))
}
