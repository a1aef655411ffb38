package conformance

import (
	"reflect"
	"strings"
	"testing"
)

func words(t *testing.T, line string, vars map[string]string) []string {
	t.Helper()
	toks, err := tokenize(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var out []string
	for _, tok := range toks {
		w, err := expand(tok, vars)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, w...)
	}
	return out
}

func TestTokenize(t *testing.T) {
	for line, want := range map[string][]string{
		`SET k v`:                    {"SET", "k", "v"},
		"  SET \t k  ":               {"SET", "k"},
		`SET "" "a b"`:               {"SET", "", "a b"},
		`SET "\x00\xff\r\n\t\"\\"`:   {"SET", "\x00\xff\r\n\t\"\\"},
		`SET 'it\'s' 'a\n'`:          {"SET", "it's", `a\n`},
		`SET %rep(ab,3) x`:           {"SET", "ababab", "x"},
		`SET %rep(a b,2)`:            {"SET", "a ba b"},
		`DEL %seq(k,9,11)`:           {"DEL", "k9", "k10", "k11"},
		`MSET %pairs(k,v,1,2)`:       {"MSET", "k1", "v1", "k2", "v2"},
		`SET "%rep(a,3)" $none 100%`: {"SET", "%rep(a,3)", "$none", "100%"},
		`EVALSHA $sha "$sha"`:        {"EVALSHA", "caught", "$sha"},
	} {
		if got := words(t, line, map[string]string{"sha": "caught"}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestTokenizeRefuses(t *testing.T) {
	for _, line := range []string{`SET "a`, `SET 'a`, `SET "a"b`, `SET "\x1"`, `SET "\xzz"`} {
		if toks, err := tokenize(line); err == nil {
			t.Errorf("%s: got %v", line, toks)
		}
	}
	for _, macro := range []string{"%rep(a)", "%rep(a,-1)", "%rep(a,99999999999)", "%seq(a,2,1)", "%seq(a,b,c)", "%pairs(a,1,2)"} {
		if got, err := expand(token{text: macro}, nil); err == nil {
			t.Errorf("%s: got %d words", macro, len(got))
		}
	}
}

func TestParseFileRefuses(t *testing.T) {
	for src, part := range map[string]string{
		"GET k":                         "before the first case",
		"=== a\nGET k\n=== a\nGET k":    "a second case",
		"=== a\nget k":                  "unknown directive",
		"=== a\nmask":                   "command is missing",
		"=== a\nread 2 GET":             "one too many",
		"=== a\nread two":               "invalid syntax",
		"=== a\n@0 GET k":               "bad connection",
		"=== a\nresp 4":                 "resp",
		"=== a\nnear 5 GET k":           "near takes",
		"=== a\ngrep \"(\" GET k":       "missing closing",
		"=== a\nGET k\nresp 3":          "unknown directive",
		"=== a\nsleep long":             "invalid duration",
		"=== a\nSET \"k":                "unbalanced quotes",
		"=== a\nrepeat many GET k":      "invalid syntax",
		"=== a\nunordered":              "command is missing",
		"=== a\n@2 unordered nothing k": "unknown directive",
	} {
		if _, err := parseFile("g/x.case", src); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: got %v, want %q", src, err, part)
		}
	}
}

func TestParseFile(t *testing.T) {
	f, err := parseFile("dir/group/name.case", "# about\n=== one\nresp 2\nneeds SORT Get\n@2 unordered SMEMBERS s\n\n=== two\n\"get\" k\n")
	if err != nil {
		t.Fatal(err)
	}
	if f.Group != "group" || f.Name != "name" || len(f.Cases) != 2 {
		t.Fatalf("got %+v", f)
	}
	one, two := f.Cases[0], f.Cases[1]
	if !reflect.DeepEqual(one.Resp, []int{2}) || !reflect.DeepEqual(one.Needs, []string{"sort", "get"}) {
		t.Errorf("case one: %+v", one)
	}
	if st := one.Steps[0]; st.Client != 2 || !st.Shape.unordered || st.Line != 5 || st.Args[0].text != "SMEMBERS" {
		t.Errorf("step: %+v", st)
	}
	if !reflect.DeepEqual(two.Resp, []int{2, 3}) || two.Steps[0].Args[0].text != "get" {
		t.Errorf("case two: %+v", two)
	}
}
