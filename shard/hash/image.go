package hash

import (
	"bytes"
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/keyspace"
)

var _ keyspace.Imaged = (*Hash)(nil)

// An image is a byte for the encoding, then the listpack as it is, or the fields
// and values of the table, each behind its length (uvarint).
const (
	imagePack  = 0
	imageTable = 1
)

// AppendImage implements keyspace.Imaged.
func (h *Hash) AppendImage(dst []byte) []byte {
	if h.table == nil {
		return append(append(dst, imagePack), h.pack...)
	}
	dst = append(dst, imageTable)
	h.table.Each(func(r data.Ref) bool {
		dst = appendBytes(dst, h.ks.Arena.Key(r))
		dst = appendBytes(dst, h.ks.Arena.Val(r))
		return true
	})
	return dst
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// Load is the keyspace.Loader of hashes.
func Load(ks *keyspace.Keyspace, image []byte) keyspace.Imaged {
	rest := image[1:]
	switch image[0] {
	case imagePack:
		return &Hash{ks: ks, pack: listpack.Pack(bytes.Clone(rest))}
	case imageTable:
		h := &Hash{ks: ks, table: new(data.Table)}
		var field, value []byte
		for len(rest) > 0 {
			field, rest = cutBytes(rest)
			value, rest = cutBytes(rest)
			h.addRecord(ks.Hasher()(field), field, value)
		}
		return h
	}
	panic("hash: unknown encoding in an image")
}

func cutBytes(b []byte) (first, rest []byte) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		panic("hash: an image ends early")
	}
	b = b[size:]
	return b[:n], b[n:]
}
