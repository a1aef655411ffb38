package bitmap

import (
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/str"
)

// Commands are the commands of this package.
var Commands = []engine.Command{
	{Row: &bitcountRow, Run: bitcount},
	{Row: &bitfieldRow, Run: bitfield},
	{Row: &bitfieldRoRow, Run: bitfieldRO},
	{Row: &bitposRow, Run: bitpos},
	{Row: &getbitRow, Run: getbit},
	{Row: &setbitRow, Run: setbit},
}

// The error texts of these commands alone.
const (
	errBitOffset reply.Error = "ERR bit offset is not an integer or out of range"
	errBitValue  reply.Error = "ERR bit is not an integer or out of range"
	errBitSought reply.Error = "ERR The bit argument must be 1 or 0."
	errFieldType reply.Error = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
	errOverflow  reply.Error = "ERR Invalid OVERFLOW type specified"
	errOnlyGet   reply.Error = "ERR BITFIELD_RO only supports the GET subcommand"
)

// offset reads a bit offset, "#n" as n times width where width is not 0, or
// writes the error.
func offset(c *engine.Ctx, arg []byte, width int64) (at int64, ok bool) {
	times := int64(1)
	if width > 0 && len(arg) > 0 && arg[0] == '#' {
		arg, times = arg[1:], width
	}
	n, ok := num.ParseInt(arg)
	// n beyond the limit is refused before it is multiplied, which might overflow.
	if !ok || n < 0 || n>>3 >= c.Cfg.MaxBulkLen || n*times>>3 >= c.Cfg.MaxBulkLen {
		c.Out.Error(errBitOffset)
		return 0, false
	}
	return n * times, true
}

// stretch returns the string of the key, made to hold bit number last, and
// whether it had to be made or made longer. ok is false, and the error written,
// if the key holds another type.
func stretch(c *engine.Ctx, last int64) (val []byte, longer, ok bool) {
	r, ok := c.FindString()
	if !ok {
		return nil, false, false
	}
	n := int(last>>3) + 1
	if r == 0 {
		val = c.KS.PutString(&c.Key, 0, keyspace.Edited, n, 0)
		clear(val)
		return val, true, true
	}
	var scratch [20]byte
	had := len(c.StringBytes(r, &scratch))
	return str.Edit(c, r, n, n), n > had, true
}

// edit returns the string of the key, which holds bits [at, at+n), for changes
// of those.
func edit(c *engine.Ctx, at int64, n uint) []byte {
	return str.Edit(c, c.Find(), int(at>>3), int((at+int64(n)-1)>>3)+1)
}

// text returns the string in record r, nothing if r is 0.
func text(c *engine.Ctx, r data.Ref, scratch *[20]byte) []byte {
	if r == 0 {
		return nil
	}
	return c.StringBytes(r, scratch)
}
