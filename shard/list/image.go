package list

import (
	"encoding/binary"
	"slices"

	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/keyspace"
)

// An image is the fill (varint) and the elements as listpack entries, to the end.

// AppendImage implements keyspace.Imaged.
func (l *List) AppendImage(dst []byte) []byte {
	dst = binary.AppendVarint(dst, int64(l.items.Fill()))
	for c := l.items.Front(); c.Valid(); c.Next() {
		v := c.Value()
		e := listpack.Int(v.Int)
		if !v.IsInt() {
			e = listpack.Str(v.Str)
		}
		at := len(dst)
		dst = slices.Grow(dst, e.Size())[:at+e.Size()]
		e.Put(dst[at:])
	}
	return dst
}

// Load makes a list of an image.
func Load(_ *keyspace.Keyspace, image []byte) keyspace.Imaged {
	fill, n := binary.Varint(image)
	if n <= 0 {
		panic("list: an image without a fill")
	}
	l := New(int(fill))
	var digits [20]byte
	for rest := image[n:]; len(rest) > 0; rest = rest[listpack.SizeAt(rest):] {
		v := listpack.ValueAt(rest)
		text := v.Str
		if v.IsInt() {
			text = num.AppendInt(digits[:0], v.Int)
		}
		l.items.PushBack(text)
	}
	return l
}
