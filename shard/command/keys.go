package command

import (
	"math"

	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

// KeyPos is a key among a command's words.
type KeyPos struct {
	Pos    int // index into the words; the command's name is 0
	Access KeyAccess
}

// ErrInvalidArgs is the answer to arguments among which no key can be found.
const ErrInvalidArgs reply.Error = "ERR Invalid arguments specified for command"

// HasKeys tells whether the command can have keys at all.
func (r *Row) HasKeys() bool {
	for i := range r.Keys {
		if r.Keys[i].Access&NotKey == 0 {
			return true
		}
	}
	return false
}

// Keys appends the keys of a command to dst, in the order in which COMMAND
// GETKEYS gives them, a key as often as it is named. args are the command's
// words, in a number that info's arity admits. Every position is within args,
// whatever they say.
//
// ErrInvalidArgs is for arguments that do not say which the keys are though the
// command needs some. Those that can be told all the same are appended: PFMERGE
// with a destination only is such a case, and a legal command, so a router goes
// by the keys that it gets and leaves the refusal to the handler.
func Keys(info *Info, args [][]byte, dst []KeyPos) ([]KeyPos, error) {
	if info.KeyPos > 0 && info.find == nil {
		if info.KeyPos >= len(args) {
			return dst, ErrInvalidArgs
		}
		return append(dst, KeyPos{info.KeyPos, info.Row.Keys[0].Access}), nil
	}
	start := len(dst)
	dst, fit := info.Row.specKeys(args, dst)
	if info.find != nil && !fit {
		dst, fit = info.find(args, dst[:start]), true
	}
	if fit && len(dst) > start {
		return dst, nil
	}
	if loose := info.Row.looseKeys(args, dst[:start]); len(loose) > start {
		return loose, nil
	}
	if !info.HasKeys() || info.Flags&NoMandatoryKeys != 0 {
		return dst[:start], nil
	}
	return dst, ErrInvalidArgs
}

// specKeys finds keys by the row's specs; fit tells whether all of them fit the
// arguments and suffice for them.
func (r *Row) specKeys(args [][]byte, dst []KeyPos) (keys []KeyPos, fit bool) {
	fit = true
	for i := range r.Keys {
		spec := &r.Keys[i]
		if spec.Access&NotKey != 0 {
			continue
		}
		first := spec.begin(args)
		if first == 0 {
			fit = fit && !spec.unknown()
			continue
		}
		first, last, ok := spec.bounds(args, first)
		if !ok {
			fit = false
			continue
		}
		for pos := first; pos <= last; pos += spec.Find.Step {
			dst = append(dst, KeyPos{pos, spec.Access})
		}
		fit = fit && !spec.insufficient()
	}
	return dst, fit
}

// begin is where the search for keys begins; 0: the keyword is not there.
func (s *KeySpec) begin(args [][]byte) int {
	if s.Begin.Keyword == "" {
		return s.Begin.Index
	}
	if s.Begin.StartFrom > 0 {
		for i := s.Begin.StartFrom; i < len(args)-1; i++ {
			if sameWord(args[i], s.Begin.Keyword) {
				return i + 1
			}
		}
		return 0
	}
	for i := len(args) + s.Begin.StartFrom; i > 1; i-- {
		if sameWord(args[i], s.Begin.Keyword) {
			return i + 1
		}
	}
	return 0
}

// bounds are the first and last position of keys that begin at begin. They are
// within args unless ok is false.
func (s *KeySpec) bounds(args [][]byte, begin int) (first, last int, ok bool) {
	first = begin
	switch {
	case s.Find.ByCount:
		at := begin + s.Find.KeyNum
		if at >= len(args) {
			return 0, 0, false
		}
		count, isNumber := num.ParseInt(args[at])
		if !isNumber || count < 0 {
			return 0, 0, false
		}
		first += s.Find.First
		// Redis keeps 32 bits of the count, and GETKEYS shows it.
		last = first + int(int32(count)) - 1
	case s.Find.Last >= 0:
		last = first + s.Find.Last
	case s.Find.Limit == 0:
		last = len(args) + s.Find.Last
	default:
		last = first + (len(args)-first)/s.Find.Limit + s.Find.Last
	}
	return first, last, last < len(args) && first <= last
}

// looseKeys is what Redis falls back to where a count of keys is not written
// as it should be ("+2", " 2", "2x"): it reads the number that the word begins
// with, and the keys so found have no known access.
func (r *Row) looseKeys(args [][]byte, dst []KeyPos) []KeyPos {
	store, counted := 0, (*KeySpec)(nil)
	for i := range r.Keys {
		if r.Keys[i].Find.ByCount {
			counted = &r.Keys[i]
		} else {
			store = r.Keys[i].Begin.Index
		}
	}
	if counted == nil {
		return dst
	}
	first := counted.Begin.Index + counted.Find.First
	at := counted.Begin.Index + counted.Find.KeyNum
	if at >= len(args) || first > len(args) {
		return dst
	}
	count := int(leadingInt(args[at]))
	if count < 1 || count > (len(args)-first)/counted.Find.Step {
		return dst
	}
	for i := range count {
		dst = append(dst, KeyPos{Pos: first + i*counted.Find.Step})
	}
	if store > 0 {
		dst = append(dst, KeyPos{Pos: store})
	}
	return dst
}

// leadingInt reads a decimal number at the beginning of b, after white space,
// and ignores what follows, as C's atoi does; it keeps 32 bits of 64.
func leadingInt(b []byte) int32 {
	i := 0
	for i < len(b) && (b[i] == ' ' || ('\t' <= b[i] && b[i] <= '\r')) {
		i++
	}
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	v := int64(0)
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		digit := int64(b[i] - '0')
		if v > (math.MaxInt64-digit)/10 {
			if negative {
				return 0 // the low half of the least 64-bit number
			}
			return -1 // the low half of the greatest
		}
		v = v*10 + digit
	}
	if negative {
		v = -v
	}
	return int32(v)
}

// sameWord compares without case; keyword is as a row writes it, in any case.
func sameWord(word []byte, keyword string) bool {
	if len(word) != len(keyword) {
		return false
	}
	for i := range word {
		if lowerByte(word[i]) != lowerByte(keyword[i]) {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
