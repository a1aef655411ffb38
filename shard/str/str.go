package str

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Commands are the commands of this package.
var Commands = []engine.Command{
	{Row: &appendRow, Run: appendTo},
	{Row: &decrRow, Run: decr},
	{Row: &decrbyRow, Run: decrby},
	{Row: &getRow, Run: get},
	{Row: &getdelRow, Run: getdel},
	{Row: &getexRow, Run: getex},
	{Row: &getrangeRow, Run: getrange},
	{Row: &getsetRow, Run: getset},
	{Row: &incrRow, Run: incr},
	{Row: &incrbyRow, Run: incrby},
	{Row: &incrbyfloatRow, Run: incrbyfloat},
	{Row: &psetexRow, Run: psetex},
	{Row: &setRow, Run: set},
	{Row: &setexRow, Run: setex},
	{Row: &setnxRow, Run: setnx},
	{Row: &setrangeRow, Run: setrange},
	{Row: &strlenRow, Run: strlen},
	{Row: &substrRow, Run: getrange},

	{Row: &lcsStepRow, Run: lcs},
	{Row: &plainGetRow, Run: plainGet},
	{Row: &plainSetRow, Run: plainSet},
	{Row: &setTextRow, Run: setText},
	{Row: &textRow, Run: get},
}

// maxIntText is the length of the longest canonical integer.
const maxIntText = 20

// Put makes val the value of the key, whose present record is r (0: none), as
// an integer where its text is canonical. expiry 0 means none.
func Put(c *engine.Ctx, r data.Ref, val []byte, expiry int64) {
	if len(val) <= maxIntText {
		if n, ok := num.ParseInt(val); ok {
			putInt(c, r, n, expiry)
			return
		}
	}
	copy(c.KS.PutString(&c.Key, r, keyspace.Raw, len(val), expiry), val)
}

func putInt(c *engine.Ctx, r data.Ref, n, expiry int64) {
	binary.LittleEndian.PutUint64(c.KS.PutString(&c.Key, r, keyspace.Int, 8, expiry), uint64(n))
}
