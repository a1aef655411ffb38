package session

import "hash/maphash"

// keySet is a set of keys that may seem to have more than it has: of sixteen large
// commands hardly one that shares no key with the others is taken for one that does.
// The zero value is empty; it takes memory with the first key.
type keySet struct {
	bits *[keySetWords]uint64
	few  [16]uint8 // which words the first keys have set
	keys int
}

const (
	keySetWords = 256 // 2 KiB
	keySetMask  = keySetWords*64 - 1
)

var keySeed = maphash.MakeSeed()

// places returns the two bits of a key.
func (b *keySet) places(key []byte) (one, two uint32) {
	h := maphash.Bytes(keySeed, key)
	return uint32(h) & keySetMask, uint32(h>>32) & keySetMask
}

func (b *keySet) add(key []byte) {
	if b.bits == nil {
		b.bits = new([keySetWords]uint64)
	}
	one, two := b.places(key)
	b.bits[one/64] |= 1 << (one % 64)
	b.bits[two/64] |= 1 << (two % 64)
	if 2*b.keys < len(b.few) {
		b.few[2*b.keys], b.few[2*b.keys+1] = uint8(one/64), uint8(two/64)
	}
	b.keys++
}

func (b *keySet) has(key []byte) bool {
	if b.keys == 0 {
		return false
	}
	one, two := b.places(key)
	return b.bits[one/64]>>(one%64)&1 != 0 && b.bits[two/64]>>(two%64)&1 != 0
}

func (b *keySet) clear() {
	switch {
	case b.keys == 0:
		return
	case 2*b.keys <= len(b.few):
		for _, at := range b.few[:2*b.keys] {
			b.bits[at] = 0
		}
	default:
		clear(b.bits[:])
	}
	b.keys = 0
}
