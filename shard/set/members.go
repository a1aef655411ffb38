package set

import "strconv"

// Members is an encoded array of members: the reply of SMEMBERS, and of the
// steps that filter it. It comes from this program, so a malformed one panics.
type Members []byte

// headerMost is the longest header of an array: kind, digits, line break.
const headerMost = 1 + 20 + 2

// Parse returns how many members there are, and a reader of them.
func (m Members) Parse() Reader {
	n, at := length(m)
	return Reader{Left: n, rest: m[at:]}
}

// Reader reads Members one by one.
type Reader struct {
	Left int
	rest []byte
}

// Rest returns the encoded members not yet read, without a header.
func (r *Reader) Rest() []byte { return r.rest }

// Next returns a member and its encoding. It may be called Left times.
func (r *Reader) Next() (member, encoded []byte) {
	n, at := length(r.rest)
	end := at + n + 2
	member, encoded = r.rest[at:at+n], r.rest[:end]
	r.rest = r.rest[end:]
	r.Left--
	return member, encoded
}

// length reads the number in the line at b[0], and where the next line begins.
func length(b []byte) (n, at int) {
	for at = 1; b[at] != '\r'; at++ {
		n = n*10 + int(b[at]-'0')
	}
	return n, at + 2
}

// Builder appends an array of members whose number is known only at the end.
type Builder struct {
	Len   int
	buf   []byte
	start int // of the header in buf
	head  int // bytes left for it
}

// Build begins an array of at most most members behind dst.
func Build(dst []byte, most int) Builder {
	b := Builder{start: len(dst)}
	b.head = 1 + digits(most) + 2
	b.buf = append(dst, zeros[:b.head]...)
	return b
}

var zeros [headerMost]byte

// Add appends a member in its encoding.
func (b *Builder) Add(encoded []byte) {
	b.buf = append(b.buf, encoded...)
	b.Len++
}

// AddAll appends n members in their encoding.
func (b *Builder) AddAll(n int, encoded []byte) {
	b.buf = append(b.buf, encoded...)
	b.Len += n
}

// At returns the bytes from the array's beginning on; offsets in them are good
// until End.
func (b *Builder) At() []byte { return b.buf[b.start:] }

// End writes the header, of kind '*' or '~', and returns dst with the array.
func (b *Builder) End(kind byte) []byte {
	body := b.buf[b.start+b.head:]
	head := append(b.buf[:b.start], kind)
	head = strconv.AppendInt(head, int64(b.Len), 10)
	head = append(head, '\r', '\n')
	if len(head)-b.start == b.head {
		return b.buf
	}
	return append(head, body...) // moves it a few bytes down
}

func digits(n int) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}
