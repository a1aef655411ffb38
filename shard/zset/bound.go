package zset

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"github.com/troupedb/troupe/shard/data/num"
)

// scoreRange is a range of scores; an open end does not belong to it.
type scoreRange struct {
	min, max         float64
	minOpen, maxOpen bool
}

func (r *scoreRange) aboveMin(score float64) bool {
	return score > r.min || score == r.min && !r.minOpen
}

func (r *scoreRange) belowMax(score float64) bool {
	return score < r.max || score == r.max && !r.maxOpen
}

func parseScoreRange(low, high []byte) (r scoreRange, ok bool) {
	var okMin, okMax bool
	r.min, r.minOpen, okMin = parseScoreBound(low)
	r.max, r.maxOpen, okMax = parseScoreBound(high)
	return r, okMin && okMax
}

func parseScoreBound(b []byte) (score float64, open, ok bool) {
	if len(b) > 0 && b[0] == '(' {
		b, open = b[1:], true
	}
	score, ok = strtod(b)
	return score, open, ok
}

// strtod reads a bound as C's strtod does for Redis, which is laxer than a score:
// space may lead, a NUL ends the text, no text at all is 0, and what is out of
// range is infinite or 0.
func strtod(b []byte) (v float64, ok bool) {
	if v, ok = num.ParseFloat(b); ok {
		return v, true
	}
	if nul := bytes.IndexByte(b, 0); nul >= 0 {
		b = b[:nul]
	}
	if len(b) == 0 {
		return 0, true
	}
	b = bytes.TrimLeft(b, " \t\n\v\f\r")
	if v, ok = num.ParseFloat(b); ok {
		return v, true
	}
	if bytes.IndexByte(b, '_') >= 0 { // Go's syntax, not C's
		return 0, false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if errors.Is(err, strconv.ErrSyntax) { // Go wants an exponent in hexadecimal
		v, err = strconv.ParseFloat(string(b)+"p0", 64)
	}
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(v) {
		return 0, false
	}
	return v, true
}

// end tells that a bound is one of the ends of all strings.
type end int8

const (
	within   end = iota
	least        // "-"
	greatest     // "+"
)

// lexBound is an end of a range of strings.
type lexBound struct {
	text []byte
	end  end
	open bool
}

// lexRange is a range of strings.
type lexRange struct{ min, max lexBound }

func parseLexRange(low, high []byte) (r lexRange, ok bool) {
	var okMin, okMax bool
	r.min, okMin = parseLexBound(low)
	r.max, okMax = parseLexBound(high)
	return r, okMin && okMax
}

func parseLexBound(b []byte) (bound lexBound, ok bool) {
	if len(b) == 0 {
		return bound, false
	}
	alone := len(b) == 1 || b[1] == 0 // Redis looks for the end of a C string
	switch {
	case b[0] == '-' && alone:
		return lexBound{end: least, open: true}, true
	case b[0] == '+' && alone:
		return lexBound{end: greatest, open: true}, true
	case b[0] == '(':
		return lexBound{text: b[1:], open: true}, true
	case b[0] == '[':
		return lexBound{text: b[1:]}, true
	}
	return bound, false
}

// compare compares a member with the bound.
func (b *lexBound) compare(member []byte) int {
	switch b.end {
	case least:
		return 1
	case greatest:
		return -1
	}
	return bytes.Compare(member, b.text)
}

// empty tells that nothing can be in the range.
func (r *lexRange) empty() bool {
	if r.min.end == within && r.max.end == within {
		c := bytes.Compare(r.min.text, r.max.text)
		return c > 0 || c == 0 && (r.min.open || r.max.open)
	}
	return r.min.end == greatest || r.max.end == least
}

func (r *lexRange) aboveMin(member []byte) bool {
	c := r.min.compare(member)
	return c > 0 || c == 0 && !r.min.open
}

func (r *lexRange) belowMax(member []byte) bool {
	c := r.max.compare(member)
	return c < 0 || c == 0 && !r.max.open
}
