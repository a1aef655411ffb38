package generic

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// An image of a key's value is
//
//	byte 0      kind
//	bytes 1-8   expiry in Unix milliseconds, little endian, 0: none
//	byte 9      of a string: its encoding, then its bytes as they are kept
//	from 9 on   of other kinds: what AppendImage wrote
const imageHeader = 9

// ~image <key> [<most> <life>] replies with the image of the key's value, null if there
// is none, and 0 if it is far longer than so many bytes or the key lives for less than so
// many milliseconds.
var stepImageRow = keyStep("~image", -2, command.ReadOnly, command.RO|command.Access)

func stepImage(c *engine.Ctx) {
	switch r := c.Find(); {
	case r == 0:
		c.Out.Null()
	case len(c.Args) > 3 && !withinReach(c, r):
		c.Out.Int(0)
	default:
		c.Out.Bulk(appendImage(c, r))
	}
}

// withinReach tells whether a key is as small, and lives as long, as was asked for.
func withinReach(c *engine.Ctx, r data.Ref) bool {
	most, _ := num.ParseInt(c.Args[2]) // both are a program's
	life, _ := num.ParseInt(c.Args[3])
	size := int64(len(c.KS.Arena.Val(r)))
	if c.KS.Kind(r) != keyspace.String {
		size = c.KS.Object(r).MemBytes()
	}
	end := c.KS.Expiry(r)
	return size <= most && (end == 0 || end >= c.KS.Now()+life)
}

func appendImage(c *engine.Ctx, r data.Ref) []byte {
	kind := c.KS.Kind(r)
	dst := binary.LittleEndian.AppendUint64([]byte{byte(kind)}, uint64(c.KS.Expiry(r)))
	if kind == keyspace.String {
		return append(append(dst, c.KS.StringEncoding(r)), c.KS.Arena.Val(r)...)
	}
	return c.KS.Object(r).(keyspace.Imaged).AppendImage(dst)
}

// ~put <key> <image> <event> makes the image the key's value, whatever the key
// held. It replies nothing.
var stepPutRow = keyStep("~put", 4, command.Write|command.DenyOOM, command.OW|command.Update)

func stepPut(c *engine.Ctx, loaders *keyspace.Loaders) {
	r, image := c.KS.Peek(&c.Key), c.Args[2]
	kind := keyspace.Kind(image[0])
	expiry := int64(binary.LittleEndian.Uint64(image[1:]))
	content := image[imageHeader:]
	if kind == keyspace.String {
		copy(c.KS.PutString(&c.Key, r, content[0], len(content)-1, expiry), content[1:])
	} else {
		c.KS.PutObject(&c.Key, r, loaders[kind](c.KS, content), expiry)
	}
	arrived(c, c.Key, string(c.Args[3]))
}

// ~drop <key> <event> removes a key whose image was taken. It replies nothing.
var stepDropRow = keyStep("~drop", 3, command.Write, command.RM|command.Delete)

func stepDrop(c *engine.Ctx) {
	if r := c.KS.Peek(&c.Key); r != 0 {
		c.KS.Remove(&c.Key, r)
		c.Changed(engine.NotifyGeneric, string(c.Args[2]))
	}
}
