package keyspace

// Imaged is an Object that can be carried to another shard: every compound
// type is one.
type Imaged interface {
	Object
	// AppendImage appends the whole content and its encoding to dst, in a form
	// that only the same type's Loader reads. The object stays as it is.
	AppendImage(dst []byte) []byte
}

// Loader makes an object, whose memory is in ks, of what AppendImage wrote. The
// image comes from this program, so a malformed one is a defect, and panics. The
// object keeps no part of image.
type Loader func(ks *Keyspace, image []byte) Imaged

// Loaders hold the Loader of each Kind but String.
type Loaders [Stream + 1]Loader
