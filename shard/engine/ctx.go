package engine

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

// Ctx is one run of a command: its arguments, its key, and what it may use.
// Args and Key.Name are views that end with the call; what is kept is copied.
type Ctx struct {
	Args [][]byte
	Out  *reply.Writer
	KS   *keyspace.Keyspace
	Key  keyspace.Key // of the one key; only DB is set for a command without one
	Name string       // full name of the command, for error texts
	Cfg  *Config
	Rand *rng.Rand

	engine *Engine
}

// Now returns the batch's time in Unix milliseconds.
func (c *Ctx) Now() int64 { return c.KS.Now() }

// Find returns the record of the key, or 0, and counts an access.
func (c *Ctx) Find() data.Ref { return c.KS.Find(&c.Key) }

// FindString is Find for a command on strings: ok is false, and the error is
// written, if the key holds another type. The record is 0 if there is no key.
func (c *Ctx) FindString() (r data.Ref, ok bool) {
	r = c.KS.Find(&c.Key)
	if r != 0 && c.KS.Kind(r) != keyspace.String {
		c.Out.Error(reply.ErrWrongType)
		return 0, false
	}
	return r, true
}

// StringBytes returns the string in record r. The view is valid until the next
// change; scratch holds an integer's digits.
func (c *Ctx) StringBytes(r data.Ref, scratch *[20]byte) []byte {
	val := c.KS.Arena.Val(r)
	if c.KS.IsInt(r) {
		return num.AppendInt(scratch[:0], intOf(val))
	}
	return val
}

// IntOf returns the integer that the string in record r is the text of.
func (c *Ctx) IntOf(r data.Ref) (n int64, ok bool) {
	val := c.KS.Arena.Val(r)
	if c.KS.IsInt(r) {
		return intOf(val), true
	}
	return num.ParseInt(val)
}

func intOf(val []byte) int64 { return int64(binary.LittleEndian.Uint64(val)) }

// Object returns the key's object of type T. ok is false, and the error is
// written, if the key holds another type; there is no key if r is 0.
func Object[T keyspace.Object](c *Ctx) (o T, r data.Ref, ok bool) {
	r = c.KS.Find(&c.Key)
	if r == 0 {
		return o, 0, true
	}
	if c.KS.Kind(r) != keyspace.String {
		if o, ok = c.KS.Object(r).(T); ok {
			return o, r, true
		}
	}
	c.Out.Error(reply.ErrWrongType)
	return o, 0, false
}

// Changed records that the key's value was changed: watchers see it, and event
// goes to subscribers of keyspace events of that class.
func (c *Ctx) Changed(class Class, event string) {
	c.engine.changed(&c.Key)
	c.Notify(class, event)
}

// Notify publishes a keyspace event alone.
func (c *Ctx) Notify(class Class, event string) {
	if c.Cfg.Notify&class != 0 {
		c.engine.notify(&c.Key, class, event)
	}
}

// Ready tells that the key now has what blocked clients may wait for.
func (c *Ctx) Ready() {
	if len(c.engine.waiting) > 0 {
		c.engine.markReady(&c.Key)
	}
}

// DeleteEmpty removes the key, whose record is r, after its last element went.
func (c *Ctx) DeleteEmpty(r data.Ref) {
	c.KS.Remove(&c.Key, r)
	c.Notify(NotifyGeneric, "del")
}

// Int parses argument i as a 64-bit integer, or writes the error.
func (c *Ctx) Int(i int) (int64, bool) {
	n, ok := num.ParseInt(c.Args[i])
	if !ok {
		c.Out.Error(reply.ErrNotInteger)
	}
	return n, ok
}

// Float parses argument i as a double, or writes the error.
func (c *Ctx) Float(i int) (float64, bool) {
	f, ok := num.ParseFloat(c.Args[i])
	if !ok {
		c.Out.Error(reply.ErrNotFloat)
	}
	return f, ok
}

// Is tells whether argument i is the word, which is given in upper case.
func (c *Ctx) Is(i int, word string) bool { return IsWord(c.Args[i], word) }

// IsWord compares without regard to case; word is given in upper case.
func IsWord(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, b := range arg {
		if b >= 'a' && b <= 'z' {
			b -= 'a' - 'A'
		}
		if b != word[i] {
			return false
		}
	}
	return true
}
