package listpack

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/troupedb/troupe/shard/data/num"
)

// Encoding bytes. Those with fewer than eight fixed bits keep the rest for data.
const (
	enc6Str  = 0x80 // 10xxxxxx, length in x
	enc13Int = 0xc0 // 110xxxxx, high bits in x
	enc12Str = 0xe0 // 1110xxxx, high bits of the length in x
	enc32Str = 0xf0
	enc16Int = 0xf1
	enc24Int = 0xf2
	enc32Int = 0xf3
	enc64Int = 0xf4
	eof      = 0xff
)

// Where the string encodings end, in bytes of data.
const (
	max6Str  = 1<<6 - 1
	max12Str = 1<<12 - 1
)

// Value is an element: an integer when Str is nil, else the string Str, which
// lies inside the pack it was read from and is good until that pack changes.
type Value struct {
	Str []byte
	Int int64
}

// IsInt reports whether the element is stored as an integer.
func (v Value) IsInt() bool { return v.Str == nil }

// Append appends the element's text to dst.
func (v Value) Append(dst []byte) []byte {
	if v.IsInt() {
		return num.AppendInt(dst, v.Int)
	}
	return append(dst, v.Str...)
}

// Len returns the length of the element's text in bytes.
func (v Value) Len() int {
	if v.IsInt() {
		return num.IntLen(v.Int)
	}
	return len(v.Str)
}

// Equal reports whether b is the element's text.
func (v Value) Equal(b []byte) bool {
	if v.IsInt() {
		n, ok := num.ParseInt(b)
		return ok && n == v.Int
	}
	return bytes.Equal(v.Str, b)
}

// Entry is an element about to be written, with its encoding chosen.
type Entry struct {
	str  []byte
	int  int64
	head int // bytes before a string's data; 0 for an integer
	enc  int // bytes of encoding, length and data
	back int // bytes of the length behind them
}

// Str returns the entry for b, which must stay unchanged until it is written.
func Str(b []byte) Entry {
	if v, ok := num.ParseInt(b); ok {
		return Int(v)
	}
	head := 1
	switch {
	case len(b) > max12Str:
		head = 5
	case len(b) > max6Str:
		head = 2
	}
	enc := head + len(b)
	return Entry{str: b, head: head, enc: enc, back: backLen(enc)}
}

// Int returns the entry for v.
func Int(v int64) Entry { return Entry{int: v, enc: intLen(v), back: 1} }

// Size returns the length in bytes that Put writes.
func (e *Entry) Size() int { return e.enc + e.back }

// Put writes the entry to the first Size bytes of dst.
func (e *Entry) Put(dst []byte) {
	n := len(e.str)
	switch e.head {
	case 0:
		putInt(dst, e.int, e.enc)
	case 1:
		dst[0] = enc6Str | byte(n)
	case 2:
		dst[0], dst[1] = enc12Str|byte(n>>8), byte(n)
	default:
		dst[0] = enc32Str
		binary.LittleEndian.PutUint32(dst[1:], uint32(n))
	}
	copy(dst[e.head:], e.str)
	putBack(dst[e.enc:e.enc+e.back], e.enc)
}

// intLen returns the encoded length of v in bytes.
func intLen(v int64) int {
	switch {
	case 0 <= v && v <= 127:
		return 1
	case -1<<12 <= v && v < 1<<12:
		return 2
	case math.MinInt16 <= v && v <= math.MaxInt16:
		return 3
	case -1<<23 <= v && v < 1<<23:
		return 4
	case math.MinInt32 <= v && v <= math.MaxInt32:
		return 5
	}
	return 9
}

func putInt(dst []byte, v int64, enc int) {
	switch enc {
	case 1:
		dst[0] = byte(v)
	case 2:
		dst[0], dst[1] = enc13Int|byte(v>>8)&0x1f, byte(v)
	case 3:
		dst[0] = enc16Int
		binary.LittleEndian.PutUint16(dst[1:], uint16(v))
	case 4:
		dst[0], dst[1], dst[2], dst[3] = enc24Int, byte(v), byte(v>>8), byte(v>>16)
	case 5:
		dst[0] = enc32Int
		binary.LittleEndian.PutUint32(dst[1:], uint32(v))
	default:
		dst[0] = enc64Int
		binary.LittleEndian.PutUint64(dst[1:], uint64(v))
	}
}

// backLen returns how many bytes hold the length enc behind an entry. Redis's
// bounds are one short of what 7 bits a byte could hold.
func backLen(enc int) int {
	switch {
	case enc <= 1<<7-1:
		return 1
	case enc < 1<<14-1:
		return 2
	case enc < 1<<21-1:
		return 3
	case enc < 1<<28-1:
		return 4
	}
	return 5
}

// putBack fills dst with enc, seven bits a byte, most significant first; every
// byte but the first has its high bit set, so the reader knows where to stop.
func putBack(dst []byte, enc int) {
	for i := len(dst) - 1; i > 0; i-- {
		dst[i] = byte(enc) | 0x80
		enc >>= 7
	}
	dst[0] = byte(enc)
}

// encodedLen returns the length of encoding, length and data of the entry at
// b[0], or 0 when its encoding byte is none. It reads up to 5 bytes.
func encodedLen(b []byte) int {
	switch c := b[0]; {
	case c < enc6Str:
		return 1
	case c < enc13Int:
		return 1 + int(c&0x3f)
	case c < enc12Str:
		return 2
	case c < enc32Str:
		return 2 + int(c&0x0f)<<8 + int(b[1])
	case c == enc32Str:
		return 5 + int(binary.LittleEndian.Uint32(b[1:]))
	case c <= enc32Int:
		return 3 + int(c-enc16Int)
	case c == enc64Int:
		return 9
	}
	return 0
}

// SizeAt returns the whole length in bytes of the entry that starts at b[0].
func SizeAt(b []byte) int {
	c := b[0]
	if c&0xc0 == enc6Str { // the most common entry, worth inlining
		return 2 + int(c&0x3f)
	}
	return sizeOther(b)
}

func sizeOther(b []byte) int {
	enc := encodedLen(b)
	return enc + backLen(enc)
}

// SizeBefore returns the whole length in bytes of the entry that ends where b
// ends.
func SizeBefore(b []byte) int {
	enc, shift := 0, 0
	for i := len(b) - 1; ; i-- {
		enc |= int(b[i]&0x7f) << shift
		shift += 7
		if b[i] < 0x80 {
			return enc + len(b) - i
		}
	}
}

// ValueAt decodes the entry that starts at b[0].
func ValueAt(b []byte) Value {
	switch c := b[0]; {
	case c < enc6Str:
		return Value{Int: int64(c)}
	case c < enc13Int:
		n := 1 + int(c&0x3f)
		return Value{Str: b[1:n:n]}
	case c < enc12Str:
		return Value{Int: signed(uint64(c&0x1f)<<8|uint64(b[1]), 13)}
	case c < enc32Str:
		n := encodedLen(b)
		return Value{Str: b[2:n:n]}
	case c == enc32Str:
		n := encodedLen(b)
		return Value{Str: b[5:n:n]}
	case c == enc16Int:
		return Value{Int: int64(int16(binary.LittleEndian.Uint16(b[1:])))}
	case c == enc24Int:
		return Value{Int: signed(uint64(b[1])|uint64(b[2])<<8|uint64(b[3])<<16, 24)}
	case c == enc32Int:
		return Value{Int: int64(int32(binary.LittleEndian.Uint32(b[1:])))}
	}
	return Value{Int: int64(binary.LittleEndian.Uint64(b[1:]))}
}

// signed widens a two's complement number of the given bits.
func signed(u uint64, bits int) int64 { return int64(u<<(64-bits)) >> (64 - bits) }
