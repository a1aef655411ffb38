package conformance

import (
	"regexp"
	"testing"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

func bulk(s string) wire.Value { return wire.Value{Kind: wire.Bulk, Text: []byte(s)} }

func number(s string) wire.Value { return wire.Value{Kind: wire.Int, Text: []byte(s)} }

func aggregate(kind byte, elems ...wire.Value) wire.Value {
	return wire.Value{Kind: kind, Elems: elems}
}

func TestShapes(t *testing.T) {
	abc := aggregate(wire.Array, bulk("c"), bulk("a"), bulk("b"))
	flat := aggregate(wire.Array, bulk("f2"), bulk("a"), bulk("f1"), bulk("z"))
	scores := aggregate(wire.Array, aggregate(wire.Array, bulk("m2"), number("1")), aggregate(wire.Array, bulk("m1"), number("2")))
	failure := wire.Value{Kind: wire.Error, Text: []byte("ERR at 12")}
	null := wire.Value{Kind: wire.Array, Nil: true}
	digits := regexp.MustCompile(`[0-9]+`)
	for name, c := range map[string]struct {
		shape shape
		in    wire.Value
		want  string
	}{
		"plain":                   {shape{}, abc, `*3 ["c" "a" "b"]`},
		"unordered":               {shape{unordered: true}, abc, `*3 ["a" "b" "c"]`},
		"unordered map":           {shape{unordered: true}, aggregate(wire.Map, flat.Elems...), `%2 ["f1" "z" "f2" "a"]`},
		"pairs":                   {shape{pairs: true}, flat, `*4 ["f1" "z" "f2" "a"]`},
		"pairs of arrays":         {shape{pairs: true}, scores, "*2\n  *2 [\"m1\" :2]\n  *2 [\"m2\" :1]"},
		"pairs null":              {shape{pairs: true}, null, "*-1"},
		"mask":                    {shape{mask: true}, aggregate(wire.Array, bulk("x"), number("5"), null), `*3 ["*" :* *-1]`},
		"mask keeps errors":       {shape{mask: true}, failure, "-ERR at 12"},
		"hide in errors":          {shape{hide: digits}, failure, "-ERR at *"},
		"size of array":           {shape{size: true}, abc, "* of 3"},
		"size of string":          {shape{size: true}, bulk("four"), "$ of 4 bytes"},
		"near":                    {shape{near: 100, slack: 2}, number("98"), ":~100"},
		"near above":              {shape{near: 100, slack: 2}, number("101"), ":101"},
		"near below":              {shape{near: 100, slack: 2}, number("97"), ":97"},
		"grep":                    {shape{grep: digits}, bulk("b 22 a 1 22"), "$matches\n  \"1\"\n  \"22\""},
		"grep verbatim":           {shape{grep: regexp.MustCompile(`(?m)^#`)}, wire.Value{Kind: wire.Verbatim, Text: []byte("txt:# x")}, "=matches\n  \"#\""},
		"shaping keeps the value": {shape{}, abc, `*3 ["c" "a" "b"]`},
	} {
		if got := c.shape.show(c.in); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
