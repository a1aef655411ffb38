package set

import (
	"bytes"
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/intset"
	"github.com/troupedb/troupe/shard/keyspace"
)

var _ keyspace.Imaged = (*Set)(nil)

// An image is a byte for the encoding, then the array as it is, or the members
// of the table, each behind its length (uvarint).
const (
	imageInts  = 0
	imageTable = 1
)

// AppendImage implements keyspace.Imaged.
func (s *Set) AppendImage(dst []byte) []byte {
	if s.table == nil {
		return append(append(dst, imageInts), s.ints...)
	}
	dst = append(dst, imageTable)
	s.table.Each(func(r data.Ref) bool {
		member := s.ks.Arena.Key(r)
		dst = binary.AppendUvarint(dst, uint64(len(member)))
		dst = append(dst, member...)
		return true
	})
	return dst
}

// Load is the keyspace.Loader of sets.
func Load(ks *keyspace.Keyspace, image []byte) keyspace.Imaged {
	rest := image[1:]
	switch image[0] {
	case imageInts:
		return &Set{ks: ks, ints: intset.Set(bytes.Clone(rest))}
	case imageTable:
		s := &Set{ks: ks, table: new(data.Table)}
		for len(rest) > 0 {
			n, size := binary.Uvarint(rest)
			if size <= 0 {
				panic("set: an image ends early")
			}
			member := rest[size : size+int(n)]
			s.addRecord(ks.Hasher()(member), member)
			rest = rest[size+int(n):]
		}
		return s
	}
	panic("set: unknown encoding in an image")
}
