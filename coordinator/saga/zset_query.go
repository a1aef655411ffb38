package saga

import (
	"math"
	"slices"

	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// zsetOp is how ZUNION and the commands of its kind combine their inputs.
type zsetOp int

const (
	zsetUnion zsetOp = iota
	zsetInter
	zsetDiff
)

// zsetQuery is what one of these commands asks for:
// [destination] numkeys key… [WEIGHTS …] [AGGREGATE …] [WITHSCORES] [LIMIT n].
type zsetQuery struct {
	op        zsetOp
	numkeysAt int  // 2 where a destination comes before
	card      bool // the number of elements is wanted, not they

	inputs     []zsetInput
	aggregate  func(a, b float64) float64
	withScores bool
	limit      int64 // of card; 0: none
}

// zsetInput is a sorted set, or a set whose members all score 1.
type zsetInput struct {
	key    []byte
	size   int64
	plain  bool // a set
	weight float64
}

func (q *zsetQuery) stores() bool { return q.numkeysAt == 2 }

const (
	errWeight     reply.Error = "ERR weight value is not a float"
	errLimitBelow reply.Error = "ERR LIMIT can't be negative"
)

func errNoInput(name string) reply.Error {
	return reply.Error("ERR at least 1 input key is needed for '" + name + "' command")
}

// parse reads the arguments in Redis's order: the inputs' types are looked at
// before the options. It writes the first error.
func (q *zsetQuery) parse(t *Tx) (ok bool) {
	n, ok := num.ParseInt(t.Args[q.numkeysAt])
	first := q.numkeysAt + 1
	switch {
	case !ok:
		t.Out.Error(reply.ErrNotInteger)
		return false
	case n < 1:
		t.Out.Error(errNoInput(t.Cmd.FullName))
		return false
	case n > int64(len(t.Args)-first):
		t.Out.Error(reply.ErrSyntax)
		return false
	}
	q.inputs = make([]zsetInput, n)
	for i := range q.inputs {
		q.inputs[i] = zsetInput{key: t.Args[first+i], weight: 1}
	}
	if !q.measure(t) {
		return false
	}
	q.aggregate = zsetSum
	for i := first + int(n); i < len(t.Args); {
		used, refusal := q.option(t.Args[i:])
		if refusal != "" {
			t.Out.Error(refusal)
			return false
		}
		i += used
	}
	return true
}

// option reads the option at words[0] and tells how many words it takes.
func (q *zsetQuery) option(words [][]byte) (used int, refusal reply.Error) {
	combines := q.op != zsetDiff && !q.card
	switch {
	case combines && len(words) > len(q.inputs) && engine.IsWord(words[0], "WEIGHTS"):
		for i := range q.inputs {
			var ok bool
			if q.inputs[i].weight, ok = num.ParseFloat(words[1+i]); !ok {
				return 0, errWeight
			}
		}
		return 1 + len(q.inputs), ""
	case combines && len(words) > 1 && engine.IsWord(words[0], "AGGREGATE"):
		q.aggregate = zsetAggregate(words[1])
		if q.aggregate == nil {
			return 0, reply.ErrSyntax
		}
		return 2, ""
	case !q.stores() && !q.card && engine.IsWord(words[0], "WITHSCORES"):
		q.withScores = true
		return 1, ""
	case q.card && len(words) > 1 && engine.IsWord(words[0], "LIMIT"):
		var ok bool
		if q.limit, ok = num.ParseInt(words[1]); !ok || q.limit < 0 {
			return 0, errLimitBelow
		}
		return 2, ""
	}
	return 0, reply.ErrSyntax
}

func zsetAggregate(word []byte) func(a, b float64) float64 {
	switch {
	case engine.IsWord(word, "SUM"):
		return zsetSum
	case engine.IsWord(word, "MIN"):
		return zsetMin
	case engine.IsWord(word, "MAX"):
		return zsetMax
	}
	return nil
}

// zsetSum calls the sum of both infinities 0.
func zsetSum(a, b float64) float64 {
	if sum := a + b; !math.IsNaN(sum) {
		return sum
	}
	return 0
}

// zsetMin and zsetMax keep a where b is not a number, and of two zeros a.
func zsetMin(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func zsetMax(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// measure learns what the inputs are, and writes the error if one is no set.
func (q *zsetQuery) measure(t *Tx) (ok bool) {
	cmd := t.Find("zcard")
	steps := t.Steps(len(q.inputs))
	words := make([][]byte, 2*len(steps))
	for i := range steps {
		args := words[2*i : 2*i+2]
		args[0], args[1] = zcardName, q.inputs[i].key
		steps[i] = Step{Cmd: cmd, Args: args, Key: 1}
	}
	t.Do(steps)
	for i := range steps {
		in := &q.inputs[i]
		v, _ := reply.Parse(steps[i].Reply)
		if v.IsError() {
			in.plain = true
			if v, _ = reply.Parse(t.Ask(t.Find("scard"), scardName, in.key)); v.IsError() {
				t.Out.Error(reply.Error(v.Bulk))
				return false
			}
		}
		in.size = v.Int
	}
	return true
}

// sortInputs puts the smallest first, as the cheapest to begin with.
func (q *zsetQuery) sortInputs() {
	slices.SortStableFunc(q.inputs, func(a, b zsetInput) int {
		switch {
		case a.size < b.size:
			return -1
		case a.size > b.size:
			return 1
		}
		return 0
	})
}

// The names of steps as their own first argument.
var (
	zcardName = []byte("ZCARD")
	scardName = []byte("SCARD")
)
