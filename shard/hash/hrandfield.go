package hash

import (
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/sample"
)

var hrandfieldRow = command.Row{
	Name:       "hrandfield",
	Group:      command.GroupHash,
	Since:      "6.2.0",
	Summary:    "Random fields of a hash",
	Complexity: "O(N), N the fields returned",
	Arity:      -2,
	Flags:      command.ReadOnly,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "options", Type: command.ArgBlock, Optional: true, Args: []command.Arg{
			{Name: "count", Type: command.ArgInteger},
			{Name: "withvalues", Type: command.ArgPureToken, Token: "WITHVALUES", Optional: true},
		}},
	},
}

func hrandfield(c *engine.Ctx) {
	if len(c.Args) > 2 {
		hrandfieldCount(c)
		return
	}
	h, r, ok := engine.Object[*Hash](c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Null()
		return
	}
	field, _ := h.random(c.Rand.Intn, c.Rand.Uint64)
	write(c, field)
}

func hrandfieldCount(c *engine.Ctx) {
	n, distinct, ok := sample.Count(c, 2)
	if !ok {
		return
	}
	w := fieldWriter{c: c, values: len(c.Args) == 4 && c.Is(3, "WITHVALUES")}
	if len(c.Args) > 3 && !w.values || len(c.Args) > 4 {
		c.Out.Error(reply.ErrSyntax)
		return
	}
	if w.values && n > math.MaxInt64/2 {
		c.Out.Error(reply.ErrOutOfRange)
		return
	}
	h, r, ok := engine.Object[*Hash](c)
	switch {
	case !ok:
	case r == 0 || n == 0:
		c.Out.Array(0)
	case !distinct:
		h.writeDraws(&w, n)
	case n >= int64(h.Len()):
		w.header(h.Len())
		h.Each(func(field, value Value) bool {
			w.pair(field, value)
			return true
		})
	default:
		h.writeDistinct(&w, int(n))
	}
}

// fieldWriter writes the fields of a reply, with their values if asked for.
type fieldWriter struct {
	c      *engine.Ctx
	values bool
}

// header announces n fields: with values, n pairs in RESP3, else one flat array.
func (w *fieldWriter) header(n int) {
	if w.values && !w.c.Out.Resp3() {
		n *= 2
	}
	w.c.Out.Array(n)
}

func (w *fieldWriter) pair(field, value Value) {
	if w.values && w.c.Out.Resp3() {
		w.c.Out.Array(2)
	}
	write(w.c, field)
	if w.values {
		write(w.c, value)
	}
}

// random returns a field and its value, each equally likely, drawn with the
// methods of the engine's generator.
func (h *Hash) random(intn func(int) int, next func() uint64) (field, value Value) {
	if h.table != nil {
		return h.record(h.table.Random(next))
	}
	off := h.pack.Seek(2 * intn(h.Len()))
	return h.pack.Get(off), h.pack.Get(h.pack.Next(off))
}

// writeDraws writes n fields with repetition.
func (h *Hash) writeDraws(w *fieldWriter, n int64) {
	l, ok := sample.Start(w.c, n)
	if !ok {
		return
	}
	intn, next := w.c.Rand.Intn, w.c.Rand.Uint64
	w.header(int(n))
	for l.Next() {
		w.pair(h.random(intn, next))
	}
}

// writeDistinct writes n different fields, fewer than there are.
func (h *Hash) writeDistinct(w *fieldWriter, n int) {
	w.header(n)
	if h.table != nil && sample.Few(n, h.Len()) {
		next := w.c.Rand.Uint64
		drawn := make(map[data.Ref]bool, n) // asked only, never walked over
		for len(drawn) < n {
			if r := h.table.Random(next); !drawn[r] {
				drawn[r] = true
				w.pair(h.record(r))
			}
		}
		return
	}
	chooser := sample.Choose(w.c.Rand, n, h.Len())
	h.Each(func(field, value Value) bool {
		if chooser.Take() {
			w.pair(field, value)
		}
		return true
	})
}
