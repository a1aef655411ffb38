package zset

import (
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// rangeBy is what a range query's bounds are.
type rangeBy int

const (
	byRank rangeBy = iota
	byScore
	byLex
)

// rangeQuery is what ZRANGE and the commands of its kind ask for, which take
// [key, bound, bound, options…].
type rangeQuery struct {
	by         rangeBy
	reverse    bool
	fixed      bool // by and reverse are the command's own, not options
	store      bool // for ZRANGESTORE
	withScores bool

	chosen        bool // by was an option
	offset, count int64
	start, stop   int64
	scores        scoreRange
	members       lexRange
}

const (
	errLimitByRank reply.Error = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
	errScoresByLex reply.Error = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
)

// parse reads the arguments, or writes the error.
func (q *rangeQuery) parse(c *engine.Ctx) (ok bool) {
	q.count = -1
	for i := 4; i < len(c.Args); i++ {
		switch {
		case !q.store && c.Is(i, "WITHSCORES"):
			q.withScores = true
		case c.Is(i, "LIMIT") && i+2 < len(c.Args):
			if q.offset, ok = c.Int(i + 1); !ok {
				return false
			}
			if q.count, ok = c.Int(i + 2); !ok {
				return false
			}
			i += 2
		case q.fixed || !q.option(c, i):
			c.Out.Error(reply.ErrSyntax)
			return false
		}
	}
	if q.count != -1 && q.by == byRank {
		c.Out.Error(errLimitByRank)
		return false
	}
	if q.withScores && q.by == byLex {
		c.Out.Error(errScoresByLex)
		return false
	}
	return q.parseBounds(c)
}

// option takes what only ZRANGE and ZRANGESTORE know: REV, and one of BYSCORE and
// BYLEX.
func (q *rangeQuery) option(c *engine.Ctx, i int) bool {
	switch {
	case c.Is(i, "REV") && !q.reverse:
		q.reverse = true
	case c.Is(i, "BYLEX") && !q.chosen:
		q.by, q.chosen = byLex, true
	case c.Is(i, "BYSCORE") && !q.chosen:
		q.by, q.chosen = byScore, true
	default:
		return false
	}
	return true
}

func (q *rangeQuery) parseBounds(c *engine.Ctx) (ok bool) {
	low, high := 2, 3
	if q.reverse && q.by != byRank {
		low, high = high, low
	}
	switch q.by {
	case byScore:
		if q.scores, ok = parseScoreRange(c.Args[low], c.Args[high]); !ok {
			c.Out.Error(reply.ErrMinMaxFloat)
		}
	case byLex:
		if q.members, ok = parseLexRange(c.Args[low], c.Args[high]); !ok {
			c.Out.Error(reply.ErrMinMaxLex)
		}
	default:
		if q.start, ok = c.Int(low); ok {
			q.stop, ok = c.Int(high)
		}
	}
	return ok
}

// window returns what the query selects of z.
func (q *rangeQuery) window(z *ZSet) Window {
	switch q.by {
	case byScore:
		return z.scores(&q.scores).limit(q.offset, q.count, q.reverse)
	case byLex:
		return z.strings(&q.members, q.reverse).limit(q.offset, q.count, q.reverse)
	}
	return z.ranks(q.start, q.stop, q.reverse)
}

// writeRange answers a range query.
func writeRange(c *engine.Ctx, q rangeQuery) {
	if !q.parse(c) {
		return
	}
	z, r, ok := engine.Object[*ZSet](c)
	switch {
	case !ok:
	case r == 0:
		c.Out.Array(0)
	default:
		writeWindow(c, z, q.window(z), q.reverse, q.withScores)
	}
}
