package str

import (
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

// ~lcs <key> <text> [LCS's options] is LCS, with the second string given.
var lcsStepRow = command.Row{
	Name: "~lcs", Group: command.GroupString, Arity: -3,
	Flags: command.ReadOnly | command.Internal,
	Keys:  command.Key1(command.RO | command.Access),
	Route: command.RouteSingle,
}

// The error texts of LCS.
const (
	errLCSType   reply.Error = "ERR The specified keys must contain string values"
	errLCSBoth   reply.Error = "ERR If you want both the length and indexes, please just use IDX."
	errLCSLong   reply.Error = "ERR String too long for LCS"
	errLCSMemory reply.Error = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
)

// lcsOptions are LCS's words.
type lcsOptions struct {
	length, index, matchLen bool
	minMatch                int64
}

// lcsMatch is a part that both strings have: n bytes from a and b on.
type lcsMatch struct{ a, b, n int }

func lcs(c *engine.Ctx) {
	r := c.Find()
	if r != 0 && c.KS.Kind(r) != keyspace.String {
		c.Out.Error(errLCSType)
		return
	}
	o, ok := parseLCS(c)
	if !ok {
		return
	}
	var scratch [maxIntText]byte
	var a []byte
	if r != 0 {
		a = c.StringBytes(r, &scratch)
	}
	b := c.Args[2]
	if len(a) >= math.MaxUint32-1 || len(b) >= math.MaxUint32-1 {
		c.Out.Error(errLCSLong)
		return
	}
	// Redis's table has 4 bytes a cell; ours is smaller, but the limit is kept.
	if cells := uint64(len(a)+1) * uint64(len(b)+1); cells > uint64(c.Cfg.MaxBulkLen)/4 {
		c.Out.Error(errLCSMemory)
		return
	}
	length, turns := lcsTable(a, b)
	switch {
	case o.index:
		writeMatches(c, lcsMatches(a, b, turns), length, &o)
	case o.length:
		c.Out.Int(int64(length))
	default:
		c.Out.Bulk(lcsText(a, lcsMatches(a, b, turns), length))
	}
}

func parseLCS(c *engine.Ctx) (o lcsOptions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "IDX"):
			o.index = true
		case c.Is(i, "LEN"):
			o.length = true
		case c.Is(i, "WITHMATCHLEN"):
			o.matchLen = true
		case c.Is(i, "MINMATCHLEN") && i+1 < len(c.Args):
			i++
			if o.minMatch, ok = num.ParseInt(c.Args[i]); !ok {
				c.Out.Error(reply.ErrNotInteger)
				return o, false
			}
		default:
			c.Out.Error(reply.ErrSyntax)
			return o, false
		}
	}
	if o.length && o.index {
		c.Out.Error(errLCSBoth)
		return o, false
	}
	return o, true
}

// lcsTurns tells for each pair of prefixes, one bit a pair, whether the walk
// back from it shortens the first string: the other prefix pair is no longer.
type lcsTurns struct {
	bits  []uint64
	width int
}

func (t *lcsTurns) set(i, j int) {
	at := i*t.width + j
	t.bits[at/64] |= 1 << (at % 64)
}

func (t *lcsTurns) has(i, j int) bool {
	at := i*t.width + j
	return t.bits[at/64]>>(at%64)&1 != 0
}

// lcsTable returns the length of the longest common subsequence and the way to it.
func lcsTable(a, b []byte) (length int, turns *lcsTurns) {
	turns = &lcsTurns{bits: make([]uint64, (len(a)*len(b)+63)/64), width: len(b)}
	above, row := make([]uint32, len(b)+1), make([]uint32, len(b)+1)
	for i, x := range a {
		for j, y := range b {
			switch {
			case x == y:
				row[j+1] = above[j] + 1
			case above[j+1] > row[j]:
				row[j+1] = above[j+1]
				turns.set(i, j)
			default:
				row[j+1] = row[j]
			}
		}
		above, row = row, above
	}
	return int(above[len(b)]), turns
}

// lcsMatches walks back from the ends and returns the common parts, last first.
func lcsMatches(a, b []byte, turns *lcsTurns) (matches []lcsMatch) {
	i, j := len(a), len(b)
	run := lcsMatch{}
	for i > 0 && j > 0 {
		if a[i-1] == b[j-1] {
			i, j = i-1, j-1
			run = lcsMatch{i, j, run.n + 1}
			continue
		}
		if run.n > 0 {
			matches = append(matches, run)
			run = lcsMatch{}
		}
		if turns.has(i-1, j-1) {
			i--
		} else {
			j--
		}
	}
	if run.n > 0 {
		matches = append(matches, run)
	}
	return matches
}

func lcsText(a []byte, matches []lcsMatch, length int) []byte {
	text := make([]byte, 0, length)
	for i := len(matches) - 1; i >= 0; i-- {
		m := &matches[i]
		text = append(text, a[m.a:m.a+m.n]...)
	}
	return text
}

func writeMatches(c *engine.Ctx, matches []lcsMatch, length int, o *lcsOptions) {
	long := matches[:0]
	for _, m := range matches {
		if int64(m.n) >= o.minMatch {
			long = append(long, m)
		}
	}
	c.Out.Map(2)
	c.Out.BulkString("matches")
	c.Out.Array(len(long))
	for _, m := range long {
		if o.matchLen {
			c.Out.Array(3)
		} else {
			c.Out.Array(2)
		}
		for _, from := range []int{m.a, m.b} {
			c.Out.Array(2)
			c.Out.Int(int64(from))
			c.Out.Int(int64(from + m.n - 1))
		}
		if o.matchLen {
			c.Out.Int(int64(m.n))
		}
	}
	c.Out.BulkString("len")
	c.Out.Int(int64(length))
}
