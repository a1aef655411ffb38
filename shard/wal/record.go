package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// A record is: length of the body (4 bytes), CRC32C (4 bytes), body. The body
// begins with a kind and a group. The CRC also covers the segment's number and the
// record's offset, so that a record counts only in its place.
const frameSize = 8

const (
	kindHeader = 1 + iota
	kindMark
	kindUpdate
	kindDrop
)

// markBody is the size of a mark's body: kind, group 0 and an offset of 8 bytes.
const markBody = 10

// version begins every header.
const version = "troupe wal 1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(seq uint64, offset int64, body []byte) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], seq)
	binary.LittleEndian.PutUint64(place[8:], uint64(offset))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, body)
}

// appendRecord appends the record that body makes, for this place.
func appendRecord(to []byte, seq uint64, offset int64, kind byte, group uint64, payload func([]byte) []byte) []byte {
	at := len(to)
	to = append(to, make([]byte, frameSize)...)
	to = append(to, kind)
	to = binary.AppendUvarint(to, group)
	if payload != nil {
		to = payload(to)
	}
	body := to[at+frameSize:]
	binary.LittleEndian.PutUint32(to[at:], uint32(len(body)))
	binary.LittleEndian.PutUint32(to[at+4:], sum(seq, offset, body))
	return to
}

// record returns the body of the record at offset of a segment's bytes, nil if
// there is no good one.
func record(b []byte, seq uint64, offset int64) []byte {
	b = b[offset:]
	if len(b) < frameSize {
		return nil
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if n < 2 || n > MaxRecord || n > int64(len(b)-frameSize) {
		return nil
	}
	body := b[frameSize : frameSize+n]
	if sum(seq, offset, body) != binary.LittleEndian.Uint32(b[4:]) {
		return nil
	}
	return body
}

// markedAfter returns how far marks that stand after offset say that the segment
// was durable, 0 if there is none.
func markedAfter(b []byte, seq uint64, offset int64) int64 {
	var most int64
	for at := offset + 1; at+frameSize+markBody <= int64(len(b)); at++ {
		if binary.LittleEndian.Uint32(b[at:]) != markBody || b[at+frameSize] != kindMark {
			continue
		}
		if body := record(b, seq, at); body != nil {
			most = max(most, int64(binary.LittleEndian.Uint64(body[2:])))
		}
	}
	return most
}

// decoder reads a body from its beginning; bad remembers that it did not suffice.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

// bytes returns a part of the body, not a copy.
func (d *decoder) bytes() []byte {
	n := d.number()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

// count is a number of things that take at least a byte each.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return 0
	}
	return int(n)
}

func appendBytes(to, b []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(b))), b...)
}

func appendHard(to []byte, h HardState) []byte {
	to = binary.AppendUvarint(to, h.Term)
	to = binary.AppendUvarint(to, h.Vote)
	return binary.AppendUvarint(to, h.Commit)
}

func (d *decoder) hard() HardState { return HardState{d.number(), d.number(), d.number()} }

// appendMeta appends a snapshot without its data, which is in a file.
func appendMeta(to []byte, s *Snapshot) []byte {
	to = binary.AppendUvarint(to, s.Index)
	to = binary.AppendUvarint(to, s.Term)
	return appendBytes(to, s.Conf)
}

func (d *decoder) meta() Snapshot {
	return Snapshot{Index: d.number(), Term: d.number(), Conf: append([]byte(nil), d.bytes()...)}
}

// The parts that an update's record may have.
const (
	hasSnapshot = 1 << iota
	hasReset
	hasHard
)

func appendUpdate(to []byte, u *Update) []byte {
	var has byte
	if u.Snapshot != nil {
		has |= hasSnapshot
	}
	if u.Reset {
		has |= hasReset
	}
	if u.HardState != (HardState{}) {
		has |= hasHard
	}
	to = append(to, has)
	if u.Snapshot != nil {
		to = appendMeta(to, u.Snapshot)
	}
	if has&hasHard != 0 {
		to = appendHard(to, u.HardState)
	}
	to = binary.AppendUvarint(to, u.First)
	to = binary.AppendUvarint(to, uint64(len(u.Entries)))
	for i := range u.Entries {
		e := &u.Entries[i]
		to = binary.AppendUvarint(to, e.Index)
		to = binary.AppendUvarint(to, e.Term)
		to = append(to, e.Type)
		to = appendBytes(to, e.Data)
	}
	return to
}

// update reads what appendUpdate has written. Data is not copied.
func (d *decoder) update() Update {
	var u Update
	has := d.byte()
	if has&hasSnapshot != 0 {
		s := d.meta()
		u.Snapshot = &s
	}
	u.Reset = has&hasReset != 0
	if has&hasHard != 0 {
		u.HardState = d.hard()
	}
	u.First = d.number()
	for range d.count() {
		u.Entries = append(u.Entries, Entry{d.number(), d.number(), d.byte(), d.bytes()})
	}
	return u
}
