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
// other words, a missing number, and a second such option.
func (o *expireOption) parse(c *engine.Ctx, i int) bool {
	if o.unit != 0 || i+1 >= len(c.Args) {
		return false
	}
	switch {
	case c.Is(i, "EX"):
		o.unit = 1000
	case c.Is(i, "PX"):
		o.unit = 1
	case c.Is(i, "EXAT"):
		o.unit, o.absolute = 1000, true
	case c.Is(i, "PXAT"):
		o.unit, o.absolute = 1, true
	default:
		return false
	}
	o.arg = c.Args[i+1]
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
