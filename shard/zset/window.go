package zset

import "github.com/troupedb/troupe/shard/data/listpack"

// Window is the N elements of a sorted set from rank First on.
type Window struct{ First, N int }

// ranks returns the window between two ranks, both included, as clients give
// them: negative ones count from the end. With reverse they count from the
// greatest element down.
func (z *ZSet) ranks(start, stop int64, reverse bool) Window {
	n := int64(z.Len())
	if start < 0 {
		start = max(start+n, 0)
	}
	if stop < 0 {
		stop += n
	}
	stop = min(stop, n-1)
	if start > stop {
		return Window{}
	}
	w := Window{First: int(start), N: int(stop - start + 1)}
	if reverse {
		w.First = int(n - 1 - stop)
	}
	return w
}

// limit returns what is left of w, walked from its first element or with reverse
// from its last, after offset elements were passed over: count of them, or all
// if count is negative. Nothing is left after a negative offset.
func (w Window) limit(offset, count int64, reverse bool) Window {
	if offset < 0 || offset >= int64(w.N) {
		return Window{}
	}
	left := int64(w.N) - offset
	if count < 0 || count > left {
		count = left
	}
	if reverse {
		return Window{First: w.First + int(left-count), N: int(count)}
	}
	return Window{First: w.First + int(offset), N: int(count)}
}

// walker goes over the elements of a window:
//
//	for at := z.walk(w, reverse); at.left > 0; at.advance() { … }
type walker struct {
	Cursor
	left    int
	reverse bool
}

// walk begins at the first element of a window, or with reverse at its last.
func (z *ZSet) walk(w Window, reverse bool) walker {
	rank := w.First
	if reverse {
		rank += w.N - 1
	}
	return walker{Cursor: z.At(rank), left: w.N, reverse: reverse}
}

func (w *walker) advance() {
	w.left--
	if w.reverse {
		w.Prev()
	} else {
		w.Next()
	}
}

// between returns the window of elements from rank first up to end.
func between(first, end int) Window {
	if first >= end {
		return Window{}
	}
	return Window{first, end - first}
}

// scores returns the window of the scores in r.
func (z *ZSet) scores(r *scoreRange) Window {
	if l := z.large; l != nil {
		return between(l.ranks.RankScore(r.min, r.minOpen), l.ranks.RankScore(r.max, !r.maxOpen))
	}
	first, end := 0, 0
	for off := z.pack.First(); off != listpack.None; off = packNext(z.pack, off) {
		score := packScore(z.pack, off)
		if !r.belowMax(score) {
			break
		}
		if end++; !r.aboveMin(score) {
			first++
		}
	}
	return between(first, end)
}

// strings returns the window of the members in r. That is meant for sets whose
// scores are all equal; of others a small set gives what Redis gives: all up to the
// first that is out of range on the far side, walked from the first that is
// within on the near side, which with reverse is the greater end.
func (z *ZSet) strings(r *lexRange, reverse bool) Window {
	if r.empty() {
		return Window{}
	}
	if z.large != nil {
		return between(z.large.rankOf(&r.min, r.min.open), z.large.rankOf(&r.max, !r.max.open))
	}
	last := z.At(z.Len() - 1)
	cur := z.At(0)
	if !cur.Valid() || !r.aboveMin(last.Member()) || !r.belowMax(cur.Member()) {
		return Window{}
	}
	if reverse {
		return z.stringsDown(r, &last)
	}
	first := 0
	for ; cur.Valid() && !r.aboveMin(cur.Member()); cur.Next() {
		first++
	}
	end := first
	for ; cur.Valid() && r.belowMax(cur.Member()); cur.Next() {
		end++
	}
	return between(first, end)
}

// stringsDown is strings from the last element down.
func (z *ZSet) stringsDown(r *lexRange, cur *Cursor) Window {
	end := z.Len()
	for ; cur.Valid() && !r.belowMax(cur.Member()); cur.Prev() {
		end--
	}
	first := end
	for ; cur.Valid() && r.aboveMin(cur.Member()); cur.Prev() {
		first--
	}
	return between(first, end)
}
