package command

import "encoding/binary"

// maxName is the longest name of a command or subcommand that a client can
// say; three machine words hold it. Redis's longest has 21 bytes.
const maxName = 24

// word is a name in lower case, padded with zeros.
type word [3]uint64

// nameIndex finds Infos by name: open addressing with linear probing, at most a
// quarter full, so that most names are found at the first slot.
type nameIndex struct {
	slots []nameSlot // a power of two
	shift uint       // that takes the hash's highest bits
}

type nameSlot struct {
	name word
	size uint64
	info *Info // nil: free
}

// nameSlots is how many slots a name gets.
const nameSlots = 4

func newNameIndex(names int) nameIndex {
	bits := uint(2)
	for 1<<bits < names*nameSlots {
		bits++
	}
	return nameIndex{slots: make([]nameSlot, 1<<bits), shift: 64 - bits}
}

// add enters info; it answers what stands under the same name already, or nil.
func (x *nameIndex) add(info *Info) *Info {
	if found := x.find([]byte(info.Name)); found != nil {
		return found
	}
	name, size := packName([]byte(info.Name))
	i := hashName(name, size) >> x.shift
	for x.slots[i].info != nil {
		i = (i + 1) & uint64(len(x.slots)-1)
	}
	x.slots[i] = nameSlot{name: name, size: size, info: info}
	return nil
}

// find answers nil for a name that is not there, and at once for an empty index.
func (x *nameIndex) find(name []byte) *Info {
	if len(name) > maxName || len(x.slots) == 0 {
		return nil
	}
	if len(name) < 8 {
		return x.findShort(lowerBytes(packShort(name)), uint64(len(name)))
	}
	packed, size := packName(name)
	for i := hashName(packed, size) >> x.shift; ; i++ {
		slot := &x.slots[i&uint64(len(x.slots)-1)]
		if slot.info == nil || (slot.name == packed && slot.size == size) {
			return slot.info
		}
	}
}

// findShort finds a name of less than one word: those that clients say most.
func (x *nameIndex) findShort(name, size uint64) *Info {
	for i := hashName(word{name}, size) >> x.shift; ; i++ {
		slot := &x.slots[i&uint64(len(x.slots)-1)]
		if slot.info == nil || (slot.name[0] == name && slot.size == size) {
			return slot.info
		}
	}
}

// The multipliers are the fractions of the golden ratio and of the square
// roots of 2 and 3: odd numbers with no pattern in their bits.
const (
	mixFirst  = 0x9e3779b97f4a7c15
	mixSecond = 0x6a09e667f3bcc909
	mixThird  = 0xbb67ae8584caa73b
)

// hashName mixes into the highest bits, the only ones that are used.
func hashName(name word, size uint64) uint64 {
	return (name[0]^size)*mixFirst ^ name[1]*mixSecond ^ name[2]*mixThird
}

// packName reads name, of at most maxName bytes, as a lower-case word.
func packName(name []byte) (word, uint64) {
	size := len(name)
	if size < 8 {
		return word{lowerBytes(packShort(name))}, uint64(size)
	}
	w := word{lowerBytes(binary.LittleEndian.Uint64(name))}
	switch {
	case size <= 16:
		w[1] = lowerBytes(packTail(name, size-8))
	default:
		w[1] = lowerBytes(binary.LittleEndian.Uint64(name[8:]))
		w[2] = lowerBytes(packTail(name, size-16))
	}
	return w, uint64(size)
}

// packTail reads the last n of at least 8 bytes, 0 <= n <= 8.
func packTail(b []byte, n int) uint64 {
	return binary.LittleEndian.Uint64(b[len(b)-8:]) >> (8 * uint(8-n))
}

// packShort reads fewer than 8 bytes without a loop: two reads that may overlap.
func packShort(b []byte) uint64 {
	n := uint(len(b))
	switch {
	case n >= 4:
		head := uint64(binary.LittleEndian.Uint32(b))
		tail := uint64(binary.LittleEndian.Uint32(b[n-4:]))
		return head | tail<<(8*(n-4))
	case n > 0:
		return uint64(b[0]) | uint64(b[n/2])<<(8*(n/2)) | uint64(b[n-1])<<(8*(n-1))
	default:
		return 0
	}
}

// lowerBytes turns the ASCII letters among eight bytes to lower case. A byte
// plus 0x3f has its top bit set from 'A' on, and plus 0x25 from beyond 'Z' on.
func lowerBytes(w uint64) uint64 {
	const each = 0x0101010101010101
	low := w & (0x7f * each)
	fromA := low + (0x80-'A')*each
	pastZ := low + (0x7f-'Z')*each
	upper := (fromA ^ pastZ) &^ w & (0x80 * each)
	return w | upper>>2
}
