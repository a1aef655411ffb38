package zset

import (
	"bytes"

	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/num"
)

// The small form: elements in order, each a member and then its score. Offsets
// are those of members.

// maxScoreText is the length of the longest score as text: a sign, 17 digits, a
// point, and an exponent with a sign and three digits.
const maxScoreText = 24

func packNext(p listpack.Pack, off int) int { return p.Next(p.Next(off)) }

func packScore(p listpack.Pack, off int) float64 { return scoreOf(p.Get(p.Next(off))) }

func scoreOf(v listpack.Value) float64 {
	if v.IsInt() {
		return float64(v.Int)
	}
	score, ok := num.ParseFloat(v.Str)
	if !ok {
		panic("zset: a score in a listpack is not a number")
	}
	return score
}

// appendScore appends the text under which a pack keeps a score. As in Redis it
// has no negative zero.
func appendScore(dst []byte, score float64) []byte {
	if score == 0 {
		return append(dst, '0')
	}
	return num.AppendDouble(dst, score)
}

// packAppend adds an element at the end.
func packAppend(p listpack.Pack, member []byte, score float64) listpack.Pack {
	var scratch [maxScoreText]byte
	return p.Append(member).Append(appendScore(scratch[:0], score))
}

// packInsert adds an element, whose member is not there, in its place.
func packInsert(p listpack.Pack, member []byte, score float64) listpack.Pack {
	off := p.First()
	if off == listpack.None || packCompare(p, p.Prev(p.Last()), score, member) < 0 {
		return packAppend(p, member, score) // rising insertion needs no search
	}
	for packCompare(p, off, score, member) < 0 {
		off = packNext(p, off)
	}
	var scratch [maxScoreText]byte
	return p.InsertBefore(off, member).InsertAfter(off, appendScore(scratch[:0], score))
}

// packCompare compares the element at off with another.
func packCompare(p listpack.Pack, off int, score float64, member []byte) int {
	switch s := packScore(p, off); {
	case s < score:
		return -1
	case s > score:
		return 1
	}
	var scratch [num.MaxIntLen]byte
	return bytes.Compare(textOf(p.Get(off), &scratch), member)
}

// textOf returns the text of a value, in scratch if it is an integer.
func textOf(v listpack.Value, scratch *[num.MaxIntLen]byte) []byte {
	if v.IsInt() {
		return num.AppendInt(scratch[:0], v.Int)
	}
	return v.Str
}

func packDelete(p listpack.Pack, off int) listpack.Pack { return p.Delete(off, 2) }
