package saga

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/zset"
)

// zsetElement is an element of an outcome in the making. The member is a view
// into a step's reply.
type zsetElement struct {
	member []byte
	score  float64
	input  int // which it is from
}

// zsetAlgebra is ZUNION, ZINTER, ZDIFF, and their STORE and CARD forms.
func zsetAlgebra(t *Tx, q zsetQuery) {
	if !q.parse(t) {
		return
	}
	if q.op != zsetDiff {
		q.sortInputs()
	}
	var elements []zsetElement
	switch q.op {
	case zsetUnion:
		elements = q.union(t)
	case zsetInter:
		elements = q.inter(t)
	case zsetDiff:
		elements = q.diff(t)
	}
	if q.card {
		n := int64(len(elements))
		if q.limit > 0 {
			n = min(n, q.limit)
		}
		t.Out.Int(n)
		return
	}
	slices.SortFunc(elements, func(a, b zsetElement) int {
		if c := cmp.Compare(a.score, b.score); c != 0 {
			return c
		}
		return bytes.Compare(a.member, b.member)
	})
	if q.stores() {
		storeZset(t, t.Args[1], t.Cmd.Name, elements)
		return
	}
	writeZset(t.Out, elements, q.withScores)
}

// writeZset replies with elements; with scores a flat array in RESP2 and pairs
// in RESP3.
func writeZset(out *reply.Writer, elements []zsetElement, withScores bool) {
	pairs := withScores && out.Resp3()
	n := len(elements)
	if withScores && !pairs {
		n *= 2
	}
	out.Array(n)
	for i := range elements {
		if pairs {
			out.Array(2)
		}
		out.Bulk(elements[i].member)
		if withScores {
			out.Double(elements[i].score)
		}
	}
}

// storeZset makes key a sorted set of elements, which are in order and differ,
// and replies with their number.
func storeZset(t *Tx, key []byte, event string, elements []zsetElement) {
	args := make([][]byte, 0, 3+2*len(elements))
	args = append(args, zstoreName, key, []byte(event))
	scores := make([]byte, 0, zset.ScoreBytes*len(elements))
	for i := range elements {
		from := len(scores)
		scores = zset.AppendScore(scores, elements[i].score)
		args = append(args, elements[i].member, scores[from:])
	}
	steps := t.Steps(1)
	steps[0] = Step{Cmd: t.Find("~zstore"), Args: args, Key: 1}
	t.Into(steps)
}

// readAll returns the replies of steps that read inputs whole.
func (q *zsetQuery) readAll(t *Tx, inputs []zsetInput) [][]byte {
	steps := t.Steps(len(inputs))
	for i := range inputs {
		cmd, name := t.Find("~zentries"), zentriesName
		if inputs[i].plain {
			cmd, name = t.Find("smembers"), smembersName
		}
		steps[i] = Step{Cmd: cmd, Args: [][]byte{name, inputs[i].key}, Key: 1}
	}
	return repliesOf(t, steps)
}

func (q *zsetQuery) read(t *Tx, in *zsetInput) []byte {
	return q.readAll(t, []zsetInput{*in})[0]
}

// lookUp returns the replies of steps that ask each of inputs for all elements.
func (q *zsetQuery) lookUp(t *Tx, inputs []zsetInput, elements []zsetElement) [][]byte {
	steps := t.Steps(len(inputs))
	for i := range inputs {
		cmd, name := t.Find("~zscores"), zscoresName
		if inputs[i].plain {
			cmd, name = t.Find("smismember"), smismemberName
		}
		args := make([][]byte, 0, 2+len(elements))
		args = append(args, name, inputs[i].key)
		for j := range elements {
			args = append(args, elements[j].member)
		}
		steps[i] = Step{Cmd: cmd, Args: args, Key: 1}
	}
	return repliesOf(t, steps)
}

func repliesOf(t *Tx, steps []Step) [][]byte {
	t.Do(steps)
	replies := make([][]byte, len(steps))
	for i := range steps {
		replies[i] = steps[i].Reply
	}
	return replies
}

// appendElements appends what a step of readAll has read, weighted.
func (in *zsetInput) appendElements(dst []zsetElement, b []byte, input int) []zsetElement {
	head, rest := reply.Parse(b)
	n := head.Len
	if !in.plain {
		n /= 2
	}
	dst = slices.Grow(dst, n)
	for range n {
		var member reply.Value
		member, rest = reply.Parse(rest)
		score := 1.0
		if !in.plain {
			var v reply.Value
			v, rest = reply.Parse(rest)
			score = zset.ScoreOf(v.Bulk)
		}
		if score *= in.weight; math.IsNaN(score) {
			score = 0
		}
		dst = append(dst, zsetElement{member.Bulk, score, input})
	}
	return dst
}

// eachScore calls f with what a step of lookUp says of each element.
func (in *zsetInput) eachScore(b []byte, f func(at int, score float64, found bool)) {
	head, rest := reply.Parse(b)
	for at := range head.Len {
		var v reply.Value
		v, rest = reply.Parse(rest)
		switch {
		case in.plain:
			f(at, 1, v.Int == 1)
		case v.Null():
			f(at, 0, false)
		default:
			f(at, zset.ScoreOf(v.Bulk), true)
		}
	}
}

// The names of steps as their own first argument.
var (
	zentriesName   = []byte("~zentries")
	zscoresName    = []byte("~zscores")
	zstoreName     = []byte("~zstore")
	smembersName   = []byte("SMEMBERS")
	smismemberName = []byte("SMISMEMBER")
)
