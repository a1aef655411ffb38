package saga

import (
	"bytes"
	"math/bits"

	"github.com/troupedb/troupe/shard/set"
	"github.com/zeebo/xxh3"
)

// memberIndex finds members in the array that a set.Builder is building: an
// open-addressed table of offsets, with no allocation for a member. It is seeded,
// so that no client can choose members that all collide.
type memberIndex struct {
	places []uint64 // 0: free; else tag<<offsetBits | offset + 1
	mask   uint64
	seed   uint64
}

// offsetBits is what a place keeps of an offset: a TiB of reply.
const offsetBits = 40

// newMemberIndex returns an index that has room for n members.
func newMemberIndex(n int, seed uint64) memberIndex {
	size := uint64(1) << bits.Len(uint(2*n)) // at most half full
	return memberIndex{places: make([]uint64, size), mask: size - 1, seed: seed}
}

// find returns the place of a member of the array at base, or where it belongs,
// and the tag that its place has.
func (x *memberIndex) find(base, member, encoded []byte) (place *uint64, tag uint64) {
	h := xxh3.HashSeed(member, x.seed)
	tag = h >> offsetBits
	for i := h & x.mask; ; i = (i + 1) & x.mask {
		place = &x.places[i]
		if *place == 0 {
			return place, tag
		}
		// The encoding begins with the length, so a prefix is the whole.
		if *place>>offsetBits == tag && bytes.HasPrefix(base[*place&(1<<offsetBits-1)-1:], encoded) {
			return place, tag
		}
	}
}

// addAll appends and indexes those of members that the array does not have.
func (x *memberIndex) addAll(b *set.Builder, members set.Members) {
	for r := members.Parse(); r.Left > 0; {
		member, encoded := r.Next()
		base := b.At()
		if place, tag := x.find(base, member, encoded); *place == 0 {
			*place = tag<<offsetBits | uint64(len(base)+1)
			b.Add(encoded)
		}
	}
}

// addOthers is addAll for the last set, whose members differ from each other.
func (x *memberIndex) addOthers(b *set.Builder, members set.Members) {
	r := members.Parse()
	if b.Len == 0 {
		b.AddAll(r.Left, r.Rest())
		return
	}
	for r.Left > 0 {
		member, encoded := r.Next()
		if place, _ := x.find(b.At(), member, encoded); *place == 0 {
			b.Add(encoded)
		}
	}
}
