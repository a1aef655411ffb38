package keyspace

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
)

// A keyspace moves to another node as a stream of operations, which Export makes
// and Import carries out one after the other. An operation is a byte and what
// follows it: numbers are uvarints, texts stand behind their length. What is not
// large travels whole; the rest in parts, so that no operation is longer than
// MaxOp.
const (
	// opDatabases: for each database the number it had so far, nowhere if it is
	// empty. What is not named is emptied.
	opDatabases = iota + 1
	// opPart: 0 for a name or 1 for a value, offset, bytes: a part of a text that a
	// later operation refers to.
	opPart
	// opDelete: key.
	opDelete
	// opPut: key, kind and form, expiry, clock, content.
	opPut
	// opOpen: key, kind and form, expiry, clock, 1 if it begins anew, fill of a list.
	// The operations below are on this key until another operation comes.
	opOpen
	opBytes   // of a string: offset, bytes
	opLength  // of a string: its length, not more than it has
	opElement // of a table: name, value
	opDrop    // of a table: name
	opItem    // of a list: the next element
	opInsert  // of a list: index, element
	opRemove  // of a list: index, how many
	opReplace // of a list: index, element
)

// Forms of values that are not strings, beside their kind. A string has its
// encoding there.
const (
	formFlat     = iota // one run of bytes
	formElements        // elements, of a table or a list
)

const (
	nowhere = 0xFF

	partName  = 0
	partValue = 1

	// wholeBytes is the longest value that travels in one operation.
	wholeBytes = 64 << 10
	// partBytes is the longest part of a value, and the longest name that stands in
	// an operation on its own.
	partBytes = 32 << 10
	// elementBytes is what an element is counted as beside its text: so that a value
	// of many tiny elements counts as large too.
	elementBytes = 16

	// MaxOp is more than the longest operation.
	MaxOp = wholeBytes + 3*partBytes
)

// Mobile is an Object that can move to another node.
type Mobile interface {
	Object
	// Flat returns the content where it is one run of bytes (a listpack, an intset),
	// as a view; nil where it is elements.
	Flat() []byte
}

// Tabled is a Mobile whose elements, if it is not flat, are the records of a table.
type Tabled interface {
	Mobile
	Table() *data.Table
	// Track makes the object tell m of every change of an element; nil ends that.
	Track(m *Marks)
	// Put gives the element a value and tells whether it can be one.
	Put(name, val []byte) bool
	Drop(name []byte)
}

// Sequenced is a list. Its methods that change elements at an index tell the Edits
// that Keyspace.Edits has for it; indexes are right.
type Sequenced interface {
	Mobile
	Fill() int
	// Items calls f with the elements from number i on, views, until it says false.
	Items(i int, f func(text []byte) bool)
	InsertAt(ks *Keyspace, i int, val []byte)
	RemoveAt(ks *Keyspace, i, n int)
	ReplaceAt(ks *Keyspace, i int, val []byte)
}

// Maker makes the objects of a kind at the end of their way.
type Maker struct {
	// Flat makes one of a copy of what Mobile.Flat returned, or tells that it is
	// malformed: it comes from the network.
	Flat func(ks *Keyspace, content []byte) (Object, bool)
	// Table and List make an empty one in its large form.
	Table func(ks *Keyspace) Tabled
	List  func(fill int) Sequenced
}

// Makers hold the Maker of each Kind but String.
type Makers [Stream + 1]Maker

// Successor returns an empty keyspace for the same slots with the same settings
// and counters, to take the place of ks.
func (ks *Keyspace) Successor(seed uint64) *Keyspace {
	s := New(ks.first, ks.count, seed)
	s.Advance(ks.now)
	s.ActiveExpiryOff, s.lfu, s.uses = ks.ActiveExpiryOff, ks.lfu, ks.uses
	s.hits, s.misses, s.expiredTotal = ks.hits, ks.misses, ks.expiredTotal
	return s
}

// Origin returns what Successor and New want to hear again on another node.
func (ks *Keyspace) Origin() (first, count int, seed uint64) { return ks.first, ks.count, ks.seed }

// position returns where Scan meets the key.
func (k *Key) position() uint64 {
	return uint64(k.Slot)<<data.ScanBits | k.Hash>>(64-data.ScanBits)
}

func (ks *Keyspace) scanEnd() uint64 { return uint64(ks.first+ks.count) << data.ScanBits }

// appendText appends a text behind its length plus one: zero refers to parts.
func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))+1), text...)
}

// cutter takes operations apart. Once something is malformed, bad is set and
// everything else is empty.
type cutter struct {
	rest []byte
	bad  bool
}

func (c *cutter) fail() {
	c.rest, c.bad = nil, true
}

func (c *cutter) byte() byte {
	if len(c.rest) == 0 {
		c.fail()
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *cutter) number() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.fail()
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// index returns a number that is to be at most limit.
func (c *cutter) index(limit int) int {
	n := c.number()
	if limit < 0 || n > uint64(limit) {
		c.fail()
		return 0
	}
	return int(n)
}

func (c *cutter) bytes(n int) []byte {
	if n > len(c.rest) {
		c.fail()
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

// text returns a text, which stands here or, with its parts, in scratch.
func (c *cutter) text(scratch []byte) []byte {
	if n := c.number(); n > 0 {
		if n > uint64(len(c.rest))+1 {
			c.fail()
			return nil
		}
		return c.bytes(int(n - 1))
	}
	return scratch
}
