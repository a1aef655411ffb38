package sample

import (
	"math"

	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

const (
	// MaxDraws bounds a negative count: about a second of the shard's time.
	MaxDraws = 1 << 24
	// MaxBytes bounds the reply to a negative count, which is built whole and
	// which repetition may make larger than the data: Redis's limit of one bulk.
	MaxBytes = 512 << 20
	// drawFactor: when fewer than one in drawFactor elements are wanted, drawing
	// until they are distinct costs less than a walk over all.
	drawFactor = 3
)

// errCountRange is the answer to a count whose negation would overflow.
const errCountRange reply.Error = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"

// Count reads argument i as a number of random elements, which are distinct
// unless it was negative, or writes the error.
func Count(c *engine.Ctx, i int) (n int64, distinct, ok bool) {
	n, ok = c.Int(i)
	switch {
	case !ok:
		return 0, false, false
	case n == math.MinInt64:
		c.Out.Error(errCountRange)
		return 0, false, false
	case n < 0:
		return -n, false, true
	}
	return n, true, true
}

// Limit counts down draws with repetition.
type Limit struct {
	out   *reply.Writer
	start int
	left  int64
}

// Start makes the Limit of n draws whose reply begins here, or writes the error.
func Start(c *engine.Ctx, n int64) (l Limit, ok bool) {
	if n > MaxDraws {
		c.Out.Error(reply.ErrOutOfRange)
		return l, false
	}
	return Limit{out: c.Out, start: len(c.Out.Buf), left: n}, true
}

// Next tells whether another element is to be drawn. Where the reply has become
// too large it is replaced by an error.
func (l *Limit) Next() bool {
	if len(l.out.Buf)-l.start > MaxBytes {
		l.out.Buf = l.out.Buf[:l.start]
		l.out.Error(reply.ErrOutOfRange)
		return false
	}
	l.left--
	return l.left >= 0
}

// Few tells whether n distinct elements of size are better drawn than chosen by
// a walk.
func Few(n, size int) bool { return n <= size/drawFactor }

// Chooser picks elements in one walk over a collection.
type Chooser struct {
	rand       *rng.Rand
	left, need int
}

// Choose returns the Chooser of n elements of size, n ≤ size.
func Choose(r *rng.Rand, n, size int) Chooser { return Chooser{rand: r, left: size, need: n} }

// Take tells whether the walk's next element is one of the chosen.
func (c *Chooser) Take() bool {
	if c.need == 0 {
		return false
	}
	taken := c.rand.Intn(c.left) < c.need
	c.left--
	if taken {
		c.need--
	}
	return taken
}
