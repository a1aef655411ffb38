package workload

import (
	"strconv"
	"strings"
)

// Space is the kind of number a placeholder stands for.
type Space uint8

// The spaces a placeholder can draw from.
const (
	KeySpace        Space = iota // one of Shape.Keys keys (or fields, or members)
	CollectionSpace              // one of Shape.Collections lists, hashes, sets, sorted sets
	MemberSpace                  // one of membersPerSpace members of a small set
	TagSpace                     // one of Shape's hash tags: one number for a whole request
	spaces
)

// Placeholders in command words. KeyPlaceholder is the one redis-benchmark
// knows; all have its length, so that digits replace them in place.
const (
	KeyPlaceholder        = "__rand_int__"
	CollectionPlaceholder = "__rand_col__"
	MemberPlaceholder     = "__rand_mem__"
	TagPlaceholder        = "__rand_tag__"

	// DigitCount is the length of every placeholder and of the number in its place.
	DigitCount = len(KeyPlaceholder)
	// MaxNumbers is how many different numbers fit into a placeholder's digits.
	MaxNumbers = 1_000_000_000_000
)

// spot is one placeholder's place in the buffer.
type spot struct {
	offset int
	space  Space
	repeat bool // a tag that stood in this request before: the same number again
}

// Template is a pipeline of equal requests in RESP, ready to send once its
// digits are written.
type Template struct {
	// Bytes is the whole pipeline with zeros in the digits. Writers copy it.
	Bytes []byte
	// Requests is the number of requests in Bytes.
	Requests int
	// Replies is the number of top-level replies that Bytes will draw.
	Replies int

	spots []spot
}

// Compile encodes pipeline copies of a request, which is one command or (for a
// transaction) several, each a list of words.
func Compile(request [][]string, pipeline int) *Template {
	t := &Template{Requests: pipeline, Replies: pipeline * len(request)}
	for range pipeline {
		from := len(t.Bytes)
		for _, words := range request {
			t.Bytes = appendCommand(t.Bytes, words)
		}
		t.findSpots(from)
	}
	return t
}

// findSpots notes the placeholders of the request that begins at from, and
// writes zeros over them.
func (t *Template) findSpots(from int) {
	text := string(t.Bytes[from:])
	tagged := false
	for at := 0; ; {
		i := strings.Index(text[at:], "__rand_")
		if i < 0 {
			return
		}
		at += i
		space, ok := spaceOf(text[at:])
		if !ok {
			at++
			continue
		}
		t.spots = append(t.spots, spot{offset: from + at, space: space, repeat: tagged && space == TagSpace})
		tagged = tagged || space == TagSpace
		copy(t.Bytes[from+at:], strings.Repeat("0", DigitCount))
		at += DigitCount
	}
}

func spaceOf(s string) (Space, bool) {
	switch {
	case strings.HasPrefix(s, KeyPlaceholder):
		return KeySpace, true
	case strings.HasPrefix(s, CollectionPlaceholder):
		return CollectionSpace, true
	case strings.HasPrefix(s, MemberPlaceholder):
		return MemberSpace, true
	case strings.HasPrefix(s, TagPlaceholder):
		return TagSpace, true
	}
	return 0, false
}

func appendCommand(b []byte, words []string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(words)), 10)
	b = append(b, "\r\n"...)
	for _, w := range words {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(w)), 10)
		b = append(b, "\r\n"...)
		b = append(b, w...)
		b = append(b, "\r\n"...)
	}
	return b
}

// Sources holds one Source a Space.
type Sources [spaces]Source

// Patch writes fresh numbers into buf, a copy of t.Bytes.
func (t *Template) Patch(buf []byte, from *Sources) {
	tag := uint64(0)
	for _, s := range t.spots {
		n := tag
		if !s.repeat {
			n = from[s.space].Next()
		}
		if s.space == TagSpace {
			tag = n
		}
		putDigits(buf[s.offset:s.offset+DigitCount], n)
	}
}

// putDigits writes n over all of at, with leading zeros.
func putDigits(at []byte, n uint64) {
	i := len(at) - 1
	for ; n > 0 && i >= 0; i-- {
		q := n / 10
		at[i] = byte('0' + n - q*10)
		n = q
	}
	for ; i >= 0; i-- {
		at[i] = '0'
	}
}
