package data

import (
	"encoding/binary"
	"unsafe"
)

// A record is, in an arena block:
//
//	byte 0     tag: 4 bits of kind, 3 of encoding (the owner's), 1 "has expiry"
//	bytes 1-3  access clock (the owner's), 24 bits
//	bytes 4-5  key length    bytes 6-7  value length
//	8 bytes    expiry, if the tag says so
//	key, value
//
// A record over maxBlock is a Go slice of its own with lengths of 4 and 8 bytes
// at 4 and 8, and its expiry, key and value from 16 on; the value may have spare
// capacity behind it.
const (
	smallHeader = 8
	largeHeader = 16
	expiryBytes = 8
	expiryFlag  = 0x80
	// ClockMask keeps an access clock to its 24 bits.
	ClockMask = 1<<24 - 1
	tagBytes  = 4 // tag and clock, one word
)

// Alloc makes a record with the given tag (kind and encoding, below 0x80), a
// copy of key, and room for a value of vlen bytes. expiry ≠ 0 is kept too.
func (a *Arena) Alloc(tag byte, key []byte, vlen int, expiry int64) Ref {
	n := len(key) + vlen
	if expiry != 0 {
		n += expiryBytes
		tag |= expiryFlag
	}
	if smallHeader+n > maxBlock {
		return a.allocLarge(tag, key, vlen, expiry, n)
	}
	r := a.alloc(smallHeader + n)
	b := unsafe.Slice((*byte)(a.ptr(r)), smallHeader+n)
	binary.LittleEndian.PutUint64(b, uint64(tag)|uint64(len(key))<<32|uint64(vlen)<<48)
	rest := b[smallHeader:]
	if expiry != 0 {
		binary.LittleEndian.PutUint64(rest, uint64(expiry))
		rest = rest[expiryBytes:]
	}
	copy(rest, key)
	return r
}

func (a *Arena) allocLarge(tag byte, key []byte, vlen int, expiry int64, n int) Ref {
	b := make([]byte, largeHeader+n)
	b[0] = tag
	binary.LittleEndian.PutUint32(b[4:], uint32(len(key)))
	binary.LittleEndian.PutUint64(b[8:], uint64(vlen))
	rest := b[largeHeader:]
	if expiry != 0 {
		binary.LittleEndian.PutUint64(rest, uint64(expiry))
		rest = rest[expiryBytes:]
	}
	copy(rest, key)
	return a.putLarge(b)
}

func (a *Arena) putLarge(b []byte) Ref {
	a.used += int64(cap(b))
	a.largeUsed += int64(cap(b))
	if k := len(a.largeFree); k > 0 {
		i := a.largeFree[k-1]
		a.largeFree = a.largeFree[:k-1]
		a.large[i] = b
		return largeBit | Ref(i)
	}
	a.large = append(a.large, b)
	return largeBit | Ref(len(a.large)-1)
}

// Free gives the record's memory back; r is invalid afterwards.
func (a *Arena) Free(r Ref) {
	if r&largeBit == 0 {
		a.release(r)
		return
	}
	i := uint32(r &^ largeBit)
	a.used -= int64(cap(a.large[i]))
	a.largeUsed -= int64(cap(a.large[i]))
	a.large[i] = nil
	a.largeFree = append(a.largeFree, i)
}

// head returns the first word of the record.
func (a *Arena) head(r Ref) *uint32 {
	if r&largeBit != 0 {
		return (*uint32)(unsafe.Pointer(unsafe.SliceData(a.large[r&^largeBit])))
	}
	return (*uint32)(a.ptr(r))
}

// Tag returns the kind and encoding bits.
func (a *Arena) Tag(r Ref) byte { return byte(*a.head(r)) &^ expiryFlag }

// SetTag changes the kind and encoding bits.
func (a *Arena) SetTag(r Ref, tag byte) {
	h := a.head(r)
	*h = *h&^0x7F | uint32(tag&^expiryFlag)
}

// Clock returns the access clock.
func (a *Arena) Clock(r Ref) uint32 { return *a.head(r) >> 8 }

// SetClock changes the access clock, 24 bits. A record that has it already is
// not written to.
func (a *Arena) SetClock(r Ref, clock uint32) {
	h := a.head(r)
	if word := *h&0xFF | clock<<8; word != *h {
		*h = word
	}
}

// Expiry returns the expiry kept in the record, 0 if it has none.
func (a *Arena) Expiry(r Ref) int64 {
	h := a.head(r)
	if byte(*h)&expiryFlag == 0 {
		return 0
	}
	at := uintptr(smallHeader)
	if r&largeBit != 0 {
		at = largeHeader
	}
	return *(*int64)(unsafe.Add(unsafe.Pointer(h), at))
}

// Key returns the record's key: a view, valid until the record is freed.
func (a *Arena) Key(r Ref) []byte {
	if r&largeBit != 0 {
		key, _ := splitLarge(a.large[r&^largeBit])
		return key
	}
	p := a.ptr(r)
	at := uintptr(smallHeader)
	if *(*byte)(p)&expiryFlag != 0 {
		at += expiryBytes
	}
	return unsafe.Slice((*byte)(unsafe.Add(p, at)), int(*(*uint16)(unsafe.Add(p, 4))))
}

// Val returns the record's value: a view that may be written to, valid until
// the record is freed or resized.
func (a *Arena) Val(r Ref) []byte {
	if r&largeBit != 0 {
		_, val := splitLarge(a.large[r&^largeBit])
		return val
	}
	p := a.ptr(r)
	at := uintptr(smallHeader) + uintptr(*(*uint16)(unsafe.Add(p, 4)))
	if *(*byte)(p)&expiryFlag != 0 {
		at += expiryBytes
	}
	return unsafe.Slice((*byte)(unsafe.Add(p, at)), int(*(*uint16)(unsafe.Add(p, 6))))
}

func splitLarge(b []byte) (key, val []byte) {
	klen := int(binary.LittleEndian.Uint32(b[4:]))
	vlen := int(binary.LittleEndian.Uint64(b[8:]))
	at := largeHeader
	if b[0]&expiryFlag != 0 {
		at += expiryBytes
	}
	return b[at : at+klen : at+klen], b[at+klen : at+klen+vlen]
}

// Resize gives the record room for a value of vlen bytes, keeping the value's
// first bytes, tag, clock, expiry and key. New bytes are undefined in a block,
// zero in a large record's fresh capacity; the caller writes them. The record
// may move: the returned Ref replaces r, which is then freed.
func (a *Arena) Resize(r Ref, vlen int) Ref {
	if r&largeBit != 0 {
		return a.resizeLarge(r, vlen)
	}
	p := a.ptr(r)
	key := a.Key(r)
	need := smallHeader + len(key) + vlen
	expiry := a.Expiry(r)
	if expiry != 0 {
		need += expiryBytes
	}
	if need <= maxBlock && a.pages[r>>pageShift].class == int8(classOf[(need+unit-1)/unit]) {
		*(*uint16)(unsafe.Add(p, 6)) = uint16(vlen)
		return r
	}
	return a.Move(r, vlen, expiry)
}

// resizeLarge grows with a quarter of spare room, so that a value that grows
// by appends is copied a bounded number of times.
func (a *Arena) resizeLarge(r Ref, vlen int) Ref {
	b := a.large[r&^largeBit]
	_, val := splitLarge(b)
	head := len(b) - len(val)
	if head-largeHeader+smallHeader+vlen <= maxBlock || vlen < cap(b)/4 {
		return a.Move(r, vlen, a.Expiry(r))
	}
	if head+vlen > cap(b) {
		grown := make([]byte, head+vlen, head+vlen+vlen/4)
		copy(grown, b)
		a.used += int64(cap(grown) - cap(b))
		a.largeUsed += int64(cap(grown) - cap(b))
		b = grown
	}
	b = b[:head+vlen]
	binary.LittleEndian.PutUint64(b[8:], uint64(vlen))
	a.large[r&^largeBit] = b
	return r
}

// Move makes the record anew with another value length or expiry (0: none) and
// frees r.
func (a *Arena) Move(r Ref, vlen int, expiry int64) Ref {
	moved := a.Alloc(a.Tag(r), a.Key(r), vlen, expiry)
	a.SetClock(moved, a.Clock(r))
	copy(a.Val(moved), a.Val(r))
	a.Free(r)
	return moved
}

// SetExpiry changes, adds or (0) removes the expiry. The record may move.
func (a *Arena) SetExpiry(r Ref, expiry int64) Ref {
	if had := a.Expiry(r); had == 0 || expiry == 0 {
		if had == expiry {
			return r
		}
		return a.Move(r, len(a.Val(r)), expiry)
	}
	at := uintptr(smallHeader)
	if r&largeBit != 0 {
		at = largeHeader
	}
	*(*int64)(unsafe.Add(unsafe.Pointer(a.head(r)), at)) = expiry
	return r
}

// Bytes returns how much memory the record takes, block rounding included.
func (a *Arena) Bytes(r Ref) int64 {
	if r&largeBit != 0 {
		return int64(cap(a.large[r&^largeBit]))
	}
	return int64(classUnits[a.pages[r>>pageShift].class]) * unit
}
