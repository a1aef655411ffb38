package zset

import (
	"encoding/binary"
	"math"

	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/keyspace"
)

// The first byte of an image tells the form. A listpack follows as it is; of the
// large form the elements in order, each 8 bytes of score, the length of the member
// as a uvarint, and the member.
const (
	imagePack  = 0
	imageLarge = 1
)

// AppendImage implements keyspace.Imaged.
func (z *ZSet) AppendImage(dst []byte) []byte {
	if z.large == nil {
		return append(append(dst, imagePack), z.pack...)
	}
	dst = append(dst, imageLarge)
	for cur := z.At(0); cur.Valid(); cur.Next() {
		member := cur.Member()
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(cur.Score()))
		dst = append(binary.AppendUvarint(dst, uint64(len(member))), member...)
	}
	return dst
}

// Load implements keyspace.Loader.
func Load(ks *keyspace.Keyspace, image []byte) keyspace.Imaged {
	body := image[1:]
	if image[0] == imagePack {
		return &ZSet{pack: listpack.Pack(clone(body))}
	}
	l := newLarge(ks)
	for len(body) > 0 {
		score := math.Float64frombits(binary.LittleEndian.Uint64(body))
		n, size := binary.Uvarint(body[ScoreBytes:])
		at := ScoreBytes + size
		member := body[at : at+int(n)]
		l.insert(l.hash(member), member, score)
		body = body[at+int(n):]
	}
	return &ZSet{large: l}
}
